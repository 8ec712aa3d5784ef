import { describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hintForMissing, nearest, parseHandler, siblings } from '../../src/handler/locate.ts'
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
    ['a folder that is not there', [], 'gone/index.handler', /^$/],
  ])('%s', (_, files, name, hint) => {
    using folder = folderWith(...files)
    expect(hintForMissing(parseHandler(name), [folder.path])).toMatch(hint)
  })
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
