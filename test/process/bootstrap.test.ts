import { describe, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Entry,
  extensionsDisabled,
  findBootstrap,
  listExtensions,
  type Probe,
  systemProbe,
  whyNotRunnable,
} from '../../src/process/bootstrap.ts'

const temporary = () => {
  const path = mkdtempSync(join(tmpdir(), 'bootstrap-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

const executable = (path: string): void => {
  writeFileSync(path, '#!/bin/sh\n')
  chmodSync(path, 0o755)
}

const [task, opt, runtime] = ['/var/task/bootstrap', '/opt/bootstrap', '/var/runtime/bootstrap']

describe('the search for a bootstrap', () => {
  const cases: [string, Record<string, Entry>, string | undefined, string[]][] = [
    ['finds nothing where nothing is', {}, undefined, []],
    [
      'takes the first of three',
      { [task]: 'executable', [opt]: 'executable', [runtime]: 'executable' },
      task,
      [],
    ],
    ['goes on where one is missing', { [opt]: 'executable', [runtime]: 'executable' }, opt, []],
    ['looks in the runtime last', { [runtime]: 'executable' }, runtime, []],
    [
      'passes over what cannot run, and says why',
      { [task]: 'directory', [opt]: 'not-executable', [runtime]: 'executable' },
      runtime,
      [`${task} is a directory`, `${opt} is not executable (chmod +x)`],
    ],
    ['says why when nothing is left', { [task]: 'other' }, undefined, [`${task} is not a file`]],
    ['does not look beyond the first that can run', { [task]: 'executable', [opt]: 'directory' }, task, []],
  ]
  test.each(cases)('%s', (_title, entries, path, rejected) => {
    expect(findBootstrap({ cwd: () => '/', look: (name) => entries[name] ?? 'missing' })).toEqual({
      path,
      rejected,
    })
  })
})

describe('a look at the file system', () => {
  test('tells what can run from what cannot, and follows links', () => {
    using directory = temporary()
    const at = (name: string) => join(directory.path, name)
    executable(at('runs'))
    writeFileSync(at('plain'), '')
    mkdirSync(at('directory'))
    symlinkSync('runs', at('link'))
    symlinkSync('directory', at('link-to-directory'))
    symlinkSync('nowhere', at('dangling'))
    symlinkSync('loop', at('loop'))
    const names = [
      'runs',
      'plain',
      'directory',
      'link',
      'link-to-directory',
      'dangling',
      'loop',
      'absent',
      'plain/below',
    ]
    expect(Object.fromEntries(names.map((name) => [name, systemProbe.look(at(name))]))).toEqual({
      runs: 'executable',
      plain: 'not-executable',
      directory: 'directory',
      link: 'executable',
      'link-to-directory': 'directory',
      dangling: 'missing',
      loop: 'missing',
      absent: 'missing',
      'plain/below': 'missing',
    })
    expect(systemProbe.look('/dev/null')).toBe('other')
  })

  test('knows the working directory', () => {
    expect(systemProbe.cwd()).toBe(process.cwd())
  })
})

describe('the list of extensions', () => {
  test('has everything that is not a directory, links to directories too, in byte order', () => {
    using directory = temporary()
    const at = (name: string) => join(directory.path, name)
    for (const name of ['b', 'a', 'B', '10', '9', '.hidden', 'ä', '\u{fb01}', '\u{1f980}'])
      executable(at(name))
    writeFileSync(at('not-executable'), '')
    mkdirSync(at('directory'))
    executable(at('directory/inside'))
    symlinkSync('directory', at('link-to-directory'))
    symlinkSync('nowhere', at('dangling'))
    expect(listExtensions(directory.path)).toEqual({
      names: [
        '.hidden',
        '10',
        '9',
        'B',
        'a',
        'b',
        'dangling',
        'link-to-directory',
        'not-executable',
        'ä',
        '\u{fb01}',
        '\u{1f980}',
      ],
    })
  })

  test('is empty for an empty and for a missing directory', () => {
    using directory = temporary()
    expect(listExtensions(directory.path)).toEqual({ names: [] })
    expect(listExtensions(join(directory.path, 'absent'))).toEqual({ names: [] })
  })

  test('is an error text for what is no directory', () => {
    using directory = temporary()
    const path = join(directory.path, 'file')
    writeFileSync(path, '')
    expect(listExtensions(path)).toEqual({
      error: `ENOTDIR: not a directory, scandir '${path}'`,
    })
  })
})

describe('why a command cannot be run', () => {
  const probe = (entry: Entry): Probe => ({ cwd: () => '/cwd', look: () => entry })
  test.each([
    ['missing', './x is missing'],
    ['directory', './x is a directory'],
    ['not-executable', './x is not executable (chmod +x)'],
    ['other', './x is not a file'],
    ['executable', null],
  ] as const)('a path that is %s', (entry, reason) => {
    expect(whyNotRunnable('./x', '/cwd', '/bin', probe(entry))).toBe(reason)
  })

  test('a name that is not in PATH, and none at all', () => {
    expect(whyNotRunnable('no-such-program', '/', '/bin')).toBe('no-such-program is not in PATH')
    expect(whyNotRunnable('app.handler', '/', '/bin')).toBe(
      'app.handler is not in PATH; is it a handler? Give --handler app.handler, or python3 -m awslambdaric app.handler',
    )
    expect(whyNotRunnable('sh', '/', undefined)).toBe('sh is not in PATH')
    expect(whyNotRunnable('sh', '/', '/bin')).toBeNull()
    expect(whyNotRunnable('', '/', '/bin')).toBe('it is empty')
  })
})

describe('the switch that turns extensions off', () => {
  test('is a file that is there', () => {
    using directory = temporary()
    const path = join(directory.path, 'disable-extensions')
    expect(extensionsDisabled(path)).toBe(false)
    writeFileSync(path, '')
    expect(extensionsDisabled(path)).toBe(true)
  })
})
