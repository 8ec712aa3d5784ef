/** What the cases of this suite share. */

import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deepEquals } from 'bun'
import { Output } from '../harness.ts'
import { freePort } from '../kit/launch.ts'
import { Container, cache, environment, must, root } from './podman.ts'
import { save, snippet } from './readme.ts'

export interface Case {
  readonly title: string
  /** Throws when it fails, `Unavailable` when it cannot be tried here; what it returns is printed. */
  run(): Promise<string | undefined>
}

/** A case that has nothing to print. */
export const silent = (title: string, check: () => Promise<void>): Case => ({
  title,
  run: async () => {
    await check()
    return undefined
  },
})

export function equal(what: string, actual: unknown, expected: unknown): void {
  if (deepEquals(actual, expected)) return
  throw new Error(`${what}: ${JSON.stringify(actual)?.slice(0, 400)}, not ${JSON.stringify(expected)}`)
}

export function truth(what: string, holds: unknown): void {
  if (!holds) throw new Error(what)
}

/** A line that our emulator writes when it starts, and no other program. */
export const ours = /"msg":"listening: /

/** Words for `docker` and `docker compose`, which are podman's and podman-compose's here. */
function commands(): string {
  const folder = join(cache, 'bin')
  mkdirSync(folder, { recursive: true })
  const compose = join(cache, 'compose/bin/podman-compose')
  const script = `#!/bin/sh\nif [ "$1" = compose ]; then shift; exec ${compose} "$@"; fi\nexec podman "$@"\n`
  writeFileSync(join(folder, 'docker'), script)
  chmodSync(join(folder, 'docker'), 0o755)
  return folder
}

/** The home of somebody who follows the documentation: the function in one folder, our checkout in another. */
export class Project implements Disposable {
  readonly home: string
  /** the function's folder */
  readonly path: string
  /** stands for port 9000 of the documentation */
  readonly port: number = freePort()
  /** stands for port 9001 */
  readonly secondPort: number = freePort()

  readonly engine: 'docker' | 'podman'

  constructor(engine: 'docker' | 'podman' = 'docker') {
    this.engine = engine
    const folder = join(cache, 'projects')
    mkdirSync(folder, { recursive: true })
    this.home = mkdtempSync(join(folder, 'home-'))
    this.path = join(this.home, 'my-function')
    mkdirSync(this.path)
  }

  /** Brings files of `functions/`. */
  bring(...names: readonly string[]): this {
    for (const name of names) cpSync(join(import.meta.dir, 'functions', name), join(this.path, name))
    return this
  }

  /** Brings a program that was built. */
  program(suffix: string): Promise<string> {
    return this.sh(this.words('context').replace('x86_64', suffix))
  }

  /** Saves a snippet as the file that it is for. */
  save(name: string, file: string, before = ''): Promise<void> {
    return save(name, join(this.path, file), before)
  }

  write(file: string, text: string): Promise<number> {
    return Bun.write(join(this.path, file), text)
  }

  /** A snippet with free ports, and with the name of the engine. */
  words(name: string): string {
    return this.adapt(snippet(name))
  }

  adapt(text: string): string {
    return text
      .replace(/\b9000\b/g, String(this.port))
      .replace(/\b9001\b/g, String(this.secondPort))
      .replace(/\bdocker(?= )/g, this.engine)
  }

  get environment(): Record<string, string> {
    return { ...environment, HOME: this.home, PATH: `${commands()}:${process.env.PATH}` }
  }

  /** Runs the lines of a snippet; what tells of `dist` is meant for our checkout, unless a folder is named. */
  sh(text: string, folder: string = / dist\//.test(text) ? root : this.path): Promise<string> {
    return must(['bash', '-euo', 'pipefail', '-c', text], { cwd: folder, env: this.environment })
  }

  run(name: string): Promise<string> {
    return this.sh(this.words(name))
  }

  /** Runs a snippet that stays in the foreground; the container that it started, when that answers. */
  async start(name: string): Promise<Container> {
    const child = Bun.spawn(['bash', '-euo', 'pipefail', '-c', this.words(name)], {
      cwd: this.path,
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // An engine that cannot write any more takes its container along: both streams are read to their end.
    const said = new Output('stderr', child.stderr)
    void new Output('stdout', child.stdout)
    const failed = child.exited.then((code) => {
      throw new Error(`${name} ended with ${code}: ${said.text.slice(-400)}`)
    })
    failed.catch(() => {})
    return Promise.race([Container.only(this.port), failed])
  }

  /** Builds `my-function` from these files, as the documentation says. */
  async build(): Promise<void> {
    await this.run('build')
  }

  /** Invokes the function as the documentation says. */
  async invoke(): Promise<unknown> {
    const answer = await this.run('invoke')
    try {
      return JSON.parse(answer)
    } catch {
      throw new Error(`the answer is ${JSON.stringify(answer.slice(0, 300))}`)
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true })
  }
}

/** What `functions/app.py` answers. */
export const fromPython = { message: 'Hello from Python!', event: {}, handler: 'app.handler' }

/** Stops a container that runs nothing, and checks what the documentation promises; says how long it took. */
export async function stops(container: Container, signal: NodeJS.Signals = 'SIGTERM'): Promise<string> {
  const { ms, code, left } = await container.stop(signal)
  equal('exit code', code, 0)
  equal('processes that are left', left, 0)
  // a process that is given time to end would have 500
  truth(`it took ${ms.toFixed(0)} ms to stop`, ms < 450)
  return `stopped in ${ms.toFixed(0)} ms`
}
