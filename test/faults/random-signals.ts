/**
 * Faults at no point of any script: a while after the callers have spoken, whatever is going on at that moment. Points
 * of injection know what they interrupt; these do not.
 */
import type { Random } from './random.ts'

export interface RandomSignal {
  /** a process of an environment is killed, or the emulator gets a signal */
  readonly who: 'runtime' | 'extension' | 'anyone' | 'emulator'
  readonly signal: 'SIGKILL' | 'SIGTERM'
  /** milliseconds after the callers have begun */
  readonly after: number
  /** which one, of those that live */
  readonly which: number
}

/** A start with extensions takes some 30 ms, a warm invocation one or two; the moments are thickest at the beginning. */
export function someSignal(
  random: Random,
  who: RandomSignal['who'],
  signal: RandomSignal['signal'],
): RandomSignal {
  return { who, signal, after: 60 * random.next() ** 2, which: random.next() }
}
