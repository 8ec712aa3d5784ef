/** The builds of `--watch-build`: one for all functions that have the same root, because each of them is told of a save. */

import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Log } from './engine/ports.ts'
import { runShell, type ShellRun } from './process/shell.ts'
import { Builder } from './watch/builder.ts'
import { Outputs } from './watch/outputs.ts'

/** Who waits for the code that a build makes. */
export interface BuildListener {
  /** New code is there, because of these files. */
  built(reasons: readonly string[], ms: number): void
  /** `message` says what ended how, `output` is what it wrote. */
  failed(message: string, output: string): void
}

export interface BuildsOptions {
  /** for the shell */
  readonly command: string
  readonly log: Log
  /** Unix milliseconds */
  epoch(): number
}

interface Build extends Disposable {
  readonly builder: Builder
  readonly outputs: Outputs
  readonly listeners: BuildListener[]
}

export class Builds implements Disposable {
  readonly #options: BuildsOptions
  readonly #byRoot = new Map<string, Build>()

  constructor(options: BuildsOptions) {
    this.#options = options
  }

  /**
   * Joins the build in a folder. `programs` are files that are run, and so what it makes. Returns what is to be told
   * which files have changed, relative to the folder.
   */
  join(
    root: string,
    programs: readonly string[],
    listener: BuildListener,
  ): (paths: readonly string[]) => void {
    const build = this.#byRoot.get(root) ?? this.#open(root)
    build.outputs.expect(programs)
    build.listeners.push(listener)
    return (paths) => build.builder.changed(paths)
  }

  #open(root: string): Build {
    const { command, log, epoch } = this.#options
    const outputs = new Outputs()
    const listeners: BuildListener[] = []
    let running: ShellRun | undefined
    function failed(message: string, output: string): void {
      const error = { name: 'Build', constructor: undefined, message, stack: output }
      log.error({ err: error }, 'the build failed; the code from before runs on')
      for (const listener of listeners) listener.failed(message, output)
    }
    const builder = new Builder({
      outputs,
      build() {
        log.debug({ command, folder: root }, 'the build begins')
        running = runShell(command, root)
        return running.ended
      },
      built({ code, output }, reasons, ms) {
        running = undefined
        if (code !== 0) failed(`${command} ended with ${code}`, output.trimEnd())
        else for (const listener of listeners) listener.built(reasons, ms)
      },
      failed: (error) => failed(String(error), ''),
      // not the time of its content, which tools that copy or move a file leave as it was
      writtenAt: (path) => statSync(resolve(root, path), { throwIfNoEntry: false })?.ctimeMs,
      epoch,
    })
    const build: Build = {
      builder,
      outputs,
      listeners,
      [Symbol.dispose]() {
        builder[Symbol.dispose]()
        running?.kill()
      },
    }
    this.#byRoot.set(root, build)
    return build
  }

  [Symbol.dispose](): void {
    for (const build of this.#byRoot.values()) build[Symbol.dispose]()
  }
}
