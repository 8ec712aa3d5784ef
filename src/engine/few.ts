/**
 * A map that has one entry most of the time, as what is in flight in an environment. The entry that was set last stands
 * in fields, others in a `Map`, which makes its table anew every few entries that come and go.
 */
export class Few<K, V extends object> {
  #key: K | null = null
  /** null: there is none in the fields */
  #value: V | null = null
  readonly #others = new Map<K, V>()

  get(key: K): V | undefined {
    if (this.#value !== null && this.#key === key) return this.#value
    return this.#others.size > 0 ? this.#others.get(key) : undefined
  }

  has(key: K): boolean {
    return this.get(key) !== undefined
  }

  set(key: K, value: V): void {
    if (this.#value !== null && this.#key !== key) this.#others.set(this.#key as K, this.#value)
    if (this.#others.size > 0) this.#others.delete(key)
    this.#key = key
    this.#value = value
  }

  /** False when it is not there. */
  delete(key: K): boolean {
    if (this.#value === null || this.#key !== key) return this.#others.size > 0 && this.#others.delete(key)
    this.#key = null
    this.#value = null
    return true
  }
}
