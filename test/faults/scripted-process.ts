/**
 * The test's end of `fixtures/faults/scripted-process.c`: a real process that a script plays by. Several orders that are given
 * in one turn reach it in one piece, so that it dies right behind its last byte if it is told to.
 */
import { mkdirSync, renameSync, statSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { kill } from '../harness.ts'
import { type Answer, Answers } from '../kit/answers.ts'

const source = join(import.meta.dir, '..', 'fixtures', 'faults', 'scripted-process.c')

/** Builds the scripted, once per version of its source; or says why that cannot be done. */
export async function buildScripted(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const compiler = Bun.which('cc')
  if (compiler === null) return { missing: 'there is no C compiler (cc) to build the scripted with' }
  const folder = join(import.meta.dir, '..', '..', '.cache', 'faults')
  const path = join(folder, `scripted-${Bun.hash(await Bun.file(source).text()).toString(36)}`)
  if (statSync(path, { throwIfNoEntry: false })) return { path }
  mkdirSync(folder, { recursive: true })
  const part = `${path}.${process.pid}`
  for (const linking of [['-static'], []]) {
    const { success, stderr } = Bun.spawnSync([compiler, '-O1', ...linking, '-o', part, source])
    if (success) {
      renameSync(part, path)
      return { path }
    }
    if (linking.length === 0) return { missing: `the scripted does not compile: ${stderr}` }
  }
  return { missing: 'the scripted does not compile' }
}

/** The process ended, or the connection did, while a script was waiting for something from it. */
export class Gone extends Error {}

export class ScriptedProcess {
  readonly pid: number
  /** the base name that it was started under */
  readonly name: string
  /** `host:port` of the Runtime API that it was given: tells environments apart */
  readonly api: string
  /** what it started in its own process group */
  readonly sleepers: number[] = []
  readonly ended: Promise<void>
  gone = false
  /** it has been told to die, or killed */
  doomed = false
  readonly #control: Socket
  readonly #channels: (Channel | undefined)[] = []
  #pending: Buffer[] = []
  #opened = 0
  readonly #forked: ((pid: number) => void)[] = []

  constructor(control: Socket, hello: string, ended: Promise<void>) {
    const [pid, name, api] = hello.split(' ') as [string, string, string]
    this.pid = Number(pid)
    this.name = name
    this.api = api
    this.#control = control
    this.ended = ended
    void ended.then(() => {
      this.gone = true
      for (const channel of this.#channels) channel?.answers.end()
    })
  }

  get runtime(): boolean {
    return this.name === 'bootstrap'
  }

  heard(kind: string, which: number, payload: Buffer): void {
    if (kind === 'f') {
      this.sleepers.push(Number(payload.toString()))
      this.#forked.shift()?.(Number(payload.toString()))
    } else if (kind === 'd') this.#channels[which]?.answers.push(payload)
    else if (kind === 'e') this.#channels[which]?.answers.end()
  }

  order(kind: string, which = 0, payload: string | Uint8Array = ''): void {
    const bytes = Buffer.from(payload as string)
    const head = Buffer.alloc(6)
    head.write(kind, 'latin1')
    head[1] = which
    head.writeUInt32LE(bytes.byteLength, 2)
    if (this.#pending.length === 0) queueMicrotask(() => this.flush())
    this.#pending.push(head, bytes)
  }

  flush(): void {
    const orders = Buffer.concat(this.#pending)
    this.#pending = []
    if (!this.gone && !this.#control.destroyed) this.#control.write(orders)
  }

  /** A new connection to the Runtime API. */
  open(): Channel {
    const which = this.#opened++ % 16
    this.#channels[which]?.close()
    this.order('C', which)
    const channel = new Channel(this, which)
    this.#channels[which] = channel
    return channel
  }

  /** Ends it from outside, behind what it has been told already. */
  kill(): void {
    this.doomed = true
    this.flush()
    kill(this.pid, 'SIGKILL')
  }

  print(text: string): void {
    this.order('O', 0, text)
  }

  exit(code: number): void {
    this.doomed = true
    this.order('E', 0, String(code))
  }

  raise(signal: number): void {
    this.doomed = true
    this.order('K', 0, String(signal))
  }

  wait(microseconds: number): void {
    this.order('D', 0, String(microseconds))
  }

  ignoreTerm(): void {
    this.order('T')
  }

  /** Starts a process in its group that does nothing. */
  fork(): Promise<number> {
    this.order('F')
    return new Promise((resolve) => this.#forked.push(resolve))
  }
}

/** One connection of a scripted. */
export class Channel {
  readonly answers: Answers = new Answers()
  readonly #scripted: ScriptedProcess
  readonly #which: number

  constructor(scripted: ScriptedProcess, which: number) {
    this.#scripted = scripted
    this.#which = which
  }

  send(bytes: string | Uint8Array): void {
    this.#scripted.order('S', this.#which, bytes)
  }

  close(): void {
    this.#scripted.order('X', this.#which)
    this.answers.end()
  }

  reset(): void {
    this.#scripted.order('R', this.#which)
    this.answers.end()
  }

  halfClose(): void {
    this.#scripted.order('H', this.#which)
  }

  /** The next answer. */
  async answer(): Promise<Answer> {
    const answer = await this.answers.next()
    if (answer === null) throw new Gone(this.#scripted.gone ? 'the process ended' : 'the connection ended')
    return answer
  }

  async ask(bytes: string | Uint8Array): Promise<Answer> {
    this.send(bytes)
    return this.answer()
  }
}

/** Where processes report; `arrived` is called for each, as soon as it says who it is. */
export function listenForProcesses(
  path: string,
  arrived: (scripted: ScriptedProcess) => void,
): Promise<Server> {
  const server = createServer((control) => {
    let scripted: ScriptedProcess | undefined
    let bytes: Buffer = Buffer.alloc(0)
    const ended = new Promise<void>((resolve) => control.on('close', () => resolve()))
    control.on('error', () => {})
    control.on('data', (chunk: Buffer) => {
      bytes = bytes.byteLength === 0 ? chunk : Buffer.concat([bytes, chunk])
      while (bytes.byteLength >= 6) {
        const size = bytes.readUInt32LE(2)
        if (bytes.byteLength < 6 + size) return
        const payload = bytes.subarray(6, 6 + size)
        const kind = bytes.toString('latin1', 0, 1)
        if (kind === 'h') {
          scripted = new ScriptedProcess(control, payload.toString(), ended)
          arrived(scripted)
        } else scripted?.heard(kind, bytes[1] as number, payload)
        bytes = bytes.subarray(6 + size)
      }
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve(server))
  })
}
