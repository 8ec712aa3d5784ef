import { describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { handlerCommand } from '../../src/handler/command.ts'
import { loadHandler } from '../../src/handler/load.ts'
import { parseHandler } from '../../src/handler/locate.ts'
import { tempDir } from '../harness.ts'
import { fixtures, play } from './scripted-api.ts'

/** Writes files whose handler answers with the name of the file. */
const write = (folder: string, ...files: string[]) => {
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    const cjs = file.endsWith('.cjs') || file.endsWith('.cts') || file.endsWith('common.js')
    const code = `handler = () => ${JSON.stringify(file)}`
    writeFileSync(join(folder, file), cjs ? `exports.${code}` : `export const ${code}`)
  }
}

describe('the name of a handler', () => {
  test.each([
    ['index.handler', 'index', 'handler'],
    ['dir/index.a.b', 'dir/index', 'a.b'],
    ['./index.handler', './index', 'handler'],
    ['/var/task/index.handler', '/var/task/index', 'handler'],
  ])('%s names a module and an export', (name, module, exported) => {
    expect(parseHandler(name)).toEqual({ module, exported })
  })
})

describe('a module is found', () => {
  test.each(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', ''])(
    'with extension "%s"',
    async (extension) => {
      using folder = tempDir()
      write(folder.path, `dir/index${extension}`)
      for (const name of ['dir/index.handler', './dir/index.handler', `${folder.path}/dir/index.handler`]) {
        const handler = await loadHandler(name, [folder.path])
        expect(handler()).toBe(`dir/index${extension}`)
      }
    },
  )

  test('though a folder has its name', async () => {
    using folder = tempDir()
    write(folder.path, 'index/other.js', 'index.mjs')
    expect((await loadHandler('index.handler', [folder.path]))()).toBe('index.mjs')
  })

  test('where the user is before it is found in the task root', async () => {
    using here = tempDir()
    using root = tempDir()
    write(here.path, 'a.js')
    write(root.path, 'a.ts', 'b.ts')
    expect((await loadHandler('a.handler', [here.path, root.path]))()).toBe('a.js')
    expect((await loadHandler('b.handler', [here.path, root.path]))()).toBe('b.ts')
  })

  test.each([
    ['pack.handler', 'node_modules/pack/common.js'],
    ['@scope/pack.handler', 'node_modules/@scope/pack/common.js'],
  ])('among the packages: %s', async (name, file) => {
    using folder = tempDir()
    write(folder.path, file)
    writeFileSync(join(folder.path, dirname(file), 'package.json'), '{"main":"common.js"}')
    expect((await loadHandler(name, [folder.path]))()).toBe(file)
  })

  test('behind a default export', async () => {
    using folder = tempDir()
    writeFileSync(join(folder.path, 'index.mjs'), 'export default { handler: () => "default" }')
    expect((await loadHandler('index.handler', [folder.path]))()).toBe('default')
  })
})

describe('the command of a handler', () => {
  const entry = join(fixtures, 'entry.ts')
  const program = {
    execPath: process.execPath,
    isCompiled: false,
    mainPath: entry,
    handler: 'a.b',
    cwd: '/here',
    taskRoot: undefined,
  }

  test('is the program itself when it is compiled', () => {
    expect(handlerCommand({ ...program, execPath: '/bin/rie', isCompiled: true })).toEqual({
      argv: ['/bin/rie'],
      env: { _LAMBDA_RIE_SERVE_HANDLER: '1', _LAMBDA_RIE_HANDLER_ROOT: '/here', _HANDLER: 'a.b' },
    })
  })

  test("finds the handler from anywhere and leaves the function's .env and bunfig.toml alone", async () => {
    using folder = tempDir()
    writeFileSync(join(folder.path, '.env'), 'FROM_DOTENV=1')
    writeFileSync(join(folder.path, 'bunfig.toml'), 'preload = ["./preload.ts"]')
    writeFileSync(join(folder.path, 'preload.ts'), 'console.log("preloaded")')
    const { argv, env } = handlerCommand({ ...program, handler: 'answers.facts', cwd: fixtures })
    const { calls, lines } = await play(env._HANDLER ?? '', { command: [...argv], env, cwd: folder.path })
    expect(JSON.parse(calls[0]?.body ?? '')).toMatchObject({ dotenv: null, leaked: [] })
    expect(lines).toEqual([])
  })
})
