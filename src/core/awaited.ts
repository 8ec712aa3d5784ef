/** Whom an init that took too long was waiting for, in words. */

import type { Extension } from './extensions.ts'
import type { Starting } from './lifecycle.ts'

/** A mistake that is often made gets a hint: an external extension that does not register under its file's name. */
export function awaited({ runtime, extensions }: Pick<Starting, 'runtime' | 'extensions'>): string {
  const absent = extensions.filter(({ state }) => state === 'Started')
  if (absent.length > 0) {
    const strangers = extensions.filter(({ external }) => !external)
    const hint = strangers.length > 0 ? `; of ${names(strangers)}, which did, no file has the name` : ''
    return `${names(absent)} did not register${hint}`
  }
  const silent = extensions.filter(({ state }) => state !== 'Ready')
  const who = [...(runtime === 'Ready' ? [] : ['the runtime']), ...(silent.length > 0 ? [names(silent)] : [])]
  return `${who.join(' and ')} did not ask for an event`
}

const names = (extensions: readonly Extension[]): string =>
  `extension ${extensions.map(({ name }) => name).join(', ')}`
