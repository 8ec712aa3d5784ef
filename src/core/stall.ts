/** Says which processes a timed-out init was waiting for. */

import type { Extension } from './extensions.ts'
import type { Starting } from './state.ts'

/** A common mistake gets a hint: an external extension has to register under the name of its file. */
export function describeStall({ runtime, extensions }: Pick<Starting, 'runtime' | 'extensions'>): string {
  const absent = extensions.filter(({ state }) => state === 'Started')
  if (absent.length > 0) {
    const strangers = extensions.filter(({ external }) => !external)
    const hint = strangers.length > 0 ? `; of ${names(strangers)}, which did, no file has the name` : ''
    return `${names(absent)} did not register${hint}`
  }
  const silent = extensions.filter(({ state }) => state !== 'Ready')
  const who = [
    ...(runtime === 'Ready' || runtime === 'RestoreReady' ? [] : ['the runtime']),
    ...(silent.length > 0 ? [names(silent)] : []),
  ]
  return `${who.join(' and ')} did not ask for an event`
}

const names = (extensions: readonly Extension[]): string =>
  `extension ${extensions.map(({ name }) => name).join(', ')}`
