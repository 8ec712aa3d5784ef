import { describe, expect, test } from 'bun:test'
import { actions, checks } from '../../../src/durable/core/actions.ts'
import type { RunEvent, Update } from '../../../src/durable/core/event.ts'
import { step } from '../../../src/durable/core/lifecycle.ts'
import { bytesOf, maxOperationBytes, maxOperations } from '../../../src/durable/core/limits.ts'
import { type Operation, visible } from '../../../src/durable/core/operation.ts'
import type { RunState } from '../../../src/durable/core/state.ts'
import { play, Recorder } from './recorder.ts'
import {
  begin,
  boom,
  callbackStart,
  checkpoint,
  contextOk,
  contextStart,
  fresh,
  invokeStart,
  policy,
  runFail,
  runOk,
  stepFail,
  stepOk,
  stepRetry,
  stepStart,
  timer,
  update,
  waitCancel,
  waitStart,
} from './script.ts'

function after(given: RunState, ...events: readonly RunEvent[]): RunState {
  return events.reduce<RunState>((state, event) => step(state, event, new Recorder(), policy), given)
}

/** A run that has an operation of each kind and status that a handler can reach. */
function furnished(): RunState {
  return after(
    fresh(),
    begin,
    checkpoint(1, [
      stepStart('started'),
      stepRetry('pending', 60),
      stepRetry('ready', 1),
      stepOk('done'),
      contextStart('open'),
      contextStart('shut'),
      contextOk('shut'),
      waitStart('wait', 60),
      callbackStart('callback'),
      invokeStart('invoke'),
    ]),
    timer(1010),
  )
}

const token = 2
const twice = 'Cannot update the same operation twice in a single request.'
const noStart = 'Invalid current STEP state to start.'
const noClose = 'Invalid current STEP state to close.'
const noRetry = 'Invalid current STEP state to re-attempt.'
const noContext = 'Invalid current CONTEXT state to close.'
const noOptions = 'Invalid StepOptions for the given action.'
const noParent = 'Invalid parent operation id.'
const big = 'x'.repeat(maxOperationBytes + 1)

const faults: readonly [what: string, updates: readonly Update[], message: string][] = [
  ['two ends of the run', [runOk(), runFail()], 'Cannot checkpoint multiple EXECUTION updates.'],
  [
    'an end of the run that is not last',
    [runOk(), stepStart('new')],
    'EXECUTION checkpoint must be the last update.',
  ],
  ['one operation twice', [stepStart('new'), stepStart('new')], twice],
  ['one operation thrice', [stepStart('new'), stepOk('new'), stepOk('new')], twice],
  ['a wait that begins and ends', [waitStart('new', 1), waitCancel('new')], twice],
  ['the end of a step before its start', [stepOk('new'), stepStart('new')], twice],
  ['a parent that is not there', [stepStart('new', { parentId: 'none' })], noParent],
  ['a parent that comes later', [stepStart('new', { parentId: 'x' }), contextStart('x')], noParent],
  ['a parent that is no context', [stepStart('new', { parentId: 'done' })], noParent],
  ['another type', [contextStart('started')], 'Inconsistent operation type.'],
  ['another subtype', [stepOk('started', '1', { subType: 'Step' })], 'Inconsistent operation subtype.'],
  ['another name', [stepOk('started', '1', { name: null })], 'Inconsistent operation name.'],
  ['another parent', [stepOk('started', '1', { parentId: 'open' })], 'Inconsistent parent operation id.'],
  [
    'an action of another type',
    [update('CALLBACK', 'SUCCEED', 'callback')],
    'Invalid action for the given operation type.',
  ],
  ['a step that has started', [stepStart('started')], noStart],
  ['a step that waits for its time', [stepStart('pending')], noStart],
  ['the end of a step that waits for its time', [stepOk('pending')], noClose],
  ['the failure of a step that waits for its time', [stepFail('pending')], noClose],
  ['the end of a step that has ended', [stepOk('done')], noClose],
  ['a retry of a step that has ended', [stepRetry('done', 1)], noRetry],
  ['a retry of a step that waits for its time', [stepRetry('pending', 1)], noRetry],
  ['a context that is there', [contextStart('open')], 'Cannot start a CONTEXT that already exist.'],
  ['the end of a context that never began', [contextOk('new')], noContext],
  ['the end of a context that has ended', [contextOk('shut')], noContext],
  ['a wait that is there', [waitStart('wait', 1)], 'Cannot start a WAIT that already exist.'],
  [
    'the cancel of no wait',
    [waitCancel('new')],
    'Cannot cancel a WAIT that does not exist or has already completed.',
  ],
  ['a callback that is there', [callbackStart('callback')], 'Cannot start a CALLBACK that already exist.'],
  [
    'an invoke that is there',
    [invokeStart('invoke')],
    'Cannot start a CHAINED_INVOKE operation that already exists.',
  ],
  ['a delay without a retry', [stepOk('new', '1', { nextAttemptDelaySeconds: 1 })], noOptions],
  ['a retry without a delay', [update('STEP', 'RETRY', 'new', { error: boom })], noOptions],
  [
    'a wait without its time',
    [update('WAIT', 'START', 'new')],
    'Update for WAIT operation requires WaitOptions.',
  ],
  [
    'an invoke of nothing',
    [update('CHAINED_INVOKE', 'START', 'new')],
    'Update for CHAINED_INVOKE operation requires ChainedInvokeOptions.',
  ],
  [
    'a retry with two outcomes',
    [stepRetry('new', 1, { error: boom, payload: '1' })],
    'Cannot provide both error and payload to RETRY a STEP.',
  ],
  [
    'a failure with a payload',
    [stepFail('new', { payload: '1' })],
    'Cannot provide a Payload for FAIL action.',
  ],
  [
    'a success with an error',
    [stepOk('new', '1', { error: boom })],
    'Cannot provide an Error for SUCCEED action.',
  ],
  [
    'a payload too large',
    [stepOk('new', big)],
    'STEP output payload size must be less than or equal to 1048576 bytes.',
  ],
  [
    'an error too large',
    [stepFail('new', { error: { ErrorMessage: big.slice(1), StackTrace: ['x'] } })],
    'STEP output payload size must be less than or equal to 1048576 bytes.',
  ],
  [
    'an error of the run too large',
    [runFail({ ErrorData: big })],
    'EXECUTION output payload size must be less than or equal to 1048576 bytes.',
  ],
  [
    'a result too large',
    [runOk('x'.repeat(6_291_457))],
    'EXECUTION output payload size must be less than or equal to 6291456 bytes.',
  ],
]

describe('a checkpoint is refused whole', () => {
  for (const [what, updates, message] of faults) {
    test(what, () => {
      const state = furnished()
      const before = structuredClone(state)
      // what stands before it would be fine
      const { state: next, recorder } = play(
        state,
        checkpoint(token, [stepStart('fine'), ...updates], 2000),
        policy,
      )
      expect(recorder.effects).toEqual([`refuse ${message}`])
      expect(next).toEqual(before)
      const good = play(next, checkpoint(token, [], 2000), policy)
      expect(good.recorder.effects).toEqual([expect.stringMatching(/^reply 3: ready READY/)])
    })
  }

  test('every check and every rule about a status has a fault that it alone refuses', () => {
    const told = new Set(faults.map(([, , message]) => message))
    const rules = Object.values(actions).flatMap((of) => Object.values(of).map(({ otherwise }) => otherwise))
    expect(rules.filter((message) => message !== '' && !told.has(message))).toEqual([])
    // without a check its faults pass, or are refused for something else
    for (const [name, check] of Object.entries(checks)) {
      if (name === 'status') continue
      const table = checks as Record<string, unknown>
      table[name] = () => null
      try {
        const passed = faults.filter(([, updates, message]) => {
          try {
            const { recorder } = play(furnished(), checkpoint(token, updates, 2000), policy)
            return recorder.effects[0] !== `refuse ${message}`
          } catch {
            return true
          }
        })
        expect([name, passed.length > 0]).toEqual([name, true])
      } finally {
        table[name] = check
      }
    }
  })
})

describe('what is allowed from where', () => {
  test('a step that is ready ends without another start', () => {
    const { recorder } = play(furnished(), checkpoint(token, [stepFail('ready')], 2000), policy)
    expect(recorder.effects).toContain('tell StepFailed ready 2/last boom')
  })
  test('a step that has started is tried again', () => {
    const { recorder } = play(furnished(), checkpoint(token, [stepRetry('started', 3)], 2000), policy)
    expect(recorder.effects).toContain('tell StepFailed started 1/3 boom')
  })
  test('a parent may come first in the same checkpoint', () => {
    const updates = [
      contextStart('x'),
      contextStart('y', { parentId: 'x' }),
      stepOk('z', '1', { parentId: 'y' }),
    ]
    const { recorder } = play(furnished(), checkpoint(token, updates, 2000), policy)
    expect(recorder.effects.at(-1)).toMatch(/^reply 3: .*z SUCCEEDED#1 1$/)
  })
  test('a callback without options has no limits', () => {
    const { recorder } = play(
      furnished(),
      checkpoint(token, [update('CALLBACK', 'START', 'b')], 2000),
      policy,
    )
    expect(recorder.changes.get('b')).toMatchObject({ timeoutSeconds: 0, heartbeatSeconds: 0 })
  })
})

describe('quotas', () => {
  const many = (count: number): Update[] => Array.from({ length: count }, (_, index) => stepOk(`s${index}`))

  test('the 3000th operation is fine, one more fails the run, and the answer has no token', () => {
    const full = after(fresh(), begin, checkpoint(1, many(maxOperations)))
    expect(full.phase).toBe('invoking')
    const { state, recorder } = play(full, checkpoint(2, [stepOk('more')]), policy)
    expect(recorder.replies).toEqual([{ kind: 'checkpointed', token: null, operations: [expect.anything()] }])
    expect(state).toMatchObject({
      phase: 'closed',
      status: 'FAILED',
      error: { ErrorType: 'LimitExceededException' },
    })
  })

  test('more than 100 MiB fail the run', () => {
    const payload = 'x'.repeat(maxOperationBytes)
    let state = after(fresh(), begin)
    // a name counts too, so that the hundredth is over
    for (let index = 0; index < 99; index++)
      state = after(state, checkpoint(index + 1, [stepOk(`s${index}`, payload)]))
    expect(state.phase).toBe('invoking')
    // an operation that is changed counts once
    state = after(state, checkpoint(100, [stepRetry('again', 1, { payload })]), timer(5000))
    expect(state).toMatchObject({ phase: 'closed', status: 'FAILED' })
  })

  test('an operation that changes is counted as it is', () => {
    const payload = 'x'.repeat(1000)
    const state = after(
      fresh(),
      begin,
      checkpoint(1, [stepRetry('a', 1, { payload })]),
      timer(2000),
      checkpoint(2, [stepOk('a', 'xy')]),
    )
    expect(state.run.bytes).toBe(3)
  })
})

test('bytes are those of UTF-8', () => {
  for (const text of ['', 'abc', 'é', '€', '😀', 'a😀é€', '\ud83d', '\ude00x'])
    expect([text, bytesOf(text)]).toEqual([text, new TextEncoder().encode(text).byteLength])
  expect(bytesOf(null)).toBe(0)
})

describe('what a handler sees', () => {
  const shown = (...updates: Update[]): string[] => {
    const state = after(fresh(), begin, checkpoint(1, updates))
    return visible(state.run.operations).map(({ id }: Operation) => id)
  }
  const tree = [
    contextStart('x'),
    contextStart('y', { parentId: 'x' }),
    stepOk('deep', '1', { parentId: 'y' }),
    stepOk('beside'),
  ]
  test('everything in a context that is open', () => {
    expect(shown(...tree)).toEqual(['x', 'y', 'deep', 'beside'])
  })
  test('nothing in one that has ended, at any depth', () => {
    expect(shown(...tree, contextOk('x', { replayChildren: false }))).toEqual(['x', 'beside'])
    expect(shown(...tree, contextOk('y', { parentId: 'x' }))).toEqual(['x', 'y', 'beside'])
  })
  test('everything in one that is replayed', () => {
    expect(shown(...tree, contextOk('x', { replayChildren: true }))).toEqual(['x', 'y', 'deep', 'beside'])
  })
})
