/**
 * The program that becomes another one, whose variables or arguments are not UTF-8 (`raw.ts`). A program of ours, because
 * the image of a function may have no other.
 */

import { dlopen, ptr } from 'bun:ffi'
import { writeSync } from 'node:fs'
import { execMarker } from '../marker.ts'
import { encode } from '../raw.ts'
import { RLIMIT_NOFILE, SIG_DFL, SIGPIPE, SIGXFSZ } from './libc.ts'
import { limitOfChildren } from './limits.ts'

/** Becomes the process that the variables describe. Returns only when it cannot be run. */
export function becomeProcess(env: Readonly<Record<string, string | undefined>>): void {
  const variables: Record<string, string | undefined> = { ...env }
  let message = ''
  for (let at = 0; at < Number(env[execMarker]); at++) {
    message += env[`${execMarker}_${at}`] ?? ''
    delete variables[`${execMarker}_${at}`]
  }
  delete variables[execMarker]
  const { path, argv, odd } = JSON.parse(message) as { path: string; argv: string[]; odd: string[] }
  const plain = Object.entries(variables).map(([name, value]) => encode(`${name}=${value ?? ''}`))
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'base64')
  const { symbols } = dlopen('libc.so.6', {
    execve: { args: ['ptr', 'ptr', 'ptr'], returns: 'i32' },
    signal: { args: ['i32', 'usize'], returns: 'ptr' },
    prlimit: { args: ['i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  })
  // Bun has raised the limit that this process was started with, and ignores signals that its heir may need.
  const limit = new BigUint64Array(2)
  symbols.prlimit(0, RLIMIT_NOFILE, null, limit)
  symbols.prlimit(0, RLIMIT_NOFILE, limitOfChildren(limit[1] as bigint), null)
  for (const number of [SIGPIPE, SIGXFSZ]) symbols.signal(number, SIG_DFL)
  const program = zeroEnded(encode(path))
  const words = vector(argv.map(bytes))
  const pairs = vector([...plain, ...odd.map(bytes)])
  symbols.execve(program, words.pointers, pairs.pointers)
  writeSync(2, `fork/exec ${path}: it cannot be run\n`)
}

function zeroEnded(bytes: Uint8Array): Uint8Array {
  const ended = new Uint8Array(bytes.length + 1)
  ended.set(bytes)
  return ended
}

/** What C calls `char *[]`, and the strings, which must stay where they are. */
function vector(strings: readonly Uint8Array[]): { pointers: BigUint64Array; strings: Uint8Array[] } {
  const ended = strings.map(zeroEnded)
  const pointers = new BigUint64Array(ended.length + 1)
  ended.forEach((string, index) => {
    pointers[index] = BigInt(ptr(string))
  })
  return { pointers, strings: ended }
}
