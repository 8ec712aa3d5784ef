import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../harness.ts'
import { document, fixtures, play } from './scripted-api.ts'

const folder = tempDir()
const program = join(folder.path, 'serve')

beforeAll(async () => {
  // As the release is built: without the last two flags a handler finds neither its packages nor its path aliases.
  const flags = [
    '--no-compile-autoload-dotenv',
    '--no-compile-autoload-bunfig',
    '--compile-autoload-package-json',
    '--compile-autoload-tsconfig',
  ]
  const command = ['build', '--compile', ...flags, join(fixtures, 'entry.ts'), '--outfile', program]
  const build = Bun.spawn([process.execPath, ...command], { stdout: 'pipe', stderr: 'pipe' })
  const stderr = await build.stderr.text()
  if ((await build.exited) !== 0) throw new Error(stderr)
})

afterAll(() => folder[Symbol.dispose]())

describe('the compiled program', () => {
  test('serves TypeScript from disk', async () => {
    const { calls, code } = await play('answers.echo', { command: [program] })
    expect(calls.map((call) => call.body)).toEqual(['{"a":1}'])
    expect(code).toBe(0)
  })

  test('brings the sample along', async () => {
    const { calls } = await play('@sample.handler', {
      command: [program],
      events: [{ body: '{"name":"Ada"}' }],
    })
    expect(JSON.parse(calls[0]?.body ?? '')).toMatchObject({ message: 'Hello, Ada!' })
  })

  test('sees an empty event loop, and streams', async () => {
    expect((await play('answers.silent', { command: [program] })).calls[0]?.body).toBe('null')
    expect((await play('streams.failsMidway', { command: [program] })).calls[0]?.body).toBe('half')
  })

  test('explains what it cannot load', async () => {
    const { calls, code } = await play('gone.handler', { command: [program] })
    expect(document(calls[0]).errorType).toBe('Runtime.ImportModuleError')
    expect(code).toBe(1)
  })

  test('finds the packages and the path aliases of a function', async () => {
    using task = tempDir()
    const pack = join(task.path, 'node_modules/pack')
    mkdirSync(join(pack, 'dist'), { recursive: true })
    writeFileSync(join(pack, 'package.json'), '{"type":"module","exports":{".":{"import":"./dist/x.js"}}}')
    writeFileSync(join(pack, 'dist/x.js'), 'export const a = 1')
    writeFileSync(join(task.path, 'tsconfig.json'), '{"compilerOptions":{"paths":{"@/*":["./lib/*"]}}}')
    mkdirSync(join(task.path, 'lib'))
    writeFileSync(join(task.path, 'lib/b.ts'), 'export const b: number = 2')
    writeFileSync(
      join(task.path, 'index.ts'),
      "import { a } from 'pack'\nimport { b } from '@/b'\nexport const handler = async () => [a, b]",
    )
    const { calls } = await play('index.handler', { command: [program], cwd: task.path })
    expect(calls.map((call) => call.body)).toEqual(['[1,2]'])
  })
})
