/**
 * Who may see the console: it shows what functions are sent, answer and log.
 *
 * A browser on this machine can be made to ask for anything by any page: under its own name that leads here (DNS
 * rebinding: told by `Host`), or from its own origin (told by `Origin` and `Sec-Fetch-Site`). Other machines are told by
 * their address.
 */

/** What of a request decides. */
export interface Asking {
  /** IP address of the peer */
  readonly peer: string
  readonly host: string | null
  readonly origin: string | null
  /** `Sec-Fetch-Site`, which browsers send and pages cannot set */
  readonly site: string | null
}

export interface GuardOptions {
  /** peers on other machines may see it too */
  readonly anywhere: boolean
  /** the name of this machine */
  readonly machine: string
}

/** Why this request is refused, as a sentence for its sender; null if it is allowed. */
export function refusalOf(asking: Asking, { anywhere, machine }: GuardOptions): string | null {
  if (!anywhere && !isLoopback(asking.peer)) {
    return `the console is for this machine only, and ${asking.peer} is another one: --console-anywhere (AWS_LAMBDA_RIE_CONSOLE_ANYWHERE=on) opens it to all`
  }
  const { host, origin, site } = asking
  if (host !== null && !isOwnName(nameOf(host), machine)) {
    return `${JSON.stringify(host.slice(0, 100))} is no name of this machine: use localhost, an IP address or ${machine}`
  }
  // `none` is a person who typed the address
  const foreign =
    (site !== null && site !== 'same-origin' && site !== 'none') ||
    (origin !== null && host !== null && origin.replace(/^https?:\/\//, '') !== host)
  return foreign ? 'the console is read by its own page only' : null
}

/** IPv6 forms of IPv4 addresses included. */
export function isLoopback(peer: string): boolean {
  return /^(::ffff:)?127\./i.test(peer) || peer === '::1'
}

/** The host without its port, and without brackets, in lower case. */
function nameOf(host: string): string {
  const [, six] = /^\[([^\]]*)\](?::\d*)?$/.exec(host) ?? []
  return (six ?? host.replace(/:\d*$/, '')).toLowerCase()
}

/** A page can have a name of its own lead here, but not an IP address, nor these names. */
function isOwnName(name: string, machine: string): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === machine.toLowerCase() ||
    /^\d{1,3}(\.\d{1,3}){3}$/.test(name) ||
    name.includes(':')
  )
}
