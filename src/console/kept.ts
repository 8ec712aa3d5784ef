/** Bytes that are kept to be shown: the first 64 KiB of them. */

/** What the page gets of an event, an answer or a log. */
export interface Kept {
  readonly text: string
  /** of the whole, of which `text` may be the beginning */
  readonly bytes: number
  /** there was more */
  readonly cut: boolean
}

export const keptBytes = 65_536

/** Takes pieces as they come, and drops what is over the limit. The text is made when it is read. */
export class Keeper {
  readonly #chunks: Uint8Array[] = []
  #kept = 0
  #bytes = 0

  add(bytes: Uint8Array): void {
    this.#bytes += bytes.byteLength
    const room = keptBytes - this.#kept
    if (room <= 0 || bytes.byteLength === 0) return
    // a copy, so that a large buffer does not stay for a few bytes of it
    const piece = bytes.slice(0, room)
    this.#kept += piece.byteLength
    this.#chunks.push(piece)
  }

  /** The characters that are whole. */
  get kept(): Kept {
    const cut = this.#bytes > this.#kept
    const text = new TextDecoder().decode(Buffer.concat(this.#chunks), { stream: cut })
    return { text, bytes: this.#bytes, cut }
  }
}

/** All pieces of something at once. */
export function keep(chunks: readonly Uint8Array[]): Keeper {
  const keeper = new Keeper()
  for (const chunk of chunks) keeper.add(chunk)
  return keeper
}
