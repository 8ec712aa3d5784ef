import { describe, expect, test } from 'bun:test'
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  hintForEnding,
  hintForMissing,
  locate,
  nearest,
  parseHandler,
  siblings,
} from '../../src/handler/locate.ts'
import { tempDir } from '../harness.ts'

function folderWith(...files: string[]) {
  const folder = tempDir()
  for (const file of files) {
    mkdirSync(dirname(join(folder.path, file)), { recursive: true })
    writeFileSync(join(folder.path, file), '')
  }
  return folder
}

describe('a module that is not there is hinted at', () => {
  test.each([
    [
      'an ending in the name',
      ['src/index.ts'],
      'src/index.ts.handler',
      /^src\/index.ts is a file: leave its ending out, as in src\/index.handler$/,
    ],
    [
      'an ending and no export',
      ['index.mjs'],
      'index.mjs',
      /^index.mjs is a file: leave its ending out, as in index.handler$/,
    ],
    ['a folder', ['src/index.ts'], 'src.handler', /src is a folder: did you mean src\/index.handler\?$/],
    ['a folder without an index', ['src/app.ts'], 'src.handler', /src is a folder$/],
    [
      'a typing error',
      ['src/index.ts'],
      'src/indx.handler',
      /^did you mean src\/index.handler \(.*\/src\/index.ts\)\?$/,
    ],
    ['two letters swapped', ['handler.cjs'], 'hanlder.main', /^did you mean handler.main /],
    ['another case of letters', ['Index.js'], 'index.handler', /^did you mean Index.handler /],
    ['nothing near', ['src/index.ts', 'README.md'], 'server.handler', /^$/],
    [
      'an ending of another file',
      ['src/index.ts'],
      'src/indx.js.handler',
      /^did you mean src\/index.js.handler /,
    ],
    ['a folder that is not there', [], 'gone/index.handler', /^there is no folder \/.*\/gone$/],
    [
      'another case in a folder',
      ['src/index.ts'],
      'Src/index.handler',
      /^there is no folder \S+\/Src: did you mean src\/index.handler\?$/,
    ],
    [
      'a misspelt folder within another',
      ['app/src/index.ts'],
      'app/scr/index.handler',
      /^there is no folder \S+\/app\/scr: did you mean app\/src\/index.handler\?$/,
    ],
    ['backslashes', ['src/index.ts'], 'src\\index.handler', /^did you mean src\/index.handler\?$/],
    [
      'dots in place of slashes',
      ['src/index.ts', 'src/app.ts'],
      'src.app.handler',
      /src is a folder: did you mean src\/app.handler\?$/,
    ],
    [
      'Python',
      ['src/app.py', 'src/apt.ts'],
      'src/app.handler',
      /^\S+\/src\/app.py is neither JavaScript nor TypeScript: in place of --handler give python3 -m awslambdaric src\/app.handler$/,
    ],
    [
      'Python with its ending',
      ['app.py'],
      'app.py.main',
      /app.py is neither .*: in place of --handler give python3 -m awslambdaric app.main$/,
    ],
    ['another language', ['main.go'], 'main.handler', /main.go is neither .* give the command that runs it$/],
  ])('%s', (_, files, name, hint) => {
    using folder = folderWith(...files)
    expect(hintForMissing(parseHandler(name), [folder.path])).toMatch(hint)
  })
})

test.each([
  [
    'src/index.ts.handler',
    'src/index.ts',
    'src/index.ts is a file: leave its ending out, as in src/index.handler',
  ],
  ['src/index.js.handler', 'src/index.ts', 'leave its ending out, as in src/index.handler'],
  ['index.mjs', 'index.ts', 'leave its ending out, as in index.handler'],
  ['index.handler', 'index.ts', ''],
])('of %s, where there is %s, is said: %s', (name, file, hint) => {
  expect(hintForEnding(parseHandler(name), `/code/${file}`)).toBe(hint)
})

test('the other files that a name could mean differ in the ending alone', () => {
  using folder = folderWith('both.js', 'both.ts', 'both.json', 'other.ts')
  expect(siblings(join(folder.path, 'both.js'))).toEqual([join(folder.path, 'both.ts')])
})

test.each([
  ['handler', ['handlers', 'main'], 'handlers'],
  ['mian', ['main', 'other'], 'main'],
  ['a', ['b'], 'b'],
  ['abc', ['xyz'], undefined],
  ['greet', [], undefined],
])('%s is probably one of %p: %p', (word, words, expected) => {
  expect(nearest(word, words)).toBe(expected as string)
})

test('a package is looked for above a node_modules that cannot be looked at', () => {
  using folder = tempDir()
  const inner = join(folder.path, 'inner')
  mkdirSync(join(folder.path, 'node_modules/pkg'), { recursive: true })
  mkdirSync(inner)
  symlinkSync('node_modules', join(inner, 'node_modules'))
  writeFileSync(join(folder.path, 'node_modules/pkg/index.js'), '')
  expect(locate('pkg', [inner])).toBe(realpathSync(join(folder.path, 'node_modules/pkg/index.js')))
})
