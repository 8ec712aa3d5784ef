/** A debugger's own command line, driven as a person does it: a word, then what it says. */
import type { Subprocess } from 'bun'
import { Output } from '../harness.ts'

export class Session implements AsyncDisposable {
  readonly #process: Subprocess<'pipe', 'pipe', 'pipe'>
  readonly #said: Output
  readonly #errors: Output
  #seen = 0

  constructor(command: readonly string[], cwd: string) {
    this.#process = Bun.spawn([...command], { cwd, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' })
    this.#said = new Output(`stdout of ${command[0]}`, this.#process.stdout)
    this.#errors = new Output(`stderr of ${command[0]}`, this.#process.stderr)
  }

  say(line: string): void {
    this.#process.stdin.write(`${line}\n`)
    void this.#process.stdin.flush()
  }

  /** Waits for it to say something that it had not said when this was called before. */
  async until(pattern: RegExp, limit = 60_000): Promise<void> {
    try {
      const from = this.#seen
      const all = new RegExp(`^[\\s\\S]{${from}}[\\s\\S]*?${pattern.source}`)
      const [text] = await this.#said.until(all, limit)
      this.#seen = text.length
    } catch (error) {
      throw new Error(
        `${(error as Error).message}\n${this.#said.text.slice(-2000)}\n${this.#errors.text.slice(-1000)}`,
      )
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#process.exited
  }
}
