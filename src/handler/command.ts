/**
 * How the emulator starts itself as the runtime of a JavaScript or TypeScript handler.
 */

import { existsSync, realpathSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** `main.ts` serves a handler instead of emulating when this variable is `1`. */
export const serveMarker = '_LAMBDA_RIE_SERVE_HANDLER'

/** The folder that a relative handler is looked up in first: where the user typed the command. */
export const handlerRootVariable = '_LAMBDA_RIE_HANDLER_ROOT'

/** The function stops for a debugger before its file is run, when this variable is `1`. */
export const breakMarker = '_LAMBDA_RIE_BREAK'

/** Carries the text of the runtime client to the bun CLI. */
const clientVariable = '_LAMBDA_RIE_CLIENT'

/** The reserved handler name of the function that comes with the emulator. */
export const sampleHandler = '@sample.handler'

/** Where its code is, from source. */
export const sampleFile = `${import.meta.dir}/sample.ts`

/**
 * What keeps the bun CLI from reading the function's .env and bunfig.toml, and from downloading packages that are
 * missing where no node_modules exists. The compiled program was built not to.
 */
export const cliFlags = ['--no-env-file', '--config=/dev/null', '--no-install'] as const

/** What the CLI evaluates: not the client itself, which would fill a list of processes. */
const evaluated = `const text=process.env.${clientVariable};delete process.env.${clientVariable};(0,eval)(text)({},require,{})`

/** A command and what its environment needs on top of the function's. */
export interface HandlerCommand {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
}

/** The program that runs, and the handler that it is to serve. */
export interface Served {
  readonly execPath: string
  readonly isCompiled: boolean
  /** the entry module, when the program runs from source */
  readonly mainPath: string
  /** relative to `cwd`, else to `taskRoot`, unless it is absolute */
  readonly handler: string
  readonly cwd: string
  readonly taskRoot: string | undefined
  /** where a debugger reaches it, `ws://host:port/path`, and whether it waits for one */
  readonly inspect?: { readonly url: string; readonly stops: boolean } | null
}

/** Whether there is a configuration in a folder, as it really is, or above it. */
function isConfigured(folder: string): boolean {
  let real: string
  try {
    real = realpathSync(folder)
  } catch {
    // it is not there, or no descriptor is left: the start of the process says so
    return false
  }
  for (let at = real; ; at = dirname(at)) {
    if (existsSync(`${at}/tsconfig.json`) || existsSync(`${at}/jsconfig.json`)) return true
    if (at === dirname(at)) return false
  }
}

/** What a handler's project asks of Bun. Most ask nothing, and a cold start does not load what would find that out. */
function projectOf({ handler, cwd, taskRoot }: Served): { needsCli: boolean; flags: readonly string[] } {
  const plain = { needsCli: false, flags: [] }
  if (handler === sampleHandler) return plain
  const folders = [cwd, taskRoot ?? cwd].map((root) => dirname(resolve(root, handler)))
  if (!folders.some(isConfigured)) return plain
  const { locate, parseHandler } = require('./locate.ts') as typeof import('./locate.ts')
  const { configuresLanguage } = require('./tsconfig.ts') as typeof import('./tsconfig.ts')
  let file: string | undefined
  try {
    file = locate(parseHandler(handler).module, taskRoot === undefined ? [cwd] : [cwd, taskRoot])
  } catch {
    // A name that is malformed: the runtime says so.
  }
  if (file === undefined) return plain
  const { configurationFor, pathOf } = require('./extends.ts') as typeof import('./extends.ts')
  const text = configurationFor(file)
  const path = text === undefined ? undefined : pathOf(text)
  if (path !== undefined) return { needsCli: true, flags: [`--tsconfig-override=${path}`] }
  return { needsCli: configuresLanguage(file), flags: [] }
}

/** Looks at a handler's files after the start, and after an invocation that came with it. */
export function afterStart(look: () => void): void {
  setTimeout(look, 100).unref()
}

/** Bun waits for a debugger before it runs anything; where it stops by itself would be in our code. */
function inspection({ url, stops }: { url: string; stops: boolean }): Record<string, string> {
  return stops ? { BUN_INSPECT: `${url}?wait=1`, [breakMarker]: '1' } : { BUN_INSPECT: url }
}

/** Builds the command of the child that serves a handler. */
export function handlerCommand(served: Served): HandlerCommand {
  const { execPath, isCompiled, mainPath, handler, cwd, inspect } = served
  const env = { [handlerRootVariable]: cwd, _HANDLER: handler, ...(inspect && inspection(inspect)) }
  const { needsCli, flags } = projectOf(served)
  if (!isCompiled) {
    return { argv: [execPath, ...cliFlags, ...flags, mainPath], env: { ...env, [serveMarker]: '1' } }
  }
  if (!needsCli) return { argv: [execPath], env: { ...env, [serveMarker]: '1' } }
  const { clientText } = require('./client-text.ts') as typeof import('./client-text.ts')
  return {
    argv: [execPath, ...cliFlags, ...flags, '-e', evaluated],
    env: { ...env, BUN_BE_BUN: '1', [clientVariable]: clientText },
  }
}
