/** The runs there are, by what they are looked up by, and how many have ended. */

import type { RunCounts } from '../engine/durable.ts'
import type { Closure } from './core/effect.ts'
import type { RunRecord } from './run.ts'

export class RunIndex {
  /** by ARN, in the order of their start */
  readonly #byArn = new Map<string, RunRecord>()
  readonly #byId = new Map<string, RunRecord>()
  /** the last one of each function and name */
  readonly #byName = new Map<string, RunRecord>()
  /** of each function, by its ARN: how many runs have ended since the start, by their status */
  readonly #ends = new Map<string, Record<Closure['status'], number>>()

  get all(): IterableIterator<RunRecord> {
    return this.#byArn.values()
  }

  byArn(arn: string): RunRecord | null {
    return this.#byArn.get(arn) ?? null
  }

  byId(executionId: string): RunRecord | null {
    return this.#byId.get(executionId) ?? null
  }

  /** The last one of a function that began by this name. */
  byName(functionArn: string, name: string): RunRecord | null {
    return this.#byName.get(`${functionArn}/${name}`) ?? null
  }

  add(run: RunRecord): void {
    const { arn, executionId, name, functionArn } = run.facts
    this.#byArn.set(arn, run)
    this.#byId.set(executionId, run)
    this.#byName.set(`${functionArn}/${name}`, run)
  }

  remove(run: RunRecord): void {
    const { arn, executionId, name, functionArn } = run.facts
    this.#byArn.delete(arn)
    this.#byId.delete(executionId)
    if (this.byName(functionArn, name) === run) this.#byName.delete(`${functionArn}/${name}`)
  }

  /** A run of this function has ended. */
  ended(functionArn: string, status: Closure['status']): void {
    this.#endsOf(functionArn)[status]++
  }

  /** Those of one function. Looks at all runs. */
  countsOf(functionArn: string): RunCounts {
    const counts = { open: 0, closed: 0, bytes: 0 }
    for (const { facts, state } of this.all) {
      if (facts.functionArn !== functionArn) continue
      counts[state.phase === 'closed' ? 'closed' : 'open']++
      counts.bytes += state.run.bytes
    }
    return { ...counts, ended: this.#endsOf(functionArn) }
  }

  #endsOf(functionArn: string): Record<Closure['status'], number> {
    const known = this.#ends.get(functionArn) ?? { SUCCEEDED: 0, FAILED: 0, STOPPED: 0, TIMED_OUT: 0 }
    this.#ends.set(functionArn, known)
    return known
  }
}
