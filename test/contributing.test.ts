/** The map of `src` in CONTRIBUTING is of the tree that there is. */

import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './kit/launch.ts'

const [, map = ''] =
  /## Map of `src`\n\n```\n([\s\S]*?)```/.exec(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')) ?? []
/** A folder or a file, and all files that its rows name. */
const rows = map
  .trimEnd()
  .split(/\n(?! )/)
  .map((row) => ({
    place: row.split(' ')[0] as string,
    names: [...row.matchAll(/(?<![\w./-])((?:[\w-]+\/)*[\w-]+(?:\.d)?\.ts)\b/g)].map(
      ([, name]) => name as string,
    ),
  }))

test('the map names each folder and each file at the top of `src`', () => {
  const named = rows.flatMap(({ place, names }) => [place, ...names])
  const there = readdirSync(join(root, 'src'), { withFileTypes: true }).map((one) =>
    one.isDirectory() ? `${one.name}/` : one.name,
  )
  expect(there.filter((name) => !named.includes(name))).toEqual([])
})

test('what the map names is there: in the folder of its row, at the top of `src`, or of all', () => {
  const missing = rows.flatMap(({ place, names }) =>
    [place, ...names].filter(
      (name) => ![name, `src/${name}`, join('src', place, name)].some((path) => existsSync(join(root, path))),
    ),
  )
  expect(missing).toEqual([])
  expect(rows.length).toBeGreaterThan(20)
})
