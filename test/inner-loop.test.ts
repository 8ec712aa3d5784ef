/** The README's commands of the inner loop, as they stand there: only ports are others, and the program is its source. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Debugger } from './contract/debugger.ts'
import { killMarked, mark, Output, patience, tempDir, until } from './harness.ts'
import { freePort, programOf } from './kit/launch.ts'

setDefaultTimeout(4 * patience)

const readme = readFileSync(join(import.meta.dir, '../README.md'), 'utf8')

/** The lines of the first block of commands below a heading, without their comments. */
function commands(heading: string): string[] {
  const [, block] =
    new RegExp(`^#+ ${heading}$[\\s\\S]*?^\`\`\`sh\\n([\\s\\S]*?)^\`\`\``, 'm').exec(readme) ?? []
  if (block === undefined) throw new Error(`the README has no commands below ${heading}`)
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
    save: (name: string, text: string) => writeFileSync(join(folder, name), text),
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
