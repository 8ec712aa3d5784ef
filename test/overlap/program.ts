/** The real program, started as a user would, with a function that does what its events say. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { killMarked, mark, Output, tempDir, until, within } from '../harness.ts'
import { functionFile } from './scene.ts'

const main = join(import.meta.dir, '../../src/main.ts')

export interface Program extends AsyncDisposable {
  readonly url: string
  readonly stdout: Output
  readonly stderr: Output
  readonly scene: string
  release(name: string): void
  invoke(event: object, headers?: Record<string, string>): Promise<Response>
  get(path: string): Promise<Response>
  signal(name: 'SIGTERM' | 'SIGINT'): void
  /** the exit code; null after a signal */
  readonly exited: Promise<number | null>
}

/** With `stdout` the program writes to that descriptor, and there is nothing to see of it here. */
export async function program(...options: (string | { readonly stdout: number })[]): Promise<Program> {
  const flags = options.filter((option) => typeof option === 'string')
  const { stdout: descriptor = 'pipe' } = options.find((option) => typeof option !== 'string') ?? {}
  const folder = tempDir()
  const marks = mark()
  const addresses = [
    '--runtime-interface-emulator-address',
    '127.0.0.1:0',
    '--runtime-api-address',
    '127.0.0.1:0',
  ]
  const child = Bun.spawn(
    [process.execPath, '--no-env-file', main, ...addresses, ...flags, '--handler', functionFile],
    {
      env: { PATH: process.env.PATH, SCENE: folder.path, ...marks },
      stdio: ['ignore', descriptor, 'pipe'],
    },
  )
  const stdout = new Output(
    'stdout',
    child.stdout instanceof ReadableStream ? child.stdout : new Blob().stream(),
  )
  const stderr = new Output('stderr', child.stderr)
  const [, gateway] = await stderr.until(/"gateway":"([^"]+)"/)
  const url = `http://${gateway}`
  return {
    url,
    stdout,
    stderr,
    scene: folder.path,
    release: (name) => writeFileSync(join(folder.path, name), ''),
    invoke: (event, headers = {}) =>
      fetch(`${url}/2015-03-31/functions/function/invocations`, {
        method: 'POST',
        headers,
        body: JSON.stringify(event),
      }),
    get: (path) => fetch(url + path),
    signal: (name) => child.kill(name),
    exited: within('the program to end', child.exited).then(() => child.exitCode),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await killMarked(marks)
      folder[Symbol.dispose]()
    },
  }
}

/** Resolves when this many wait, by what the program itself tells. */
export const queued = (rie: Program, count: number): Promise<unknown> =>
  until(`${count} to wait`, async () => {
    const { queued: waiting } = (await (await rie.get('/_rie/state')).json()) as { queued: number }
    return waiting === count
  })
