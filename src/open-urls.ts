/** Ties Function URLs to their functions: a listener each, or a prefix of the path on one of all. Loaded where there is one. */

import type { Code } from './compiler.ts'
import type { EmulatorConfig, UrlConfig } from './config/config.ts'
import type { Address } from './config/kinds.ts'
import { type FrontParts, traceOf } from './front.ts'
import * as answer from './gateway/url/answer.ts'
import * as event from './gateway/url/event.ts'
import * as front from './gateway/url/front.ts'
import * as head from './gateway/url/head.ts'
import { openFunctionUrl, openPrefixedUrls } from './gateway/url/server.ts'
import * as stream from './gateway/url/stream.ts'
import type { FunctionHost } from './host.ts'
import type { Listener } from './http/exchange.ts'
import { listen } from './listen.ts'
import { childAddress, reachable } from './process/environ.ts'

/** What each request of a Function URL passes through, see `compiler.ts`. */
export const urlCode: readonly Code[] = [front, event, answer, head, stream]
  .flatMap((module): unknown[] => Object.values(module))
  .filter((value) => typeof value === 'function') as Code[]

/** The open Function URLs of an emulator. */
export interface FunctionUrls {
  /** Without a slash at its end; null: that function has none. */
  urlOf(functionName: string): string | null
  /** Takes no new connections. */
  close(): void
  stop(): Promise<void>
}

type UrlParts = Pick<FrontParts, 'clock' | 'log'>

/** Throws `ListenError`, and leaves nothing open then. */
export function openUrls(
  emulator: EmulatorConfig,
  hosts: readonly FunctionHost[],
  parts: UrlParts,
): FunctionUrls {
  const listeners: Listener[] = []
  const urls = new Map<string, string>()
  const stop = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.stop()))
  }
  function open(address: Address, opened: () => Listener): string {
    const listener = listen('--function-url-address', address, opened)
    listeners.push(listener)
    return `http://${childAddress(reachable(address, listener))}`
  }
  try {
    const prefixed: { readonly host: FunctionHost; readonly url: UrlConfig & { readonly path: string } }[] =
      []
    for (const host of hosts) {
      const { url, name } = host.config
      if (url === null) continue
      if (url.path !== null) prefixed.push({ host, url: { ...url, path: url.path } })
      else
        urls.set(
          name,
          open(url.address, () => openFunctionUrl(host, url.address, optionsOf(host, url, parts, emulator))),
        )
    }
    const [first] = prefixed
    if (first !== undefined) {
      const { address } = first.url
      const routes = prefixed.map(({ host, url }) => ({
        prefix: url.path,
        served: host,
        options: optionsOf(host, url, parts, emulator),
      }))
      const base = open(address, () => openPrefixedUrls(routes, address, serverOf(emulator, parts)))
      for (const { host, url } of prefixed) urls.set(host.name, base + url.path)
    }
  } catch (error) {
    void stop()
    throw error
  }
  return {
    urlOf: (name) => urls.get(name) ?? null,
    close() {
      for (const listener of listeners) listener.close()
    },
    stop,
  }
}

function optionsOf(host: FunctionHost, url: UrlConfig, parts: UrlParts, emulator: EmulatorConfig) {
  return {
    invokeMode: url.invokeMode,
    cors: url.cors,
    region: host.config.region,
    epoch: parts.clock.epoch,
    ...serverOf(emulator, parts),
  }
}

function serverOf(emulator: EmulatorConfig, parts: UrlParts) {
  return { log: parts.log, trace: traceOf(emulator, parts, 'request of the Function URL answered') }
}
