/**
 * The rules as conversations: given a state, each line is what happens, what it changes, and what is to be done, in
 * that order. Every cell of the transition table and both orders of every race have a line in one of these files.
 */

import type { Trace } from './script.ts'
import { fromCold } from './traces/cold.ts'
import { exitTraces } from './traces/exits.ts'
import { initialising } from './traces/init.ts'
import { failing } from './traces/init-failures.ts'
import { invoking } from './traces/invoke.ts'
import { racing } from './traces/races.ts'
import { restoreTraces } from './traces/restores.ts'
import { severalTraces } from './traces/several.ts'
import { ending } from './traces/stop.ts'
import { streamTraces } from './traces/streams.ts'

export const traces: readonly Trace[] = [
  ...fromCold,
  ...initialising,
  ...failing,
  ...invoking,
  ...racing,
  ...ending,
  ...exitTraces,
  ...streamTraces,
  ...severalTraces,
  ...restoreTraces,
]
