/** The real program, started as a user would, with a function that does what its events say. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Output, tempDir, until } from '../harness.ts'
import { launch } from '../kit/launch.ts'
import { spell } from '../kit/wire.ts'
import { functionFile } from './scene.ts'

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
  const { stdout: descriptor } = options.find((option) => typeof option !== 'string') ?? {}
  const folder = tempDir()
  const launched = launch({
    flags,
    command: ['--handler', functionFile],
    env: { SCENE: folder.path },
    ...(descriptor === undefined ? {} : { stdout: descriptor }),
  })
  const { gateway } = await launched.listening()
  const url = `http://${spell(gateway)}`
  const { stdout, stderr, process: child } = launched
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
    exited: launched.exit(),
    async [Symbol.asyncDispose]() {
      await launched[Symbol.asyncDispose]()
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
