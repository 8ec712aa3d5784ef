/** One line on a terminal that says that the program waits, and for how long. */

import type { Writer } from './streams.ts'

/** Milliseconds before the line appears: most answers are faster. */
const patienceMs = 500
const tickMs = 1000
const clearLine = '\r\x1b[K'

/** Shows the line until it is stopped, which may be asked more than once. Without a terminal it shows nothing. */
export function showProgress(stderr: Writer): { stop(): void } {
  if (!stderr.isTTY) return { stop: () => {} }
  const since = performance.now()
  let shown = false
  const show = (): void => {
    shown = true
    const seconds = Math.round((performance.now() - since) / 1000)
    stderr.write(`${clearLine}waiting for the function${seconds > 0 ? `, ${seconds} s` : ''} …`)
  }
  let ticks: ReturnType<typeof setInterval> | undefined
  const first = setTimeout(() => {
    show()
    ticks = setInterval(show, tickMs)
  }, patienceMs)
  return {
    stop() {
      clearTimeout(first)
      clearInterval(ticks)
      if (shown) stderr.write(clearLine)
      shown = false
    },
  }
}
