import { describe, expect, test } from 'bun:test'
import type { RequestId } from '../../src/core/ids.ts'
import {
  type Event,
  freeSlots,
  type Inflight,
  isFree,
  isOpen,
  type LifecycleState,
  refuseStale,
  runtimeState,
  type Serving,
  type Table,
  transitions,
} from '../../src/core/lifecycle.ts'
import { onDemand } from '../../src/core/mode.ts'
import { copy, type Effect, play } from './recorder.ts'
import {
  at,
  call,
  cold,
  discovered,
  error,
  exit1,
  exits,
  extExitError,
  external,
  extInitError,
  extNext,
  flushed,
  initError,
  invoke,
  launchFailed,
  next,
  noLaunch,
  one,
  received,
  registers,
  response,
  restoreError,
  restoreLimit,
  restoreNext,
  restoring,
  runtimeRefused,
  serving,
  several,
  starting,
  stopped,
  stopping,
  subscribe,
  type Trace,
  two,
} from './script.ts'
import { traces } from './traces.ts'

/** The first line of a trace that a table does not follow; null when it follows all. Events may not be changed. */
function deviation(
  { given, beats, mode }: Trace,
  table: Table,
): { line: number; expected: unknown; actual: unknown } | null {
  let state = copy(given)
  for (const [line, [event, change, ...effects]] of beats.entries()) {
    const expected = ['phase' in change ? change : { ...copy(state), ...change }, ...effects]
    const actual = play(state, deepFreeze(event), mode, table)
    if (!Bun.deepEquals(actual, expected, true)) return { line, expected, actual }
    state = actual[0]
  }
  return null
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}

describe('the rules follow every trace', () => {
  for (const one of traces) {
    test(one.name, () => {
      const found = deviation(one, transitions)
      if (found !== null)
        expect({ line: found.line, is: found.actual }).toEqual({ line: found.line, is: found.expected })
    })
  }

  test('no two traces have one name', () => {
    const names = traces.map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
  })
})

describe('the traces notice when a cell is missing', () => {
  for (const [phase, cells] of Object.entries(transitions)) {
    for (const type of Object.keys(cells)) {
      test(`${phase}: ${type}`, () => {
        const { [type as keyof typeof cells]: _, ...others } = cells
        const table = { ...transitions, [phase]: others } as Table
        expect(traces.some((one) => deviation(one, table) !== null)).toBe(true)
      })
    }
  }
})

const busy = [external('watch', { state: 'Ready', poll: call(50), events: ['INVOKE'] })]

/** Of each phase the states that differ most. */
const states: Record<LifecycleState['phase'], readonly LifecycleState[]> = {
  cold: [cold(), cold({ retry: true })],
  starting: [
    starting(),
    starting({ waiting: [one], extensions: busy }),
    starting({ runtime: 'Started' }),
    starting({ runtime: 'Ready', polls: [call(51)], waiting: [one], attempt: 'invoke' }),
  ],
  restoring: [
    restoring(),
    restoring({ polls: [call(51)], extensions: busy }),
    restoring({ waiting: [one], extensions: busy }),
  ],
  serving: [
    serving({ polls: [call(51)] }),
    serving(),
    ...(['waiting', 'running', 'responding', 'erroring', 'broken', 'responded'] as const).map((stage) =>
      serving({ inflight: [at(stage)], extensions: busy }),
    ),
  ],
  stopping: [
    stopping(),
    stopping({ step: 'extensions', runtime: false, extensions: busy }),
    stopping({ step: 'flush', runtime: false, extensions: busy }),
    stopping({ afterwards: { to: 'stopped' } }),
  ],
  stopped: [stopped()],
}

/** One event of every type; a missing one does not compile. */
const events: { readonly [T in Event['type']]: Event } = {
  start: { type: 'start' },
  invoke: invoke(two),
  discovered: discovered('a'),
  'launch-failed': launchFailed('extension:a', noLaunch),
  exit: exits('runtime'),
  'runtime/next': next(1),
  'runtime/restore-next': restoreNext(1),
  'runtime/restore-error': restoreError(1),
  'runtime/response': response(1),
  'runtime/error': error(1),
  'runtime/received': received(1),
  'runtime/init-error': initError(1),
  'extension/register': registers(1, 'x'),
  'extension/next': extNext(1, 'watch'),
  'extension/init-error': extInitError(1, 'watch'),
  'extension/exit-error': extExitError(1, 'watch'),
  'extension/subscribe': subscribe(1, 'watch'),
  flushed: flushed(),
  gone: { type: 'gone', call: call(50) },
  'init-limit': { type: 'init-limit' },
  'restore-limit': restoreLimit,
  'exit-wait-over': { type: 'exit-wait-over' },
  'runtime/streaming': { type: 'runtime/streaming', id: one, contentType: 'text/plain' },
  deadline: { type: 'deadline', id: one },
  'grace-over': { type: 'grace-over' },
  'budget-over': { type: 'budget-over' },
  'kill-wait-over': { type: 'kill-wait-over' },
  recycle: { type: 'recycle' },
  stop: { type: 'stop' },
}

describe('a pair of phase and event is a cell or a refusal that moves nothing', () => {
  for (const [phase, all] of Object.entries(states)) {
    for (const [type, event] of Object.entries(events)) {
      const cell = transitions[phase as LifecycleState['phase']][type as 'gone']
      if (cell !== undefined) continue
      test(`${phase}: ${type}`, () => {
        for (const state of all) {
          const [after, ...effects] = play(deepFreeze(state), event)
          expect(after).toBe(state)
          // whoever has gone away waits for no answer
          if ('call' in event && event.type !== 'gone') {
            expect(effects).toEqual([{ do: 'reply', call: event.call, reply: expect.anything() }])
            expect(effects[0]).toMatchObject({ reply: { kind: 'refused' } })
          } else {
            expect(effects).toEqual([])
          }
        }
      })
    }
  }
})

const extensionAbsent = (from: string, to: string) => ({
  kind: 'refused',
  code: 'InvalidStateTransition',
  message: `State transition from ${from} to ${to} failed for extension. Error: State transition is not allowed`,
})
const invalidId = { kind: 'refused', code: 'InvalidRequestID', message: 'Invalid request ID' }

describe('a call that has no cell is refused in the words of the reference', () => {
  const refusals: [name: string, state: LifecycleState, event: Event, reply: unknown][] = [
    ['next while nothing is expected', cold(), next(1), runtimeRefused('NotStarted', 'Ready')],
    [
      'init/error while nothing is expected',
      stopped(),
      initError(1),
      runtimeRefused('NotStarted', 'InitError'),
    ],
    ['response while nothing is expected', cold(), response(1), invalidId],
    ['error while nothing is expected', cold(), error(1), invalidId],
    [
      'an extension that registers while nothing is expected',
      stopped(),
      registers(1, 'watch'),
      extensionAbsent('NotStarted', 'Registered'),
    ],
    [
      'an extension that asks while nothing is expected',
      cold(),
      extNext(1, 'watch'),
      extensionAbsent('NotStarted', 'Ready'),
    ],
    [
      'an init error of an extension while nothing is expected',
      cold(),
      extInitError(1, 'watch'),
      extensionAbsent('NotStarted', 'InitError'),
    ],
    [
      'an exit error of an extension while nothing is expected',
      cold(),
      extExitError(1, 'watch'),
      extensionAbsent('NotStarted', 'Exited'),
    ],
    [
      'a registration during a stop',
      stopping(),
      registers(1, 'watch'),
      extensionAbsent('Stopping', 'Registered'),
    ],
    [
      'a response before the extensions are there',
      starting({ waiting: [one] }),
      response(1),
      runtimeRefused('NotStarted', 'InvocationResponse'),
    ],
    [
      'a response before the first poll',
      starting({ waiting: [one], runtime: 'Started' }),
      response(1),
      runtimeRefused('Started', 'InvocationResponse'),
    ],
    [
      'an error before all extensions are ready',
      starting({ waiting: [one], runtime: 'Ready' }),
      error(1),
      runtimeRefused('Ready', 'InvocationErrorResponse'),
    ],
    ['a response of another id before the first poll', starting({ waiting: [two] }), response(1), invalidId],
    ['a response during a stop', stopping(), response(1), invalidId],
    [
      'an init error after the event was handed out',
      serving({ inflight: [at('running')] }),
      initError(1),
      runtimeRefused('Running', 'InitError'),
    ],
    [
      'an init error during a stop',
      stopping({ runtimeState: 'Exited' }),
      initError(1),
      runtimeRefused('Exited', 'InitError'),
    ],
    [
      'the end of an upload in another generation',
      starting(),
      received(1),
      runtimeRefused('NotStarted', 'RuntimeResponseSentState'),
    ],
  ]
  test.each(refusals)('%s', (_, state, event, reply) => {
    expect(play(copy(state), event)).toEqual([state, { do: 'reply', call: call(1), reply } as Effect])
  })
})

test('a runtime that serves has the state of its invocation', () => {
  const names = (['waiting', 'running', 'responding', 'erroring', 'responded'] as const).map((stage) =>
    runtimeState(serving({ inflight: [at(stage)] })),
  )
  expect(names).toEqual([
    'Ready',
    'Running',
    'InvocationResponse',
    'InvocationErrorResponse',
    'RuntimeResponseSentState',
  ])
  expect(runtimeState(serving())).toBe('Ready')
  expect(runtimeState(serving({ polls: [call(1)], inflight: [at('responded')] }))).toBe('Ready')
})

test('an environment is free when it serves and nothing is in flight', () => {
  const free = Object.values(states)
    .flat()
    .filter((state) => isFree(state, onDemand))
  expect(free).toEqual([
    restoring(),
    restoring({ polls: [call(51)], extensions: busy }),
    serving({ polls: [call(51)] }),
    serving(),
  ])
})

test('with several at a time, each poll that is parked is a slot, up to the limit', () => {
  const slots = (polls: number, inflight: readonly Inflight['stage'][], over: Partial<Serving> = {}) =>
    freeSlots(
      serving({
        polls: Array.from({ length: polls }, (_, index) => call(index)),
        inflight: inflight.map((stage, index) => at(stage, { id: `request-${index}` as RequestId })),
        ...over,
      }),
      several,
    )
  expect([
    slots(0, []),
    slots(2, []),
    slots(9, []),
    slots(9, ['running', 'running']),
    slots(1, ['running']),
  ]).toEqual([0, 2, 3, 1, 1])
  expect(slots(2, ['responding'], { exited: exit1 })).toBe(0)
  expect(freeSlots(cold(), several)).toBe(0)
})

test('an environment is open when it is free, or will start, or starts for nobody', () => {
  const open = Object.values(states)
    .flat()
    .filter((state) => isOpen(state, onDemand))
  expect(open).toEqual([
    cold(),
    cold({ retry: true }),
    starting(),
    starting({ runtime: 'Started' }),
    restoring(),
    restoring({ polls: [call(51)], extensions: busy }),
    serving({ polls: [call(51)] }),
    serving(),
  ])
})

test('a call of an earlier generation is refused as if nothing were expected', () => {
  const { generation } = serving()
  expect([refuseStale(generation, initError(1)), refuseStale(generation, registers(1, 'x'))]).toEqual([
    runtimeRefused('NotStarted', 'InitError'),
    extensionAbsent('NotStarted', 'Registered') as never,
  ])
  expect([
    refuseStale(generation, { type: 'gone', call: call(1) }),
    refuseStale(generation, invoke()),
  ]).toEqual([null, null])
})
