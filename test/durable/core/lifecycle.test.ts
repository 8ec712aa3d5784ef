import { describe, expect, test } from 'bun:test'
import type { RunEvent } from '../../../src/durable/core/event.ts'
import { type RunTable, step, transitions } from '../../../src/durable/core/lifecycle.ts'
import { type RunState, statusOf } from '../../../src/durable/core/state.ts'
import { phrase, play, Recorder } from './recorder.ts'
import {
  beats,
  begin,
  begins,
  callbackStart,
  chained,
  checkpoint,
  done,
  failed,
  fails,
  fresh,
  pause,
  pending,
  policy,
  remove,
  restored,
  resume,
  stop,
  succeeds,
  type Trace,
  timer,
  withdrawn,
} from './script.ts'
import { invocationTraces } from './traces/invocations.ts'
import { operationTraces } from './traces/operations.ts'

const traces = [...operationTraces, ...invocationTraces]

/** The first line of a trace that a table does not follow; null when it follows all. Replies stand where they are made. */
function deviation(
  { given, beats: lines, policy: of }: Trace,
  table: RunTable,
): { line: number; expected: unknown; actual: unknown } | null {
  let state: RunState = structuredClone(given)
  for (const [line, [event, ...words]] of lines.entries()) {
    const { state: next, recorder } = play(state, event, of, table)
    const actual = [...recorder.effects, phrase(next)]
    const told = (all: readonly string[]) => all.filter((word) => !/^(reply|refuse)/.test(word))
    const answered = (all: readonly string[]) => all.filter((word) => /^(reply|refuse)/.test(word))
    if (!Bun.deepEquals([told(actual), answered(actual)], [told(words), answered(words)]))
      return { line, expected: words, actual }
    state = next
  }
  return null
}

describe('the rules of runs follow every trace', () => {
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
        const table = { ...transitions, [phase]: others } as RunTable
        expect(traces.some((one) => deviation(one, table) !== null)).toBe(true)
      })
    }
  }
})

/** The state after these events. */
function after(...events: readonly RunEvent[]): RunState {
  return events.reduce<RunState>((state, event) => step(state, event, new Recorder(), policy), fresh())
}

const states: Record<RunState['phase'], readonly RunState[]> = {
  created: [fresh()],
  invoking: [after(begin), after(begin, pause())],
  suspended: [after(begin, failed()), after(begin, checkpoint(1, [callbackStart('c')]), pending())],
  paused: [after(begin, failed(), pause())],
  closed: [after(begin, done()), after(begin, stop())],
}

/** One event of every type; a missing one does not compile. */
const events: { readonly [T in RunEvent['type']]: RunEvent } = {
  begin,
  checkpoint: checkpoint(1),
  returned: done(),
  failed: failed(),
  withdrawn: withdrawn(),
  restored: restored(),
  timer: timer(900_000),
  'callback-succeeded': succeeds('c'),
  'callback-failed': fails('c'),
  'callback-heartbeat': beats('c'),
  'chained-ended': chained('i', {}),
  stop: stop(),
  pause: pause(),
  resume: resume(),
  delete: remove(),
}
const calls = [
  'checkpoint',
  'callback-succeeded',
  'callback-failed',
  'callback-heartbeat',
  'pause',
  'resume',
  'delete',
]

describe('a pair of phase and event is a cell or a refusal that moves nothing', () => {
  for (const [phase, all] of Object.entries(states)) {
    for (const [type, event] of Object.entries(events)) {
      const cell = transitions[phase as RunState['phase']][type as 'stop']
      if (cell !== undefined) continue
      test(`${phase}: ${type}`, () => {
        for (const state of all) {
          const before = structuredClone(state)
          const { state: next, recorder } = play(state, event, policy)
          expect(next).toBe(state)
          expect(next).toEqual(before)
          expect(recorder.effects).toEqual(calls.includes(type) ? [expect.stringMatching(/^refuse /)] : [])
        }
      })
    }
  }
})

test('a state has the name that the API gives it', () => {
  const names = Object.entries(states).map(([phase, all]) => [phase, ...all.map(statusOf)])
  expect(names).toEqual([
    ['created', 'RUNNING'],
    ['invoking', 'RUNNING', 'PAUSING'],
    ['suspended', 'RUNNING', 'RUNNING'],
    ['paused', 'PAUSED'],
    ['closed', 'SUCCEEDED', 'STOPPED'],
  ])
})

test('the traces begin as runs begin', () => {
  expect(begins[0]).toBe(begin)
})
