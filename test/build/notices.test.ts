import { expect, test } from 'bun:test'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import self from '../../package.json'
import { notices } from '../../src/build/notices.ts'
import { tempDir } from '../harness.ts'

const root = join(import.meta.dir, '../..')

test('each package that is bundled has its name, its version and the text of its licence', () => {
  const names = Object.keys(self.dependencies)
  const text = notices(new Set(names.map((name) => join(root, 'node_modules', name, 'index.js'))))
  for (const [name, version] of Object.entries(self.dependencies))
    expect(text).toContain(`\n${name} ${version} (`)
  expect(text).toContain(readFileSync(join(root, 'node_modules/hono/LICENSE'), 'utf8').trim())
  expect(text).toContain(readFileSync(join(root, 'node_modules/yaml/LICENSE'), 'utf8').trim())
})

test('a package without the text of its licence ends the build, which names it', () => {
  using folder = tempDir()
  const bare = join(folder.path, 'node_modules/bare')
  mkdirSync(bare, { recursive: true })
  writeFileSync(join(bare, 'package.json'), '{"name":"bare","version":"1.0.0","license":"MIT"}')
  expect(() => notices(new Set([join(bare, 'index.js')]))).toThrow(
    `${bare} has no file with its licence, MIT`,
  )
})
