/** Invocations that wait for an environment. */

import type { RequestId } from '../core/ids.ts'
import type { Invocation } from './invocation.ts'

/** One invocation that waits for an environment. */
export interface Waiting {
  readonly invocation: Invocation
  /** monotonic milliseconds of its arrival */
  readonly since: number
}

/** In arrival order. One may leave or come while it is gone through; what `takeBack` puts before all others is not seen then. */
export class InvocationQueue implements Iterable<Waiting> {
  #all = new Set<Waiting>()
  /** how many of them nobody waits for */
  #events = 0
  /** given back in this step of an environment, in arrival order */
  #returned: Invocation[] = []

  get size(): number {
    return this.#all.size
  }

  /** Those that have a caller who waits for them. */
  get withCaller(): number {
    return this.#all.size - this.#events
  }

  [Symbol.iterator](): IterableIterator<Waiting> {
    return this.#all.values()
  }

  /** The one with a caller that waits longest. */
  get oldest(): Waiting | undefined {
    return this.#all.values().find(({ invocation }) => invocation.asynchronous !== true)
  }

  has(waiting: Waiting): boolean {
    return this.#all.has(waiting)
  }

  /** One of this id waits. Looks at them all. */
  hasId(id: RequestId): boolean {
    return this.#all.values().some(({ invocation }) => invocation.id === id)
  }

  /** Looks at them all. */
  find(invocation: Invocation): Waiting | undefined {
    return this.#all.values().find((waiting) => waiting.invocation === invocation)
  }

  /** It goes behind all others. */
  add(waiting: Waiting): void {
    this.#all.add(waiting)
    if (waiting.invocation.asynchronous === true) this.#events++
  }

  /** False if it is not there, as one that never waited. */
  remove(waiting: Waiting): boolean {
    const waited = this.#all.delete(waiting)
    if (waited && waiting.invocation.asynchronous === true) this.#events--
    return waited
  }

  /** Keeps what an environment has no slot for until `takeBack`: within a step, in arrival order. */
  giveBack(invocation: Invocation): void {
    this.#returned.push(invocation)
  }

  get gaveBack(): boolean {
    return this.#returned.length > 0
  }

  /** Puts what was given back before those that came later, as of this time. */
  takeBack(since: number): void {
    const returned = this.#returned
    this.#returned = []
    for (const { asynchronous } of returned) if (asynchronous === true) this.#events++
    this.#all = new Set([...returned.map((invocation) => ({ invocation, since })), ...this.#all])
  }
}
