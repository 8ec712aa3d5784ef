/**
 * One running emulator with its two listeners, its output, the scripted processes that it started, and clients for both sides.
 * The case plays the runtime: the process that the emulator starts is a scripted process that only has to live, and the case
 * itself makes the calls to the Runtime API that a runtime would make.
 */
import { readFileSync } from 'node:fs'
import { type Output, patience, until, within } from '../harness.ts'
import { type Address, type Answer, bytes, type Request, request, spell, Wire } from '../kit/wire.ts'
import type { Launched } from './launch.ts'
import { type ScriptedProcess, scriptedProcesses, scriptedProcessFile } from './scripted-process.ts'

export const invokePath = '/2015-03-31/functions/function/invocations'
export const runtimePath = '/2018-06-01/runtime'
export const extensionPath = '/2020-01-01/extension'

type Headers = Readonly<Record<string, string>>

export class Emulator implements AsyncDisposable {
  readonly gateway: Address
  readonly api: Address
  /** of the Function URL, if it is on */
  readonly #site: Address | undefined
  readonly stdout: Output
  readonly stderr: Output
  readonly pid: number
  readonly #launched: Launched
  /** of polls, with their paths */
  readonly #wires = new Map<Wire, string>()
  #parked: Promise<Answer> | undefined
  #mayEnd = false

  constructor(launched: Launched, gateway: Address, api: Address, site?: Address) {
    this.#launched = launched
    this.#site = site
    this.gateway = gateway
    this.api = api
    this.stdout = launched.stdout
    this.stderr = launched.stderr
    this.pid = launched.process.pid
  }

  /** What the caller of the function gets. */
  invoke(
    body: string | Uint8Array = '{}',
    headers: Headers = {},
    path = invokePath,
    limit = patience,
  ): Promise<Answer> {
    return this.ask({ method: 'POST', path, headers, body }, limit)
  }

  /** Any request to the invoke endpoint. */
  ask(what: Request, limit = patience): Promise<Answer> {
    return tame(
      within(`an answer to ${what.method ?? 'GET'} ${what.path}`, request(this.gateway, what, limit), limit),
    )
  }

  get site(): Address {
    if (this.#site === undefined) throw new Error('there is no Function URL')
    return this.#site
  }

  /** Any request to the Function URL. */
  visit(path: string, what: Omit<Request, 'path'> = {}): Promise<Answer> {
    const all = { ...what, path }
    return tame(within(`an answer to ${what.method ?? 'GET'} ${path}`, request(this.site, all)))
  }

  /** Any request to the Runtime API at all. */
  askApi(what: Request): Promise<Answer> {
    return tame(within(`an answer to ${what.method ?? 'GET'} ${what.path}`, request(this.api, what)))
  }

  /** Any request to the Runtime API, under its common path or, with a leading slash, anywhere. */
  call(method: string, path: string, body: string | Uint8Array = '', headers: Headers = {}): Promise<Answer> {
    return this.askApi({
      method,
      path: path.startsWith('/') ? path : `${runtimePath}/${path}`,
      headers,
      body,
    })
  }

  /** The runtime asks for the next event, which may take as long as it takes. */
  poll(path = `${runtimePath}/invocation/next`, headers: Headers = {}): Promise<Answer> {
    const answer = async () => {
      using wire = await Wire.open(this.api)
      this.#wires.set(wire, path)
      wire.send(bytes(this.api, { path, headers }))
      return await wire.answer(false, Infinity)
    }
    return tame(answer())
  }

  /** The next event: of the poll that waits since the last reply, or of a new one. */
  async next(): Promise<Answer> {
    if (this.#parked === undefined) await this.runtime()
    const poll = this.#parked ?? this.poll()
    this.#parked = undefined
    const event = await within('the next event', poll)
    if (event.status !== 200) throw new Error(`no event but ${event.status} ${event.text}`)
    return event
  }

  respond(id: string, body: string | Uint8Array = '"done"', headers: Headers = {}): Promise<Answer> {
    return this.call('POST', `invocation/${id}/response`, body, headers)
  }

  error(id: string, body: string | Uint8Array = '{}', headers: Headers = {}): Promise<Answer> {
    return this.call('POST', `invocation/${id}/error`, body, headers)
  }

  initError(body: string | Uint8Array, headers: Headers = {}): Promise<Answer> {
    return this.call('POST', 'init/error', body, headers)
  }

  /** Registers an extension; what it runs in does not matter to the API. */
  register(name: string, events: readonly string[], headers: Headers = {}): Promise<Answer> {
    const body = JSON.stringify({ events })
    return this.call('POST', `${extensionPath}/register`, body, { 'Lambda-Extension-Name': name, ...headers })
  }

  /** The extension of that registration asks for the next event. */
  eventNext(registration: Answer | string): Promise<Answer> {
    const id =
      typeof registration === 'string' ? registration : registration.header('Lambda-Extension-Identifier')!
    return this.poll(`${extensionPath}/event/next`, { 'Lambda-Extension-Identifier': id })
  }

  /** The runtime is done with an event and waits for the next one. */
  park(): void {
    this.#parked = this.poll()
  }

  /** As a runtime client does it: takes an event, answers it, waits for the next. */
  async reply(body: string | Uint8Array = '"done"', headers: Headers = {}): Promise<Answer> {
    const event = await this.next()
    const accepted = await this.respond(event.id, body, headers)
    if (accepted.status !== 202) throw new Error(`response not accepted: ${accepted.status} ${accepted.text}`)
    this.park()
    return event
  }

  /** A whole ordinary invocation. */
  async exchange(
    event: string | Uint8Array = '{}',
    body: string | Uint8Array = '"done"',
    headers: Headers = {},
  ): Promise<{ readonly event: Answer; readonly answer: Answer }> {
    const call = this.invoke(event, headers)
    const delivered = await this.reply(body)
    return { event: delivered, answer: await call }
  }

  /** The n-th runtime process; unless it is known already, the poll of the one before it is dropped. */
  async runtime(n = 1, known = n === 1): Promise<ScriptedProcess> {
    const runtime = await until(`runtime process ${n}`, () => this.runtimes()[n - 1])
    if (!known) this.drop(runtimePath)
    return runtime
  }

  runtimes(): ScriptedProcess[] {
    return scriptedProcesses(this.#launched.folder).filter((scripted) => scripted.name === runtimeName)
  }

  async extension(name: string, n = 1): Promise<ScriptedProcess> {
    return until(`extension ${name}`, () => this.extensions().filter((each) => each.name === name)[n - 1])
  }

  extensions(): ScriptedProcess[] {
    return scriptedProcesses(this.#launched.folder).filter((scripted) => scripted.name !== runtimeName)
  }

  /** Closes the connections of all polls, or of those under a path. */
  drop(path = ''): void {
    for (const [wire, polled] of this.#wires) {
      if (!polled.startsWith(path)) continue
      wire[Symbol.dispose]()
      this.#wires.delete(wire)
    }
    this.#parked = undefined
  }

  /** Asks both listeners something trivial, twice: what was under way before has had its chance. */
  async settle(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      await this.call('GET', '/2018-06-01/ping')
      await this.ask({ path: '/nowhere' })
    }
  }

  /** Passes if nothing has come of a promise after two round trips on each listener. */
  async stillWaits(promise: Promise<unknown>): Promise<void> {
    let settled = false
    const note = () => {
      settled = true
    }
    promise.then(note, note)
    await this.settle()
    if (settled) throw new Error('it was expected to wait, but it was answered')
  }

  signal(signal: NodeJS.Signals): void {
    this.#mayEnd = true
    this.#launched.process.kill(signal)
  }

  /** The exit code of the emulator, which is about to end; all that it has written is there then. */
  async exit(limit: number = patience): Promise<number> {
    this.#mayEnd = true
    const code = await within('the emulator to end', this.#launched.process.exited, limit)
    await within('the end of its output', Promise.all([this.stdout.ended, this.stderr.ended]))
    return code
  }

  get running(): boolean {
    return this.#launched.process.exitCode === null && this.#launched.process.signalCode === null
  }

  async stop(): Promise<number> {
    this.signal('SIGTERM')
    return await this.exit()
  }

  get mark(): Record<string, string> {
    return this.#launched.mark
  }

  /** The records of the emulator's own log. */
  // biome-ignore lint/suspicious/noExplicitAny: what a case expects of it, the case says
  get log(): any[] {
    return this.stderr.lines.map((line) => JSON.parse(line))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { running } = this
    this.drop()
    await this.#launched[Symbol.asyncDispose]()
    if (!running && !this.#mayEnd) {
      throw new Error(`the emulator at ${spell(this.gateway)} ended unasked:\n${this.stderr.text}`)
    }
  }
}

/** The memory of the emulator itself, in MB. */
export const resident = (rie: Emulator): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${rie.pid}/status`, 'latin1'))?.[1]) / 1024

const runtimeName = scriptedProcessFile.slice(scriptedProcessFile.lastIndexOf('/') + 1)

/** A promise that a case may leave alone without it being an unhandled rejection. */
function tame<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
