/**
 * Durable executions on the wire: the case plays the handler, which reports to the API on the port of callers as the
 * SDKs do. Section 13 of the wire's description numbers the cases; those of SDKs are in `test/clients/durable`.
 */
import { expect } from 'bun:test'
import { tempDir, until, within } from '../harness.ts'
import { type Answer, type Request, spell } from '../kit/wire.ts'
import { chapter, type It } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import type { Subject } from './subject.ts'

const prefix = '/2025-12-01/durable-executions'
const latest = '/2015-03-31/functions/function/invocations?Qualifier=$LATEST'
const signed = { Authorization: 'AWS4-HMAC-SHA256 Credential=x' }
const durable = ['--durable', '--durable-retry-delays', '0,0']
const pending = '{"Status":"PENDING"}'
const succeeded = (result: unknown): string =>
  JSON.stringify({ Status: 'SUCCEEDED', Result: JSON.stringify(result) })
const badToken = { Type: 'User', message: 'Invalid checkpoint token' }
const overdue = { Type: 'User', Message: 'The callback is either timed out or already completed' }

// biome-ignore lint/suspicious/noExplicitAny: what a case expects of it, the case says
type Json = any

/** One delivery to the handler, with what it needs to report. */
class Delivery {
  readonly id: string
  readonly event: Json
  token: string
  readonly #rie: Emulator

  constructor(rie: Emulator, answer: Answer) {
    this.#rie = rie
    this.id = answer.id
    this.event = answer.json
    this.token = this.event.CheckpointToken
  }

  get arn(): string {
    return this.event.DurableExecutionArn
  }

  get operations(): Json[] {
    return this.event.InitialExecutionState.Operations
  }

  /** As an SDK sends it; the token that comes back is used for the next one. */
  async checkpoint(...updates: object[]): Promise<Json> {
    const answer = await this.send({ Updates: updates })
    if (answer.status !== 200) throw new Error(`refused: ${answer.status} ${answer.text}`)
    this.token = answer.json.CheckpointToken
    return answer.json
  }

  send(body: object, arn = this.arn): Promise<Answer> {
    const path = `${prefix}/${encodeURIComponent(arn)}/checkpoint`
    const headers = { 'Content-Type': 'application/json' }
    const all = { CheckpointToken: this.token, ...body }
    return this.#rie.ask({ method: 'POST', path, headers, body: JSON.stringify(all) })
  }

  state(query = ''): Promise<Answer> {
    const token = encodeURIComponent(this.token)
    return this.#rie.ask({
      path: `${prefix}/${encodeURIComponent(this.arn)}/state?CheckpointToken=${token}${query}`,
    })
  }

  /** Returns, and asks for the next event. */
  async end(body: string): Promise<void> {
    await this.#rie.respond(this.id, body)
    this.#rie.park()
  }
}

const next = async (rie: Emulator): Promise<Delivery> => new Delivery(rie, await rie.next())

/** Starts a run whose caller does not wait; gives its ARN. */
async function begin(rie: Emulator, input = '{}', name?: string): Promise<string> {
  const headers = name === undefined ? {} : { 'X-Amz-Durable-Execution-Name': name }
  const answer = await rie.invoke(input, { 'X-Amz-Invocation-Type': 'Event', ...headers })
  expect([answer.status, answer.text]).toEqual([202, ''])
  return answer.header('X-Amz-Durable-Execution-Arn') as string
}

const call = (rie: Emulator, method: string, arn: string, verb = '', body?: object): Promise<Answer> =>
  rie.ask({
    method,
    path: `${prefix}/${encodeURIComponent(arn)}${verb}`,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  } as Request)

const get = async (rie: Emulator, arn: string, query = ''): Promise<Json> =>
  (await call(rie, 'GET', arn, query)).json

async function history(rie: Emulator, arn: string): Promise<Json[]> {
  return (await call(rie, 'GET', arn, '/history?MaxItems=1000')).json.Events
}

const types = async (rie: Emulator, arn: string): Promise<string[]> =>
  (await history(rie, arn)).map(({ EventType }) => EventType)

const becomes = (rie: Emulator, arn: string, status: string): Promise<Json> =>
  until(`the execution to be ${status}`, async () => {
    const run = await get(rie, arn)
    return run.Status === status && run
  })

const callback = (rie: Emulator, id: string, verb: string, body = ''): Promise<Answer> =>
  rie.ask({
    method: 'POST',
    path: `/2025-12-01/durable-execution-callbacks/${encodeURIComponent(id)}/${verb}`,
    body,
  })

const step = (id: string, over: object = {}): object => ({
  Id: id,
  Type: 'STEP',
  Action: 'SUCCEED',
  Payload: '1',
  ...over,
})
const wait = (id: string, seconds: number): object => ({
  ...{ Id: id, Type: 'WAIT', Action: 'START' },
  WaitOptions: { WaitSeconds: seconds },
})
const openCallback = (id: string, callbackOptions: object = {}): object => ({
  ...{ Id: id, Type: 'CALLBACK', Action: 'START', Name: 'approve' },
  CallbackOptions: callbackOptions,
})
const invokeFunction = (id: string, functionName: string, payload?: string): object => ({
  ...{ Id: id, Type: 'CHAINED_INVOKE', Action: 'START', Payload: payload },
  ChainedInvokeOptions: { FunctionName: functionName },
})

function starting(it: It): void {
  it('answers a caller with the result alone, and tells the run and its version (1)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const caller = rie.invoke('{"n":1}')
    const first = await next(rie)
    expect(first.event).toEqual({
      DurableExecutionArn: expect.stringMatching(
        /^arn:aws:lambda:us-east-1:012345678912:function:test_function:\$LATEST\/durable-execution\/([0-9a-f-]{36})\/[0-9a-f-]{36}$/,
      ),
      CheckpointToken: expect.any(String),
      InitialExecutionState: {
        Operations: [
          {
            Id: first.arn.split('/').at(-1),
            Name: first.arn.split('/').at(-2),
            Type: 'EXECUTION',
            StartTimestamp: expect.any(Number),
            Status: 'STARTED',
            ExecutionDetails: { InputPayload: '{"n":1}' },
          },
        ],
        NextMarker: '',
      },
      UpdatedOperationIds: [],
    })
    await first.checkpoint(step('a', { Action: 'START', Payload: undefined }), step('a', { Name: undefined }))
    await first.end(succeeded('done'))
    const answer = await caller
    expect([answer.status, answer.text]).toEqual([200, '"done"'])
    expect(answer.header('X-Amz-Durable-Execution-Arn')).toBe(first.arn)
    expect(answer.header('X-Amz-Executed-Version')).toBe('$LATEST')
    expect(answer.header('x-amzn-RequestId')).toBe(first.id)
    const events = [
      'ExecutionStarted',
      'StepStarted',
      'StepSucceeded',
      'InvocationCompleted',
      'ExecutionSucceeded',
    ]
    expect(await types(rie, first.arn)).toEqual(events)
  })

  it('takes an Event, of which GetDurableExecution has the result (2)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie, '{"n":2}')
    await (await next(rie)).end(succeeded([2]))
    expect(await becomes(rie, arn, 'SUCCEEDED')).toMatchObject({
      InputPayload: '{"n":2}',
      Result: '[2]',
      Version: '$LATEST',
    })
  })

  it('asks SDKs for a qualifier, whatever they want, and people for none (3)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    for (const type of ['RequestResponse', 'Event', 'DryRun']) {
      const answer = await rie.invoke('{}', { ...signed, 'X-Amz-Invocation-Type': type })
      expect([answer.status, answer.json]).toEqual([
        400,
        { Type: 'User', message: 'You cannot invoke a durable function using an unqualified ARN.' },
      ])
      expect(answer.header('x-amzn-ErrorType')).toBe('InvalidParameterValueException')
    }
    expect((await rie.invoke('{}', { 'X-Amz-Invocation-Type': 'DryRun' })).status).toBe(204)
    const caller = rie.invoke('{}', signed, latest)
    const delivery = await next(rie)
    expect(delivery.arn).toContain(':function:test_function:$LATEST/')
    await delivery.end(succeeded(1))
    expect((await caller).text).toBe('1')
  })

  it('gives one name one run, to callers who come while it is open and after (4, 5)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const named = { 'X-Amz-Durable-Execution-Name': 'order-1' }
    const first = rie.invoke('{"n":1}', named)
    const delivery = await next(rie)
    const second = rie.invoke('{"n":1}', named)
    expect(await begin(rie, '{"n":1}', 'order-1')).toBe(delivery.arn)
    await delivery.end(succeeded('once'))
    for (const answer of [await first, await second, await rie.invoke('{"n":1}', named)]) {
      expect([answer.status, answer.text]).toEqual([200, '"once"'])
      expect(answer.header('X-Amz-Durable-Execution-Arn')).toBe(delivery.arn)
    }
    expect(await types(rie, delivery.arn)).toEqual([
      'ExecutionStarted',
      'InvocationCompleted',
      'ExecutionSucceeded',
    ])
  })

  it('refuses a name that has another input, while that run is open and after (6)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie, '{"n":1}', 'order-1')
    const refused = async () => {
      const answer = await rie.invoke('{"n":2}', { 'X-Amz-Durable-Execution-Name': 'order-1' })
      expect([answer.status, answer.json]).toEqual([
        409,
        { Type: 'User', Message: `Execution already started: ${arn}` },
      ])
      expect(answer.header('x-amzn-ErrorType')).toBe('DurableExecutionAlreadyStartedException')
    }
    await refused()
    await (await next(rie)).end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
    await refused()
  })

  it('takes names of 64 characters, and no others than the model has (7)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    expect(await begin(rie, '{}', 'x'.repeat(64))).toContain(`/${'x'.repeat(64)}/`)
    for (const name of ['x'.repeat(65), '', 'a.b']) {
      const answer = await rie.invoke('{}', { 'X-Amz-Durable-Execution-Name': name })
      expect([name, answer.status, answer.header('x-amzn-ErrorType')]).toEqual([
        name,
        400,
        'ValidationException',
      ])
      expect(Object.keys(answer.json)).toEqual(['message'])
    }
  })

  it('lets nobody wait for a run of more than 15 minutes (8)', async ({ start }) => {
    await using rie = await start({ flags: [...durable, '--durable-execution-timeout', '901'] })
    const answer = await rie.invoke()
    expect([answer.status, answer.json.message]).toEqual([
      400,
      'You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.',
    ])
    await begin(rie)
  })

  it('answers the caller of a run that failed with the keys of a function error (9)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const caller = rie.invoke()
    const delivery = await next(rie)
    const error = { ErrorMessage: 'boom', ErrorType: 'TypeError', StackTrace: ['at x'] }
    await delivery.end(JSON.stringify({ Status: 'FAILED', Error: error }))
    const answer = await caller
    expect([answer.status, answer.header('X-Amz-Function-Error')]).toEqual([200, 'Unhandled'])
    expect(answer.json).toEqual({ errorMessage: 'boom', errorType: 'TypeError', stackTrace: ['at x'] })
    expect(await get(rie, delivery.arn)).toMatchObject({ Status: 'FAILED', Error: error })
  })

  it('answers null for a run without a result (10)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const caller = rie.invoke('')
    const delivery = await next(rie)
    // an empty body is an empty object, as everywhere
    expect(delivery.operations[0].ExecutionDetails).toEqual({ InputPayload: '{}' })
    await delivery.end('{"Status":"SUCCEEDED"}')
    expect((await caller).text).toBe('null')
    expect(Object.keys(await get(rie, delivery.arn))).not.toContain('Result')
  })

  it('hands an input that is nearly 6 MB over in a page of its own (12)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const input = JSON.stringify('x'.repeat(5_900_000))
    const caller = rie.invoke(input)
    const delivery = await next(rie)
    expect(delivery.operations).toEqual([])
    const marker = delivery.event.InitialExecutionState.NextMarker
    const page = await delivery.state(`&Marker=${encodeURIComponent(marker)}&MaxItems=1000`)
    expect(page.json.Operations[0].ExecutionDetails.InputPayload).toBe(input)
    expect(page.json.NextMarker).toBeUndefined()
    await delivery.end(succeeded(1))
    expect((await caller).text).toBe('1')
  })

  it('passes an event that another program made for the handler straight on (64)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const event =
      '{"DurableExecutionArn":"a","CheckpointToken":"b","InitialExecutionState":{"Operations":[]}}'
    for (const headers of [{}, { 'X-Dex-Handler-Invoke': 'true' }]) {
      const { event: delivered, answer } = await rie.exchange(event, pending, headers)
      expect([delivered.text, answer.text]).toEqual([event, pending])
    }
  })

  it('has no response stream and no Function URL', async ({ start }) => {
    await using rie = await start({ flags: [...durable, '--function-url-address', '127.0.0.1:0'] })
    const path = '/2021-11-15/functions/function/response-streaming-invocations'
    const streamed = await rie.ask({ method: 'POST', path, body: '{}' })
    expect([streamed.status, streamed.header('x-amzn-ErrorType')]).toEqual([
      400,
      'InvalidParameterValueException',
    ])
    expect((await rie.visit('/')).status).toBe(502)
  })

  it('excludes managed instances', async ({ run }) => {
    const { code, stderr } = await run({ flags: durable, env: { AWS_LAMBDA_MAX_CONCURRENCY: '2' } })
    expect([code, stderr]).toEqual([2, expect.stringContaining('--durable exclude each other')])
  })

  it('is an ordinary function without the option, and has no such API', async ({ start }) => {
    await using rie = await start()
    const named = { 'X-Amz-Durable-Execution-Name': 'order-1' }
    const { event, answer } = await rie.exchange('{"a":1}', pending, named)
    expect([event.text, answer.text]).toEqual(['{"a":1}', pending])
    expect(answer.header('X-Amz-Durable-Execution-Arn')).toBeUndefined()
    expect((await rie.ask({ path: `${prefix}/x` })).status).toBe(404)
  })
}

function reporting(it: It): void {
  it('writes whole milliseconds to handlers and seconds to the API, leaves out what is not there (13, 18)', async ({
    start,
  }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie)
    const first = await next(rie)
    const { NewExecutionState } = await first.checkpoint(step('s'), openCallback('c'))
    const [told] = NewExecutionState.Operations
    expect(told).toEqual({
      ...{ Id: 's', Type: 'STEP', Status: 'SUCCEEDED' },
      StartTimestamp: expect.any(Number),
      EndTimestamp: expect.any(Number),
      StepDetails: { Attempt: 1, Result: '1' },
    })
    expect(told.StartTimestamp).toBeLessThan(1e10)
    await first.end(pending)
    await callback(rie, NewExecutionState.Operations[1].CallbackDetails.CallbackId, 'succeed')
    const second = await next(rie)
    const [run, again] = second.operations
    expect(run.Type).toBe('EXECUTION')
    expect(again).toEqual({ ...told, StartTimestamp: expect.any(Number), EndTimestamp: expect.any(Number) })
    expect(Number.isInteger(again.StartTimestamp)).toBe(true)
    expect(again.StartTimestamp).toBeGreaterThan(1e12)
    expect(second.event.UpdatedOperationIds).toEqual(['c'])
    await second.end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
  })

  it('shows state in pages of so many operations, the run first (14, 15)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    await begin(rie)
    const delivery = await next(rie)
    for (let from = 0; from < 1050; from += 210)
      await delivery.checkpoint(...Array.from({ length: 210 }, (_, index) => step(`s${from + index}`)))
    const seen: string[] = []
    let marker = ''
    do {
      const page = (await delivery.state(`&MaxItems=1000&Marker=${encodeURIComponent(marker)}`)).json
      seen.push(...page.Operations.map(({ Id }: Json) => Id))
      marker = page.NextMarker ?? ''
    } while (marker !== '')
    expect(seen.length).toBe(1051)
    expect(seen.slice(0, 3)).toEqual([delivery.arn.split('/').at(-1) as string, 's0', 's1'])
    const bad = await delivery.state('&Marker=bm90aGluZzox')
    expect([bad.status, bad.json.message]).toEqual([400, 'Invalid Marker'])
    await delivery.end(succeeded(1))
  })

  it('ends an event at 5 MiB, and has the rest in pages (15)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    await begin(rie)
    const first = await next(rie)
    const payload = 'x'.repeat(1_000_000)
    for (let index = 0; index < 7; index++) await first.checkpoint(step(`s${index}`, { Payload: payload }))
    const { NewExecutionState } = await first.checkpoint(openCallback('c'))
    await first.end(pending)
    await callback(rie, NewExecutionState.Operations[0].CallbackDetails.CallbackId, 'succeed')
    const second = await next(rie)
    const ids: string[] = second.operations.map(({ Id }) => Id)
    let marker = second.event.InitialExecutionState.NextMarker
    expect(marker).not.toBe('')
    while (marker) {
      const page = (await second.state(`&MaxItems=1000&Marker=${encodeURIComponent(marker)}`)).json
      ids.push(...page.Operations.map(({ Id }: Json) => Id))
      marker = page.NextMarker
    }
    expect(ids.slice(1)).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's6', 'c'])
    await second.end(succeeded(1))
  })

  it('hides what is in a context that has ended, unless its children are replayed (16)', async ({
    start,
  }) => {
    await using rie = await start({ flags: durable })
    await begin(rie)
    const first = await next(rie)
    const context = (id: string, over: object) => ({ Id: id, Type: 'CONTEXT', ...over })
    await first.checkpoint(
      context('x', { Action: 'START' }),
      step('in-x', { ParentId: 'x' }),
      context('y', { Action: 'START' }),
      step('in-y', { ParentId: 'y' }),
    )
    const { NewExecutionState } = await first.checkpoint(
      context('x', { Action: 'SUCCEED', Payload: '1' }),
      context('y', { Action: 'SUCCEED', Payload: '', ContextOptions: { ReplayChildren: true } }),
      openCallback('c'),
    )
    await first.end(pending)
    await callback(rie, NewExecutionState.Operations[2].CallbackDetails.CallbackId, 'succeed')
    const second = await next(rie)
    expect(second.operations.slice(1).map(({ Id }) => Id)).toEqual(['x', 'y', 'in-y', 'c'])
    await second.end(succeeded(1))
  })

  it('tries a step again when its time has come (19, 20)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie)
    const first = await next(rie)
    const retry = {
      Action: 'RETRY',
      Payload: undefined,
      Error: { ErrorMessage: 'no' },
      StepOptions: { NextAttemptDelaySeconds: 1 },
    }
    const answer = await first.checkpoint(
      step('s', { Action: 'START', Payload: undefined }),
      step('s', retry),
    )
    const [told] = answer.NewExecutionState.Operations
    expect(told).toMatchObject({
      Status: 'PENDING',
      StepDetails: { Attempt: 1, Error: { ErrorMessage: 'no' } },
    })
    expect(told.StepDetails.NextAttemptTimestamp - told.StartTimestamp).toBeCloseTo(1, 1)
    await first.end(pending)
    const second = await next(rie)
    expect(second.event.UpdatedOperationIds).toEqual(['s'])
    expect(second.operations[1]).toMatchObject({ Status: 'READY', StepDetails: { Attempt: 1 } })
    await second.checkpoint(step('s', { Action: 'START', Payload: undefined }), step('s', { Payload: '2' }))
    await second.end(succeeded(2))
    await becomes(rie, arn, 'SUCCEEDED')
    const events = await history(rie, arn)
    expect(events.filter(({ Id }) => Id === 's')).toMatchObject([
      { EventType: 'StepStarted', StepStartedDetails: {} },
      { StepFailedDetails: { RetryDetails: { CurrentAttempt: 1, NextAttemptDelaySeconds: 1 } } },
      { EventType: 'StepStarted' },
      {
        StepSucceededDetails: {
          Result: { Payload: '2', Truncated: false },
          RetryDetails: { CurrentAttempt: 2 },
        },
      },
    ])
  })

  it('suspends for a wait, and goes on when it ends (23)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie)
    const first = await next(rie)
    const answer = await first.checkpoint(wait('w', 3))
    const [told] = answer.NewExecutionState.Operations
    expect(told.WaitDetails.ScheduledEndTimestamp - told.StartTimestamp).toBeCloseTo(3, 5)
    await first.end(pending)
    const second = await next(rie)
    expect([second.event.UpdatedOperationIds, second.operations[1].Status]).toEqual([['w'], 'SUCCEEDED'])
    await second.end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
    const events = [
      'ExecutionStarted',
      'WaitStarted',
      'InvocationCompleted',
      'WaitSucceeded',
      'InvocationCompleted',
      'ExecutionSucceeded',
    ]
    expect(await types(rie, arn)).toEqual(events)
  })

  it('tells a wait that ended by the next checkpoint, and by one more invocation (24)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    await begin(rie)
    const first = await next(rie)
    await first.checkpoint(wait('w', 1))
    const told = await until('the wait to end', async () => {
      const { NewExecutionState } = await first.checkpoint()
      return NewExecutionState.Operations.length > 0 && NewExecutionState.Operations
    })
    expect(told).toMatchObject([{ Id: 'w', Status: 'SUCCEEDED' }])
    await first.end(pending)
    const second = await next(rie)
    expect(second.event.UpdatedOperationIds).toEqual(['w'])
    await second.end(succeeded(1))
  })

  it('skips time where it is asked to, and records what was asked for (63)', async ({ start }) => {
    await using rie = await start({ flags: [...durable, '--durable-skip-time'] })
    const arn = await begin(rie)
    const delivery = await next(rie)
    const { NewExecutionState } = await delivery.checkpoint(wait('w', 3600))
    expect(NewExecutionState.Operations[0].Status).toBe('SUCCEEDED')
    await delivery.end(succeeded(1))
    expect((await history(rie, arn))[1].WaitStartedDetails.Duration).toBe(3600)
  })

  it('refuses what is out of range, in the words of the service (26)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    await begin(rie)
    const delivery = await next(rie)
    for (const [seconds, rule] of [
      [0, 'greater than or equal to 1'],
      [31_622_401, 'less than or equal to 31622400'],
    ] as const) {
      const answer = await delivery.send({ Updates: [wait('w', seconds)] })
      expect([answer.status, answer.json]).toEqual([
        400,
        {
          message: `1 validation error detected: Value '${seconds}' at 'waitOptions.waitSeconds' failed to satisfy constraint: Member must have value ${rule}`,
        },
      ])
    }
    await delivery.checkpoint(wait('w', 60))
    const { NewExecutionState } = await delivery.checkpoint({ Id: 'w', Type: 'WAIT', Action: 'CANCEL' })
    expect(NewExecutionState.Operations[0].Status).toBe('CANCELLED')
    await delivery.end(succeeded(1))
  })

  it('lets a token be used once, and answers a client again that lost the answer (47, 48)', async ({
    start,
  }) => {
    await using rie = await start({ flags: durable })
    await begin(rie)
    const delivery = await next(rie)
    const used = delivery.token
    const request = { ClientToken: 'k', Updates: [step('s')] }
    const [answer, again] = [await delivery.send(request), await delivery.send(request)]
    expect(again.text).toBe(answer.text)
    const refused = async (body: object, message = badToken, arn?: string) => {
      const problem = await delivery.send(body, arn)
      expect([problem.status, problem.json]).toEqual([400, message])
      expect(problem.header('x-amzn-errortype')).toBe('InvalidParameterValueException')
    }
    await refused({ ...request, ClientToken: 'other' })
    delivery.token = answer.json.CheckpointToken
    await delivery.checkpoint()
    await refused({ ...request, CheckpointToken: used })
    await refused({ CheckpointToken: 'nonsense' })
    // an execution that is not there is no 404 here
    await refused({}, badToken, `${delivery.arn.slice(0, -1)}x`)
    const other = await begin(rie)
    const foreign = { Type: 'User', message: 'Checkpoint token is not valid for the durable execution ARN' }
    await refused({}, foreign, other)
    const state = await rie.ask({
      path: `${prefix}/${encodeURIComponent(delivery.arn)}/state?CheckpointToken=x`,
    })
    expect([state.status, state.json]).toEqual([400, badToken])
    await delivery.end(succeeded(1))
  })

  it('applies a checkpoint whole or not at all (49)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    await begin(rie)
    const delivery = await next(rie)
    const before = (await delivery.state()).text
    for (const [updates, message] of [
      [[step('a'), step('a')], 'Cannot update the same operation twice in a single request.'],
      [[step('a'), step('b', { ParentId: 'none' })], 'Invalid parent operation id.'],
      [
        [step('a'), { Id: 'w', Type: 'WAIT', Action: 'START' }],
        'Update for WAIT operation requires WaitOptions.',
      ],
      [
        [step('a'), { Id: 'x', Type: 'CONTEXT', Action: 'SUCCEED' }],
        'Invalid current CONTEXT state to close.',
      ],
      [[step('a'), step('b', { Error: {} })], 'Cannot provide an Error for SUCCEED action.'],
      [
        [step('a', { Payload: 'x'.repeat(1_048_577) })],
        'STEP output payload size must be less than or equal to 1048576 bytes.',
      ],
    ] as const) {
      const answer = await delivery.send({ Updates: updates })
      expect([answer.status, answer.json]).toEqual([400, { Type: 'User', message }])
      expect((await delivery.state()).text).toBe(before)
    }
    await delivery.end(succeeded(1))
  })

  it('ends by a checkpoint, whatever is returned then (11)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const caller = rie.invoke()
    const delivery = await next(rie)
    const large = JSON.stringify('x'.repeat(3_000_000))
    const answer = await delivery.checkpoint({
      Id: 'end',
      Type: 'EXECUTION',
      Action: 'SUCCEED',
      Payload: large,
    })
    expect(Object.keys(answer)).toEqual(['NewExecutionState'])
    expect((await caller).text).toBe(large)
    await delivery.end('{"Status":"SUCCEEDED","Result":""}')
    expect((await get(rie, delivery.arn)).Result).toBe(large)
    await until(
      'the invocation to be told',
      async () => (await types(rie, delivery.arn)).at(-1) === 'InvocationCompleted',
    )
  })

  it('invokes again what failed, and gives up after its delays (54, 21)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const caller = rie.invoke()
    const first = await next(rie)
    await first.checkpoint(step('s', { Action: 'START', Payload: undefined }))
    const document = '{"errorType":"ImportError","errorMessage":"no module"}'
    const failing = async ({ id }: Delivery) => {
      await rie.error(id, document)
      rie.park()
    }
    await failing(first)
    const second = await next(rie)
    expect(second.operations[1]).toMatchObject({ Id: 's', Status: 'STARTED' })
    expect(second.token).not.toBe(first.token)
    expect((await first.send({ Updates: [] })).json).toEqual(badToken)
    await failing(second)
    await failing(await next(rie))
    expect((await caller).json).toEqual({ errorMessage: 'no module', errorType: 'ImportError' })
    const events = await history(rie, first.arn)
    expect(events.map(({ EventType }) => EventType)).toEqual([
      ...['ExecutionStarted', 'StepStarted'],
      ...['InvocationCompleted', 'InvocationCompleted', 'InvocationCompleted'],
      'ExecutionFailed',
    ])
    expect(events[2].InvocationCompletedDetails).toMatchObject({
      RequestId: first.id,
      Error: { Payload: { ErrorMessage: 'no module', ErrorType: 'ImportError' }, Truncated: false },
    })
  })

  const errorsOf = async (rie: Emulator, arn: string): Promise<Json[]> =>
    (await history(rie, arn)).flatMap((event) => event.InvocationCompletedDetails?.Error?.Payload ?? [])

  it('goes on after the end of the process (21)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie)
    const first = await next(rie)
    await first.checkpoint(step('s'))
    ;(await rie.runtime()).kill()
    await rie.runtime(2)
    const second = await next(rie)
    expect(second.operations[1]).toMatchObject({ Id: 's', Status: 'SUCCEEDED' })
    await second.end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
    expect(await errorsOf(rie, arn)).toEqual([
      {
        ErrorType: 'Runtime.ExitError',
        ErrorMessage: `RequestId: ${first.id} Error: Runtime exited with error: signal: killed`,
      },
    ])
  })

  it('goes on after a time-out of the function (21)', async ({ start }) => {
    await using rie = await start({ flags: [...durable, '--timeout', '3'] })
    const arn = await begin(rie)
    const first = await next(rie)
    // it never answers
    await rie.runtime(2)
    await (await next(rie)).end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
    expect(await errorsOf(rie, arn)).toEqual([
      {
        ErrorType: 'Sandbox.Timedout',
        ErrorMessage: `RequestId: ${first.id} Error: Task timed out after 3.00 seconds`,
      },
    ])
  })

  it('fails a run whose handler returns what nothing can be made of (53)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    for (const [returned, message] of [
      ['{"a":1}', 'Invalid Status in invocation output.'],
      ['{"Status":"FAILED","Result":"1"}', 'Cannot provide a Result for FAILED status.'],
      ['{"Status":"SUCCEEDED","Error":{}}', 'Cannot provide an Error for SUCCEEDED status.'],
    ] as const) {
      const caller = rie.invoke()
      await rie.reply(returned)
      expect((await caller).json).toEqual({
        errorMessage: message,
        errorType: 'InvalidParameterValueException',
      })
    }
    const caller = rie.invoke()
    for (let count = 0; count < 3; count++) await rie.reply(pending)
    expect((await caller).json.errorMessage).toBe('Cannot return PENDING status with no pending operations.')
  })
}

function completing(it: It): void {
  /** A run that waits for a callback. */
  async function suspended(rie: Emulator, options: object = {}): Promise<{ arn: string; id: string }> {
    const arn = await begin(rie)
    const delivery = await next(rie)
    const { NewExecutionState } = await delivery.checkpoint(openCallback('c', options))
    await delivery.end(pending)
    return { arn, id: NewExecutionState.Operations[0].CallbackDetails.CallbackId }
  }

  it('completes a callback once, and not after the end of its run (28, 32)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const { arn, id } = await suspended(rie)
    expect(await callback(rie, id, 'succeed', '{"ok":true}')).toMatchObject({ status: 200, text: '{}' })
    const second = await next(rie)
    expect(second.operations[1].CallbackDetails).toEqual({ CallbackId: id, Result: '{"ok":true}' })
    for (const verb of ['succeed', 'fail', 'heartbeat']) {
      const answer = await callback(rie, id, verb)
      expect([answer.status, answer.json]).toEqual([400, overdue])
      expect(answer.header('x-amzn-errortype')).toBe('CallbackTimeoutException')
    }
    await second.checkpoint(openCallback('d'))
    await second.end(succeeded(1))
    const run = await becomes(rie, arn, 'SUCCEEDED')
    const event = (await history(rie, arn)).find(({ Id }) => Id === 'd')
    expect((await callback(rie, event.CallbackStartedDetails.CallbackId, 'succeed')).json).toEqual(overdue)
    expect(run.EndTimestamp).toBeGreaterThan(run.StartTimestamp)
  })

  it('fails a callback with the error, or with an empty one (29)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const error = { ErrorMessage: 'no', ErrorType: 'Denied', ErrorData: 'x', StackTrace: ['y'] }
    for (const [body, expected] of [
      [JSON.stringify(error), error],
      ['', {}],
    ] as const) {
      const { id } = await suspended(rie)
      expect((await callback(rie, id, 'fail', body)).status).toBe(200)
      const delivery = await next(rie)
      expect(delivery.operations[1]).toMatchObject({ Status: 'FAILED', CallbackDetails: { Error: expected } })
      await delivery.end(succeeded(1))
    }
    const { id } = await suspended(rie)
    const odd = await callback(rie, id, 'fail', '{"StackTrace":5}')
    expect([odd.status, odd.json]).toEqual([
      400,
      { Type: 'User', Message: 'error.StackTrace must be a list' },
    ])
    const bad = await callback(rie, id, 'fail', '[]')
    expect([bad.status, bad.header('x-amzn-errortype')]).toEqual([400, 'SerializationException'])
  })

  it('times a callback out, and one without heartbeats (30, 31)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const { arn } = await suspended(rie, { TimeoutSeconds: 1 })
    const first = await next(rie)
    const error = { ErrorType: 'Callback.Timeout', ErrorMessage: 'Callback timed out' }
    expect(first.operations[1]).toMatchObject({ Status: 'TIMED_OUT', CallbackDetails: { Error: error } })
    await first.end(succeeded(1))
    expect(
      (await history(rie, arn)).find(({ EventType }) => EventType === 'CallbackStarted')
        .CallbackStartedDetails,
    ).toEqual({
      CallbackId: expect.any(String),
      Timeout: 1,
    })
    const silent = await suspended(rie, { TimeoutSeconds: 60, HeartbeatTimeoutSeconds: 3 })
    expect((await callback(rie, silent.id, 'heartbeat')).status).toBe(200)
    const second = await next(rie)
    expect(second.operations[1].CallbackDetails.Error).toEqual({
      ErrorType: 'Callback.Heartbeat',
      ErrorMessage: 'Callback timed out on heartbeat',
    })
    await second.end(succeeded(1))
  })

  it('finds a callback by its id raw and encoded, and knows what is none (33)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const { id } = await suspended(rie)
    const answer = await rie.ask({
      method: 'POST',
      path: `/2025-12-01/durable-execution-callbacks/${id}/heartbeat`,
    })
    expect(answer.status).toBe(200)
    expect((await callback(rie, id, 'heartbeat')).status).toBe(200)
    const garbage = await callback(rie, '+/=', 'succeed')
    expect([garbage.status, garbage.json]).toEqual([400, { Type: 'User', message: 'Invalid callback id' }])
    const nobody = Buffer.from(`${crypto.randomUUID()}/c`).toString('base64')
    expect((await callback(rie, nobody, 'succeed')).json).toEqual(overdue)
  })

  it('loses no callback that is completed before its invocation has ended (35, 36)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie)
    const first = await next(rie)
    const { NewExecutionState } = await first.checkpoint(openCallback('a'), openCallback('b'))
    const [a, b] = NewExecutionState.Operations.map(({ CallbackDetails }: Json) => CallbackDetails.CallbackId)
    expect((await callback(rie, b, 'succeed', '2')).status).toBe(200)
    await first.end(pending)
    const second = await next(rie)
    expect(second.event.UpdatedOperationIds).toEqual(['b'])
    // it waits for the other one
    await second.end(pending)
    await becomes(rie, arn, 'RUNNING')
    await callback(rie, a, 'succeed', '1')
    const third = await next(rie)
    expect(third.event.UpdatedOperationIds).toEqual(['a'])
    await third.end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
    expect((await types(rie, arn)).filter((type) => type === 'InvocationCompleted').length).toBe(3)
  })

  it('takes a callback of 1 MiB, and none that is larger (37)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const { id } = await suspended(rie)
    const large = 'x'.repeat(1_048_576)
    expect((await callback(rie, id, 'succeed', `${large}x`)).status).toBe(413)
    expect((await callback(rie, id, 'succeed', large)).status).toBe(200)
    const delivery = await next(rie)
    expect(delivery.operations[1].CallbackDetails.Result).toBe(large)
    await delivery.end(succeeded(1))
  })

  it('invokes itself in its one environment, as a run of its own (43, 46)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const parent = await begin(rie, '{"parent":1}')
    const first = await next(rie)
    await first.checkpoint(invokeFunction('i', 'test_function:$LATEST', '{"child":1}'))
    await first.end(pending)
    const child = await next(rie)
    expect(child.operations[0].ExecutionDetails.InputPayload).toBe('{"child":1}')
    await child.end(succeeded('from the child'))
    const second = await next(rie)
    expect(second.operations[1]).toMatchObject({
      Status: 'SUCCEEDED',
      ChainedInvokeDetails: { Result: '"from the child"' },
    })
    await second.end(succeeded(1))
    await becomes(rie, parent, 'SUCCEEDED')
    const started = (await history(rie, parent)).find(({ EventType }) => EventType === 'ChainedInvokeStarted')
    expect(started.ChainedInvokeStartedDetails).toEqual({
      FunctionName: 'test_function:$LATEST',
      ExecutedVersion: '$LATEST',
      DurableExecutionArn: child.arn,
      Input: { Payload: '{"child":1}', Truncated: false },
    })
  })

  it('tells the parent how a child ended that did not succeed (45)', async ({ start }) => {
    await using rie = await start({ flags: [...durable, '--durable-execution-timeout', '60'] })
    await begin(rie)
    const first = await next(rie)
    await first.checkpoint(invokeFunction('i', 'test_function:$LATEST'))
    const child = (await rie.ask({ path: '/2025-12-01/functions/test_function/durable-executions' })).json
      .DurableExecutions[0].DurableExecutionArn
    const error = { ErrorMessage: 'enough', ErrorType: 'Stopped' }
    expect((await call(rie, 'POST', child, '/stop', error)).status).toBe(200)
    const { NewExecutionState } = await first.checkpoint()
    expect(NewExecutionState.Operations).toMatchObject([
      { Status: 'STOPPED', ChainedInvokeDetails: { Error: error } },
    ])
    await first.end(succeeded(1))
  })

  it('has failed at once what cannot be invoked (44)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    await begin(rie)
    const delivery = await next(rie)
    const answer = await delivery.checkpoint(
      invokeFunction('a', 'nobody'),
      invokeFunction('b', 'test_function'),
    )
    expect(
      answer.NewExecutionState.Operations.map(({ Status, ChainedInvokeDetails }: Json) => [
        Status,
        ChainedInvokeDetails.Error,
      ]),
    ).toEqual([
      [
        'FAILED',
        {
          ErrorType: 'ResourceNotFoundException',
          ErrorMessage: 'Function not found: arn:aws:lambda:us-east-1:012345678912:function:nobody',
        },
      ],
      [
        'FAILED',
        {
          ErrorType: 'InvalidParameterValueException',
          ErrorMessage: 'You cannot invoke a durable function using an unqualified ARN.',
        },
      ],
    ])
    await delivery.end(succeeded(1))
  })
}

function controlling(it: It): void {
  it('stops a run once, and tells its caller (50, 56)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const caller = rie.invoke()
    const delivery = await next(rie)
    const stopped = await call(rie, 'POST', delivery.arn, '/stop', {
      ErrorMessage: 'enough',
      ErrorType: 'Mine',
    })
    expect(stopped.json).toEqual({ StopTimestamp: expect.any(Number) })
    expect((await caller).json).toEqual({ errorMessage: 'enough', errorType: 'Mine' })
    expect((await call(rie, 'POST', delivery.arn, '/stop')).text).toBe(stopped.text)
    expect((await delivery.send({ Updates: [step('s')] })).json).toEqual(badToken)
    await delivery.end(succeeded('ignored'))
    await until('the invocation to be told', async () => (await types(rie, delivery.arn)).length === 3)
    expect(await get(rie, delivery.arn)).toMatchObject({
      Status: 'STOPPED',
      Error: { ErrorMessage: 'enough' },
    })
    const arn = await begin(rie)
    await next(rie)
    await call(rie, 'POST', arn, '/stop')
    expect((await get(rie, arn)).Error).toEqual({})
  })

  it('does not invoke a run that was stopped before its turn', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const first = await begin(rie, '1')
    const delivery = await next(rie)
    const second = await begin(rie, '2')
    const third = await begin(rie, '3')
    await call(rie, 'POST', second, '/stop')
    await delivery.end(succeeded(1))
    const after = await next(rie)
    expect([delivery.arn, after.arn]).toEqual([first, third])
    expect(await types(rie, second)).toEqual(['ExecutionStarted', 'ExecutionStopped'])
    await after.end(succeeded(3))
  })

  it('times a run out, waiting or busy (57)', async ({ start }) => {
    await using rie = await start({ flags: [...durable, '--durable-execution-timeout', '4'] })
    const caller = rie.invoke()
    const delivery = await next(rie)
    await delivery.checkpoint(wait('w', 10))
    await delivery.end(pending)
    expect((await caller).json).toEqual({ errorMessage: 'Execution timed out after 4 seconds.' })
    const busy = rie.invoke()
    const second = await next(rie)
    expect((await busy).json).toEqual({ errorMessage: 'Execution timed out after 4 seconds.' })
    expect((await history(rie, second.arn)).at(-1).ExecutionTimedOutDetails).toEqual({ Error: {} })
    await second.end(succeeded(1))
  })

  it('lists runs, the newest first, by name, status and time, in pages (58)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    for (const name of ['one', 'two', 'three']) {
      await begin(rie, '{}', name)
      await (await next(rie)).end(name === 'two' ? '{"Status":"FAILED"}' : succeeded(1))
    }
    const list = async (query = ''): Promise<Json> =>
      (await rie.ask({ path: `/2025-12-01/functions/test_function/durable-executions?${query}` })).json
    const names = async (query = ''): Promise<string[]> =>
      (await list(query)).DurableExecutions.map((run: Json) => run.DurableExecutionName)
    await until('all to have ended', async () => (await names('Statuses=RUNNING')).length === 0)
    expect(await names()).toEqual(['three', 'two', 'one'])
    expect(await names('ReverseOrder=true')).toEqual(['one', 'two', 'three'])
    expect(await names('Statuses=FAILED')).toEqual(['two'])
    expect(await names('DurableExecutionName=one')).toEqual(['one'])
    expect(await names('StartedAfter=2100-01-01T00:00:00Z')).toEqual([])
    expect(await names('StartedBefore=2100-01-01T00:00:00Z')).toEqual(['three', 'two', 'one'])
    const first = await list('MaxItems=1')
    expect(await names(`MaxItems=2&Marker=${encodeURIComponent(first.NextMarker)}`)).toEqual(['two', 'one'])
    expect((await list('MaxItems=1001')).message).toContain("Value '1001' at 'maxItems'")
    expect((await list('Marker=x')).message).toBe('Invalid Marker')
    expect((await list('Statuses=OPEN')).message).toContain("at 'statuses'")
    expect((await list('Statuses=FAILED&Statuses=RUNNING')).message).toBe(
      'Cannot filter by more than one status',
    )
    const nobody = await rie.ask({ path: '/2025-12-01/functions/nobody/durable-executions' })
    expect([nobody.status, nobody.header('x-amzn-errortype')]).toEqual([404, 'ResourceNotFoundException'])
  })

  it('shows histories in pages and in either order, with data or without (59)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie, '{"n":1}')
    const delivery = await next(rie)
    await delivery.checkpoint(step('s'))
    await delivery.end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
    const page = async (query: string): Promise<Json> =>
      (await call(rie, 'GET', arn, `/history?${query}`)).json
    const numbers = ({ Events }: Json): number[] => Events.map(({ EventId }: Json) => EventId)
    expect(numbers(await page('ReverseOrder=true'))).toEqual([4, 3, 2, 1])
    const first = await page('MaxItems=3')
    expect(numbers(first)).toEqual([1, 2, 3])
    expect(numbers(await page(`MaxItems=3&Marker=${encodeURIComponent(first.NextMarker)}`))).toEqual([4])
    const wrong = await page(`ReverseOrder=true&Marker=${encodeURIComponent(first.NextMarker)}`)
    expect(wrong.message).toBe('Invalid Marker')
    const bare = await page('IncludeExecutionData=false')
    expect(bare.Events[0].ExecutionStartedDetails.Input).toEqual({ Truncated: true })
    const run = await get(rie, arn, '?IncludeExecutionData=false')
    expect([run.InputPayload, run.Result, run.ExecutionDataIncluded]).toEqual([undefined, undefined, false])
  })

  it('pauses a run, saves what it reports, and goes on once when it is resumed (60, 52)', async ({
    start,
  }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie)
    const first = await next(rie)
    const { NewExecutionState } = await first.checkpoint(openCallback('c'))
    const paused = await call(rie, 'POST', arn, '/pause', { Reason: 'lunch', ClientToken: 'k' })
    expect([paused.status, paused.text]).toEqual([202, '{}'])
    expect(await get(rie, arn)).toMatchObject({ Status: 'PAUSING', PauseDetails: { Reason: 'lunch' } })
    expect(await first.checkpoint(step('s'))).toEqual({ NewExecutionState: { Operations: [] } })
    await first.end(pending)
    await becomes(rie, arn, 'PAUSED')
    await callback(rie, NewExecutionState.Operations[0].CallbackDetails.CallbackId, 'succeed', '1')
    expect((await call(rie, 'DELETE', arn)).status).toBe(409)
    expect((await call(rie, 'POST', arn, '/resume', {})).status).toBe(202)
    // a request that is repeated does nothing
    expect((await call(rie, 'POST', arn, '/pause', { ClientToken: 'k' })).status).toBe(202)
    const second = await next(rie)
    expect(second.operations.slice(1).map(({ Id, Status }) => [Id, Status])).toEqual([
      ['c', 'SUCCEEDED'],
      ['s', 'SUCCEEDED'],
    ])
    await second.end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
    const events = await types(rie, arn)
    expect(events.filter((type) => /Paused|Resumed|InvocationCompleted/.test(type))).toEqual([
      ...['ExecutionPaused', 'InvocationCompleted', 'ExecutionResumed', 'InvocationCompleted'],
    ])
    const late = await call(rie, 'POST', arn, '/pause', {})
    expect([late.status, late.header('x-amzn-errortype')]).toEqual([409, 'ResourceConflictException'])
    const deleted = await call(rie, 'DELETE', arn)
    expect([deleted.status, Object.keys(deleted.json)]).toEqual([202, ['DeletionRequestTimestamp']])
    const gone = await call(rie, 'GET', arn)
    expect([gone.status, gone.json]).toEqual([
      404,
      { Type: 'User', Message: 'Durable Execution does not exist' },
    ])
  })

  it('takes an ARN raw in every path (61)', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie)
    const delivery = await next(rie)
    for (const verb of ['', '/history', `/state?CheckpointToken=${encodeURIComponent(delivery.token)}`])
      expect((await rie.ask({ path: `${prefix}/${arn}${verb}` })).status).toBe(200)
    const body = JSON.stringify({ CheckpointToken: delivery.token })
    expect((await rie.ask({ method: 'POST', path: `${prefix}/${arn}/checkpoint`, body })).status).toBe(200)
    expect((await rie.ask({ method: 'POST', path: `${prefix}/${arn}/stop` })).status).toBe(200)
    expect((await rie.ask({ method: 'DELETE', path: `${prefix}/${arn}` })).status).toBe(202)
    const bad = await rie.ask({ path: `${prefix}/nonsense` })
    expect([bad.status, bad.header('x-amzn-errortype')]).toEqual([400, 'ValidationException'])
  })

  it('goes on after a restart with what its store has (62)', async ({ start }) => {
    using folder = tempDir()
    const flags = [...durable, '--durable-store', `${folder.path}/runs.sqlite`]
    let id = ''
    let arn = ''
    {
      await using rie = await start({ flags })
      arn = await begin(rie, '{"n":1}', 'kept')
      const first = await next(rie)
      const { NewExecutionState } = await first.checkpoint(step('s'), openCallback('c'))
      id = NewExecutionState.Operations[1].CallbackDetails.CallbackId
      await first.end(pending)
    }
    await using rie = await start({ flags })
    expect(await begin(rie, '{"n":1}', 'kept')).toBe(arn)
    expect((await callback(rie, id, 'succeed', '1')).status).toBe(200)
    const second = await next(rie)
    expect(second.operations.slice(1).map(({ Id, Status }) => [Id, Status])).toEqual([
      ['s', 'SUCCEEDED'],
      ['c', 'SUCCEEDED'],
    ])
    await second.end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
    expect((await types(rie, arn)).at(-1)).toBe('ExecutionSucceeded')
  })

  it('ends after a restart the waits that it was told of before (62)', async ({ start }) => {
    using folder = tempDir()
    const flags = [...durable, '--durable-store', `${folder.path}/runs.sqlite`]
    let arn = ''
    {
      await using rie = await start({ flags })
      arn = await begin(rie)
      const first = await next(rie)
      await first.checkpoint(wait('short', 3), wait('long', 3600), openCallback('c'))
      await first.end(pending)
    }
    await using rie = await start({ flags })
    const second = await next(rie)
    expect(second.event.UpdatedOperationIds).toEqual(['short'])
    expect(second.operations.slice(1).map(({ Id, Status }) => [Id, Status])).toEqual([
      ['short', 'SUCCEEDED'],
      ['long', 'STARTED'],
      ['c', 'STARTED'],
    ])
    const [started, ended] = (await history(rie, arn)).filter(({ Id }) => Id === 'short')
    expect(ended.WaitSucceededDetails.Duration).toBe(3)
    expect(ended.EventTimestamp - started.EventTimestamp).toBeGreaterThanOrEqual(3)
    await second.end(succeeded(1))
    await becomes(rie, arn, 'SUCCEEDED')
  })
}

interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function commanding(it: It): void {
  /** Runs `aws-lambda-rie durable`. */
  async function command(subject: Subject, rie: Emulator | string, ...words: string[]): Promise<Said> {
    const url = typeof rie === 'string' ? rie : `http://${spell(rie.gateway)}`
    const program = Bun.spawn([...subject.program, 'durable', ...words], {
      env: { PATH: process.env.PATH, AWS_ENDPOINT_URL_LAMBDA: url },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = Promise.all([program.exited, program.stdout.text(), program.stderr.text()])
    const [code, stdout, stderr] = await within('the command to end', ended)
    return { code, stdout, stderr }
  }

  it('has a command that shows runs and controls them', async ({ start, subject }) => {
    await using rie = await start({ flags: durable })
    const arn = await begin(rie, '{"n":1}', 'order-1')
    const first = await next(rie)
    const { NewExecutionState } = await first.checkpoint(openCallback('a'), openCallback('b'))
    const [a, b] = NewExecutionState.Operations.map(({ CallbackDetails }: Json) => CallbackDetails.CallbackId)
    await first.end(pending)
    const done = { code: 0, stdout: '', stderr: '' }
    const list = await command(subject, rie, 'list')
    expect(list.stdout).toMatch(/^NAME +STATUS +STARTED +ENDED\norder-1 +RUNNING +\d{4}-\d\d-\d\d [\d:.]+\n$/)
    const get = await command(subject, rie, 'get', 'order-1')
    expect(JSON.parse(get.stdout)).toMatchObject({ DurableExecutionArn: arn, InputPayload: '{"n":1}' })
    expect(await command(subject, rie, 'heartbeat', a)).toEqual(done)
    expect(await command(subject, rie, 'pause', 'order-1', '--reason', 'lunch')).toEqual(done)
    expect(await command(subject, rie, 'succeed', a, '-d', '{"ok":true}')).toEqual(done)
    expect(await command(subject, rie, 'fail', b, '-d', '{"ErrorMessage":"no"}')).toEqual(done)
    expect(await command(subject, rie, 'resume', arn)).toEqual(done)
    const second = await next(rie)
    expect(second.event.UpdatedOperationIds).toEqual(['a', 'b'])
    expect(await command(subject, rie, 'stop', 'order-1', '-d', '{"ErrorMessage":"enough"}')).toEqual(done)
    await second.end(succeeded(1))
    const { stdout } = await command(subject, rie, 'history', 'order-1')
    expect(stdout).toMatch(/^# +TIME +EVENT +NAME +DETAILS\n1 .* ExecutionStarted +order-1 +Input=\{"n":1\}/)
    expect(stdout).toMatch(/CallbackFailed +approve +Error=\{"ErrorMessage":"no"\}/)
    expect(
      JSON.parse((await command(subject, rie, 'history', 'order-1', '--json')).stdout).Events.length,
    ).toBeGreaterThan(8)
    expect(await command(subject, rie, 'delete', 'order-1')).toEqual(done)
    expect((await command(subject, rie, 'list', '--json')).stdout).toBe('{\n  "DurableExecutions": []\n}\n')
  })

  it('has a command that says with its status what went wrong', async ({ start, subject }) => {
    await using rie = await start({ flags: durable })
    expect((await command(subject, rie, 'get', 'nobody')).code).toBe(1)
    const closed = await command(
      subject,
      rie,
      'heartbeat',
      Buffer.from(`${crypto.randomUUID()}/c`).toString('base64'),
    )
    expect([closed.code, closed.stderr]).toEqual([1, expect.stringContaining('already completed')])
    for (const words of [
      [],
      ['lst'],
      ['get'],
      ['list', 'a', 'b'],
      ['get', 'a', '-d', '1'],
      ['get', 'a', '--statu', '1'],
    ])
      expect([words, (await command(subject, rie, ...words)).code]).toEqual([words, 2])
    expect((await command(subject, 'http://127.0.0.1:1', 'list')).code).toBe(3)
    const help = await command(subject, rie, '--help')
    expect([help.code, help.stdout]).toEqual([
      0,
      expect.stringContaining('Usage: aws-lambda-rie durable VERB'),
    ])
  })

  it('tells of its runs in state and figures', async ({ start }) => {
    await using rie = await start({ flags: durable })
    const first = await begin(rie)
    await (await next(rie)).end(succeeded(1))
    await becomes(rie, first, 'SUCCEEDED')
    await begin(rie)
    await next(rie)
    expect((await rie.ask({ path: '/_rie/state' })).json.durable).toEqual({
      ...{ open: 1, closed: 1 },
      bytes: expect.any(Number),
    })
    const { text } = await rie.ask({ path: '/_rie/metrics' })
    expect(text).toContain('\nlambda_rie_durable_runs_open 1\n')
    expect(text).toContain('\nlambda_rie_durable_runs_total{status="SUCCEEDED"} 1\n')
  })
}

export const durableChapter = chapter('Durable executions', (it) => {
  commanding(it)
  starting(it)
  reporting(it)
  completing(it)
  controlling(it)
})
