/** Why a file that may be executed cannot be: what the kernel will say of it is a word for all of these. */

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs'

/** ELF's numbers of machines. */
const machines: Readonly<Record<number, string>> = {
  3: 'x86 (32 bit)',
  40: 'arm (32 bit)',
  62: 'x86-64',
  183: 'arm64',
  243: 'RISC-V',
}
const own: Readonly<Record<string, number>> = { x64: 62, arm64: 183 }

const byteOrderMark = '\xef\xbb\xbf'
const elf = '\x7fELF'
const machO = '\xcf\xfa\xed\xfe'
/** Several Mach-O programs, for several machines, in one file. */
const universal = '\xca\xfe\xba\xbe'
/** ELF's kind of a program header that names the loader. */
const ptInterp = 3

/**
 * What is wrong with an executable file, in words that follow its name; null when nothing seems to be. `searched` is the
 * PATH in which `env` of a first line looks.
 */
export function programFault(
  path: string,
  system: NodeJS.Platform = process.platform,
  searched?: string,
): string | null {
  const head = headOf(path)
  return head && faultOf(head, system === 'darwin', searched)
}

/** Whether the kernel gives a file to an interpreter, which hears of the file's path and not of its name for itself. */
export function isScript(path: string): boolean {
  return headOf(path)?.toString('latin1', 0, 2) === '#!'
}

/** A whole interpreter line, and the headers of every program that a linker makes; null where that cannot be read. */
function headOf(path: string): Buffer | null {
  let fd = -1
  try {
    fd = openSync(path, 'r')
    const head = Buffer.alloc(4096)
    return head.subarray(0, readSync(fd, head, 0, head.length, 0))
  } catch {
    // who may execute need not be allowed to read
    return null
  } finally {
    if (fd >= 0) closeSync(fd)
  }
}

function faultOf(head: Buffer, isMac: boolean, searched: string | undefined): string | null {
  if (head.length === 0) return 'is empty'
  if (head.toString('latin1', 0, 2) === '#!') return interpreterFault(head, searched)
  if (head.toString('latin1', 0, 5) === `${byteOrderMark}#!`)
    return 'has a byte order mark (BOM) before its #!: save it as UTF-8 without one'
  const magic = head.toString('latin1', 0, 4)
  if (magic === elf) return isMac ? 'is a program for Linux' : elfFault(head)
  if (magic.startsWith('MZ')) return 'is a program for Windows'
  if (magic === machO || magic === universal) return isMac ? null : 'is a program for macOS'
  return 'is neither a program nor a script: it does not begin with #! (as #!/bin/sh)'
}

function interpreterFault(head: Buffer, searched: string | undefined): string | null {
  const end = head.indexOf(10)
  const line = head.toString('utf8', 2, end < 0 ? head.length : end)
  if (line.endsWith('\r')) {
    return 'has Windows line ends: its first line ends with a carriage return, which belongs to the interpreter then'
  }
  const [interpreter = '', word = '', next = ''] = line.trim().split(/[ \t]+/)
  if (interpreter === '') return 'names no interpreter in its first line'
  if (!existsSync(interpreter)) return `asks for ${interpreter}, which is missing`
  if (!isExecutable(interpreter)) return `asks for ${interpreter}, which is not executable`
  const wanted = word === '-S' ? next : word
  if (searched === undefined || !interpreter.endsWith('/env') || !/^[\w.+-]*$/.test(wanted)) return null
  const isThere = wanted.startsWith('-') || Bun.which(wanted, { PATH: searched }) !== null
  return wanted === '' || isThere ? null : `asks for ${wanted}, which is not in PATH`
}

/** Whether this is a file that we may execute; a folder is none. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function elfFault(head: Buffer): string | null {
  if (head.length < 64) return 'is cut off: its beginning is that of a program'
  const little = head[5] === 1
  const machine = little ? head.readUInt16LE(18) : head.readUInt16BE(18)
  if (machine !== own[process.arch]) {
    if (emulated()) return null
    return `is for ${machines[machine] ?? `machine ${machine}`}, and this machine is ${machines[own[process.arch] ?? 0]}`
  }
  const loader = loaderOf(head)
  return loader === null || existsSync(loader)
    ? null
    : `asks for the loader ${loader}, which is missing: it was built for another C library (${loader.includes('musl') ? 'musl' : 'glibc'})`
}

/** The loader that a 64-bit little-endian program asks for; null when it asks for none, or does not say it at once. */
function loaderOf(head: Buffer): string | null {
  const table = Number(head.readBigUInt64LE(32))
  const size = head.readUInt16LE(54)
  for (let at = 0, left = head.readUInt16LE(56); left > 0; left--, at += size) {
    const entry = table + at
    if (entry + 56 > head.length) return null
    if (head.readUInt32LE(entry) !== ptInterp) continue
    const offset = Number(head.readBigUInt64LE(entry + 8))
    const length = Number(head.readBigUInt64LE(entry + 32))
    if (offset + length > head.length) return null
    return head.toString('latin1', offset, offset + length - 1)
  }
  return null
}

/** The kernel runs programs of other machines by an interpreter that was registered with it, as qemu. */
function emulated(): boolean {
  try {
    return readdirSync('/proc/sys/fs/binfmt_misc').length > 2
  } catch {
    return false
  }
}
