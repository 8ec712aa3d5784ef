/**
 * Variables and arguments that are not UTF-8, which Bun cannot hand on: it reads and writes them as UTF-8. Here such a byte
 * is a lone surrogate (0x80 is U+DC80), as in Python, from where it is read to where a process is started; that is done by
 * a program of ours then (`linux/exec.ts`), which gets the bytes in variables and becomes the process.
 */

import { readFileSync } from 'node:fs'
import { execMarker } from './marker.ts'

const replacement = '\ufffd'
const escaped = /[\udc80-\udcff]/

/** What Bun shows where the bytes were not UTF-8 has to be read again. */
function suspicious(text: string): boolean {
  return text.includes(replacement)
}

/** Bytes to text, so that `encode` gives the same bytes again. */
export function decode(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  if (!suspicious(text)) return text
  let result = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    if (length === 0) result += String.fromCharCode(0xdc00 + (bytes[at++] as number))
    else {
      result += new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(at, at + length))
      at += length
    }
  }
  return result
}

/** How many bytes the character has that begins here; 0 when none does. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    try {
      fatal.decode(bytes.subarray(at, at + length))
      return length
    } catch {
      // too short, or no character at all
    }
  }
  return 0
}

/** Text to bytes: what `decode` was given, and UTF-8 for all else. */
export function encode(text: string): Uint8Array {
  if (!isRaw(text)) return new TextEncoder().encode(text)
  const parts: Uint8Array[] = []
  for (const part of text.split(/([\udc80-\udcff]+)/)) {
    parts.push(
      escaped.test(part)
        ? Uint8Array.from(part, (unit) => unit.charCodeAt(0) - 0xdc00)
        : new TextEncoder().encode(part),
    )
  }
  return Buffer.concat(parts)
}

/** Whether Bun would hand on other bytes than these. */
export function isRaw(text: string): boolean {
  return escaped.test(text)
}

/** This program's variables, byte for byte. */
export function rawEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  // in one piece: a start looks at all variables, which nearly never have such bytes
  if (!suspicious(Object.entries(env).join())) return env
  const exact: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(env)) if (!suspicious(name)) exact[name] = value
  for (const pair of listOf('/proc/self/environ')) {
    const text = decode(pair)
    const at = text.indexOf('=')
    const name = text.slice(0, at)
    // a variable that was changed since the start has no bytes there
    if (at > 0 && (isRaw(name) || isRaw(text))) exact[name] = text.slice(at + 1)
  }
  return exact
}

/** The last arguments of this program, as many as these, byte for byte. */
export function rawArguments(argv: readonly string[]): readonly string[] {
  if (!argv.some(suspicious)) return argv
  const all = listOf('/proc/self/cmdline')
  return all.length < argv.length ? argv : all.slice(all.length - argv.length).map(decode)
}

/** Empty where there is no `/proc`: such bytes are replaced there. */
function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch {
    return new Uint8Array(0)
  }
}

/** The strings of a file in which each is ended by a zero. */
function listOf(path: string): Uint8Array[] {
  const bytes = bytesOf(path)
  const list: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start)
    list.push(bytes.subarray(start, end < 0 ? bytes.length : end))
    start = end < 0 ? bytes.length : end + 1
  }
  return list
}

/** The kernel takes variables of up to 128 KiB each. */
const pieceLength = 120_000

/** What a process is started with. */
export interface Command {
  /** the file to run */
  readonly path: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Whether a command needs the program that takes bytes. */
export function needsExec({ argv, env }: Command): boolean {
  return argv.some(isRaw) || Object.entries(env).some(([name, value]) => isRaw(name) || isRaw(value))
}

/** The variables for that program: those that are text, and all else in pieces. */
export function execVariables({ path, argv, env }: Command): Record<string, string> {
  const variables: Record<string, string> = {}
  const odd: string[] = []
  for (const [name, value] of Object.entries(env)) {
    if (isRaw(name) || isRaw(value)) odd.push(`${name}=${value}`)
    else variables[name] = value
  }
  const base64 = (text: string): string => Buffer.from(encode(text)).toString('base64')
  const message = JSON.stringify({ path, argv: argv.map(base64), odd: odd.map(base64) })
  const pieces = Math.ceil(message.length / pieceLength)
  variables[execMarker] = String(pieces)
  for (let at = 0; at < pieces; at++) {
    variables[`${execMarker}_${at}`] = message.slice(at * pieceLength, (at + 1) * pieceLength)
  }
  return variables
}
