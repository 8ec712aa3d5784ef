/**
 * The names by which extensions know the machine that they run on. AWS's samples listen on `sandbox.localdomain`, which
 * has to be found for that.
 */

import { appendFileSync, readFileSync } from 'node:fs'

const names = ['sandbox', 'sandbox.localdomain'] as const

/**
 * Adds the names that are missing. Only for the first process of a container: elsewhere the file is the machine's. False
 * when the file cannot be written, which is no error.
 */
export function addSandboxHosts(file = '/etc/hosts'): boolean {
  try {
    const text = readFileSync(file, 'utf8')
    const known = new Set(
      text.split('\n').flatMap((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1)),
    )
    const missing = names.filter((name) => !known.has(name))
    if (missing.length === 0) return true
    const newline = text === '' || text.endsWith('\n') ? '' : '\n'
    appendFileSync(file, `${newline}127.0.0.1\t${missing.join(' ')}\n`)
    return true
  } catch {
    return false
  }
}
