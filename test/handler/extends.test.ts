import { describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { configurationFor, pathOf } from '../../src/handler/extends.ts'
import { tempDir } from '../harness.ts'

type Files = Record<string, string>

/** What Bun is given for `src/index.ts`, with the folder cut off paths. */
function given(files: Files): unknown {
  using folder = tempDir()
  for (const [name, text] of Object.entries({ ...files, 'src/index.ts': '' })) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true })
    writeFileSync(join(folder.path, name), text)
  }
  const text = configurationFor(join(folder.path, 'src/index.ts'))
  return text === undefined ? undefined : JSON.parse(text.replaceAll(`${folder.path}/`, '/'))
}

const options = (compilerOptions: object, rest: object = {}) => JSON.stringify({ ...rest, compilerOptions })
const decorators = { experimentalDecorators: true }

describe('Bun reads by itself', () => {
  test.each<[title: string, files: Files]>([
    ['no configuration', {}],
    ['one that extends nothing', { 'tsconfig.json': options(decorators) }],
    [
      'one that extends a file with its ending',
      { 'tsconfig.json': '{"extends":"./base.json"}', 'base.json': options(decorators) },
    ],
    ['one that extends itself', { 'tsconfig.json': '{"extends":"./tsconfig.json"}' }],
    ['one that is broken', { 'tsconfig.json': '{"extends": ' }],
    [
      'what says nothing that it knows',
      { 'tsconfig.json': '{"extends":["./base.json"]}', 'base.json': options({ strict: true }) },
    ],
  ])('%s', (_, files) => {
    expect(given(files)).toBeUndefined()
  })
})

describe('Bun is given one file for', () => {
  test.each<[title: string, files: Files, compilerOptions: object]>([
    [
      'a name without its ending',
      { 'tsconfig.json': '{"extends":"./base"}', 'base.json': options(decorators) },
      decorators,
    ],
    [
      'a list, of which the last goes before, and the file itself before all',
      {
        'tsconfig.json': options({ jsxFactory: 'h' }, { extends: ['./a.json', './b.json'] }),
        'a.json': options({ jsx: 'react', jsxFactory: 'a', ...decorators }),
        'b.json': options({ jsx: 'react-jsx', jsxFactory: 'b' }),
      },
      { jsx: 'react-jsx', jsxFactory: 'h', ...decorators },
    ],
    [
      'a package, with comments and what else it says left out',
      {
        'tsconfig.json': '{ // ours\n "extends": "@team/config", }',
        'node_modules/@team/config/tsconfig.json': options({ ...decorators, strict: true }),
      },
      decorators,
    ],
    [
      'paths, from the file that says them',
      {
        'tsconfig.json': '{"extends":["./config/base.json"]}',
        'config/base.json': options({ paths: { '@/*': ['./lib/*'] } }),
      },
      { paths: { '@/*': ['/config/lib/*'] } },
    ],
    [
      'paths, from the base where there is one',
      {
        'tsconfig.json': options({ baseUrl: './src' }, { extends: ['./config/base.json'] }),
        'config/base.json': options({ paths: { '@/*': ['lib/*'] } }),
      },
      { baseUrl: '/src', paths: { '@/*': ['/src/lib/*'] } },
    ],
    [
      "the folder that is TypeScript's variable",
      {
        'tsconfig.json': '{"extends":["./config/base.json"]}',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: TypeScript's own
        'config/base.json': options({ ...decorators, jsxImportSource: '${configDir}/jsx' }),
      },
      { ...decorators, jsxImportSource: '/jsx' },
    ],
  ])('%s', (_, files, compilerOptions) => {
    expect(given(files)).toEqual({ compilerOptions })
  })
})

test('a text has a path while this process lives, and leaves no file', () => {
  const path = pathOf('{"some":"text"}')!
  expect(readFileSync(path, 'utf8')).toBe('{"some":"text"}')
  expect(pathOf('{"some":"text"}')).toBe(path)
  expect(pathOf('{"another":"text"}')).not.toBe(path)
  const { stdout } = Bun.spawnSync(['cat', path])
  expect(stdout.toString()).toBe('{"some":"text"}')
  expect(existsSync(path)).toBe(true)
})

test('where there is no /proc, the file has a name, and is removed at the end', async () => {
  const script = `
    import { pathOf } from ${JSON.stringify(join(import.meta.dir, '../../src/handler/extends.ts'))}
    console.log(pathOf('{}', '/no/such/folder'))
    process.stdin.resume().once('end', () => process.exit(0))`
  const program = Bun.spawn([process.execPath, '--no-env-file', '-e', script], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  let path = ''
  for await (const chunk of program.stdout) {
    path += Buffer.from(chunk).toString()
    if (path.endsWith('\n')) break
  }
  path = path.trim()
  expect(readFileSync(path, 'utf8')).toBe('{}')
  program.stdin.end()
  expect(await program.exited).toBe(0)
  expect(existsSync(path)).toBe(false)
})
