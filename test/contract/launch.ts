/** Starts a subject: chooses its ports, lays out its files, waits until it listens. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import type { Subprocess } from 'bun'
import { killMarked, mark, Output, tempDir, until, within } from '../harness.ts'
import { Emulator } from './emulator.ts'
import { puppetFile } from './puppet.ts'
import type { Subject } from './subject.ts'
import { type Address, spell } from './wire.ts'

/** By path: the text of a script, true for a puppet, where a symbolic link leads, or `plainFile`. */
export type Layout = Readonly<Record<string, string | true | { readonly link: string }>>

export interface Options {
  /** before the command */
  readonly flags?: readonly string[]
  /** what runs as the runtime, by default a puppet; an empty list runs the program without a command */
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** files of the extensions' folder by name */
  readonly extensions?: Layout
  /** files under /opt and /var */
  readonly image?: Layout
  /** listen on these instead of on addresses that the harness chooses */
  readonly gateway?: string
  readonly api?: string
  /** gateway and Runtime API listen there, whatever the log says, or does not say */
  readonly listens?: readonly [gateway: string, api: string] | readonly string[] | undefined
  readonly cwd?: string
  /** the program is told no addresses, and listens on its own defaults or on what its environment says */
  readonly ownAddresses?: boolean
  /** words before the program, which have to end in running what follows them */
  readonly wrap?: readonly string[]
}

export interface Launched extends Disposable {
  readonly process: Subprocess<'ignore', 'pipe', 'pipe'>
  readonly stdout: Output
  readonly stderr: Output
  readonly mark: Record<string, string>
  /** where the puppets leave their traces */
  readonly folder: string
}

const gatewayFlag = '--runtime-interface-emulator-address'
const apiFlag = '--runtime-api-address'

/** Starts the program and waits for nothing. */
export function spawn(subject: Subject, options: Options): Launched {
  const temporary = tempDir()
  const folder = temporary.path
  const extensions = join(folder, 'extensions')
  const image = join(folder, 'image')
  lay(extensions, options.extensions)
  lay(image, options.image)
  const marks = mark()
  const ours = subject.name !== 'reference'
  const addresses = options.ownAddresses
    ? []
    : [gatewayFlag, options.gateway ?? '127.0.0.1:0', apiFlag, options.api ?? '127.0.0.1:0']
  const command = options.command ?? [puppetFile]
  const { wrap = [], flags = [] } = options
  const argv = [...wrap, ...subject.program, ...addresses, ...flags, ...command]
  const private_ = options.image !== undefined || (!ours && options.extensions !== undefined)
  const process_ = Bun.spawn(private_ ? ['unshare', '-m', 'sh', '-c', mounts, 'sh', folder, ...argv] : argv, {
    cwd: options.cwd ?? folder,
    env: {
      PATH: process.env.PATH,
      PUPPETS: folder,
      ...(ours ? { AWS_LAMBDA_RIE_EXTENSIONS_DIR: options.image ? '/opt/extensions' : extensions } : {}),
      ...marks,
      ...options.env,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  return {
    process: process_,
    stdout: new Output('stdout', process_.stdout),
    stderr: new Output('stderr', process_.stderr),
    mark: marks,
    folder,
    [Symbol.dispose]: () => temporary[Symbol.dispose](),
  }
}

/** In a mount namespace of its own: /opt and /var as the case wants them, nothing else changed. */
const mounts = `
  set -e
  mount -t tmpfs tmpfs /opt; mount -t tmpfs tmpfs /var
  mkdir -p "$1/image/opt" "$1/image/var" /opt/extensions
  cp -a "$1/image/opt/." /opt/; cp -a "$1/image/var/." /var/
  mount --bind "$1/extensions" /opt/extensions
  shift; exec "$@"`

/** Words before a program: a network of its own that has loopback alone, with IPv6 or without it. */
export const privateNetwork = (families: 'IPv4' | 'IPv4 and IPv6'): string[] => {
  const off = families === 'IPv4' ? 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6;' : ''
  return ['unshare', '-n', '-m', 'sh', '-ec', `${off} ip link set lo up; exec "$@"`, 'sh']
}

/** Whether this user may have such a network; if not, cases that need one cannot run. */
export const privateNetworks: boolean =
  Bun.which('unshare') !== null &&
  Bun.which('nsenter') !== null &&
  Bun.spawnSync([...privateNetwork('IPv4'), 'true'], { stderr: 'ignore' }).success

/** Whether this user may have such a namespace; if not, cases that need one cannot run. */
export const privateMounts: boolean =
  Bun.which('unshare') !== null &&
  Bun.spawnSync(['unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/opt'], { stderr: 'ignore' }).success

function lay(folder: string, files: Layout = {}): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    if (typeof text === 'object') {
      symlinkSync(text.link, path)
      continue
    }
    if (text === true) copyFileSync(puppetFile, path)
    else writeFileSync(path, text)
    chmodSync(path, text === plainFile ? 0o644 : 0o755)
  }
}

/** In a layout: a file that nobody may execute. */
export const plainFile = 'not a program\n'

/** Starts the program and waits until both listeners are open. */
export async function start(subject: Subject, options: Options): Promise<Emulator> {
  for (let attempt = 1; ; attempt++) {
    const ours = subject.name !== 'reference'
    const [door, side] = options.listens ?? []
    const gateway = options.gateway ?? door ?? `127.0.0.1:${ours ? 0 : await freePort()}`
    const api = options.api ?? side ?? `127.0.0.1:${ours ? 0 : await freePort()}`
    const launched = spawn(subject, { ...options, gateway, api })
    try {
      const published_ = ours && door === undefined
      const bound = published_
        ? await published(launched)
        : await reached(launched, door ?? gateway, side ?? api)
      return new Emulator(launched, bound.gateway, bound.api, bound.site)
    } catch (error) {
      await killMarked(launched.mark)
      launched[Symbol.dispose]()
      if (attempt < 3 && launched.stderr.text.includes('address already in use')) continue
      throw new Error(`${(error as Error).message}\nstderr: ${launched.stderr.text}`)
    }
  }
}

interface Bound {
  readonly gateway: Address
  readonly api: Address
  readonly site?: Address
}

/** Ours says where it listens. */
async function published(launched: Launched): Promise<Bound> {
  const line = await until('the log line that says where it listens', () => {
    if (launched.process.exitCode !== null) throw new Error(`ended with ${launched.process.exitCode}`)
    return launched.stderr.lines.find((each) => each.includes('"msg":"listening: '))
  })
  const { gateway, runtimeApi, functionUrl } = JSON.parse(line)
  const site = functionUrl === undefined ? {} : { site: parse(new URL(functionUrl).host) }
  return { gateway: parse(gateway), api: parse(runtimeApi), ...site }
}

/** The reference says nothing, so the system is asked whether it listens; in the network of the program, whichever that is. */
async function reached({ process }: Launched, ...doors: [gateway: string, api: string]): Promise<Bound> {
  const [gateway, api] = doors.map(parse) as [Address, Address]
  for (const address of [gateway, api]) {
    const { port } = address
    await until(`${spell(address)} to be open`, () => {
      if (process.exitCode !== null) throw new Error(`ended with ${process.exitCode}`)
      return ['tcp', 'tcp6'].some((family) => listening(`/proc/${process.pid}/net/${family}`, port))
    })
  }
  return { gateway, api }
}

/** Whether a table of sockets has one that listens on a port; state 0A. */
function listening(table: string, port: number): boolean {
  if (!existsSync(table)) return false
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return new RegExp(`^ *\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A `, 'm').test(readFileSync(table, 'latin1'))
}

/** For a connection from here: an address that means every interface is reached by loopback. */
export function parse(text: string): Address {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '')
  return {
    host: { '0.0.0.0': '127.0.0.1', '': '127.0.0.1', '::': '::1' }[host] ?? host,
    port: Number(text.slice(colon + 1)),
  }
}

/** Below the range from which the system takes the ports of outgoing connections. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program to its end, which must come by itself. */
export async function run(subject: Subject, options: Options): Promise<Ended> {
  using launched = spawn(subject, options)
  try {
    const code = await within('the program to end', launched.process.exited)
    await Promise.all([launched.stdout.ended, launched.stderr.ended])
    return { code, stdout: launched.stdout.text, stderr: launched.stderr.text }
  } finally {
    await killMarked(launched.mark)
  }
}
