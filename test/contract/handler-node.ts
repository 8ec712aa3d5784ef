/** A handler served by the emulator itself finds there what it finds in Node. */
import { expect } from 'bun:test'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../harness.ts'
import { chapter } from './chapter.ts'

const fixture = join(import.meta.dir, '../fixtures/children')

const facts = { arguments: ['one'], own: null, dotenv: null }
const own = { ...facts, own: 'yes' }

const children: [title: string, way: string, expected: unknown][] = [
  ['child_process.fork', 'fork', facts],
  ['child_process.fork with variables of its own', 'forkWithVariables', own],
  ['child_process.fork without flags', 'forkWithoutFlags', facts],
  ['spawn of process.execPath', 'spawn', facts],
  ['spawn of process.execPath with variables of its own', 'spawnWithVariables', own],
  ['execFile of process.execPath', 'execFile', facts],
  ['spawn of process.execPath with a text to evaluate', 'evaluate', '42\n'],
  ['spawn of process.argv[0]', 'firstArgument', facts],
  ['Bun.spawn of process.execPath', 'bun', facts],
  ['cluster.fork', 'cluster', facts],
  ['a worker thread', 'worker', facts],
  ['a worker thread of a text', 'workerOfText', 'text'],
]

/** The fixture in a folder with a file of variables that no child may read. */
function folder(): Disposable & { readonly path: string } {
  const folder = tempDir()
  cpSync(fixture, folder.path, { recursive: true })
  writeFileSync(join(folder.path, '.env'), 'FROM_DOTENV=1')
  return folder
}

export const handlerNode = chapter('Handlers, as in Node', (it) => {
  for (const [title, way, expected] of children) {
    it(`runs the given module by ${title}`, async ({ start }) => {
      using task = folder()
      await using rie = await start({ flags: ['--handler', 'index.handler'], command: [], cwd: task.path })
      const answer = await rie.invoke(JSON.stringify(way))
      expect([answer.status, answer.json]).toEqual([200, expected])
    })
  }

  it('runs the given module by a shell that is given process.execPath', async ({ start }) => {
    using task = tempDir()
    cpSync(fixture, task.path, { recursive: true })
    await using rie = await start({ flags: ['--handler', 'index.handler'], command: [], cwd: task.path })
    expect((await rie.invoke('"shell"')).json).toEqual(facts)
  })

  it('tells a function the file that runs, and nothing of the emulator', async ({ start }) => {
    using task = folder()
    await using rie = await start({ flags: ['--handler', 'index.facts'], command: [], cwd: task.path })
    expect((await rie.invoke()).json).toEqual({
      file: join(task.path, 'index.mjs'),
      execArgv: [],
      runner: null,
    })
  })

  it('keeps the line feeds of an entry of the console', async ({ start }) => {
    using task = tempDir()
    writeFileSync(
      join(task.path, 'app.ts'),
      `export const handler = async () => { console.log('one\\ntwo'); console.error(new Error('three')) }`,
    )
    await using rie = await start({ flags: ['--handler', 'app.handler'], command: [], cwd: task.path })
    await rie.invoke()
    const [, lines] = await rie.stdout.until(/^START .*\n([\s\S]*)^END /m)
    expect(lines).toMatch(/^\S+\t\S+\tINFO\tone\ntwo\n\S+\t\S+\tERROR\tError: three\n {4}at /)
    expect(lines).not.toContain('\r')
  })

  it('gives a Response of text the type of text', async ({ start }) => {
    using task = tempDir()
    writeFileSync(
      join(task.path, 'app.ts'),
      `class Page extends Response {}
export const handler = async () => [
  ...[new Response('a'), new Page('a'), new Response('a', { headers: { 'content-type': 'text/html' } }),
    new Response(new Uint8Array(1)), Response.json(1), new Request('http://a/', { method: 'POST', body: 'a' })]
    .map(({ headers }) => headers.get('content-type')),
  new Page('a') instanceof Response, new Response() instanceof Response, Response.json(1) instanceof Response,
]`,
    )
    await using rie = await start({ flags: ['--handler', 'app.handler'], command: [], cwd: task.path })
    const text = 'text/plain;charset=UTF-8'
    const json = expect.stringMatching(/^application\/json/)
    expect((await rie.invoke()).json).toEqual([text, text, 'text/html', null, json, text, true, true, true])
  })
})
