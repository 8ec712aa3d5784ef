import { expect, test } from 'bun:test'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { configuresLanguage } from '../../src/handler/tsconfig.ts'
import { tempDir } from '../harness.ts'

const decorators = '{"compilerOptions":{"experimentalDecorators":true}}'

test.each<[title: string, files: Record<string, string>, expected: boolean]>([
  ['says nothing', { 'tsconfig.json': '{"compilerOptions":{"strict":true,"paths":{"@/*":["./*"]}}}' }, false],
  ['is not there', {}, false],
  ['says it', { 'tsconfig.json': decorators }, true],
  ['says it of JSX', { 'tsconfig.json': '{"compilerOptions":{"jsxFactory" : "h"}}' }, true],
  ['is for JavaScript', { 'jsconfig.json': decorators }, true],
  ['extends what says it', { 'tsconfig.json': '{"extends":"./base"}', 'base.json': decorators }, true],
  [
    'extends several',
    { 'tsconfig.json': '{"extends":["./a.json","./b.json"]}', 'a.json': '{}', 'b.json': decorators },
    true,
  ],
  [
    'extends a package',
    { 'tsconfig.json': '{"extends":"@team/base"}', 'node_modules/@team/base/tsconfig.json': decorators },
    true,
  ],
  ['extends what is not there', { 'tsconfig.json': '{"extends":"./gone.json"}' }, false],
  ['extends itself', { 'tsconfig.json': '{"extends":"./tsconfig.json"}' }, false],
  ['is broken', { 'tsconfig.json': '{"extends": ' }, false],
])('a configuration that %s', (_, files, expected) => {
  using folder = tempDir()
  for (const [name, text] of Object.entries({ ...files, 'src/deep/index.ts': '' })) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true })
    writeFileSync(join(folder.path, name), text)
  }
  expect(configuresLanguage(join(folder.path, 'src/deep/index.ts'))).toBe(expected)
})

test('a configuration that extends what cannot be looked at says nothing', () => {
  using folder = tempDir()
  symlinkSync('loop', join(folder.path, 'loop'))
  writeFileSync(join(folder.path, 'tsconfig.json'), '{"extends":["./loop","./loop/base.json"]}')
  writeFileSync(join(folder.path, 'index.ts'), '')
  expect(configuresLanguage(join(folder.path, 'index.ts'))).toBe(false)
})

test('the configuration of a linked file is that of the folder where it really is', () => {
  using real = tempDir()
  using linked = tempDir()
  writeFileSync(join(real.path, 'tsconfig.json'), decorators)
  writeFileSync(join(real.path, 'index.ts'), '')
  symlinkSync(join(real.path, 'index.ts'), join(linked.path, 'index.ts'))
  expect(configuresLanguage(join(linked.path, 'index.ts'))).toBe(true)
  expect(configuresLanguage(join(linked.path, 'gone.ts'))).toBe(false)
})
