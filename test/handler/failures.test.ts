import { describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../harness.ts'
import { document, fixtures, play } from './scripted-api.ts'

const initErrors: [title: string, handler: string, errorType: string, message: RegExp][] = [
  ['a name without an export', 'answers', 'Runtime.MalformedHandlerName', /^Bad handler$/],
  ['a path that climbs', '../a.b', 'Runtime.MalformedHandlerName', /^'..\/a.b' is not a valid handler name/],
  ['a missing module', 'gone.handler', 'Runtime.ImportModuleError', /^Error: Cannot find module 'gone'\n/],
  [
    'a missing export',
    'answers.gone',
    'Runtime.HandlerNotFound',
    /^answers.gone is undefined or not exported; \S+\/answers.ts exports callback, .*, …$/,
  ],
  [
    'a default export in place of a name',
    'default-only.handler',
    'Runtime.HandlerNotFound',
    /default-only.mjs exports default: did you mean default-only.default\?$/,
  ],
  [
    'a module of CommonJS that is a function',
    'function-only.main',
    'Runtime.HandlerNotFound',
    /; module.exports of \S+function-only.cjs is the function itself, which has to be exports.main$/,
  ],
  [
    'an export that is no function',
    'answers.notFunction',
    'Runtime.HandlerNotFound',
    /^answers.notFunction is not/,
  ],
  ['an error while loading', 'broken-init.handler', 'TypeError', /^not today$/],
]

describe.concurrent('the init fails because of', () => {
  test.each(initErrors)('%s', async (_, handler, errorType, message) => {
    const { calls, code, lines } = await play(handler)
    expect(calls.map((call) => [call.path, call.headers['lambda-runtime-function-error-type']])).toEqual([
      ['/2018-06-01/runtime/init/error', errorType],
    ])
    expect(document(calls[0])).toEqual({
      errorType,
      errorMessage: expect.stringMatching(message),
      trace: expect.any(Array),
    })
    expect(lines.join('\n')).toContain('\t-\tERROR\tInit Error \t{"errorType"')
    expect(code).toBe(1)
  })

  test('code that cannot be parsed', async () => {
    using folder = tempDir()
    writeFileSync(join(folder.path, 'index.js'), 'const x = ;')
    const { calls, code } = await play('index.handler', { cwd: folder.path })
    expect(document(calls[0])).toEqual({
      errorType: 'Runtime.UserCodeSyntaxError',
      errorMessage: 'SyntaxError: Unexpected ;',
      trace: [`${folder.path}/index.js:1`, 'const x = ;', '          ^', '', 'SyntaxError: Unexpected ;'],
    })
    expect(code).toBe(1)
  })

  // AWS's client gives the two ways to ask for a module two types, and so do we
  test.each([
    [
      'requires a package',
      'index.cjs',
      'require("missing-dependency")',
      'Runtime.ImportModuleError',
      () => "Error: Cannot find module 'missing-dependency'",
      'Runtime.ImportModuleError: ',
    ],
    [
      'imports a package',
      'index.mjs',
      'import "missing-dependency"',
      'Error',
      (folder: string) => `Cannot find package 'missing-dependency' imported from ${folder}/index.mjs`,
      'Error [ERR_MODULE_NOT_FOUND]: ',
    ],
    [
      'imports a file',
      'index.mjs',
      'import "./missing.mjs"',
      'Error',
      (folder: string) => `Cannot find module '${folder}/missing.mjs' imported from ${folder}/index.mjs`,
      'Error [ERR_MODULE_NOT_FOUND]: ',
    ],
  ])('a module that %s that is not there', async (_, file, code, errorType, message, title) => {
    using folder = tempDir()
    mkdirSync(join(folder.path, 'node_modules'))
    writeFileSync(join(folder.path, file), code)
    const { errorMessage, trace, ...rest } = document(
      (await play('index.handler', { cwd: folder.path })).calls[0],
    )
    expect(rest).toEqual({ errorType })
    expect(errorMessage).toStartWith(message(folder.path))
    expect(trace[0]).toStartWith(title + message(folder.path))
    // whoever imports it is named with the line
    if (file.endsWith('.mjs')) expect(trace[1]).toBe(`    at ${folder.path}/index.mjs:1:8`)
  })

  test.each([
    ['imports', 'index.mjs', `import '@aws-sdk/client-s3'`],
    ['requires', 'index.cjs', `require('@aws-sdk/client-s3')`],
    ['requires a part of', 'index.cjs', `require('@aws-sdk/client-s3/dist')`],
  ])("a module that %s a package of Lambda's runtimes, with what to do", async (_, file, code) => {
    using folder = tempDir()
    mkdirSync(join(folder.path, 'node_modules'))
    writeFileSync(join(folder.path, file), code)
    const { errorMessage } = document((await play('index.handler', { cwd: folder.path })).calls[0])
    expect(errorMessage).toMatch(/bring it along; here: npm install --save-dev @aws-sdk\/client-s3$/)
  })

  test('a rejection that nobody handles', async () => {
    const { calls, code } = await play('forgets-at-init.handler')
    expect(calls[0]?.path).toBe('/2018-06-01/runtime/init/error')
    expect(document(calls[0]).errorType).toBe('Runtime.UnhandledPromiseRejection')
    expect(code).toBe(128)
  })
})

describe.concurrent('the process ends', () => {
  test('with 128 after a rejection that nobody handles, which is posted', async () => {
    const { calls, code, lines } = await play('answers.forgets')
    expect(calls.map((call) => call.path)).toEqual(['/2018-06-01/runtime/invocation/id-1/error'])
    expect(document(calls[0])).toEqual({
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'CustomError: forgotten',
      trace: expect.arrayContaining([
        'Runtime.UnhandledPromiseRejection: CustomError: forgotten',
        expect.stringContaining(`${fixtures}/answers.ts`),
      ]),
    })
    expect(lines.join('\n')).toContain('ERROR\tUnhandled Promise Rejection')
    expect(code).toBe(128)
  })

  test('with 129 after an exception that nobody catches, which is posted', async () => {
    const { calls, code } = await play('answers.explodes')
    expect(document(calls[0])).toMatchObject({ errorType: 'CustomError', errorMessage: 'exploded' })
    expect(code).toBe(129)
  })

  test('as the function ends it', async () => {
    const { calls, code } = await play('answers.exits')
    expect({ calls, code }).toEqual({ calls: [], code: 7 })
  })

  test('by SIGTERM, unless the function asks for it', async () => {
    const { calls, signal } = await play('answers.isTerminated')
    expect({ calls, signal }).toEqual({ calls: [], signal: 'SIGTERM' })
  })

  test('with 0 and without a word when there is no emulator', async () => {
    const { code, stderr, lines } = await play('answers.echo', {
      env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:1' },
    })
    expect({ code, stderr, lines }).toEqual({ code: 0, stderr: '', lines: [] })
  })
})
