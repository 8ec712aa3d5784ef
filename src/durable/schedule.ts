/** When something happens to a run by itself, for all of them, with one alarm. */

/** Rings once, never before the time that it was set to; setting it again replaces that. Unix milliseconds. */
export interface Alarm extends Disposable {
  set(at: number): void
}

interface Entry<T> {
  readonly at: number
  readonly of: T
}

/** A heap of times. An entry whose time has changed meanwhile stays in it and is passed over. */
export class Schedule<T> implements Disposable {
  readonly #heap: Entry<T>[] = []
  /** the time that counts */
  readonly #times = new Map<T, number>()
  readonly #alarm: Alarm
  #setTo = Number.POSITIVE_INFINITY

  constructor(alarm: Alarm) {
    this.#alarm = alarm
  }

  /** `at` in Unix milliseconds; infinity for never. */
  set(of: T, at: number): void {
    if (at === Number.POSITIVE_INFINITY) {
      this.#times.delete(of)
      return
    }
    if (this.#times.get(of) === at) return
    this.#times.set(of, at)
    this.#push({ at, of })
    this.#arm()
  }

  /** Takes out all that are due, the earliest first. */
  due(now: number): T[] {
    const due: T[] = []
    for (let first = this.#first(); first !== undefined && first.at <= now; first = this.#first()) {
      this.#pop()
      this.#times.delete(first.of)
      due.push(first.of)
    }
    this.#setTo = Number.POSITIVE_INFINITY
    this.#arm()
    return due
  }

  #arm(): void {
    const first = this.#first()
    if (first === undefined || first.at >= this.#setTo) return
    this.#setTo = first.at
    this.#alarm.set(first.at)
  }

  /** The earliest that counts. */
  #first(): Entry<T> | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#times.get(first.of) === first.at) return first
      this.#pop()
    }
    return undefined
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap
    let index = heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if ((heap[parent] as Entry<T>).at <= entry.at) break
      heap[index] = heap[parent] as Entry<T>
      index = parent
    }
    heap[index] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      const right = child + 1
      if (right < heap.length && (heap[right] as Entry<T>).at < (heap[child] as Entry<T>).at) child = right
      if ((heap[child] as Entry<T>).at >= last.at) break
      heap[index] = heap[child] as Entry<T>
      index = child
    }
    heap[index] = last
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]()
  }
}
