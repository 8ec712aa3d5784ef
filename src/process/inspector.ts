/**
 * Bun's own variables for a debugger (`BUN_INSPECT` and its kin) are meant for the function, but the emulator is a Bun
 * program too, and takes them before a line of its own runs: it would listen where the function is to. So it starts
 * itself again without them, in the same process, and hands them on to the runtime.
 *
 * With `?wait=1` or `?break=1` Bun runs nothing before a debugger is there; nothing here can help that.
 */

export const inspectorVariables: readonly string[] = [
  'BUN_INSPECT',
  'BUN_INSPECT_CONNECT_TO',
  'BUN_INSPECT_NOTIFY',
]

/** Names that begin with `_` are not for extensions. */
const keptAs = '_LAMBDA_RIE_'

type Environment = Readonly<Record<string, string | undefined>>

/** The same variables under names that Bun does not know; undefined when there are none. */
export function withoutInspector(env: Environment): Record<string, string> | undefined {
  if (!inspectorVariables.some((name) => env[name] !== undefined)) return undefined
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue
    kept[inspectorVariables.includes(name) ? keptAs + name : name] = value
  }
  return kept
}

/** The variables of a program that embeds the emulator, less those for its own debugger: two cannot listen there. */
export function withoutOwnInspector<T>(env: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !inspectorVariables.includes(name)))
}

/** Starts this program again if it has such a variable; does not return then. */
export function startWithoutInspector(env: Environment): void {
  const kept = withoutInspector(env)
  if (kept === undefined) return
  const { argv, execArgv, execPath } = process
  const isCompiled = import.meta.url.includes('/$bunfs/')
  const words = isCompiled ? argv.slice(2) : [...execArgv, ...argv.slice(1)]
  process.execve?.(execPath, [execPath, ...words], kept)
}

/** Whether the function is to have such a variable. */
export function keepsInspector(env: Environment): boolean {
  return inspectorVariables.some((name) => env[keptAs + name] !== undefined)
}

/** Gives the variables of the runtime their names again. */
export function giveInspector(env: Record<string, string>): void {
  for (const name of inspectorVariables) {
    const value = env[keptAs + name]
    if (value === undefined) continue
    delete env[keptAs + name]
    env[name] = value
  }
}
