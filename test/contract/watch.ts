/** `--watch`: the new code runs with the next invocation. */
import { expect } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { tempDir, until } from '../harness.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import type { Options } from './launch.ts'

/** A function in a folder of its own. */
class Code implements Disposable {
  readonly #folder = tempDir()
  readonly root = realpathSync(this.#folder.path)

  constructor(files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) this.save(name, text)
  }

  save(name: string, text: string): void {
    const path = join(this.root, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  options(...flags: string[]): Options {
    return {
      flags: [...flags, '--log-level', 'debug', '--handler', 'index.handler'],
      command: [],
      cwd: this.root,
    }
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]()
  }
}

const answering = (what: string) => `export const handler = async () => ${JSON.stringify(what)}\n`

/** Changes count from the moment when all folders are watched. */
async function watched(rie: Emulator): Promise<Emulator> {
  await rie.stderr.until(/the code is watched/)
  return rie
}

/** What the descriptors of a process stand for; one that is closed while they are read is left out. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return []
    }
  })
}

/** The answer of the code that runs then, which comes some time after a save. */
async function untilAnswer(rie: Emulator, what: unknown): Promise<void> {
  await until(`the answer ${JSON.stringify(what)}`, async () =>
    Bun.deepEquals((await rie.invoke()).json, what),
  )
}

const counting = (what: string) => `let count = 0\nexport const handler = async () => '${what} ' + ++count\n`

/** The functions of a file, when the code of all of them is watched. */
async function severalWatched(
  start: (options: Options) => Promise<Emulator>,
  code: Code,
  count: number,
  ...flags: string[]
): Promise<Emulator> {
  const file = join(code.root, 'functions.json')
  const all = ['--functions', file, '--watch', ...flags, '--log-level', 'debug']
  const rie = await start({ flags: all, command: [], cwd: code.root })
  await until('all of them to be watched', () => rie.stderr.text.split('the code is watched').length > count)
  return rie
}

async function ask(rie: Emulator, name: string): Promise<string> {
  const path = `/2015-03-31/functions/${name}/invocations`
  return String((await rie.ask({ method: 'POST', path, body: '{}' })).json)
}

const reloads = (rie: Emulator) => rie.stderr.text.split('the code has changed').length - 1

export const watch = chapter('Watching the code', (it) => {
  it('answers from the new code after a save, of the handler and of what it imports', async ({ start }) => {
    using code = new Code({
      'index.ts': `import { greet } from './lib/greet.ts'\nexport const handler = async () => greet()\n`,
      'lib/greet.ts': `export const greet = () => 'one'\n`,
    })
    await using rie = await watched(await start(code.options('--watch')))
    expect((await rie.invoke()).json).toBe('one')
    code.save('lib/greet.ts', `export const greet = () => 'two'\n`)
    await untilAnswer(rie, 'two')
    code.save('index.ts', answering('three'))
    await untilAnswer(rie, 'three')
    // a save by renaming, as editors do it
    code.save('index.ts.new', answering('four'))
    renameSync(join(code.root, 'index.ts.new'), join(code.root, 'index.ts'))
    await untilAnswer(rie, 'four')
  })

  it('takes no file for code that the emulator writes itself: records, and the store of runs', async ({
    start,
  }) => {
    const functions = {
      run: { handler: 'index.run', durable: true },
      fail: { handler: 'index.fail', async: { maxRetries: 0, onFailure: 'file:records.jsonl' } },
    }
    using code = new Code({
      'functions.json': JSON.stringify({ functions }),
      'index.ts': `export const run = async () => ({ Status: 'SUCCEEDED', Result: '1' })
        export const fail = async () => { throw new Error('it fails') }\n`,
    })
    await using rie = await severalWatched(start, code, 2, '--durable-store', join(code.root, 'runs.sqlite'))
    expect(await ask(rie, 'run')).toBe('1')
    const path = '/2015-03-31/functions/fail/invocations'
    await rie.ask({ method: 'POST', path, headers: { 'X-Amz-Invocation-Type': 'Event' }, body: '{}' })
    await until('the record', () => existsSync(join(code.root, 'records.jsonl')))
    // what was written before this would be told with it, or before it
    code.save('other.ts', '1')
    await until('both to be told of the save', () => reloads(rie) >= 2)
    const files = rie.log.flatMap(({ msg, files }) => (/the code has changed/.test(String(msg)) ? files : []))
    expect(new Set(files)).toEqual(new Set(['other.ts']))
  })

  it('lets what runs finish when the code changes, and runs the next one on the new code', async ({
    start,
  }) => {
    using code = new Code({
      'index.ts': `export const handler = async () => { console.log('began'); await fetch(process.env.GATE!); return 'one' }\n`,
    })
    const gate = Promise.withResolvers<Response>()
    await using server = {
      gate: Bun.serve({ port: 0, fetch: () => gate.promise }),
      [Symbol.asyncDispose]: () => server.gate.stop(true),
    }
    const env = { GATE: `http://127.0.0.1:${server.gate.port}/` }
    await using rie = await watched(await start({ ...code.options('--watch'), env }))
    const running = rie.invoke()
    await rie.stdout.until(/began/)
    code.save('index.ts', answering('two'))
    await rie.stderr.until(/the code has changed/)
    const next = rie.invoke()
    gate.resolve(new Response('go'))
    expect([(await running).json, (await next).json]).toEqual(['one', 'two'])
  })

  it('takes ten saves in a row for one change', async ({ start }) => {
    using code = new Code({ 'index.ts': answering('one') })
    await using rie = await watched(await start(code.options('--watch')))
    expect((await rie.invoke()).json).toBe('one')
    // saves between which the machine stopped are no saves in a row
    for (let round = 1, quick = false; !quick; round++) {
      const before = reloads(rie)
      const began = performance.now()
      for (let save = 1; save <= 10; save++) code.save('index.ts', answering(`save ${round}.${save}`))
      quick = performance.now() - began < 25
      await untilAnswer(rie, `save ${round}.10`)
      if (quick) expect(reloads(rie) - before).toBe(1)
      else expect(round).toBeLessThan(20)
    }
  })

  it('says why new code does not load, with file, line and text, and runs it when it is mended', async ({
    start,
  }) => {
    using code = new Code({ 'index.ts': answering('one') })
    await using rie = await watched(await start(code.options('--watch')))
    expect((await rie.invoke()).json).toBe('one')
    code.save('index.ts', 'export const handler = async () => {\n  const x = ;\n}\n')
    await rie.stderr.until(/the code has changed/)
    const broken = await rie.invoke()
    expect([broken.status, broken.json.errorType]).toEqual([502, 'Runtime.UserCodeSyntaxError'])
    expect(broken.json.trace).toEqual([
      `${code.root}/index.ts:2`,
      '  const x = ;',
      '            ^',
      '',
      'SyntaxError: Unexpected ;',
    ])
    // on the terminal too, in the function's log and in the emulator's
    await rie.stdout.until(/index\.ts:2/)
    await rie.stderr.until(/"err":\{[^}]*index\.ts:2\\n {2}const x = ;\\n {12}\^/)
    code.save('index.ts', answering('mended'))
    await untilAnswer(rie, 'mended')
  })

  it('starts the new code at once where init was eager, also after code that did not load', async ({
    start,
  }) => {
    using code = new Code({ 'index.ts': `console.log('loaded one')\n${answering('one')}` })
    await using rie = await watched(await start(code.options('--watch', '--eager-init')))
    await rie.stdout.until(/loaded one/)
    code.save('index.ts', `console.log('loaded two')\n${answering('two')}`)
    await rie.stdout.until(/loaded two/)
    code.save('index.ts', 'export const = 1\n')
    await rie.stdout.until(/UserCodeSyntaxError/)
    code.save('index.ts', `console.log('loaded three')\n${answering('three')}`)
    await rie.stdout.until(/loaded three/)
    expect((await rie.invoke()).json).toBe('three')
  })

  it('leaves alone what is no code, and with patterns all that they do not name', async ({ start }) => {
    using code = new Code({
      'index.ts': answering('one'),
      '.gitignore': 'out/\n',
      'b.txt': '1',
      'out/a.js': '1',
    })
    await using rie = await watched(await start(code.options('--watch=**/*.ts,out/**')))
    expect((await rie.invoke()).json).toBe('one')
    for (const name of ['node_modules/x/index.ts', '.git/x.ts', '__pycache__/x.ts', 'out/a.js', 'b.txt'])
      code.save(name, 'changed')
    code.save('index.ts', answering('two'))
    await untilAnswer(rie, 'two')
    expect(rie.stderr.text.match(/"files":\[.*?\]/g)).toEqual(['"files":["index.ts"]'])
  })

  it('watches a handler in a folder that Git ignores', async ({ start }) => {
    using code = new Code({ 'dist/index.js': answering('one'), '.gitignore': 'dist/\n' })
    const flags = ['--watch', '--log-level', 'debug', '--handler', 'dist/index.handler']
    await using rie = await watched(await start({ flags, command: [], cwd: code.root }))
    expect((await rie.invoke()).json).toBe('one')
    code.save('dist/index.js', answering('two'))
    await untilAnswer(rie, 'two')
  })

  it('starts a command anew after a change', async ({ start }) => {
    using code = new Code({})
    const script = (version: string) => `#!/bin/sh
echo "bootstrap ${version}"
url="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
  id=$(curl -sD - -o /dev/null "$url/next" | tr -d '\\r' | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
  curl -s -o /dev/null -d '"${version}"' "$url/$id/response"
done
`
    const save = (version: string) => {
      code.save('bootstrap.new', script(version))
      chmodSync(join(code.root, 'bootstrap.new'), 0o755)
      renameSync(join(code.root, 'bootstrap.new'), join(code.root, 'bootstrap'))
    }
    save('one')
    const command = ['./bootstrap']
    await using rie = await watched(
      await start({ flags: ['--watch', '--log-level', 'debug'], command, cwd: code.root }),
    )
    expect((await rie.invoke()).json).toBe('one')
    save('two')
    await untilAnswer(rie, 'two')
  })

  it('runs a module of Python that is saved in the same second and with the same length', async ({
    start,
  }) => {
    const main = `import http.client, os
import app
connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
path = "/2018-06-01/runtime/invocation/"
while True:
    connection.request("GET", path + "next")
    event = connection.getresponse()
    event.read()
    connection.request("POST", path + event.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", app.answer)
    connection.getresponse().read()
`
    const answer = (what: string) => `answer = '"${what}"'\n`
    using code = new Code({ 'main.py': main, 'app.py': answer('one') })
    const second = new Date(1_700_000_000_000)
    utimesSync(join(code.root, 'app.py'), second, second)
    const flags = ['--watch', '--log-level', 'debug']
    await using rie = await watched(await start({ flags, command: ['python3', 'main.py'], cwd: code.root }))
    expect((await rie.invoke()).json).toBe('one')
    code.save('app.py', answer('two'))
    utimesSync(join(code.root, 'app.py'), second, second)
    await untilAnswer(rie, 'two')
  })

  it('builds with --watch-build after a save, runs what came out, and the old code when it fails', async ({
    start,
  }) => {
    const source = (what: string) => `export const handler = async () => '${what}'\n`
    using code = new Code({ 'src/index.js': source('one'), 'dist/index.js': source('one') })
    // as a compiler of several files, which leaves them alone when it fails: a second build, by which outputs are learned, may
    // have ended the environment of the first one when the third fails
    const build =
      'echo built >>builds; if grep -q BROKEN src/index.js; then echo "src/index.js:1: broken" >&2; exit 2; fi; cp src/index.js dist/index.js; touch dist/other.js'
    const flags = ['--watch-build', build, '--log-level', 'debug', '--handler', 'dist/index.handler']
    await using rie = await watched(await start({ flags, command: [], cwd: code.root }))
    expect((await rie.invoke()).json).toBe('one')
    code.save('src/index.js', source('two'))
    await untilAnswer(rie, 'two')
    code.save('src/index.js', 'BROKEN\n')
    await rie.stderr.until(/src\/index\.js:1: broken.*the build failed; the code from before runs on/)
    expect((await rie.invoke()).json).toBe('two')
    code.save('src/index.js', source('three'))
    await untilAnswer(rie, 'three')
    // outputs start no builds without end: a save is two at most, while it is learned which files are outputs
    code.save('src/index.js', source('four'))
    await untilAnswer(rie, 'four')
    const builds = readFileSync(join(code.root, 'builds'), 'utf8').split('\n').length - 1
    expect(builds).toBeLessThanOrEqual(8)
  })

  it('ends the environments of those functions alone whose code has changed', async ({ start }) => {
    using code = new Code({
      'functions.json':
        '{"functions":{"one":{"handler":"index.handler","cwd":"a"},"two":{"handler":"index.handler","cwd":"b"}}}',
      'a/index.ts': counting('one'),
      'b/index.ts': counting('two'),
    })
    await using rie = await severalWatched(start, code, 2)
    expect([await ask(rie, 'one'), await ask(rie, 'two')]).toEqual(['one 1', 'two 1'])
    code.save('a/index.ts', counting('new'))
    await until('the new code', async () => (await ask(rie, 'one')).startsWith('new'))
    expect(await ask(rie, 'two')).toBe('two 2')
    const reloaded = rie.log.filter(({ msg }) => String(msg).startsWith('the code has changed'))
    expect([...new Set(reloaded.map((line) => line.function))]).toEqual(['one'])
  })

  it('runs new code of a layer, of its packages, and of a linked package of a workspace', async ({
    start,
  }) => {
    using code = new Code({
      'functions.json':
        '{"functions":{"one":{"handler":"index.handler","cwd":"one","layers":["layer"]},"two":{"handler":"index.handler","cwd":"two"}}}',
      'one/index.ts': `import a from 'a'
        import b from 'b'
        import { readFileSync } from 'node:fs'
        const c = readFileSync(\`${'$'}{import.meta.dirname}/../layer/python/c.txt\`, 'utf8')
        export const handler = async () => a + b + c`,
      'one/package.json': '{"dependencies":{"a":"*"}}',
      'two/index.ts': counting('two'),
      'packages/a/index.ts': `export default 'a1'`,
      'layer/nodejs/node_modules/b/index.js': `module.exports = 'b1'`,
      'layer/python/c.txt': 'c1',
    })
    mkdirSync(join(code.root, 'node_modules'))
    symlinkSync('../packages/a', join(code.root, 'node_modules/a'))
    await using rie = await severalWatched(start, code, 2)
    expect([await ask(rie, 'one'), await ask(rie, 'two')]).toEqual(['a1b1c1', 'two 1'])
    for (const [file, text, answer] of [
      ['packages/a/index.ts', `export default 'a2'`, 'a2b1c1'],
      ['layer/nodejs/node_modules/b/index.js', `module.exports = 'b2'`, 'a2b2c1'],
      ['layer/python/c.txt', 'c2', 'a2b2c2'],
    ] as const) {
      code.save(file, text)
      await until(answer, async () => (await ask(rie, 'one')) === answer)
    }
    expect(await ask(rie, 'two')).toBe('two 2')
    const reloaded = rie.log.filter(({ msg }) => String(msg).startsWith('the code has changed'))
    expect(reloaded[0]?.files).toEqual(['../packages/a/index.ts'])
  })

  it('builds once for functions that share a folder, and each runs what came out', async ({ start }) => {
    using code = new Code({
      'functions.json': '{"functions":{"one":{"handler":"one.handler"},"two":{"handler":"two.handler"}}}',
      'src/both.js': 'old',
      'one.js': answering('one old'),
      'two.js': answering('two old'),
    })
    const line = (name: string) =>
      `echo "exports.handler = async () => '${name} $(cat src/both.js)'" >${name}.js`
    const build = `echo built >>builds; ${line('one')}; ${line('two')}`
    await using rie = await severalWatched(start, code, 2, '--watch-build', build)
    // which files are outputs is learned with the first ones
    for (const what of ['first', 'second', 'third']) {
      // moved there, with the time of its content: a save all the same
      code.save('src/both.new', what)
      utimesSync(join(code.root, 'src/both.new'), 1, 1)
      renameSync(join(code.root, 'src/both.new'), join(code.root, 'src/both.js'))
      for (const name of ['one', 'two'])
        await until(`${name} ${what}`, async () => (await ask(rie, name)) === `${name} ${what}`)
    }
    const builds = readFileSync(join(code.root, 'builds'), 'utf8').split('\n').length - 1
    expect(builds).toBeLessThanOrEqual(6)
  })

  it('answers why it cannot when the folder of the code is gone, and runs what is made in its place', async ({
    start,
  }) => {
    using code = new Code({ 'build/index.mjs': answering('one') })
    const build = join(code.root, 'build')
    await using rie = await watched(
      await start({
        flags: ['--watch', '--task-root', build, '--log-level', 'debug', '--handler', 'index.handler'],
        command: [],
        cwd: build,
      }),
    )
    await untilAnswer(rie, 'one')
    // a folder of one file: the library of the watcher then looks at the folder above, and at what is beside
    renameSync(build, `${build}-old`)
    code.save('beside.txt', '')
    await until('an answer without code', async () => (await rie.invoke()).status === 502)
    code.save('build/index.mjs', answering('two'))
    await untilAnswer(rie, 'two')
    code.save('build/index.mjs', answering('three'))
    await untilAnswer(rie, 'three')
  })

  it('looks at times with --watch-poll alone', async ({ start }) => {
    using code = new Code({ 'index.ts': answering('one') })
    await using rie = await watched(await start(code.options('--watch-poll')))
    expect((await rie.invoke()).json).toBe('one')
    code.save('index.ts', answering('two, longer'))
    await untilAnswer(rie, 'two, longer')
  })

  it('runs the old code for ever without --watch', async ({ start }) => {
    using code = new Code({ 'index.ts': answering('one') })
    await using rie = await start(code.options())
    expect((await rie.invoke()).json).toBe('one')
    code.save('index.ts', answering('two'))
    for (let call = 0; call < 20; call++) expect((await rie.invoke()).json).toBe('one')
    // and nothing of a watcher is there
    expect(openFiles(rie.pid).filter((name) => name.includes('inotify'))).toEqual([])
  })
})
