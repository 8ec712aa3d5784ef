/**
 * What is asked of a durable function that is written with AWS's SDK, and what its run has to come to. The numbers are
 * those of the cases on the wire in `test/contract/durable.ts`.
 */
import { match, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Trial } from './trial.ts'

export interface Case {
  readonly name: string
  /** it calls by boto3 or the AWS CLI, whatever the function is written in */
  readonly needsPython?: true
  run(trial: Trial): Promise<void>
}

const steps = [
  'ExecutionStarted',
  'StepStarted',
  'StepSucceeded',
  'InvocationCompleted',
  'ExecutionSucceeded',
]

export const cases: readonly Case[] = [
  {
    name: 'step (1)',
    async run(trial) {
      const run = await trial.call({ do: 'step' })
      same([run.status, run.body], [200, 'hello'])
      same(await run.types(), steps)
    },
  },
  {
    name: 'event (2)',
    async run(trial) {
      const run = await trial.begin({ do: 'step' })
      same((await run.ends()).Result, '"hello"')
    },
  },
  {
    name: 'failure (9)',
    async run(trial) {
      const run = await trial.call({ do: 'fail' })
      same([run.status, run.functionError], [200, 'Unhandled'])
      same([run.body.errorMessage, run.body.errorType], ['boom', 'TypeError'])
    },
  },
  {
    name: 'no result (10)',
    async run(trial) {
      const run = await trial.call({ do: 'nothing' })
      same([run.status, run.body], [200, null])
    },
  },
  {
    name: 'unnamed operations (18)',
    async run(trial) {
      const run = await trial.call({ do: 'unnamed' })
      same(run.body, 1)
      ok(
        (await run.history())
          .filter(({ EventType }) => /^(Step|Wait)/.test(EventType))
          .every((event) => !('Name' in event)),
      )
    },
  },
  {
    name: 'retry (19)',
    async run(trial) {
      const run = await trial.call({ do: 'flaky' })
      same(run.body, 'at last')
      same(await run.retries(), [
        ['StepFailed', { CurrentAttempt: 1, NextAttemptDelaySeconds: 1 }],
        ['StepSucceeded', { CurrentAttempt: 2 }],
      ])
    },
  },
  {
    name: 'retries used up (20)',
    async run(trial) {
      const run = await trial.call({ do: 'exhausted' })
      match(run.body.errorType, /StepError$/)
      same((await run.retries()).at(-1), ['StepFailed', { CurrentAttempt: 2 }])
    },
  },
  {
    name: 'crash in a step (21)',
    async run(trial) {
      const run = await trial.call({ do: 'crash' })
      same(run.body, 'survived')
      same(trial.marks(), ['try', 'try'])
      // whether the start was reported before the end of the process is a race within the SDK
      const told = (await run.types()).filter(
        (type) => type.startsWith('Step') || type === 'InvocationCompleted',
      )
      same(told.toSorted(), ['InvocationCompleted', 'InvocationCompleted', 'StepStarted', 'StepSucceeded'])
      const [failed] = (await run.history()).flatMap(
        (event) => event.InvocationCompletedDetails?.Error?.Payload ?? [],
      )
      same(failed?.ErrorType, 'Runtime.ExitError')
    },
  },
  {
    name: 'crash, at most once (22)',
    async run(trial) {
      const run = await trial.call({ do: 'crash-once' })
      same([run.functionError, trial.marks()], ['Unhandled', ['try']])
      same((await run.types()).slice(1, 4), ['StepStarted', 'InvocationCompleted', 'StepFailed'])
    },
  },
  {
    name: 'state in pages (15)',
    async run(trial) {
      const run = await trial.call({ do: 'many', count: 300 })
      same([run.body, trial.marks().length], [300, 300])
    },
  },
  {
    name: 'nested contexts (38)',
    async run(trial) {
      const run = await trial.call({ do: 'context' })
      same(run.body, 2)
      const begun = (await run.history()).filter(({ EventType }) => EventType === 'ContextStarted')
      same(
        begun.map(({ Name }) => Name),
        ['outer', 'middle', 'inner'],
      )
      same([begun[1]?.ParentId, begun[2]?.ParentId], [begun[0]?.Id, begun[1]?.Id])
    },
  },
  {
    name: 'large child (16)',
    async run(trial) {
      const run = await trial.call({ do: 'large-child' })
      same([run.body, trial.marks()], [400_000, ['part']])
    },
  },
  {
    name: 'parallel (39)',
    async run(trial) {
      same((await trial.call({ do: 'parallel' })).body, [1, 2])
    },
  },
  {
    name: 'map (40)',
    async run(trial) {
      const items = Array.from({ length: 50 }, (_, index) => index)
      const run = await trial.call({ do: 'map', items })
      same(run.body, { sum: 2 * (49 * 25 - 3), reason: 'ALL_COMPLETED', failures: 1 })
    },
  },
  {
    name: 'callback (28)',
    async run(trial) {
      const call = trial.call({ do: 'callback' })
      const id = await trial.marked(/^callback (.*)$/)
      await trial.complete(id, 'succeed', '{"ok":true}')
      const run = await call
      same(run.body, { ok: true })
      ok((await run.types()).includes('CallbackSucceeded'))
    },
  },
  {
    name: 'callback fails (29)',
    async run(trial) {
      const call = trial.call({ do: 'callback' })
      const id = await trial.marked(/^callback (.*)$/)
      await trial.complete(id, 'fail', '{"ErrorMessage":"denied","ErrorType":"Denied"}')
      const { functionError, body } = await call
      same(functionError, 'Unhandled')
      match(body.errorMessage, /denied/)
    },
  },
  {
    name: 'callback times out (30)',
    async run(trial) {
      const { body } = await trial.call({ do: 'callback-timeout' })
      match(`${body.errorType} ${body.errorMessage}`, /Callback.*timed out/)
    },
  },
  {
    name: 'submitter (34)',
    async run(trial) {
      const call = trial.call({ do: 'submitter' })
      await trial.complete(await trial.marked(/^callback (.*)$/), 'succeed', '7')
      same((await call).body, 7)
    },
  },
  {
    name: 'condition (27)',
    async run(trial) {
      const run = await trial.call({ do: 'condition' })
      same(run.body, 2)
      same(await run.retries(), [
        ['StepSucceeded', { CurrentAttempt: 1, NextAttemptDelaySeconds: 1 }],
        ['StepSucceeded', { CurrentAttempt: 2 }],
      ])
    },
  },
  {
    name: 'invokes itself (43, 46)',
    async run(trial) {
      const run = await trial.call({
        do: 'invoke',
        target: 'test_function:$LATEST',
        input: { do: 'unnamed' },
      })
      same(run.body, 1)
    },
  },
  {
    name: 'invokes nobody (44)',
    async run(trial) {
      const { functionError, body } = await trial.call({ do: 'invoke', target: 'nobody', input: {} })
      same(functionError, 'Unhandled')
      match(body.errorMessage, /Function not found/)
    },
  },
  {
    name: 'throttled twice (51)',
    async run(trial) {
      const run = await trial.call({ do: 'step' }, { throttle: 2 })
      same(run.body, 'hello')
      const [first, ...again] = trial.throttled()
      ok(again.length > 0 && again.every((token) => token === first), 'each try has the same ClientToken')
    },
  },
  {
    name: 'renamed when it replays (55)',
    async run(trial) {
      const run = await trial.begin({ do: 'renamed' })
      const ended = await run.ends()
      same(ended.Status, 'FAILED')
      match(JSON.stringify(ended.Error), /non-?deterministic/i)
      same(trial.marks().length, 2)
    },
  },
  {
    name: 'callback from boto3 (61)',
    needsPython: true,
    async run(trial) {
      const call = trial.call({ do: 'callback' })
      const id = await trial.marked(/^callback (.*)$/)
      await trial.boto3(id)
      const run = await call
      same(run.body, 'from boto3')
    },
  },
  {
    name: 'commands of the AWS CLI',
    needsPython: true,
    async run(trial) {
      const begun = await trial.begin({ do: 'callback' })
      const id = await trial.marked(/^callback (.*)$/)
      const name = { 'function-name': 'test_function', statuses: 'RUNNING' }
      const { DurableExecutions } = await trial.commandLine('list-durable-executions-by-function', name)
      same(
        DurableExecutions.map((one: { DurableExecutionArn: string }) => one.DurableExecutionArn),
        [begun.arn],
      )
      await trial.commandLine('send-durable-execution-callback-success', { 'callback-id': id, result: '7' })
      await begun.ends()
      const arn = { 'durable-execution-arn': begun.arn }
      const { Status, Result } = await trial.commandLine('get-durable-execution', arn)
      same([Status, Result], ['SUCCEEDED', '7'])
      const { Events } = await trial.commandLine('get-durable-execution-history', arn)
      same(
        Events.map((event: { EventType: string }) => event.EventType),
        await begun.types(),
      )
    },
  },
  {
    name: 'stopped by the AWS CLI',
    needsPython: true,
    async run(trial) {
      const begun = await trial.begin({ do: 'callback' })
      await trial.marked(/^callback (.*)$/)
      const words = { 'durable-execution-arn': begun.arn, error: '{"ErrorType":"Mine"}' }
      await trial.commandLine('stop-durable-execution', words)
      const { Status, Error: error } = await begun.ends()
      same([Status, error], ['STOPPED', { ErrorType: 'Mine' }])
    },
  },
  {
    name: 'paused and resumed (52, 60)',
    async run(trial) {
      const call = trial.call({ do: 'callback' })
      const id = await trial.marked(/^callback (.*)$/)
      const [arn] = await trial.list()
      await trial.control(arn as string, 'pause')
      await trial.complete(id, 'succeed', '1')
      await trial.control(arn as string, 'resume')
      same((await call).body, 1)
    },
  },
  {
    name: 'stopped (50)',
    async run(trial) {
      const call = trial.call({ do: 'callback' })
      await trial.marked(/^callback (.*)$/)
      const [arn] = await trial.list()
      await trial.control(arn as string, 'stop', '{"ErrorMessage":"enough","ErrorType":"Mine"}')
      same((await call).body, { errorMessage: 'enough', errorType: 'Mine' })
    },
  },
]
