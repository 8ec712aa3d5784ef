/** One SDK before one emulator, and what its answers are taken for. */
import { ok, deepStrictEqual as same } from 'node:assert/strict'
import { join } from 'node:path'
import { until } from '../../harness.ts'
import type { Launch } from '../client.ts'
import { type Emulator, type StartOptions, startEmulator } from '../emulator.ts'
import { type Caller, type Command, type Input, open, type Seen, type Session } from './caller.ts'

const served: Launch = { command: ['--handler', 'index.handler'], cwd: join(import.meta.dir, 'function') }

export class CallerTrial implements AsyncDisposable {
  readonly caller: Caller
  readonly #binary: string
  readonly #command: Command
  #session: Session | undefined

  constructor(binary: string, caller: Caller, command: Command) {
    this.caller = caller
    this.#binary = binary
    this.#command = command
  }

  start(options?: StartOptions, launch = served): Promise<Emulator> {
    return startEmulator(this.#binary, launch, options)
  }

  open(): Session {
    return open(this.#command)
  }

  /** An invocation by the one program that makes most calls, because SDKs take long to load. */
  call(emulator: Emulator, input: Input, event?: unknown): Promise<Seen> {
    return this.session.call({ url: emulator.url, input: invocation(input, event) })
  }

  get session(): Session {
    this.#session ??= this.open()
    return this.#session
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.[Symbol.asyncDispose]()
    this.#session = undefined
  }
}

export interface CallerCase {
  readonly name: string
  /** The row's title. */
  readonly title: string
  run(trial: CallerTrial): Promise<void>
}

/** What an SDK is given for an invocation. */
export const invocation = (input: Input, event?: unknown): Input => ({
  FunctionName: 'my-function',
  ...(event === undefined ? {} : { Payload: JSON.stringify(event) }),
  ...input,
})

/** The document of a function error. */
export function failed(seen: Seen): unknown {
  same([seen.status, seen.functionError, seen.executedVersion], [200, 'Unhandled', '$LATEST'], shown(seen))
  return JSON.parse(seen.payload ?? '')
}

/** The value of a success. */
export function succeeded(seen: Seen): unknown {
  same([seen.status, seen.functionError], [200, null], shown(seen))
  return JSON.parse(seen.payload ?? '')
}

/** The call has to end in an exception of that class, and of that name on the wire. */
export function raised(seen: Seen, exception: string, code: string, status: number): void {
  same([seen.exception, seen.code, seen.status], [exception, code, status], shown(seen))
  ok(seen.requestId, 'no request id')
}

export const shown = (seen: Seen): string => JSON.stringify(seen).slice(0, 400)

/** Has a session occupy the only environment until there is that file; it has begun when this settles. */
export async function occupy(
  emulator: Emulator,
  session: Session,
  file: string,
): Promise<{ readonly ended: Promise<Seen> }> {
  const ready = (expected: boolean) =>
    until(
      `the environment to be ${expected ? 'free' : 'busy'}`,
      async () => (await fetch(`${emulator.url}/_rie/ready`)).ok === expected,
      30_000,
    )
  await ready(true)
  const ended = session.call({ url: emulator.url, input: invocation({}, { do: 'hold', file }) })
  ended.catch(() => {})
  await ready(false)
  return { ended }
}
