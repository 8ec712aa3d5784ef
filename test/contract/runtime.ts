/** Runtimes that a case plays, each at the Runtime API that its scripted process was given, on one connection as clients do. */
import { until } from '../harness.ts'
import { parse } from '../kit/launch.ts'
import { type Address, type Answer, bytes, Closed, Wire } from '../kit/wire.ts'
import type { Emulator } from './emulator.ts'
import type { ScriptedProcess } from './scripted-process.ts'

const prefix = '/2018-06-01/runtime/invocation'

export class Runtime implements Disposable {
  readonly scripted: ScriptedProcess
  readonly address: Address
  readonly #wire: Wire
  #asked = false

  private constructor(scripted: ScriptedProcess, address: Address, wire: Wire) {
    this.scripted = scripted
    this.address = address
    this.#wire = wire
  }

  static async of(scripted: ScriptedProcess): Promise<Runtime> {
    const address = parse(scripted.env().AWS_LAMBDA_RUNTIME_API as string)
    return new Runtime(scripted, address, await Wire.open(address))
  }

  /** Asks for the next event, unless `answer` has done so already, and waits for it as long as it takes. */
  async next(): Promise<Answer> {
    if (!this.#asked) this.#ask()
    this.#asked = false
    return await this.#wire.answer(false, Number.POSITIVE_INFINITY)
  }

  /** Answers an event and asks for the next one, so that the environment is free. */
  async answer({ id }: Answer, body = '"done"'): Promise<void> {
    this.#wire.send(bytes(this.address, { method: 'POST', path: `${prefix}/${id}/response`, body }))
    const { status, text } = await this.#wire.answer()
    if (status !== 202) throw new Error(`response not accepted: ${status} ${text}`)
    this.#ask()
  }

  /** Answers the next event with itself. */
  async echo(): Promise<Answer> {
    const event = await this.next()
    await this.answer(event, event.text)
    return event
  }

  /** Answers all events with themselves, each when it may, until the connection ends. */
  async serve(may: () => Promise<void> = async () => {}): Promise<void> {
    try {
      for (;;) {
        const event = await this.next()
        await may()
        await this.answer(event, event.text)
      }
    } catch (error) {
      if (!(error instanceof Closed)) throw error
    }
  }

  #ask(): void {
    this.#asked = true
    this.#wire.send(bytes(this.address, { path: `${prefix}/next` }))
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]()
  }
}

/** The runtimes of one emulator, in the order of their start. */
export class Cast implements Disposable {
  readonly #rie: Emulator
  readonly #runtimes: Runtime[] = []

  constructor(rie: Emulator) {
    this.#rie = rie
  }

  /** The first so many of those that were ever started; each is given to `enter` once. */
  async of(count: number, enter: (runtime: Runtime) => void = () => {}): Promise<readonly Runtime[]> {
    const scriptedProcesses = await until(`${count} runtimes`, () => {
      const all = this.#rie.runtimes()
      return all.length >= count && all
    })
    for (const scripted of scriptedProcesses.slice(this.#runtimes.length, count)) {
      const runtime = await Runtime.of(scripted)
      this.#runtimes.push(runtime)
      enter(runtime)
    }
    return this.#runtimes.slice(0, count)
  }

  async one(): Promise<Runtime> {
    return (await this.of(1))[0] as Runtime
  }

  [Symbol.dispose](): void {
    for (const runtime of this.#runtimes) runtime[Symbol.dispose]()
  }
}
