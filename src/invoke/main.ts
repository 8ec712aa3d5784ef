/**
 * `aws-lambda-rie invoke`: sends one event to a running emulator. A program of its own in the same executable, which
 * knows the emulator only by HTTP.
 */

import { print } from './print.ts'
import { parseRequest, UsageError, usage } from './request.ts'
import { send } from './send.ts'
import { readEvent } from './source.ts'
import type { Streams } from './streams.ts'

/** Runs one invocation; `words` are those after `invoke`. Returns the exit status that the usage text describes. */
export function main(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  streams: Streams = process,
): Promise<number> {
  return asProgram('invoke', streams, async () => {
    const request = parseRequest(words, env)
    if (request === 'help') {
      await print(streams.stdout, usage)
      return 0
    }
    const event = await readEvent(request.event)
    avoidProxies(env)
    return await send(request, event, streams)
  })
}

/** Runs one of the programs that are clients; a wrong command line is told, and has the exit status 2. */
export async function asProgram(
  name: 'invoke' | 'durable',
  streams: Streams,
  run: () => Promise<number>,
): Promise<number> {
  // a reader that leaves is told to `print`, and to the stream's listeners, of which there has to be one
  if (streams === process) for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    await print(streams.stderr, `aws-lambda-rie ${name}: ${error.message}\n`)
    return 2
  }
}

/** `fetch` would send what is for this machine to a proxy that is set for the world. */
export function avoidProxies(env: NodeJS.ProcessEnv): void {
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']) delete env[name]
}
