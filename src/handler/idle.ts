/**
 * Sees that nothing is left to happen: no timer, socket or promise of the function keeps the event loop alive.
 *
 * Connections of ours are left out of that count while no answer is awaited on them. The event never comes while the
 * program's entry module waits at its top level, which is why `serveHandler` does not wait for the end of serving.
 */

let action: (() => void) | undefined

/** Starts watching; once per process. */
export const watchEventLoop = (): void => {
  process.on('beforeExit', () => {
    // From within the event itself nothing would bring the loop back to life.
    if (action) setImmediate(action)
    action = undefined
  })
}

/** Sets what happens, once, when the event loop is empty; replaces what was set before. */
export const onIdle = (next: (() => void) | undefined): void => {
  action = next
}
