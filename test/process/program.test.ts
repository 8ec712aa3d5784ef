/** What is wrong with a file that may be executed and cannot be. */

import { expect, test } from 'bun:test'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { whyNotRunnable } from '../../src/process/bootstrap.ts'
import { programFault } from '../../src/process/program.ts'
import { tempDir } from '../harness.ts'

function faultOf(content: string | Uint8Array): string | null {
  using folder = tempDir()
  const file = join(folder.path, 'x')
  writeFileSync(file, content)
  chmodSync(file, 0o755)
  expect(whyNotRunnable('./x', folder.path, '/bin:/usr/bin')).toBe(
    programFault(file) === null ? null : `./x ${programFault(file)}`,
  )
  return programFault(file)
}

test.each([
  [
    '#!/bin/bash\r\necho\r\n',
    'has Windows line ends: its first line ends with a carriage return, which belongs to the interpreter then',
  ],
  [
    '#!/usr/bin/env node\r\n',
    'has Windows line ends: its first line ends with a carriage return, which belongs to the interpreter then',
  ],
  ['#!/bin/nosuchsh\n', 'asks for /bin/nosuchsh, which is missing'],
  ['#! /usr/local/nothing -x\n', 'asks for /usr/local/nothing, which is missing'],
  ['#!\n', 'names no interpreter in its first line'],
  ['echo hello\n', 'is neither a program nor a script: it does not begin with #! (as #!/bin/sh)'],
  ['x', 'is neither a program nor a script: it does not begin with #! (as #!/bin/sh)'],
  ['', 'is empty'],
  ['MZ\x90', 'is a program for Windows'],
  ['\ufeff#!/bin/sh\n', 'has a byte order mark (BOM) before its #!: save it as UTF-8 without one'],
  ['#!/tmp\n', 'asks for /tmp, which is not executable'],
  ['#!/etc/passwd\n', 'asks for /etc/passwd, which is not executable'],
  ['#!/bin/sh', null],
  ['#!/usr/bin/env sh\n', null],
])('%j %s', (content, fault) => {
  expect(faultOf(content)).toBe(fault)
})

test.each([
  ['#!/usr/bin/env no-such-node', 'asks for no-such-node, which is not in PATH'],
  ['#!/usr/bin/env -S no-such-node --flag', 'asks for no-such-node, which is not in PATH'],
  ['#!/usr/bin/env sh', null],
  ['#!/usr/bin/env -S  sh -e', null],
  ['#!/usr/bin/env -i sh', null],
  ['#!/usr/bin/env NAME=value sh', null],
  ['#!/usr/bin/env', null],
])('%s, where PATH is /bin:/usr/bin: %s', (line, fault) => {
  using folder = tempDir()
  const file = join(folder.path, 'x')
  writeFileSync(file, `${line}\n`, { mode: 0o755 })
  expect(whyNotRunnable(file, '/', '/bin:/usr/bin')).toBe(fault && `${file} ${fault}`)
  // PATH may be what the function is without
  expect(whyNotRunnable(file, '/', undefined)).toBeNull()
})

const program = readFileSync('/bin/true')
const other = process.arch === 'x64' ? { number: 183, name: 'arm64' } : { number: 62, name: 'x86-64' }

test('a program of this machine is in order', () => {
  expect(faultOf(program)).toBeNull()
})

test('a program for another machine says for which, unless the kernel can run it', () => {
  const foreign = Buffer.from(program)
  foreign.writeUInt16LE(other.number, 18)
  const fault = faultOf(foreign)
  if (fault !== null) expect(fault).toStartWith(`is for ${other.name}, and this machine is `)
  else expect(readFileSync('/proc/sys/fs/binfmt_misc/status', 'utf8')).toBe('enabled\n')
})

test('a program for another C library names the loader that is missing', () => {
  const loader = /\/lib[\w./-]*ld-linux[\w.-]*/.exec(program.toString('latin1'))?.[0] ?? ''
  const musl = '/lib/ld-musl-none.so.1'.padEnd(loader.length, '\0').slice(0, loader.length)
  const changed = Buffer.from(program.toString('latin1').replace(loader, musl), 'latin1')
  expect(faultOf(changed)).toContain('which is missing: it was built for another C library (musl)')
})

test('a program that ends within its first bytes is cut off', () => {
  expect(faultOf(program.subarray(0, 20))).toBe('is cut off: its beginning is that of a program')
})

test.each([
  ['\xcf\xfa\xed\xfe', null, 'is a program for macOS'],
  ['\xca\xfe\xba\xbe', null, 'is a program for macOS'],
  ['\x7fELF', 'is a program for Linux', 'is cut off: its beginning is that of a program'],
  ['MZ\x90\0', 'is a program for Windows', 'is a program for Windows'],
])('%j: on macOS %s, on Linux %s', (head, onMac, onLinux) => {
  using folder = tempDir()
  const file = join(folder.path, 'x')
  writeFileSync(file, Buffer.from(head, 'latin1'))
  expect(programFault(file, 'darwin')).toBe(onMac)
  expect(programFault(file, 'linux')).toBe(onLinux)
})
