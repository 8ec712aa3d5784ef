/**
 * A map of a handful of entries, in no order, searched from the front. A `Map` whose entries come and go with every
 * request builds its table anew every few of them.
 */
export class Few<K, V> {
  readonly #keys: K[] = []
  readonly #values: V[] = []

  get size(): number {
    return this.#keys.length
  }

  has(key: K): boolean {
    return this.#find(key) >= 0
  }

  get(key: K): V | undefined {
    const index = this.#find(key)
    return index < 0 ? undefined : this.#values[index]
  }

  /** The key must not be there yet. */
  add(key: K, value: V): void {
    this.#keys.push(key)
    this.#values.push(value)
  }

  /** Takes the entry out; undefined when there is none. */
  take(key: K): V | undefined {
    const index = this.#find(key)
    if (index < 0) return undefined
    const value = this.#values[index]
    const [lastKey, lastValue] = [this.#keys.pop() as K, this.#values.pop() as V]
    if (index < this.#keys.length) {
      this.#keys[index] = lastKey
      this.#values[index] = lastValue
    }
    return value
  }

  #find(key: K): number {
    const keys = this.#keys
    for (let index = 0; index < keys.length; index++) if (keys[index] === key) return index
    return -1
  }
}
