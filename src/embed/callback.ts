/**
 * A function of the embedding program's, as the emulator calls it: an error that it throws is uncaught there, as of any
 * listener, and goes no further here, where the effects of a step would be lost.
 */
export const callback =
  <A extends unknown[]>(listener: (...args: A) => void) =>
  (...args: A): void => {
    try {
      listener(...args)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
