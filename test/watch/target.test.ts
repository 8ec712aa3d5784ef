import { describe, expect, test } from 'bun:test'
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { targetOf } from '../../src/watch/target.ts'
import { tempDir } from '../harness.ts'

function scene(...files: string[]) {
  const folder = tempDir()
  const root = realpathSync(folder.path)
  for (const file of files) {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  return { root, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

describe('what is watched', () => {
  test('of a handler is the folder where it was typed, and its file counts without an ending', () => {
    using it = scene('dist/index.js')
    const { root } = it
    expect(
      targetOf({ layers: [], taskRoot: root, cwd: root, argv: null, handler: 'dist/index.handler' }),
    ).toEqual({
      roots: [root],
      runs: [{ kind: 'handler', path: join(root, 'dist/index') }],
      refused: [],
    })
  })

  test('of a command are the task root and every file among its words', () => {
    using it = scene('bootstrap', 'app.py')
    const { root } = it
    const argv = ['./bootstrap', '-m', 'app.py', 'lib.handler']
    expect(targetOf({ layers: [], taskRoot: root, cwd: root, argv, handler: 'lib.handler' }).runs).toEqual([
      { kind: 'handler', path: join(root, 'lib') },
      { kind: 'program', path: join(root, 'bootstrap') },
      { kind: 'program', path: join(root, 'app.py') },
    ])
  })

  test('is each folder once, by its real name', () => {
    using it = scene('task/index.js')
    const { root } = it
    symlinkSync(join(root, 'task'), join(root, 'link'))
    const target = targetOf({
      layers: [],
      taskRoot: root,
      cwd: join(root, 'link'),
      argv: null,
      handler: 'index.handler',
    })
    expect(target.roots).toEqual([root])
  })

  test('are layers, and the packages in them, behind the function', () => {
    using it = scene('task/index.js', 'layers/a/python/x.py', 'layers/b/nodejs/node_modules/c/index.js')
    const { root } = it
    const task = join(root, 'task')
    const layers = [join(root, 'layers/a'), join(root, 'layers/b')]
    expect(
      targetOf({ layers, taskRoot: task, cwd: task, argv: null, handler: 'index.handler' }).roots,
    ).toEqual([task, ...layers, join(root, 'layers/b/nodejs/node_modules')])
  })

  test('is never the whole file system, nor a home', () => {
    const handler = 'index.handler'
    for (const folder of ['/', homedir()]) {
      const target = targetOf({ layers: [], taskRoot: folder, cwd: folder, argv: null, handler })
      expect([target.roots, target.refused]).toEqual([[], [realpathSync(folder)]])
    }
  })

  test('is the task root alone where the working directory is the whole file system', () => {
    using it = scene('index.js')
    const target = targetOf({
      layers: [],
      taskRoot: it.root,
      cwd: '/',
      argv: null,
      handler: `${it.root}/index.handler`,
    })
    expect(target).toMatchObject({ roots: [it.root], refused: ['/'] })
  })

  test('is found for a user without a home, as in an image without /etc/passwd', () => {
    using it = scene('index.js')
    const program = `
      const { targetOf } = await import(${JSON.stringify(join(import.meta.dir, '../../src/watch/target.ts'))})
      const root = ${JSON.stringify(it.root)}
      console.log(targetOf({ layers: [], taskRoot: root, cwd: root, argv: null, handler: 'index.handler' }).roots.join())`
    // user 54321 is in no passwd, and HOME is not set
    const words = ['setpriv', '--reuid', '54321', '--clear-groups', process.execPath, '-e', program]
    const able = process.getuid?.() === 0 && Bun.which('setpriv') !== null
    const { stdout, stderr } = Bun.spawnSync(able ? words : words.slice(4), {
      env: { PATH: process.env.PATH ?? '', BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0' },
      cwd: '/',
    })
    expect([stdout.toString(), stderr.toString()]).toEqual([`${it.root}\n`, ''])
  })
})
