/**
 * When another environment is made for an invocation that none of those there can take.
 *
 * An environment that has answered, or whose processes are ending after a failure, is about to be free: for a caller
 * who comes back at once that is sooner than another environment could start. So it is waited for, but only as long as
 * a quick start takes, because an extension may go on for seconds after the answer.
 */

import { Deadline } from './deadline.ts'
import type { Environment } from './environment.ts'
import { isLeaving, isRecovering } from './snapshot.ts'

/** How long an invocation waits for an environment that is about to be free, in milliseconds. */
const patienceMs = 100
/** How long no environment is made after one could not be, in milliseconds. */
const recoveryMs = 1000

export class Growth implements Disposable {
  readonly #environments: readonly Environment[]
  readonly #now: () => number
  readonly #again: Deadline
  #notBefore = 0

  /** `again` is called when an environment may be made that was not allowed before. */
  constructor(environments: readonly Environment[], now: () => number, again: () => void) {
    this.#environments = environments
    this.#now = now
    this.#again = new Deadline(now, again)
  }

  /**
   * Whether to make one now. `since` is when the invocation joined the queue, null if it comes this moment; `rivals`
   * are those before it who wait for an environment of the same tenant.
   */
  allows(tenant: string | null, since: number | null, rivals: number): boolean {
    const now = this.#now()
    if (now < this.#notBefore) {
      if (this.#environments.length === 0) return true
      this.#arm(this.#notBefore - now)
      return false
    }
    const soon = this.#environments.filter(
      (one) => (one.tenant === tenant || one.tenant === undefined) && isRecovering(one.state),
    ).length
    if (soon <= rivals) return true
    const left = (since ?? now) + patienceMs - now
    if (left > 0) this.#arm(left)
    return left <= 0
  }

  /** How many are being stopped for good: each makes room for one. */
  get leaving(): number {
    return this.#environments.filter((one) => isLeaving(one.state)).length
  }

  /** How many will be free, or make room, without anything having to be waited for that a function does. */
  get promised(): number {
    return this.leaving + this.#environments.filter((one) => isRecovering(one.state)).length
  }

  /** One could not be made a moment ago. */
  get blocked(): boolean {
    return this.#now() < this.#notBefore
  }

  /** An environment could not be made. */
  failed(): void {
    this.#notBefore = this.#now() + recoveryMs
  }

  [Symbol.dispose](): void {
    this.#again[Symbol.dispose]()
  }

  #arm(ms: number): void {
    if (!this.#again.armed) this.#again.arm(ms)
  }
}
