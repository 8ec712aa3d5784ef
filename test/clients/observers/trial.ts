/** One observer before one emulator, and what it has seen. */
import { join } from 'node:path'
import { until } from '../../harness.ts'
import { freePort } from '../../kit/launch.ts'
import type { Launch } from '../client.ts'
import { type Emulator, type StartOptions, startEmulator } from '../emulator.ts'
import type { Observer, Watching } from './observers.ts'

export interface Seen {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: what a case expects of it, the case says
  readonly record: any
}

const functions = join(import.meta.dir, '..', 'callers', 'function')
const served: Launch = { command: ['--handler', 'index.handler'], cwd: functions }
export const streaming: Launch = { command: ['--handler', 'index.stream'], cwd: functions }

export class ObserverTrial {
  readonly observer: Observer
  readonly #binary: string
  readonly #watching: Watching

  constructor(binary: string, observer: Observer, watching: Watching) {
    this.observer = observer
    this.#binary = binary
    this.#watching = watching
  }

  start(options: StartOptions = {}, launch = served): Promise<Emulator> {
    const { directory, env } = this.#watching
    return startEmulator(this.#binary, launch, {
      ...options,
      flags: ['--extensions-dir', directory, ...(options.flags ?? [])],
      env: { ...env, OBSERVER_PORT: String(freePort()), ...options.env },
    })
  }
}

/** Every line of a kind that the extension has printed. */
export function told<T>(emulator: Emulator | string, what: string): T[] {
  const output = typeof emulator === 'string' ? emulator : emulator.output()
  return output
    .split('\n')
    .filter((line) => line.startsWith(`${what} {`) && line.endsWith('}'))
    .map((line) => JSON.parse(line.slice(what.length + 1)))
}

export const seen = (emulator: Emulator | string): Seen[] => told(emulator, 'observed')

/** What was seen of one invocation, once its report has been. */
export async function seenOf(emulator: Emulator, requestId: string): Promise<Seen[]> {
  const own = () => seen(emulator).filter(({ record }) => record.requestId === requestId)
  await until(`the report of ${requestId}`, () => own().some(({ type }) => type === 'platform.report'))
  return own()
}

/** What the function has written, as records. */
export const lines = (emulator: Emulator): unknown[] =>
  seen(emulator)
    .filter(({ type }) => type === 'function')
    .map(({ record }) => record)
