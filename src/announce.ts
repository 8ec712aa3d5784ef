/** What the program says when it listens: for tools that wait for it, and for a person who wants to call it. */

import { existsSync } from 'node:fs'
import type { Launch } from './config/config.ts'

export const functionPath = (name: string): string => `/2015-03-31/functions/${name}/invocations`

export const invokePath = functionPath('function')

/**
 * The first line of the reference, for which testcontainers' modules and serverless-offline wait before they send
 * anything. The handler in it is that of the command line, whatever the variables say: serverless-offline waits for
 * `(cwd=/var/task, handler=)`.
 */
export function firstLine(launch: Launch, execPath: string): string {
  const { cwd } = launch
  const [program, handler] =
    launch.kind === 'attach' || launch.kind === 'broken'
      ? ['', '']
      : launch.kind === 'handler'
        ? [execPath, launch.handler]
        : [launch.argv[0], launch.argv.length > 1 ? (launch.argv.at(-1) as string) : '']
  return `[INFO] (rapid) exec '${program}' (cwd=${cwd}, handler=${handler})`
}

/** Files by which Docker and Podman mark a container. */
const inContainer = ['/.dockerenv', '/run/.containerenv']

/** What a person is told of. */
export interface Invitation {
  /** of the gateway, as it was bound */
  readonly url: string
  readonly functionUrl: string | null
  /** there is a console, for this machine or for all */
  readonly console: { readonly anywhere: boolean } | null
  /** the file or folder of which changes are picked up; null where none are */
  readonly watched: string | null
}

/** A line each: where to send an event, where to see what happened, and that edits are picked up. */
export function invitation({ url, functionUrl, console, watched }: Invitation): string {
  const container = inContainer.some((file) => existsSync(file))
  const local = (address: string): string => address.replace('127.0.0.1', 'localhost')
  const lines = [`Send an event:  curl -XPOST ${local(url)}${invokePath} -d '{"name":"world"}'`]
  if (functionUrl !== null) lines.push(`As a website:   ${local(functionUrl)}/?name=world`)
  // to a container the machine around it is another one
  const outside = container && console?.anywhere === false ? ' (from outside with --console-anywhere)' : ''
  if (console !== null) lines.push(`See it:         ${local(url)}/_rie/${outside}`)
  if (watched !== null) lines.push(`Edit it:        ${watched}: the next invocation runs what you save`)
  if (container)
    lines.push('These are ports of the container; outside they are those that were published with -p.')
  return `${lines.join('\n')}\n`
}
