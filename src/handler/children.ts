/**
 * Children that a function starts with `process.execPath`: `fork`, `cluster`, `spawn(process.execPath, …)`.
 *
 * For Node that is Node, and the first argument a module. Here it is the emulator's program, which would start to
 * emulate, or the bun CLI, which would read the function's `.env`. All of node:child_process ends in `Bun.spawn` and
 * `Bun.spawnSync`, so these are where the program is told to run the module; nothing has to be loaded for it.
 */

import { cliFlags } from './command.ts'

interface Options {
  cmd: string[]
  env?: Record<string, string | undefined>
}

/** What is started instead of a command: the same command, unless it runs `program`. */
const asModuleRunner = <T extends Options>(options: T, program: string, isCompiled: boolean): T => {
  const [first, ...rest] = options.cmd
  if (!options.cmd.some((word) => typeof word === 'string' && word.includes(program))) return options
  // A shell's command line is left as it is; the variable reaches what the shell starts.
  const flagged = first !== program || cliFlags.every((flag) => rest.includes(flag))
  return {
    ...options,
    cmd: flagged ? options.cmd : [first, ...cliFlags, ...rest],
    ...(isCompiled && { env: { ...(options.env ?? process.env), BUN_BE_BUN: '1' } }),
  }
}

/**
 * Makes `process.execPath` run modules for the function's children, and makes `process.argv` and `process.execArgv`
 * what a function expects there: the program and the file of its handler, and flags that a child may be started with.
 */
export const prepareForChildren = (isCompiled: boolean): void => {
  const program = process.execPath
  process.argv[0] = program
  const override = process.execArgv.filter((flag) => flag.startsWith('--tsconfig-override='))
  process.execArgv = [...cliFlags, ...override]
  for (const name of ['spawn', 'spawnSync'] as const) {
    const start = Bun[name] as (options: Options) => unknown
    const instead = (first: Options | string[], options?: object) =>
      start(asModuleRunner(Array.isArray(first) ? { ...options, cmd: first } : first, program, isCompiled))
    Object.assign(Bun, { [name]: instead })
  }
}
