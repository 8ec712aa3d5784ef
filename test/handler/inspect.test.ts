import { describe, expect, test } from 'bun:test'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inspectHandler } from '../../src/handler/inspect.ts'
import { tempDir } from '../harness.ts'

function folderWith(files: Record<string, string>) {
  const folder = tempDir()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true })
    writeFileSync(join(folder.path, name), text)
  }
  return folder
}

test('says which file and export it is', () => {
  using folder = folderWith({ 'src/index.ts': 'export const handler = async () => 1' })
  expect(inspectHandler('src/index.handler', folder.path, undefined)).toEqual({
    file: join(folder.path, 'src/index.ts'),
    exported: 'handler',
    problem: undefined,
    warnings: [],
  })
})

test('looks where it was typed, then in the task root', () => {
  using here = folderWith({ 'a.js': '' })
  using root = folderWith({ 'a.js': '', 'b.js': '' })
  expect(inspectHandler('a.handler', here.path, root.path).file).toBe(join(here.path, 'a.js'))
  expect(inspectHandler('b.handler', here.path, root.path).file).toBe(join(root.path, 'b.js'))
})

describe('says why it cannot be served', () => {
  const code = 'export const handler = async () => 1\nexport function other() {}'
  test.each([
    [
      'a module that is missing',
      'src/indx.handler',
      /^there is no module src\/indx in \S+: did you mean src\/index.handler/,
    ],
    ['an ending', 'src/index.ts.handler', /leave its ending out, as in src\/index.handler$/],
    ['a folder', 'src.handler', /did you mean src\/index.handler\?$/],
    [
      'an export that is missing',
      'src/index.nothing',
      /^src\/index.nothing is not exported: \S+index.ts exports handler, other$/,
    ],
    ['an export that is nearly there', 'src/index.handlr', /exports handler, other; did you mean handler\?$/],
    ['a path that climbs', '../index.handler', /is not a valid handler name/],
  ])('%s', (_, name, problem) => {
    using folder = folderWith({ 'src/index.ts': code })
    expect(inspectHandler(name, folder.path, undefined).problem).toMatch(problem)
  })

  test.each([
    ['an arrow', 'export default async (event) => event'],
    ['of one name', 'export default event => event'],
    ['a type', 'export default async (event: { a: string }): Promise<string> => event.a'],
    ['a function', 'export default function () {}'],
    ['a function with a name', 'export default async function main() {}'],
  ])('a default export that is a function, where another is asked for: %s', (_, code) => {
    using folder = folderWith({ 'index.ts': code })
    expect(inspectHandler('index.handler', folder.path, undefined).problem).toMatch(
      /^index.handler is not exported: \S+index.ts exports default; did you mean index.default\?$/,
    )
    expect(inspectHandler('index.default', folder.path, undefined).problem).toBeUndefined()
  })

  test.each([
    ['re-exports', { 'index.ts': `export * from './other'` }],
    ['a default export', { 'index.ts': 'export default { handler() {} }' }],
    ['a default export of a call', { 'index.ts': 'export default wrap(() => 1)' }],
    ['a default export of a name', { 'index.ts': 'const app = { handler() {} }\nexport default app' }],
    ['a default in a comment', { 'index.ts': '// export default () => 1\nexport default app' }],
    ['CommonJS', { 'index.js': 'module.exports = require("./other")' }],
    ['what does not parse', { 'index.ts': 'export const = ' }],
  ])('but not what only running it can tell: %s', (_, files) => {
    using folder = folderWith(files as Record<string, string>)
    expect(inspectHandler('index.handler', folder.path, undefined).problem).toBeUndefined()
  })
})

test('warns of an old build beside its source', () => {
  using folder = folderWith({
    'both.js': 'exports.handler = () => 1',
    'both.ts': 'export const handler = () => 2',
  })
  utimesSync(join(folder.path, 'both.js'), 1000, 1000)
  expect(inspectHandler('both.handler', folder.path, undefined).warnings).toEqual([
    `${join(folder.path, 'both.js')} is served, although ${join(folder.path, 'both.ts')} beside it is newer: is it a stale build?`,
  ])
  utimesSync(join(folder.path, 'both.ts'), 1000, 1000)
  expect(inspectHandler('both.handler', folder.path, undefined).warnings).toEqual([])
})

test('warns of what only Bun takes, with file and line', () => {
  using folder = folderWith({ 'index.mjs': `export const handler = () => 1\nrequire('fs')` })
  expect(inspectHandler('index.handler', folder.path, undefined).warnings).toEqual([
    'index.mjs:2: require is no function in an ES module (Bun takes it, Node on Lambda does not)',
  ])
})

test('has nothing to say of the sample', () => {
  const { file, problem, warnings } = inspectHandler('@sample.handler', '/nowhere', undefined)
  expect({ file, problem, warnings }).toEqual({ file: undefined, problem: undefined, warnings: [] })
})
