/**
 * What every test shares that starts processes or waits for something: conditions with a bounded wait, folders that
 * vanish, output that can be waited on, and a mark by which every process that a test has started is found again.
 */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How long a condition may take before a test gives up, in milliseconds. Nothing ever waits for this long to pass. */
export const patience: number = Number(process.env.TEST_PATIENCE_MS ?? 15_000)

type Falsy = undefined | null | false | '' | 0

/** Waits for a condition to hold and hands on what it gave. */
export async function until<T>(
  what: string,
  condition: () => T | Falsy | Promise<T | Falsy>,
  limit: number = patience,
): Promise<T> {
  const end = performance.now() + limit
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    const value = await condition()
    if (value) return value as T
    if (performance.now() > end) throw new Error(`waited ${limit} ms in vain: ${what}`)
    await Bun.sleep(pause)
  }
}

/** A promise with a limit. */
export async function within<T>(what: string, promise: Promise<T>, limit: number = patience): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limit} ms in vain: ${what}`)), limit)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A measurement that goes on until its scope ends. */
export interface Stopwatch extends Disposable {
  /** Milliseconds since the start, without those in which this process had to run and was not let. */
  elapsed(): number
}

/**
 * Measures how long something takes, for an upper limit. A machine that stalls, or is given to others for a while, takes
 * its time from this process too, whose ticks come late then: what they are late by does not count. A lower limit is
 * compared with the clock, because a stall can only add to that.
 */
export function stopwatch(): Stopwatch {
  const tickMs = 5
  const begin = performance.now()
  let last = begin
  let lost = 0
  const late = () => Math.max(0, performance.now() - last - 2 * tickMs)
  const timer = setInterval(() => {
    lost += late()
    last = performance.now()
  }, tickMs)
  return {
    elapsed: () => performance.now() - begin - lost - late(),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

/**
 * For what asks a registry or a mirror, which may be out of reach for a while: tried three times, with a pause in between.
 * The last error counts. An error that `isFinal` is not tried again.
 */
export async function fetched<T>(
  what: () => Promise<T>,
  isFinal: (error: unknown) => boolean = () => false,
): Promise<T> {
  for (const pauseMs of [5_000, 20_000]) {
    try {
      return await what()
    } catch (error) {
      if (isFinal(error)) throw error
      console.error(`tried again in ${pauseMs / 1000} s: ${(error as Error).message}`)
      await Bun.sleep(pauseMs)
    }
  }
  return await what()
}

/** A folder that is gone when its scope ends. No part of its path is a link, as /tmp is on macOS: programs tell real paths. */
export function tempDir(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'rie-test-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Everything that a process wrote to one of its streams so far. */
export class Output {
  text = ''
  /** settles when the last writer has closed the stream */
  readonly ended: Promise<void>
  readonly #name: string

  constructor(name: string, stream: ReadableStream<Uint8Array>) {
    this.#name = name
    this.ended = this.#read(stream)
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of stream) this.text += decoder.decode(chunk, { stream: true })
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1)
  }

  until(pattern: RegExp, limit?: number): Promise<RegExpMatchArray> {
    return until(`${pattern} on ${this.#name}`, () => this.text.match(pattern), limit)
  }
}

const markName = 'RIE_TEST_MARK'

/** An environment variable that marks a process and all that it starts. */
export function mark(): Record<string, string> {
  return { [markName]: crypto.randomUUID() }
}

/** The living processes that carry this mark; a zombie is dead. */
export function marked(env: Record<string, string>): number[] {
  const needle = `${markName}=${env[markName]}\0`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && read(`/proc/${pid}/environ`)?.includes(needle) && alive(pid))
}

/** Kills every process that carries this mark, children of children included, and waits until they are gone. */
export async function killMarked(env: Record<string, string>): Promise<void> {
  await until('every process of this test to end', () => {
    const left = marked(env)
    for (const pid of left) kill(pid, 'SIGKILL')
    return left.length === 0
  })
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it was faster
  }
}

/** The fields of /proc/PID/stat after the command's name: state, parent, group, session, … */
export function stat(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

export function alive(pid: number): boolean {
  const state = stat(pid)?.[0]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
