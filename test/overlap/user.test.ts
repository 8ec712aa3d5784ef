/** A project of somebody else that depends on the package that is made of this repository. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as source from '../../src/index.ts'
import { patience, tempDir } from '../harness.ts'
import { fixture } from './scene.ts'

setDefaultTimeout(4 * patience)

const root = join(import.meta.dir, '../..')

/** The package as it is packed, in a copy, so that what is made on the way lies in nobody's way. */
const made = tempDir()
beforeAll(() => {
  for (const path of ['package.json', 'build.ts', 'src']) {
    cpSync(join(root, path), join(made.path, path), { recursive: true })
  }
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, 'build.ts', 'lib'], { cwd: made.path })
  expect([exitCode, stderr.toString()]).toEqual([0, ''])
  symlinkSync(join(root, 'node_modules'), join(made.path, 'node_modules'))
})
afterAll(() => made[Symbol.dispose]())

/** The files of a project, and a way to run a command in it. */
function project(files: Readonly<Record<string, string>>) {
  const folder = tempDir()
  mkdirSync(join(folder.path, 'node_modules'))
  symlinkSync(made.path, join(folder.path, 'node_modules/bun-lambda-rie'))
  for (const name of ['bun-types', '@types', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(folder.path, 'node_modules', name))
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text)
  const run = async (...argv: string[]): Promise<{ code: number; text: string }> => {
    const child = Bun.spawn(argv, { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, error] = await Promise.all([child.stdout.text(), child.stderr.text()])
    return { code: await child.exited, text: out + error }
  }
  return { path: folder.path, run, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

test('the example of the README is a test that passes', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const [, example = ''] = /^## In a test\n\n```ts\n(.*?)^```/ms.exec(readme) ?? []
  expect(example).toContain("from 'bun-lambda-rie'")
  using here = project({ 'greet.test.ts': example })
  cpSync(fixture('greet.ts'), join(here.path, 'functions/greet.ts'))
  const { code, text } = await here.run(process.execPath, 'test', '--timeout', '60000')
  expect(text).toContain(' 1 pass\n')
  expect(code).toBe(0)
})

test('a program that has disposed of its emulator ends by itself, at once', async () => {
  using here = project({
    'run.ts': `
      import { readdirSync } from 'node:fs'
      import { startEmulator } from 'bun-lambda-rie'
      const descriptors = () => readdirSync('/proc/self/fd').length
      const serve = async () => {
        await using one = await startEmulator({ handler: 'functions/greet.handler', maxEnvironments: 2 })
        await using two = await startEmulator({ handler: 'functions/greet.handler', eagerInit: true })
        await Promise.all([one.invoke({}), one.invoke({}), two.invoke({}, { logType: 'Tail' })])
      }
      await serve()
      const after = descriptors()
      await serve()
      // the stream of an output closes its own a moment later
      for (let tries = 0; descriptors() > after && tries < 1000; tries++) await Bun.sleep(5)
      console.log(descriptors() > after ? 'more' : 'as many')
    `,
  })
  cpSync(fixture('greet.ts'), join(here.path, 'functions/greet.ts'))
  const { code, text } = await here.run(process.execPath, 'run.ts')
  expect(text).toBe('as many\n')
  expect(code).toBe(0)
})

test('an error of its own listener is uncaught, and no trouble of the emulator or of the function', async () => {
  using here = project({
    'run.ts': `
      import { startEmulator } from 'bun-lambda-rie'
      const seen = new Set()
      process.on('uncaughtException', (error) => seen.add(error.message))
      const statuses = []
      for (const name of ['output', 'log']) {
        const options = { handler: 'functions/greet.handler', logLevel: 'debug', log() {} }
        await using emulator = await startEmulator({ ...options, [name]() { throw new Error(name) } })
        for (let count = 0; count < 3; count++) {
          statuses.push((await emulator.invoke({ name }, { logType: 'Tail' })).statusCode)
        }
        await emulator.idle()
      }
      console.log(JSON.stringify({ statuses, seen: [...seen] }))
    `,
  })
  cpSync(fixture('greet.ts'), join(here.path, 'functions/greet.ts'))
  const { code, text } = await here.run(process.execPath, 'run.ts')
  expect(JSON.parse(text)).toEqual({ statuses: [200, 200, 200, 200, 200, 200], seen: ['output', 'log'] })
  expect(code).toBe(0)
})

test('its types hold in the strictest of projects, and without the settings of this one', async () => {
  const flags = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noImplicitReturns: true,
    noPropertyAccessFromIndexSignature: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    skipLibCheck: true,
    noEmit: true,
    target: 'ESNext',
    module: 'Preserve',
    moduleResolution: 'bundler',
    lib: ['ESNext'],
    types: ['bun-types'],
  }
  using here = project({
    'tsconfig.json': JSON.stringify({ compilerOptions: flags, include: ['use.ts'] }),
    'use.ts': `
      import { ConfigError, type EmulatorOptions, type InvokeResult, startEmulator } from 'bun-lambda-rie'
      const options: EmulatorOptions = { handler: 'a.b', dialect: 'lambda', output: (lines, id) => [lines, id] }
      await using emulator = await startEmulator(options)
      const result: InvokeResult = await emulator.invoke({}, { invocationType: 'Event', tenantId: 'red' })
      const { message } = result.json<{ message: string }>()
      export const all: [string, number | undefined] = [message, emulator.state().environments[0]?.memoryBytes]
      export const text: string = new ConfigError('').message + emulator.output(1)
      // @ts-expect-error no such option
      void startEmulator({ maxEnvironment: 1 })
      // @ts-expect-error no such type
      void emulator.invoke({}, { invocationType: 'Later' })
      // @ts-expect-error a command is a list
      void startEmulator({ command: 'ls' })
    `,
  })
  expect(await here.run(join(root, 'node_modules/.bin/tsc'), '-p', '.')).toEqual({ code: 0, text: '' })
})

test('what is declared is what there is', () => {
  const declared: typeof import('bun-lambda-rie') = source
  expect(Object.keys(declared).sort()).toEqual(['ConfigError', 'InvokeStreamError', 'startEmulator'])
})
