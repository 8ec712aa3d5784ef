/**
 * Signals that end the emulator. Imported before anything else: as PID 1, a signal that comes before its handler is
 * installed is lost, and loading the rest takes milliseconds.
 */

let count = 0
const first = Promise.withResolvers<NodeJS.Signals>()
const second = Promise.withResolvers<void>()

function arrived(signal: NodeJS.Signals): void {
  count++
  if (count === 1) first.resolve(signal)
  else second.resolve()
}

process.on('SIGTERM', () => arrived('SIGTERM'))
process.on('SIGINT', () => arrived('SIGINT'))

/** The first SIGTERM or SIGINT. */
export const stopRequested: Promise<NodeJS.Signals> = first.promise
/** The second one: whoever sent it does not want to wait. */
export const forceRequested: Promise<void> = second.promise
