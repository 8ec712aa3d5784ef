import { Database } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import type { RunEvent } from '../../src/durable/core/event.ts'
import { step } from '../../src/durable/core/lifecycle.ts'
import type { RunState } from '../../src/durable/core/state.ts'
import { StepEffects } from '../../src/durable/run.ts'
import { openStore } from '../../src/durable/sqlite.ts'
import type { RunStore } from '../../src/durable/store.ts'
import { tempDir } from '../harness.ts'
import {
  begin,
  boom,
  callbackStart,
  checkpoint,
  done,
  failed,
  fresh,
  invokeStart,
  pause,
  pending,
  policy,
  stepOk,
  stepRetry,
  succeeds,
  timer,
  waitStart,
} from './core/script.ts'

/** Plays events and saves each, as the engine does; gives the state and the length of the history. */
function play(store: RunStore, ...events: readonly RunEvent[]) {
  let state: RunState = fresh()
  let historyBefore = 0
  for (const event of events) {
    const out = new StepEffects()
    state = step(state, event, out, policy)
    store.save({ state, operations: out.operations.values(), history: out.history, historyBefore })
    historyBefore += out.history.length
  }
  return { state, events: historyBefore }
}

const lives: readonly (readonly [phase: string, events: readonly RunEvent[]])[] = [
  ['invoking', [begin, checkpoint(1, [stepOk('a'), stepRetry('b', 60)], 10, 'k')]],
  [
    'suspended',
    [
      begin,
      checkpoint(1, [waitStart('w', 60), callbackStart('c', 90, 30), invokeStart('i')]),
      pending(),
      succeeds('c'),
      pending(),
    ],
  ],
  ['waiting for a retry', [begin, failed()]],
  ['paused', [begin, failed(), pause()]],
  ['closed', [begin, checkpoint(1, [stepOk('a')]), done()]],
]

describe('what was saved is there when it is opened again', () => {
  test.each(lives)('%s', (_, events) => {
    using folder = tempDir()
    const path = `${folder.path}/runs.sqlite`
    let saved: ReturnType<typeof play>
    {
      using store = openStore(path)
      saved = play(store, ...events)
    }
    using store = openStore(path)
    const [loaded, ...others] = store.load()
    expect(others).toEqual([])
    // an answer is kept for a client of this emulator's life alone
    const state = 'last' in saved.state ? { ...saved.state, last: null } : saved.state
    expect(loaded?.state).toEqual(state)
    expect(loaded?.history.length).toBe(saved.events)
    // it goes on: new operations come after those that were there
    if (loaded?.state.phase !== 'suspended') return
    const out = new StepEffects()
    const next = step(loaded.state, timer(61_000), out, policy)
    store.save({
      state: next,
      operations: out.operations.values(),
      history: out.history,
      historyBefore: loaded.history.length,
    })
    expect([...next.run.operations.keys()]).toEqual([...state.run.operations.keys()])
  })
})

test('runs come in the order of their start, and one that is deleted is gone', () => {
  using folder = tempDir()
  using store = openStore(`${folder.path}/runs.sqlite`)
  for (const name of ['b', 'a', 'c']) {
    const state = fresh({ arn: name })
    store.save({ state, operations: [], history: [], historyBefore: 0 })
  }
  store.delete('a')
  expect(store.load().map(({ state }) => state.run.facts.arn)).toEqual(['b', 'c'])
})

test('errors of operations are kept as they are', () => {
  using folder = tempDir()
  const path = `${folder.path}/runs.sqlite`
  {
    using store = openStore(path)
    play(
      store,
      begin,
      checkpoint(1, [stepRetry('a', 1, { error: { ...boom, StackTrace: ['x'], ErrorData: '€' } })]),
    )
  }
  using store = openStore(path)
  expect(store.load()[0]?.state.run.operations.get('a')?.error).toEqual({
    ...boom,
    StackTrace: ['x'],
    ErrorData: '€',
  })
})

describe('a file that cannot be used is refused with its name and why', () => {
  test('another emulator has it', () => {
    using folder = tempDir()
    const path = `${folder.path}/runs.sqlite`
    using _ = openStore(path)
    expect(() => openStore(path)).toThrow(
      `the store of durable executions ${path} cannot be used: another emulator has it open`,
    )
  })
  test('it is none', () => {
    using folder = tempDir()
    const path = `${folder.path}/text`
    writeFileSync(path, 'this is no database, and long enough to be read as one: '.repeat(100))
    expect(() => openStore(path)).toThrow('is not a database')
  })
  test('it is of another version', () => {
    using folder = tempDir()
    const path = `${folder.path}/runs.sqlite`
    const database = new Database(path, { create: true })
    database.run('PRAGMA user_version = 99')
    database.close()
    expect(() => openStore(path)).toThrow("its format is 99, this program's is 1")
  })
  test('its folder is not there', () => {
    expect(() => openStore('/nowhere/runs.sqlite')).toThrow('/nowhere/runs.sqlite cannot be used')
  })
})
