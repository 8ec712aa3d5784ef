/**
 * A shell that tells the watchdog its group and then becomes the program, with the same number, group and session: a group
 * is guarded before the emulator has its number. Until then the shell holds the watchdog's pipe, so that the watchdog does
 * not find the end of it before it has heard of the group.
 *
 * `env -i` stands between the two: a shell leaves out variables whose names are none for it, and adds some of its own.
 */

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { isExecutable, isScript, programFault } from '../program.ts'
import type { Command } from '../raw.ts'

const env = '/usr/bin/env'

/**
 * `$0` is the number of the start. A watchdog that is gone must neither end the program nor be heard of. The soft limit of
 * open files is Lambda's, where the hard one, to which Bun has raised it, is not lower.
 */
const script = (fd: number): string =>
  `trap '' PIPE; { ulimit -S -n 1024; echo "born $0 $$" >&${fd}; } 2>/dev/null; trap - PIPE; exec ${fd}>&- "$@"`

/** The shell's command for a program, with the watchdog's pipe as descriptor `fd`, which is at most 9; it needs no variables. */
export function trampoline(
  program: string,
  { argv, env: variables }: Command,
  start: number,
  fd: number,
): string[] {
  const pairs = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  return ['/bin/sh', '-c', script(fd), String(start), env, '-i', '--', ...pairs, program, ...argv.slice(1)]
}

/**
 * What `env` is to run for a command; null for a command that may not become the program that it names. That is to be
 * started as it is, and Bun says why it cannot be; where it can be after all, its group is guarded when its number is known.
 */
export function programOf({ path, argv, env: variables }: Command, cwd: string): string | null {
  const file = resolve(cwd, path)
  // a name is looked up again, in the same PATH; a script does not hear its name, and hears its path as it was found
  const program = isScript(file) ? path : (argv[0] ?? path)
  const isPlain = !program.includes('=') && !('' in variables)
  return isPlain && isExecutable(file) && programFault(file) === null && existsSync(env) ? program : null
}
