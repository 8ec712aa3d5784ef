/** Calls that end in an exception, and what SDKs make of one that passes. Every case has an emulator of its own. */
import { match, ok, deepStrictEqual as same } from 'node:assert/strict'
import { join } from 'node:path'
import { tempDir, until } from '../../harness.ts'
import { type CallerCase, failed, invocation, occupy, raised, succeeded } from './trial.ts'

/** The service's limits: an event of 6 MiB, an answer of 6 MiB and 100 bytes. */
const eventLimit = 6 * 1024 * 1024
const answerLimit = eventLimit + 100

/** An event that is a JSON string of so many bytes. */
const sized = (bytes: number): string => 'x'.repeat(bytes - 2)

export const refusalCases: readonly CallerCase[] = [
  {
    name: 'sdk-throttled',
    title: 'throttling',
    async run(trial) {
      await using emulator = await trial.start({
        flags: ['--max-queue', '0'],
        env: { AWS_LAMBDA_RIE_DRAIN_SECONDS: '0' },
      })
      succeeded(await trial.call(emulator, {}, 'warm'))
      await using other = trial.open()
      // for as long as it lives
      await occupy(emulator, other, '/nowhere/gate')
      const seen = await trial.session.call({ url: emulator.url, input: invocation({}), attempts: 2 })
      raised(seen, 'TooManyRequestsException', 'TooManyRequestsException', 429)
      same([seen.message, seen.attempts, seen.retryAfter], ['Rate Exceeded.', 2, '1'])
      same(seen.reason, 'ReservedFunctionConcurrentInvocationLimitExceeded')
    },
  },
  {
    name: 'sdk-retry',
    title: 'a retry that succeeds',
    async run(trial) {
      await using emulator = await trial.start({ flags: ['--max-queue', '0'] })
      succeeded(await trial.call(emulator, {}, 'warm'))
      await using other = trial.open()
      using folder = tempDir()
      const gate = join(folder.path, 'gate')
      const { ended } = await occupy(emulator, other, gate)
      const call = trial.session.call({
        url: emulator.url,
        input: invocation({}, 'again'),
        attempts: 10,
      })
      call.catch(() => {})
      await until('it to be throttled', async () =>
        /outcome="throttled"} [1-9]/.test(await (await fetch(`${emulator.url}/_rie/metrics`)).text()),
      )
      await Bun.write(gate, '')
      const seen = await call
      same(succeeded(seen), 5)
      ok(seen.attempts > 1, 'it was not throttled')
      succeeded(await ended)
    },
  },
  {
    name: 'sdk-limits',
    title: 'limits',
    async run(trial) {
      await using emulator = await trial.start()
      const large = (event: unknown) => trial.call(emulator, {}, event)
      same(succeeded(await large(sized(eventLimit))), eventLimit - 2)
      const refused = await large(sized(eventLimit + 1))
      raised(refused, trial.caller.unmodeled, 'RequestEntityTooLargeException', 413)
      same(refused.attempts, 1)
      same((await large({ do: 'large', bytes: answerLimit })).bytes, answerLimit)
      same(failed(await large({ do: 'large', bytes: answerLimit + 1 })), {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: `Response payload size exceeded maximum allowed payload size (${answerLimit} bytes).`,
      })
      const later = await trial.call(emulator, { InvocationType: 'Event' }, sized(1024 * 1024 + 1))
      raised(later, trial.caller.unmodeled, 'RequestEntityTooLargeException', 413)
    },
  },
  {
    name: 'sdk-content',
    title: 'bad content',
    async run(trial) {
      await using emulator = await trial.start()
      for (const input of [
        { Payload: 'not JSON' },
        { ClientContext: '%%%' },
        { ClientContext: 'WzFd' },
      ] as const) {
        const seen = await trial.call(emulator, input)
        raised(seen, 'InvalidRequestContentException', 'InvalidRequestContentException', 400)
        same(seen.attempts, 1)
      }
    },
  },
  {
    name: 'sdk-unknown',
    title: 'what is not served',
    async run(trial) {
      await using emulator = await trial.start()
      const seen = await trial.session.call({ url: emulator.url, operation: 'ListFunctions' })
      raised(seen, trial.caller.unmodeled, 'UnknownOperationException', 404)
      match(seen.message ?? '', /invoke with POST/)
    },
  },
]
