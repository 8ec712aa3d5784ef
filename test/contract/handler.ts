/** A function without a runtime of its own: `--handler file.export`, served by the emulator itself. */
import { expect } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../harness.ts'
import { chapter } from './chapter.ts'
import type { Options } from './launch.ts'

const source = `
export const greet = async (event: { name: string }, context: { awsRequestId: string }) => {
  console.log('greeting')
  return { hello: event.name, id: context.awsRequestId, handler: process.env._HANDLER }
}
export const mode = async () => process.env.NODE_ENV ?? null
export const fail = async () => { throw new RangeError('too far') }
`

/** A folder with a function in it, and the emulator in it without a command. */
function inFolder(handler: string): Disposable & { readonly options: Options } {
  const folder = tempDir()
  writeFileSync(join(folder.path, 'app.ts'), source)
  return {
    options: { flags: ['--handler', handler], command: [], cwd: folder.path },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

export const handler = chapter('Handlers', (it) => {
  it('serves a function of the folder that it was started in', async ({ start }) => {
    using folder = inFolder('app.greet')
    await using rie = await start(folder.options)
    for (const name of ['one', 'two']) {
      const answer = await rie.invoke(JSON.stringify({ name }))
      const id = answer.header('x-amzn-RequestId')!
      expect([answer.status, answer.json]).toEqual([200, { hello: name, id, handler: 'app.greet' }])
    }
    await rie.stdout.until(/^START RequestId: .*\n[\s\S]*greeting\n[\s\S]*END RequestId: [\s\S]*REPORT.*\n/m)
  })

  for (const [title, value] of [
    ['leaves NODE_ENV unset for a function of the folder where it is unset', undefined],
    ['hands NODE_ENV on to a function of the folder', 'production'],
  ] as const) {
    it(title, async ({ start }) => {
      using folder = inFolder('app.mode')
      const env: Record<string, string> = value === undefined ? {} : { NODE_ENV: value }
      await using rie = await start({ ...folder.options, env })
      expect((await rie.invoke()).json).toBe(value ?? null)
    })
  }

  it("answers with the error of the folder's function", async ({ start }) => {
    using folder = inFolder('app.fail')
    await using rie = await start(folder.options)
    const answer = await rie.invoke()
    expect([answer.status, answer.header('X-Amz-Function-Error')]).toEqual([200, 'Unhandled'])
    expect(answer.json).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' })
    const [report] = await rie.stdout.until(/REPORT.*\n/)
    expect(report).toEndWith('\t Status: error\n')
  })

  for (const [kind, name, type] of [
    ['a file that is missing', 'nowhere.greet', 'Runtime.ImportModuleError'],
    ['an export that is missing', 'app.nothing', 'Runtime.HandlerNotFound'],
  ] as const) {
    it(`names ${kind} in its answer`, async ({ start }) => {
      using folder = inFolder(name)
      await using rie = await start(folder.options)
      const answer = await rie.invoke()
      expect([answer.status, answer.json.errorType]).toEqual([502, type])
      expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
    })
  }

  it('ends with exit code 2 for a handler without an export', async ({ run }) => {
    const { code, stderr } = await run({ flags: ['--handler', 'app'], command: [] })
    expect(code).toBe(2)
    expect(stderr).toContain('--handler')
  })
})
