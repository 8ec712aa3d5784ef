/**
 * Reads the emulator's stdout as it comes and keeps the books: one START, one END and one REPORT per invocation, in
 * that order, and everything that a runtime wrote about an invocation between its START and its END.
 */
export interface Entry {
  state: 'started' | 'ended' | 'reported'
  status: string | null
  /** the runtime wrote about it after its END */
  late: boolean
}

export class Ledger {
  readonly entries: Map<string, Entry> = new Map()
  readonly problems: string[] = []
  /** invocations that have a START and no REPORT yet */
  open = 0
  started = 0
  #rest = ''
  #previous = ''

  async read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of stream) this.push(decoder.decode(chunk, { stream: true }))
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() as string
    for (const line of lines) {
      this.#line(line)
      this.#previous = line
    }
  }

  #line(line: string): void {
    const [, word, id] = line.match(/^(START|END|REPORT|line) (?:RequestId: )?([0-9a-f-]{36})/) ?? []
    if (word === undefined || id === undefined) return
    const entry = this.entries.get(id)
    if (word === 'START') {
      if (entry !== undefined) this.problems.push(`a second START of ${id}, which has ${entry.state}`)
      this.entries.set(id, { state: 'started', status: null, late: false })
      this.started++
      this.open++
    } else if (entry === undefined) {
      this.problems.push(`${word} of ${id} without its START`)
    } else if (word === 'line') {
      if (entry.state !== 'started') entry.late = true
    } else if (word === 'END') {
      if (entry.state !== 'started') this.problems.push(`END of ${id}, which has ${entry.state}`)
      entry.state = 'ended'
    } else {
      if (entry.state !== 'ended' || this.#previous !== `END RequestId: ${id}`) {
        this.problems.push(`REPORT of ${id} not right behind its END`)
      }
      entry.state = 'reported'
      entry.status = line.match(/ Status: (\w+)/)?.[1] ?? null
      this.open--
    }
  }

  /** Forgets what is complete. */
  clear(): void {
    for (const [id, { state }] of this.entries) if (state === 'reported') this.entries.delete(id)
  }
}
