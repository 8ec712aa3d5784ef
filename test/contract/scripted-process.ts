/** The test's end of `fixtures/contract/scripted-process.sh`, and what the system says about such a process. */
import { closeSync, constants, existsSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { alive, kill, stat, until } from '../harness.ts'

export const scriptedProcessFile: string = join(
  import.meta.dir,
  '..',
  'fixtures',
  'contract',
  'scripted-process.sh',
)

export class ScriptedProcess {
  readonly pid: number
  /** how it was called: the base name of its file */
  readonly name: string
  readonly #folder: string

  constructor(folder: string, pid: number, path: string) {
    this.#folder = folder
    this.pid = pid
    this.name = basename(path)
  }

  /** Has it run a line of shell; what comes of it is for others to see. One that has ended hears nothing. */
  tell(line: string): void {
    try {
      const pipe = openSync(join(this.#folder, `${this.pid}.pipe`), constants.O_WRONLY | constants.O_NONBLOCK)
      writeSync(pipe, `${line}\n`)
      closeSync(pipe)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error
    }
  }

  /** Has it run a line of shell and waits until that is done. */
  async ask(line: string): Promise<void> {
    const before = this.#done()
    this.tell(line)
    await until(`the process to run ${line}`, () => this.#done() > before)
  }

  /** Starts a process in the scripted process's group and tells its pid. */
  async fork(): Promise<number> {
    const file = join(this.#folder, `${this.pid}.child`)
    await this.ask(`sleep 3600 & echo $! >"${file}"`)
    return Number(readFileSync(file, 'latin1'))
  }

  /** From now on a SIGTERM does nothing, except that `terms()` counts it. */
  async ignoreTerm(): Promise<void> {
    await this.ask(`trap 'echo TERM >>"$SCRIPTED_PROCESSES/${this.pid}.terms"' TERM`)
  }

  terms(): number {
    return this.#lines('terms')
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    kill(this.pid, signal)
  }

  alive(): boolean {
    return alive(this.pid)
  }

  async gone(limit?: number): Promise<void> {
    await until(`process ${this.pid} (${this.name}) to end`, () => !this.alive(), limit)
  }

  env(): Record<string, string> {
    const pairs = this.#proc('environ').split('\0').filter(Boolean)
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    )
  }

  /** Its command line after the words of the shell that runs it. */
  args(): string[] {
    const words = this.#proc('cmdline').split('\0').slice(0, -1)
    return words.slice(words.findIndex((word) => basename(word) === this.name) + 1)
  }

  cwd(): string {
    return readlinkSync(`/proc/${this.pid}/cwd`)
  }

  async standardInput(): Promise<string> {
    const file = join(this.#folder, `${this.pid}.stdin`)
    await this.ask(`readlink /proc/$$/fd/0 >"${file}"`)
    return readFileSync(file, 'utf8').trim()
  }

  group(): number {
    return Number(stat(this.pid)?.[2])
  }

  #proc(file: string): string {
    return readFileSync(`/proc/${this.pid}/${file}`, 'utf8')
  }

  #done(): number {
    return this.#lines('done')
  }

  #lines(kind: string): number {
    const file = join(this.#folder, `${this.pid}.${kind}`)
    return existsSync(file) ? readFileSync(file, 'latin1').split('\n').length - 1 : 0
  }
}

/** The scripted processes that have come up in a folder, in their order. */
export function scriptedProcesses(folder: string): ScriptedProcess[] {
  const file = join(folder, 'launched')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => {
    const space = line.indexOf(' ')
    return new ScriptedProcess(folder, Number(line.slice(0, space)), line.slice(space + 1))
  })
}
