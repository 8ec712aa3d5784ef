/** Calls that end in an answer of the function, whatever that is. Every case has an emulator of its own. */
import { match, deepStrictEqual as same } from 'node:assert/strict'
import { until } from '../../harness.ts'
import type { Launch } from '../client.ts'
import type { Input } from './caller.ts'
import { type CallerCase, failed, raised, shown, succeeded } from './trial.ts'

export const answerCases: readonly CallerCase[] = [
  {
    name: 'sdk-success',
    title: 'success',
    async run(trial) {
      await using emulator = await trial.start()
      const seen = await trial.call(emulator, {}, { do: 'context' })
      const arn = 'arn:aws:lambda:us-east-1:012345678912:function:test_function'
      same(succeeded(seen), { requestId: seen.requestId, arn, custom: null, tenant: null })
      same([seen.executedVersion, seen.log, seen.attempts], ['$LATEST', null, 1])
      same(succeeded(await trial.call(emulator, {})), {})
    },
  },
  {
    name: 'sdk-error',
    title: 'function error',
    async run(trial) {
      await using emulator = await trial.start()
      const document = failed(await trial.call(emulator, {}, { do: 'throw', message: 'no such fruit' }))
      const { errorType, errorMessage } = document as Record<string, unknown>
      same({ errorType, errorMessage }, { errorType: 'RangeError', errorMessage: 'no such fruit' })
    },
  },
  {
    name: 'sdk-exit',
    title: 'exit',
    async run(trial) {
      await using emulator = await trial.start()
      const seen = await trial.call(emulator, {}, { do: 'exit', code: 3 })
      same(failed(seen), {
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${seen.requestId} Error: Runtime exited with error: exit status 3`,
      })
      same(succeeded(await trial.call(emulator, {}, 'next')), 4)
    },
  },
  {
    name: 'sdk-timeout',
    title: 'timeout',
    async run(trial) {
      await using emulator = await trial.start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '1' } })
      const seen = await trial.call(emulator, {}, { do: 'sleep', ms: 20_000 })
      same(failed(seen), {
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${seen.requestId} Error: Task timed out after 1.00 seconds`,
      })
      same(seen.attempts, 1)
    },
  },
  {
    name: 'sdk-init-error',
    title: 'init error',
    async run(trial) {
      await using emulator = await trial.start({ env: { FAIL_INIT: 'no fruit at all' } })
      const document = failed(await trial.call(emulator, {}))
      const { errorType, errorMessage } = document as Record<string, unknown>
      same({ errorType, errorMessage }, { errorType: 'RangeError', errorMessage: 'no fruit at all' })
      const nothing: Launch = { command: ['/nowhere/bootstrap'], cwd: '/' }
      await using other = await trial.start({}, nothing)
      match(
        JSON.stringify(failed(await trial.call(other, {}))),
        /Runtime\.InvalidEntrypoint.*\/nowhere\/bootstrap/,
      )
    },
  },
  {
    name: 'sdk-tail',
    title: 'log tail',
    async run(trial) {
      await using emulator = await trial.start()
      const seen = await trial.call(emulator, { LogType: 'Tail' }, { do: 'log', text: 'a line: ü' })
      const id = seen.requestId
      match(
        seen.log ?? '',
        new RegExp(
          `^START RequestId: ${id} Version: \\$LATEST\n.*a line: ü\nEND RequestId: ${id}\nREPORT .*\t\n$`,
        ),
      )
    },
  },
  {
    name: 'sdk-event',
    title: 'Event and DryRun',
    async run(trial) {
      await using emulator = await trial.start()
      for (const [type, status] of [
        ['DryRun', 204],
        ['Event', 202],
      ] as const) {
        const seen = await trial.call(emulator, { InvocationType: type }, { do: 'log', text: 'behind' })
        const { functionError, executedVersion, bytes } = seen
        same([seen.status, functionError, executedVersion, bytes], [status, null, null, 0], shown(seen))
        const report = () => emulator.output().includes(`REPORT RequestId: ${seen.requestId}`)
        if (status === 202) await until('its REPORT', report)
        else same(report(), false)
      }
    },
  },
  {
    name: 'sdk-context',
    title: 'client context, tenant, names',
    async run(trial) {
      await using emulator = await trial.start()
      const arn = 'arn:aws:lambda:us-east-1:012345678912:function:test_function'
      const ask = (input: Input) => trial.call(emulator, input, { do: 'context' })
      const clientContext = Buffer.from('{"custom":{"city":"Zürich"}}').toString('base64')
      const seen = await ask({ ClientContext: clientContext, TenantId: 'tenant 7' })
      same(succeeded(seen), {
        requestId: seen.requestId,
        arn,
        custom: { city: 'Zürich' },
        tenant: 'tenant 7',
      })
      for (const [input, qualifier, version] of [
        [{ Qualifier: 'prod' }, ':prod', '$LATEST'],
        [{ Qualifier: '7' }, ':7', '7'],
        [{ FunctionName: 'my-function:$LATEST' }, ':$LATEST', '$LATEST'],
        [{ FunctionName: 'arn:aws:lambda:eu-west-1:123456789012:function:mine:3' }, ':3', '3'],
        [{ FunctionName: '123456789012:function:mine' }, '', '$LATEST'],
      ] as const) {
        const named = await ask(input)
        const value = succeeded(named) as Record<string, unknown>
        same([value.arn, named.executedVersion], [`${arn}${qualifier}`, version])
      }
      const both = await ask({ FunctionName: 'my-function:prod', Qualifier: 'dev' })
      raised(both, 'InvalidParameterValueException', 'InvalidParameterValueException', 400)
    },
  },
]
