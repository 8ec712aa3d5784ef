/** A folder in which a test and the instances of its function meet, and an emulator that serves the function. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/index.ts'
import { tempDir, until } from '../harness.ts'

export const fixture = (name: string): string => join(import.meta.dir, '../fixtures/overlap', name)
export const functionFile: string = fixture('function.handler')

/** What the function answers when it is told nothing else. */
export interface Told {
  readonly name: string
  readonly pid: number
  readonly api: string
  /** milliseconds until its deadline, when it began */
  readonly remaining: number
}

export interface Scene extends AsyncDisposable {
  readonly emulator: Emulator
  readonly path: string
  /** lines of the emulator's own log, if a level was asked for */
  readonly log: Record<string, unknown>[]
  /** lets go on who waits for this name */
  release(name: string): void
  /** names in the order in which the function saw them */
  order(): string[]
  /** Resolves when this many invocations wait. */
  queued(count: number): Promise<unknown>
  /** Resolves when the function has seen this name. */
  inside(name: string): Promise<unknown>
}

/** The emulator's own log is kept and its errors are not shown, because most of these tests provoke them. */
export async function scene(options: EmulatorOptions = {}): Promise<Scene> {
  const folder = tempDir()
  const log: Record<string, unknown>[] = []
  const emulator = await startEmulator({
    handler: functionFile,
    log: (line) => log.push(JSON.parse(line)),
    ...options,
    env: { SCENE: folder.path, ...options.env },
  })
  const order = (): string[] => {
    try {
      return readFileSync(join(folder.path, 'order'), 'utf8').split('\n').slice(0, -1)
    } catch {
      return []
    }
  }
  return {
    emulator,
    path: folder.path,
    log,
    release: (name) => writeFileSync(join(folder.path, name), ''),
    order,
    queued: (count) => until(`${count} to wait`, () => emulator.state().queued === count),
    inside: (name) => until(`${name} to be inside`, () => order().includes(name)),
    async [Symbol.asyncDispose]() {
      await emulator.stop()
      folder[Symbol.dispose]()
    },
  }
}
