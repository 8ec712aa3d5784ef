/** What the program says at its start where it runs several functions. Loaded then. */

import { firstLine, functionPath } from './announce.ts'
import type { SystemConfig } from './config/config.ts'
import type { RunningEmulator, RunningFunction } from './emulator.ts'
import type { Log } from './engine/ports.ts'
import { inspectHandler } from './handler/inspect.ts'
import { whyNotRunnable } from './process/bootstrap.ts'

/** Says where the functions are, each in a line, and what speaks against one. */
export function announceSystem(config: SystemConfig, emulator: RunningEmulator, log: Log): void {
  const { gateway, runtimeApi, url, functions } = emulator
  const names = functions.map(({ name }) => name)
  // the line for which tools wait, and that a person finds the functions below
  log.info(
    { gateway, runtimeApi, url, functions: names },
    `listening: ${firstLine({ kind: 'attach', cwd: process.cwd() }, process.execPath)}`,
  )
  for (const one of functions) {
    const { functionUrl } = one
    const fields = { function: one.name, url: url + functionPath(one.name) }
    log.info(functionUrl === null ? fields : { ...fields, functionUrl }, 'serving')
    const { launch } = one.config
    const reason = whyBroken(one)
    if (reason !== null) {
      const what = launch.kind === 'broken' ? 'this function cannot run' : 'the command cannot be run'
      log.warn({ function: one.name, reason }, `${what}; every invocation will say so`)
    }
    const { inspect } = one.config
    if (inspect !== null) {
      log.info({ function: one.name, inspector: inspect.url }, `a debugger is expected at ${inspect.url}`)
    }
  }
  if (config.emulator.debug) {
    log.info(
      {},
      "debugging: no time-outs, deadlines are a day ahead; the emulator's own log is --log-level debug",
    )
  }
}

/** Says of handlers what can be known to be wrong with them before anyone calls them. */
export function inspectHandlers(functions: readonly RunningFunction[], log: Log): void {
  for (const { name, config } of functions) {
    const { launch, environment, taskRoot } = config
    if (launch.kind !== 'handler') continue
    const root = environment.LAMBDA_TASK_ROOT || taskRoot
    const { problem, warnings } = inspectHandler(launch.handler, launch.cwd, root)
    if (problem !== undefined) {
      log.error(
        { function: name, handler: launch.handler, reason: problem },
        'the handler cannot be served; every invocation will say so',
      )
    }
    for (const warning of warnings) log.warn({ function: name }, warning)
  }
}

function whyBroken({ config: { launch, environment } }: RunningFunction): string | null {
  if (launch.kind === 'broken') return launch.reason
  return launch.kind === 'command' ? whyNotRunnable(launch.argv[0], launch.cwd, environment.PATH) : null
}

/** For a person: how each function is called, and where to see what happened. */
export function systemInvitation({ url, functions }: RunningEmulator, hasConsole: boolean): string {
  const local = (address: string): string => address.replace('127.0.0.1', 'localhost')
  const widest = Math.max(...functions.map(({ name }) => name.length))
  const shown = functions.slice(0, shownFunctions)
  const lines = shown.map(({ name, functionUrl }) => {
    const website = functionUrl === null ? '' : `   ${local(functionUrl)}/`
    return `  ${name.padEnd(widest)}  curl -XPOST ${local(url)}${functionPath(name)} -d '{}'${website}`
  })
  const more = functions.length - shown.length
  if (more > 0) lines.push(`  and ${more} more`)
  if (hasConsole) lines.push(`See it:  ${local(url)}/_rie/`)
  return `${functions.length} functions:\n${lines.join('\n')}\n`
}

/** How many are shown to a person. */
const shownFunctions = 20
