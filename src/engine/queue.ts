import type { RequestId } from '../core/ids.ts'
import type { Invocation } from './invocation.ts'

/** One invocation that waits for an environment. */
export interface Waiting {
  readonly invocation: Invocation
  /** monotonic milliseconds of its arrival */
  readonly since: number
  /** whoever came next; still there after this one was removed */
  readonly next: Waiting | null
  /** false once it was taken out */
  readonly waits: boolean
}

interface Node extends Waiting {
  waits: boolean
  next: Node | null
  previous: Node | null
}

/**
 * Invocations in arrival order. Any of them can be taken out, because tenants may overtake each other; what was taken
 * out is not held any longer, as events may be megabytes.
 */
export class Queue {
  #first: Node | null = null
  #last: Node | null = null
  #size = 0

  get first(): Waiting | null {
    return this.#first
  }

  get size(): number {
    return this.#size
  }

  has(id: RequestId): boolean {
    for (let node = this.#first; node !== null; node = node.next) if (node.invocation.id === id) return true
    return false
  }

  push(invocation: Invocation, since: number): Waiting {
    const node: Node = { invocation, since, waits: true, next: null, previous: this.#last }
    if (this.#last === null) this.#first = node
    else this.#last.next = node
    this.#last = node
    this.#size++
    return node
  }

  /** Takes out one that is in the queue. */
  remove(waiting: Waiting): void {
    const node = waiting as Node
    if (node.previous === null) this.#first = node.next
    else node.previous.next = node.next
    if (node.next === null) this.#last = node.previous
    else node.next.previous = node.previous
    node.waits = false
    this.#size--
  }

  /** Empties the queue. */
  takeAll(): Invocation[] {
    const all: Invocation[] = []
    for (let node = this.#first; node !== null; node = node.next) {
      node.waits = false
      all.push(node.invocation)
    }
    this.#first = null
    this.#last = null
    this.#size = 0
    return all
  }
}
