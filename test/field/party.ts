/** Somebody else's program that works with AWS's emulator, and has to work with this one. */

import { ok } from 'node:assert/strict'
import { join } from 'node:path'
import type { Launch } from '../clients/client.ts'
import { sources } from '../clients/client.ts'

export interface Party {
  readonly name: string
  /** What it is, with its version, and what it does here. */
  readonly title: string
  /** Installs it, once; throws `Unavailable` with the reason where that is impossible. */
  prepare(): Promise<string>
  /** Uses it on an emulator's program; `folder` is what `prepare` gave. Throws when something is not as it should be. */
  run(program: string, folder: string): Promise<void>
}

/** The sources of a party's programs in this repository. */
export const programs = (name: string): string => join(import.meta.dir, 'programs', name)

/** A function in shell, for parties that do not care what runs. */
export const anyFunction: Launch = {
  command: [join(sources('shell'), 'bootstrap')],
  cwd: sources('shell'),
}

/** How long one program may take, the start of a JVM on a busy machine included. */
const patience = 120_000

/** Runs a program to its end; its output, once it has ended with 0. */
export async function output(
  words: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<string> {
  const child = Bun.spawn([...words], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const late = setTimeout(() => child.kill('SIGKILL'), patience)
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  clearTimeout(late)
  ok(code === 0, `${words[0]} ended with ${code}: ${(err.trim() || out.trim()).slice(-600)}`)
  return out
}
