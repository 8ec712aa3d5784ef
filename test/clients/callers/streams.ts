/** Calls of InvokeWithResponseStream. */
import { match, ok, deepStrictEqual as same } from 'node:assert/strict'
import { join } from 'node:path'
import type { Launch } from '../client.ts'
import type { Input, Seen } from './caller.ts'
import { type CallerCase, type CallerTrial, invocation, raised, shown } from './trial.ts'

const streaming: Launch = { command: ['--handler', 'index.stream'], cwd: join(import.meta.dir, 'function') }

/** What SDKs call the type of the stream is that of its frames, as on the service. */
const framed = 'application/vnd.amazon.eventstream'

async function stream(trial: CallerTrial, url: string, event: unknown, input: Input = {}): Promise<Seen> {
  const operation = 'InvokeWithResponseStream'
  return await trial.session.call({ url, operation, input: invocation(input, event) })
}

export const streamCases: readonly CallerCase[] = [
  {
    name: 'sdk-stream',
    title: 'stream, as it comes',
    async run(trial) {
      await using emulator = await trial.start({}, streaming)
      const parts = ['one, ', 'two, ', 'thrée']
      const seen = await stream(trial, emulator.url, { parts, ms: 1000 })
      same([seen.status, seen.executedVersion, seen.contentType], [200, '$LATEST', framed], shown(seen))
      same([seen.pieces, seen.complete], [parts, {}])
      ok(seen.requestId, 'no request id')
      // the function ends three seconds after its first piece, which a busy machine may show late
      ok((seen.spread ?? 0) > 1000, `all came within ${seen.spread} ms`)
    },
  },
  {
    name: 'sdk-stream-error',
    title: 'stream that fails',
    async run(trial) {
      await using emulator = await trial.start({}, streaming)
      for (const parts of [[], ['one, ']]) {
        const seen = await stream(trial, emulator.url, { parts, fail: 'no such fruit' })
        same(seen.pieces, parts, shown(seen))
        same(seen.complete?.ErrorCode, 'RangeError')
        match(seen.complete?.ErrorDetails ?? '', /no such fruit/)
      }
    },
  },
  {
    name: 'sdk-stream-whole',
    title: 'stream of a buffered function, log tail, refusals',
    async run(trial) {
      await using emulator = await trial.start()
      const seen = await stream(trial, emulator.url, { a: [1] }, { LogType: 'Tail' })
      same([seen.pieces, seen.contentType], [['{"a":[1]}'], framed], shown(seen))
      match(atob(seen.complete?.LogResult ?? ''), /^START RequestId[\s\S]*REPORT RequestId/)
      const refused = await stream(
        trial,
        emulator.url,
        {},
        { FunctionName: 'my-function:prod', Qualifier: 'dev' },
      )
      raised(refused, 'InvalidParameterValueException', 'InvalidParameterValueException', 400)
    },
  },
]
