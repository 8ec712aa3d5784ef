import { afterAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { layerExtensions, withLayers } from '../../src/process/layers.ts'

const folder = mkdtempSync(join(tmpdir(), 'layers-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string): string => join(folder, name)
for (const name of [
  'low/bin',
  'low/lib',
  'low/extensions/folder',
  'high/bin',
  'high/python',
  'high/nodejs/node_modules',
  'high/extensions',
]) {
  mkdirSync(path(name), { recursive: true })
}
for (const name of ['low/extensions/a', 'low/extensions/b', 'high/extensions/b'])
  writeFileSync(path(name), '')
const layers = [path('low'), path('high'), path('missing')]

test('what the last layer has goes before the others, and all before what was there', () => {
  expect(withLayers({ PATH: '/usr/bin', PYTHONPATH: '', OTHER: 'x' }, layers)).toEqual({
    PATH: `${path('high/bin')}:${path('low/bin')}:/usr/bin`,
    LD_LIBRARY_PATH: path('low/lib'),
    PYTHONPATH: path('high/python'),
    NODE_PATH: path('high/nodejs/node_modules'),
    OTHER: 'x',
  })
})

test('extensions of the last layer take the place of those of the same name', () => {
  expect([...layerExtensions(layers, { error() {} })]).toEqual([
    ['a', path('low/extensions/a')],
    ['b', path('high/extensions/b')],
  ])
})
