/** The README's commands of the inner loop, as they stand there: only ports are others, and the program is its source. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Debugger } from './contract/debugger.ts'
import { killMarked, mark, Output, patience, tempDir, until } from './harness.ts'
import { freePort, programOf } from './kit/launch.ts'

setDefaultTimeout(4 * patience)

const readme = readFileSync(join(import.meta.dir, '../README.md'), 'utf8')

/** The lines of a block of commands below a heading, without their comments; the first one is 0. */
function commands(heading: string, index = 0): string[] {
  const [, chapter = ''] = new RegExp(`^#+ ${heading}$([\\s\\S]*?)^#+ `, 'm').exec(readme) ?? []
  const blocks = [...chapter.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  const block = blocks[index]
  if (block === undefined) throw new Error(`the README has no commands ${index} below ${heading}`)
  return block
    .replaceAll('\\\n', ' ')
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +#.*$/, ''))
}

const answering = (what: string) => `export const handler = async () => ${JSON.stringify(what)}\n`

/** A function's folder, and a shell that knows the program by its name. */
function project() {
  const home = tempDir()
  const [folder, bin] = [join(home.path, 'function'), join(home.path, 'bin')]
  for (const path of [folder, bin]) mkdirSync(path)
  const words = programOf('source').map((word) => `'${word}'`)
  writeFileSync(join(bin, 'aws-lambda-rie'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`)
  chmodSync(join(bin, 'aws-lambda-rie'), 0o755)
  const marks = mark()
  return {
    save(name: string, text: string): void {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    },
    /** A program in the shell's path. */
    tool(name: string, script: string): void {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
      chmodSync(join(bin, name), 0o755)
    },
    path: (name: string) => join(folder, name),
    async start(line: string) {
      const env = {
        PATH: `${bin}:${process.env.PATH}`,
        AWS_LAMBDA_RIE_ADDRESS: '127.0.0.1:0',
        AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS: '127.0.0.1:0',
        LOG_LEVEL: 'debug',
        ...marks,
      }
      const child = Bun.spawn(['sh', '-c', `exec ${line}`], {
        cwd: folder,
        env,
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      })
      const said = new Output('stderr', child.stderr)
      void new Output('stdout', child.stdout)
      const [, url = ''] = await said.until(/"url":"([^"]+)"/)
      const invoke = async (body = '{}') => await (await fetch(url, { method: 'POST', body })).text()
      return { said, invoke }
    },
    async [Symbol.asyncDispose]() {
      await killMarked(marks)
      home[Symbol.dispose]()
    },
  }
}

test('each command below "Stop in a handler" expects a debugger where it says', async () => {
  const [prints, stops] = commands('Stop in a handler') as [string, string]
  await using it = project()
  it.save('index.mjs', answering('one'))
  {
    const own = freePort()
    const { said } = await it.start(prints.replace('--inspect ', `--inspect=${own} `))
    const [, url = ''] = await said.until(new RegExp(`"inspector":"(ws://127\\.0\\.0\\.1:${own}/[^"]+)"`))
    using _ = await Debugger.attach(url)
  }
  const port = freePort()
  const { said, invoke } = await it.start(stops.replace('6499', String(port)))
  await said.until(new RegExp(`"inspector":"ws://127\\.0\\.0\\.1:${port}/app"`))
  using attached = await Debugger.attach(`ws://127.0.0.1:${port}/app`)
  await attached.stop(1)
  await attached.resume()
  expect(await invoke()).toBe('"one"')
})

test('each command below "Edit and run" runs what is saved, and only that', async () => {
  const [all, named] = commands('Edit and run') as [string, string]
  await using it = project()
  it.save('index.mjs', answering('one'))
  {
    const { said, invoke } = await it.start(all)
    await said.until(/the code is watched/)
    expect(await invoke()).toBe('"one"')
    it.save('index.mjs', answering('two'))
    await until('the new answer', async () => (await invoke()) === '"two"')
  }
  it.save('config.json', '1')
  const { said } = await it.start(named)
  await said.until(/the code is watched/)
  it.save('index.mjs', answering('three'))
  it.save('config.json', '22')
  await said.until(/the code has changed/)
  expect(said.text.match(/"files":\[.*?\]/g)).toEqual(['"files":["config.json"]'])
})

/** A runtime that answers with `what`. */
const bootstrap = (what: string) => `#!/bin/sh
url="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
  id=$(curl -sD - -o /dev/null "$url/next" | tr -d '\\r' | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
  curl -s -o /dev/null -d '"${what}"' "$url/$id/response"
done
`

test('each command of --watch-build builds what is saved, and runs what came out', async () => {
  const [go, typescript] = commands('Edit and run', 1) as [string, string]
  await using it = project()
  // these stand for the compilers: the last words of each are what it has to be called with
  it.tool('go', '[ "$*" = "build -o bootstrap ." ] && cp main.go bootstrap && chmod +x bootstrap')
  it.tool('npx', '[ "$*" = tsc ] && mkdir -p dist && cp src/index.js dist/index.js')
  const runs = async (line: string, file: string, source: (what: string) => string) => {
    const { said, invoke } = await it.start(line)
    await said.until(/the code is watched/)
    for (const what of ['two', 'three']) {
      it.save(file, source(what))
      await until(`the answer ${what}`, async () => (await invoke()) === `"${what}"`)
    }
  }
  it.save('main.go', bootstrap('one'))
  it.save('bootstrap', bootstrap('one'))
  chmodSync(it.path('bootstrap'), 0o755)
  await runs(go, 'main.go', bootstrap)
  for (const name of ['src/index.js', 'dist/index.js']) it.save(name, answering('one'))
  it.save('package.json', '{"type":"module"}')
  await runs(typescript, 'src/index.js', answering)
})
