/** What the program says when it listens: for tools that wait for it, and for a person who wants to call it. */

import { existsSync } from 'node:fs'
import type { Launch } from './config/config.ts'

export const invokePath = '/2015-03-31/functions/function/invocations'

/**
 * The first line of the reference, for which testcontainers' modules and serverless-offline wait before they send
 * anything. The handler in it is that of the command line, whatever the variables say: serverless-offline waits for
 * `(cwd=/var/task, handler=)`.
 */
export function firstLine(launch: Launch, execPath: string): string {
  const { cwd } = launch
  const [program, handler] =
    launch.kind === 'attach'
      ? ['', '']
      : launch.kind === 'handler'
        ? [execPath, launch.handler]
        : [launch.argv[0], launch.argv.length > 1 ? (launch.argv.at(-1) as string) : '']
  return `[INFO] (rapid) exec '${program}' (cwd=${cwd}, handler=${handler})`
}

/** Files by which Docker and Podman mark a container. */
const inContainer = ['/.dockerenv', '/run/.containerenv']

/** Lines to paste for the first request; `gateway` is the bound address. */
export function invitation(url: string, functionUrl: string | null): string {
  const address = url.replace('127.0.0.1', 'localhost')
  const where = inContainer.some((file) => existsSync(file))
    ? ' (this is the port inside of the container; outside it is the one that was published with -p)'
    : ''
  const invoke = `Invoke it with${where}:\n  curl -XPOST ${address}${invokePath} -d '{"name":"world"}'\n`
  if (functionUrl === null) return invoke
  return `${invoke}Its Function URL:\n  curl '${functionUrl.replace('127.0.0.1', 'localhost')}/?name=world'\n`
}
