/** What the program writes to; the tests have their own. */

export interface Streams {
  readonly stdout: Writer
  readonly stderr: Writer
}

export interface Writer {
  readonly isTTY?: boolean
  /** `done` is called when the chunk was handed over, with the error if it was not */
  write(chunk: string | Uint8Array, done?: (error?: Error | null) => void): unknown
}
