/** A process that tells its group before it becomes the program is the same process as one that is started by itself. */

import { expect, test } from 'bun:test'
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programOf, trampoline } from '../../../src/process/portable/trampoline.ts'
import { tempDir } from '../../harness.ts'
import { platforms, type Start, searchPath, shells, start } from '../system.ts'

/** What a process says on both layers. */
async function both(how: Start): Promise<string[]> {
  const said: string[] = []
  for (const [, createProcesses] of platforms) {
    using processes = createProcesses()
    const { exited, output } = start(processes, how)
    expect(await exited).toEqual({ kind: 'code', code: 0 })
    said.push(output())
  }
  return said
}

/** Names that shells keep for themselves or do not know as names, and values that they would read. */
const env = {
  PATH: searchPath,
  PWD: '/nowhere',
  OLDPWD: '/before',
  SHLVL: '7',
  _: '/usr/bin/true',
  _HANDLER: 'index.handler',
  PPID: '1',
  UID: '12',
  IFS: 'x',
  OPTIND: '3',
  PS1: '> ',
  LINENO: '5',
  RANDOM: '4',
  ENV: '/no/such/file',
  BASH_ENV: '/no/such/file',
  POSIXLY_CORRECT: '1',
  'with.dot': 'dot',
  'with-hyphen': 'hyphen',
  'BASH_FUNC_f%%': '() { echo f; }',
  '2': 'a digit',
  '-i': 'an option',
  'a b': 'a blank',
  ü: 'ü',
  EMPTY: '',
  EQUALS: '=a=b=',
  LINES: 'one\ntwo\n\n',
  QUOTES: `'"$HOME\`id\`\\`,
  LONG: 'x'.repeat(100_000),
}
const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`)

test('it has the variables that were given, byte for byte and in their order', async () => {
  const [linux, portable] = await both({ argv: ['cat', '/proc/self/environ'], env })
  expect(portable).toBe(linux as string)
  expect(portable).toBe(`${pairs.join('\0')}\0`)
})

test.each(shells.map((shell) => [shell.join(' '), shell] as const))(
  'by %s, it tells its number, and is the program with its variables and nothing else',
  async (_, shell) => {
    using folder = tempDir()
    const heard = join(folder.path, 'heard')
    const pipe = openSync(heard, 'w')
    const command = {
      path: 'cat',
      argv: ['cat', '/proc/self/environ', '/proc/self/status', '/proc/self/limits'],
      env,
    }
    const [, ...words] = trampoline('cat', command, 12, 9)
    const [name = '', ...flags] = shell
    await using process = Bun.spawn([Bun.which(name) ?? name, ...flags, ...words], {
      env: {},
      stdio: ['ignore', 'pipe', 'inherit', null, null, null, null, null, null, pipe],
    })
    closeSync(pipe)
    const said = await process.stdout.text()
    expect(said).toMatch(/\nMax open files +1024 /)
    expect(said).toStartWith(`${pairs.join('\0')}\0Name:\tcat\n`)
    expect(said).toContain(`\nPid:\t${process.pid}\n`)
    expect(said).toContain('\nSigIgn:\t0000000000000000\n')
    expect(readFileSync(heard, 'utf8')).toBe(`born 12 ${process.pid}\n`)
  },
)

test('without variables it has none', async () => {
  expect(await both({ argv: ['/bin/cat', '/proc/self/environ'], env: {} })).toEqual(['', ''])
})

test('it has the arguments that were given, and its name for itself', async () => {
  const argv = ['cat', '--', '/proc/self/cmdline'] as const
  const [linux, portable] = await both({ argv })
  expect(portable).toBe(linux as string)
  expect(portable).toBe(`${argv.join('\0')}\0`)
  const odd = ['', 'a=b', '-n', '$HOME', "it's", 'one\ntwo', '*', 'ü']
  const script = 'for each; do printf "<%s>" "$each"; done'
  expect((await both({ argv: ['sh', '-c', script, 'name', ...odd] }))[1]).toBe(
    odd.map((each) => `<${each}>`).join(''),
  )
})

test('a name is the program that PATH leads to, also by folders below its own', async () => {
  using folder = tempDir()
  mkdirSync(join(folder.path, 'bin'))
  writeFileSync(join(folder.path, 'bin', 'tells'), '#!/bin/sh\necho "$0 in $(pwd)"\n', { mode: 0o755 })
  const how: Start = { argv: ['tells'], cwd: folder.path, env: { PATH: `/no/such:bin:${searchPath}` } }
  const [linux, portable] = await both(how)
  expect(portable).toBe(linux as string)
  expect(portable).toEndWith(` in ${folder.path}\n`)
  const path: Start = { argv: ['bin/tells'], cwd: folder.path, env: { PATH: searchPath } }
  expect(await both(path)).toEqual(Array(2).fill(`bin/tells in ${folder.path}\n`))
})

test('its signals, limits, mask and descriptors are those of one that is started by itself', async () => {
  const script = `grep -E "^(Sig|Shd|NoNewPrivs|Umask)" /proc/self/status | grep -v SigQ
    ls -1 /proc/self/fd; nice; cat /proc/self/limits`
  const [linux, portable] = await both({ argv: ['sh', '-c', script] })
  expect(portable).toBe(linux as string)
  expect(portable).toContain('SigIgn:\t0000000000000000\n')
})

test('it hands over records on the same descriptor', async () => {
  const [linux, portable] = await both({ argv: ['sh', '-c', 'ls -1 /proc/self/fd; echo 3 >&3'], logFd: true })
  expect(portable).toBe(linux as string)
})

test('the shell closes the pipe to the watchdog before the program runs, which has no part in it', () => {
  const command = { path: '/bin/x', argv: ['x', '$1'], env: { A: '1' } }
  const [shell, flag, script, ...words] = trampoline('x', command, 12, 4)
  expect([shell, flag, ...words]).toEqual([
    '/bin/sh',
    '-c',
    '12',
    '/usr/bin/env',
    '-i',
    '--',
    'A=1',
    'x',
    '$1',
  ])
  expect(script).toMatch(/^trap '' PIPE; .*>&4; .*; trap - PIPE; exec 4>&- "\$@"$/)
})

test('what would not become the program is started by itself', () => {
  using folder = tempDir()
  const make = (name: string, text: string, mode = 0o755) =>
    writeFileSync(join(folder.path, name), text, { mode })
  make('runs', '#!/bin/sh\n')
  make('with=sign', '#!/bin/sh\n')
  make('text', 'echo\n')
  make('empty', '')
  make('not-executable', '#!/bin/sh\n', 0o644)
  make('no-interpreter', '#!/no/such\n')
  make('closed', `#!${join(folder.path, 'not-executable')}\n`)
  symlinkSync('runs', join(folder.path, 'link'))
  const ofPath = (path: string, env = {}) => programOf({ path, argv: [path], env }, folder.path)
  for (const path of ['./runs', 'link', '/bin/sh']) expect(ofPath(path)).toBe(path)
  const others = ['with=sign', 'text', 'empty', 'not-executable', 'no-interpreter', 'closed', '.', 'missing']
  for (const path of others) expect([path, ofPath(path)]).toEqual([path, null])
  expect(ofPath('runs', { '': 'x' })).toBeNull()
})

test('a program is run by its name for itself, a script by its path', () => {
  const argv = ['name']
  expect(programOf({ path: '/bin/sh', argv, env: {} }, '/')).toBe('name')
  expect(
    programOf({ path: join(import.meta.dir, '../../fixtures/process/interleaves'), argv, env: {} }, '/'),
  ).toEndWith('/interleaves')
})
