/**
 * Runs in a file of SQLite. A checkpoint is answered when its transaction is on disk, so the emulator may be killed at
 * any point: what is in the file is what handlers were told, or a step more.
 *
 * The state is stored, not the events that led to it: what the rules of another version of this program make of old
 * events need not be what was answered then.
 */

import { Database } from 'bun:sqlite'
import type { HistoryEvent } from './core/history.ts'
import type { Operation } from './core/operation.ts'
import type { RunState } from './core/state.ts'
import type { RunChange, RunStore, StoredRun } from './store.ts'

/** Of the tables; a file of another one is refused. */
const formatVersion = 1

const schema = `
  CREATE TABLE runs (arn TEXT PRIMARY KEY, number INTEGER NOT NULL, head TEXT NOT NULL, input TEXT) WITHOUT ROWID;
  CREATE TABLE operations (arn TEXT, place INTEGER, operation TEXT NOT NULL, PRIMARY KEY (arn, place)) WITHOUT ROWID;
  CREATE TABLE history (arn TEXT, place INTEGER, event TEXT NOT NULL, PRIMARY KEY (arn, place)) WITHOUT ROWID;
`

/** Throws an error that names the file when it cannot be had, is no such file, or is of another version. */
export function openStore(path: string): RunStore {
  const database = open(path)
  const saveRun = database.query(
    'INSERT INTO runs (arn, number, head, input) VALUES (?1, (SELECT IFNULL(MAX(number), 0) + 1 FROM runs), ?2, ?3) ON CONFLICT (arn) DO UPDATE SET head = ?2',
  )
  const saveOperation = database.query(
    'INSERT OR REPLACE INTO operations (arn, place, operation) VALUES (?, ?, ?)',
  )
  const saveEvent = database.query('INSERT INTO history (arn, place, event) VALUES (?, ?, ?)')
  const forget = ['runs', 'operations', 'history'].map((table) =>
    database.query(`DELETE FROM ${table} WHERE arn = ?`),
  )
  /** where the operations of a run stand */
  const places = new Map<string, Map<string, number>>()

  function placesOf(arn: string): Map<string, number> {
    const known = places.get(arn) ?? new Map<string, number>()
    places.set(arn, known)
    return known
  }

  const save = database.transaction(({ state, operations, history, historyBefore }: RunChange) => {
    const { arn, input } = state.run.facts
    saveRun.run(arn, headOf(state), input)
    const known = placesOf(arn)
    for (const operation of operations) {
      const place = known.get(operation.id) ?? known.size
      known.set(operation.id, place)
      saveOperation.run(arn, place, JSON.stringify(operation))
    }
    for (const [index, event] of history.entries()) {
      saveEvent.run(arn, historyBefore + index, JSON.stringify(event))
    }
    // nothing of a run that has ended changes but its last invocation
    if (state.phase === 'closed' && !state.invoking) places.delete(arn)
  })

  const deleteRun = database.transaction((arn: string) => {
    for (const query of forget) query.run(arn)
    places.delete(arn)
  })

  function load(): StoredRun[] {
    const operations = grouped<Operation>(
      database,
      'SELECT arn, operation AS value FROM operations ORDER BY arn, place',
    )
    const histories = grouped<HistoryEvent>(
      database,
      'SELECT arn, event AS value FROM history ORDER BY arn, place',
    )
    const rows = database
      .query<{ arn: string; head: string; input: string | null }, []>(
        'SELECT arn, head, input FROM runs ORDER BY number',
      )
      .all()
    return rows.map(({ arn, head, input }) => {
      const all = operations.get(arn) ?? []
      const state = stateOf(head, input, all)
      if (state.phase !== 'closed' || state.invoking) {
        places.set(arn, new Map(all.map(({ id }, place) => [id, place])))
      }
      return { state, history: histories.get(arn) ?? [] }
    })
  }

  return {
    load,
    save: (change) => save.immediate(change),
    delete: (arn) => deleteRun.immediate(arn),
    [Symbol.dispose]: () => database.close(),
  }
}

function open(path: string): Database {
  try {
    const database = new Database(path, { create: true })
    database.run('PRAGMA journal_mode = WAL')
    database.run('PRAGMA synchronous = FULL')
    // two emulators would each go on with the same runs
    database.run('PRAGMA locking_mode = EXCLUSIVE')
    database.run('BEGIN IMMEDIATE')
    const { user_version: found } = database
      .query<{ user_version: number }, []>('PRAGMA user_version')
      .get() ?? {
      user_version: 0,
    }
    if (found === 0) {
      database.run(schema)
      database.run(`PRAGMA user_version = ${formatVersion}`)
    } else if (found !== formatVersion)
      throw new Error(`its format is ${found}, this program's is ${formatVersion}`)
    database.run('COMMIT')
    return database
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const why = /locked|busy/i.test(reason) ? 'another emulator has it open' : reason
    throw new Error(`the store of durable executions ${path} cannot be used: ${why}`, { cause: error })
  }
}

function grouped<T>(database: Database, query: string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const { arn, value } of database.query<{ arn: string; value: string }, []>(query).iterate()) {
    const group = groups.get(arn)
    if (group === undefined) groups.set(arn, [JSON.parse(value)])
    else group.push(JSON.parse(value))
  }
  return groups
}

/** All of a state but its operations and its input, which have rows of their own. */
function headOf(state: RunState): string {
  const { run, ...phase } = state
  const { operations: _, facts, timers, heartbeats, unseen, updated, ...rest } = run
  const kept = { ...facts, input: null }
  const sets = {
    timers: [...timers],
    heartbeats: [...heartbeats],
    unseen: [...unseen],
    updated: [...updated],
  }
  // an answer that was given is for a client that asks this emulator again
  const last = 'last' in phase ? { last: null } : {}
  return JSON.stringify({ ...phase, ...last, run: { ...rest, facts: kept, ...sets } })
}

function stateOf(head: string, input: string | null, operations: readonly Operation[]): RunState {
  const { run, ...phase } = JSON.parse(head)
  const { facts, timers, heartbeats, unseen, updated, ...rest } = run
  return {
    ...phase,
    run: {
      ...rest,
      facts: { ...facts, input },
      operations: new Map(operations.map((operation) => [operation.id, operation])),
      timers: new Map(timers),
      heartbeats: new Map(heartbeats),
      unseen: new Set(unseen),
      updated: new Set(updated),
    },
  }
}
