/**
 * The methods of the console that Node makes of `log` and `warn`, so that their lines too have time, request id and
 * level. Bun's own write to stdout by themselves.
 */

type Write = (...args: unknown[]) => void

/** As Node writes durations: 1.234ms, 1.234s, 1:02.345 (m:ss.mmm). */
const duration = (ms: number): string => {
  if (ms < 1000) return `${Number(ms.toFixed(3))}ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(3)}s`
  const whole = Math.floor(ms / 60_000)
  return `${whole}:${((ms - whole * 60_000) / 1000).toFixed(3).padStart(6, '0')} (m:ss.mmm)`
}

/** Replaces them on the global console; `log` and `warn` are looked up when they are needed. */
export const patchConsoleMethods = (): void => {
  const counts = new Map<string, number>()
  const started = new Map<string, number>()
  const log: Write = (...args) => console.log(...args)
  const timed = (label: unknown, rest: unknown[]): boolean => {
    const since = started.get(String(label))
    if (since === undefined) console.warn(`No such label '${label}' for console.time()`)
    else log('%s: %s', label, duration(performance.now() - since), ...rest)
    return since !== undefined
  }
  Object.assign(console, {
    assert(holds?: unknown, ...args: unknown[]) {
      if (holds) return
      const [first, ...rest] = args
      if (args.length === 0) console.warn('Assertion failed')
      else if (typeof first === 'string') console.warn(`Assertion failed: ${first}`, ...rest)
      else console.warn('Assertion failed:', ...args)
    },
    count(label: unknown = 'default') {
      const count = (counts.get(String(label)) ?? 0) + 1
      counts.set(String(label), count)
      log(`${label}: ${count}`)
    },
    countReset(label: unknown = 'default') {
      if (!counts.delete(String(label))) console.warn(`Count for '${label}' does not exist`)
    },
    time(label: unknown = 'default') {
      if (started.has(String(label))) console.warn(`Label '${label}' already exists for console.time()`)
      else started.set(String(label), performance.now())
    },
    timeLog: (label: unknown = 'default', ...rest: unknown[]) => void timed(label, rest),
    timeEnd(label: unknown = 'default') {
      if (timed(label, [])) started.delete(String(label))
    },
    // indented lines are for terminals; a log has none
    group: (...args: unknown[]) => void (args.length > 0 && log(...args)),
    groupCollapsed: (...args: unknown[]) => void (args.length > 0 && log(...args)),
    groupEnd() {},
    dirxml: log,
    table(data: unknown, columns?: string[]) {
      if (typeof data !== 'object' || data === null) log(data)
      else log((columns ? Bun.inspect.table(data, columns) : Bun.inspect.table(data)).replace(/\n$/, ''))
    },
  })
}
