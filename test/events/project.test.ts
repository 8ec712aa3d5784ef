import { expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectEvents } from '../../src/events/project.ts'
import { tempDir } from '../harness.ts'

test('files of events/ that are JSON by name are read, in order; what is large, a folder or else is not', () => {
  using root = tempDir()
  mkdirSync(join(root.path, 'events/deep.json'), { recursive: true })
  const files = { 'b.json': '{"b":1}', 'a.json': '{', 'notes.md': 'x', 'large.json': ' '.repeat(262_145) }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root.path, 'events', name), text)
  expect(Object.entries(projectEvents(root.path))).toEqual([
    ['a.json', '{'],
    ['b.json', '{"b":1}'],
  ])
})

test('a project without events has none', () => {
  using root = tempDir()
  expect(projectEvents(root.path)).toEqual({})
  writeFileSync(join(root.path, 'events'), '')
  expect(projectEvents(root.path)).toEqual({})
})
