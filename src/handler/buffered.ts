/**
 * Runs a handler whose answer is one value, given in any of the ways that Node's runtimes have known.
 *
 * A promise settles the invocation. So does the callback, or `context.done` and its kin; whichever is first counts.
 * A handler that returns a plain value is done with it, as in the newest runtimes, unless it takes a callback. A
 * handler that did none of this is done when the event loop is empty, with `null`, as in the older ones.
 *
 * Where several invocations run at a time, the event loop is never empty for one of them alone. There nothing waits for
 * it: a callback settles at once, and a handler that returns nothing and takes no callback is done with `null`.
 */

import type { Context } from './context.ts'
import { onIdle } from './idle.ts'
import type { Handler } from './load.ts'

/** How a handler ended. */
export type Result =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown }

/** Whether a returned value is to be awaited. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

const neverSettled =
  "The handler's promise never settles: nothing is left that it could wait for. The answer is null."

const hasError = (error: unknown) => error !== undefined && error !== null

/** Runs one invocation, `alone` or beside others, and resolves when its result is known; never rejects. */
export const runBuffered = (
  handler: Handler,
  event: unknown,
  context: Context,
  alone: boolean,
): Promise<Result> =>
  new Promise((resolve) => {
    let finished = false
    const settle = (result: Result) => {
      onIdle(undefined)
      resolve(result)
    }
    const once =
      (action: (error?: unknown, value?: unknown) => void) =>
      (error?: unknown, value?: unknown): void => {
        if (finished) return
        finished = true
        action(error, value)
      }
    const done = once((error, value) => settle(hasError(error) ? { ok: false, error } : { ok: true, value }))
    const callback = once((error, value) => {
      if (hasError(error)) return settle({ ok: false, error })
      if (!alone || !context.callbackWaitsForEmptyEventLoop) return settle({ ok: true, value })
      onIdle(() => settle({ ok: true, value }))
    })
    const reject = once((error) => settle({ ok: false, error }))
    Object.assign(context, {
      done,
      succeed: (value?: unknown) => done(null, value),
      fail: (error?: unknown) => done(hasError(error) ? error : 'handled'),
    })
    let promised = false
    onIdle(() => {
      if (promised && !finished) console.warn(neverSettled)
      done(null, null)
    })
    try {
      const returned = handler(event, context, callback)
      promised = isThenable(returned)
      if (isThenable(returned)) returned.then((value) => done(null, value), reject)
      else if ((returned !== undefined || !alone) && handler.length < 3) done(null, returned)
    } catch (error) {
      reject(error)
    }
  })
