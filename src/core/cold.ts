/** Cold: there are no processes. An invocation or an eager start begins the first attempt to initialise. */

import type { Effects } from './effect.ts'
import { afterFailure, firstAttempt, launch } from './enter.ts'
import type { On } from './event.ts'
import type { Mode } from './mode.ts'
import type { Cold, Starting, Stopped } from './state.ts'

export function start(state: Cold, _: On<'start'>, out: Effects, mode: Mode): Starting {
  return launch(state.generation, firstAttempt(mode), [], out)
}

export function invoke(state: Cold, { id }: On<'invoke'>, out: Effects, mode: Mode): Starting {
  return launch(state.generation, state.retry ? afterFailure(mode) : firstAttempt(mode), [id], out)
}

/** A failed attempt was one of the old code. */
export function recycle(state: Cold): Cold {
  state.retry = false
  return state
}

export function stop({ generation }: Cold): Stopped {
  return { phase: 'stopped', generation }
}
