/** The emulator as `bun run dev` starts it. */

import { describe, expect, test } from 'bun:test'
import { chmodSync, cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { alive, killMarked, mark, marked, Output, tempDir, until } from './harness.ts'

const root = join(import.meta.dir, '..')

/** Starts words in a shell whose processes are found again. */
function shell(script: string, more: Record<string, string> = {}) {
  const marks = mark()
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    AWS_LAMBDA_RIE_ADDRESS: '127.0.0.1:0',
    AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS: '127.0.0.1:0',
    AWS_LAMBDA_RIE_WATCH: 'off',
    BUN: process.execPath,
    ...more,
    ...marks,
  }
  const child = Bun.spawn(['sh', '-c', script], {
    cwd: root,
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  return {
    child,
    stdout: new Output('stdout', child.stdout),
    stderr: new Output('stderr', child.stderr),
    processes: () => marked(marks),
    [Symbol.asyncDispose]: () => killMarked(marks),
  }
}

const listening = /"url":"([^"]+)"/

/** Starts it as npm does: another process, in a shell, and no word to it when npm itself ends. */
async function asNpm(folder: string, env: Record<string, string>) {
  await Bun.write(join(folder, 'npx'), '#!/bin/sh\nsh -c "exec \\"$BUN\\" run dev" &\necho $$\nwait\n')
  chmodSync(join(folder, 'npx'), 0o755)
  return shell(`exec ${folder}/npx`, env)
}

const platforms = [
  ['Linux', {}],
  ['any platform', { AWS_LAMBDA_RIE_PORTABLE: '1' }],
] as const

describe.each(platforms)('on %s', (_, env) => {
  test('a signal to npm, which started it, ends it and all that it started', async () => {
    using folder = tempDir()
    await using dev = await asNpm(folder.path, env)
    const [, url = ''] = await dev.stderr.until(listening)
    expect((await fetch(url, { method: 'POST', body: '{"name":"Ada"}' })).status).toBe(200)
    expect(dev.processes().length).toBeGreaterThanOrEqual(4)
    process.kill(dev.child.pid, 'SIGKILL')
    await until('nothing of it to be left', () => dev.processes().length === 0)
    await dev.stderr.until(/"msg":"shutting down"/)
  })

  test('what a shell leaves behind goes on', async () => {
    // the shell is there while the emulator looks who started it
    await using dev = shell('"$BUN" run dev & wait', env)
    const [, url = ''] = await dev.stderr.until(listening)
    process.kill(dev.child.pid, 'SIGKILL')
    await until('the shell to end', () => !alive(dev.child.pid))
    // one that npm starts now and leaves behind looks for npm once in the same time, and ends: so the first has looked too
    using folder = tempDir()
    await using other = await asNpm(folder.path, env)
    await other.stderr.until(listening)
    process.kill(other.child.pid, 'SIGKILL')
    await until('the other to have ended', () => other.processes().length === 0)
    const answer = await fetch(url, { method: 'POST' })
    expect(answer.status).toBe(200)
    expect(dev.stderr.text).not.toContain('shutting down')
  })
})

test('SIGTERM to `bun run dev` ends it', async () => {
  await using dev = shell('exec "$BUN" run dev')
  await dev.stderr.until(listening)
  dev.child.kill('SIGTERM')
  await until('nothing of it to be left', () => dev.processes().length === 0)
})

test('it runs a function in its own project, and finds its files there', async () => {
  using project = tempDir()
  await Bun.write(join(project.path, 'package.json'), '{}')
  await Bun.write(join(project.path, 'settings.json'), '{"greeting":"Salve"}')
  await Bun.write(
    join(project.path, 'src/index.mjs'),
    `import { readFileSync } from 'node:fs'
     export const handler = async () => ({
       cwd: process.cwd(),
       root: process.env.LAMBDA_TASK_ROOT,
       settings: JSON.parse(readFileSync('./settings.json')),
     })`,
  )
  await using dev = shell(`exec "$BUN" run dev -- --handler ${project.path}/src/index.handler`)
  const [, url = ''] = await dev.stderr.until(listening)
  expect(await (await fetch(url, { method: 'POST' })).json()).toEqual({
    cwd: project.path,
    root: project.path,
    settings: { greeting: 'Salve' },
  })
})

describe('several functions', () => {
  const handler = (answer: string) => `export const handler = async () => (${answer})\n`
  const told = '({ name: process.env.AWS_LAMBDA_FUNCTION_NAME, cwd: process.cwd() })'

  /** What a function answers, or the status where it is none of the file. */
  async function call(url: string, name: string): Promise<unknown> {
    const answer = await fetch(`${url}/2015-03-31/functions/${name}/invocations`, { method: 'POST' })
    return answer.status === 200 ? await answer.json() : answer.status
  }

  test('of a file run in their own folders, wherever the file is, and a saved one is picked up', async () => {
    using project = tempDir()
    const { path } = project
    await Bun.write(
      join(path, 'functions.yaml'),
      'functions:\n  orders:\n    handler: index.handler\n    cwd: orders\n  audit:\n    handler: index.handler\n    cwd: audit\n',
    )
    for (const name of ['orders', 'audit']) await Bun.write(join(path, name, 'index.mjs'), handler(told))
    const script = `exec "$BUN" run dev -- --functions ${path}/functions.yaml`
    await using dev = shell(script, { AWS_LAMBDA_RIE_WATCH: 'on', LOG_LEVEL: 'debug' })
    const [, url = ''] = await dev.stderr.until(listening)
    expect(await call(url, 'orders')).toEqual({ name: 'orders', cwd: join(path, 'orders') })
    expect(await call(url, 'audit')).toEqual({ name: 'audit', cwd: join(path, 'audit') })
    expect(await call(url, 'nobody')).toBe(404)
    // a save before that is no change
    await dev.stderr.until(/the code is watched[\s\S]*the code is watched/)
    await Bun.write(join(path, 'audit/index.mjs'), handler('"saved"'))
    await until('the saved code', async () => (await call(url, 'audit')) === 'saved')
    expect(await call(url, 'orders')).toEqual({ name: 'orders', cwd: join(path, 'orders') })
  })

  test('of a template run in their own folders, under both names', async () => {
    using project = tempDir()
    const { path } = project
    await Bun.write(
      join(path, 'template.yaml'),
      `Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: nodejs22.x, Handler: index.handler } }
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub 'shop-\${AWS::Region}'
      CodeUri: orders/
`,
    )
    await Bun.write(join(path, 'orders/index.mjs'), handler(told))
    await using dev = shell(`exec "$BUN" run dev -- --template ${path}/template.yaml`)
    const [, url = ''] = await dev.stderr.until(listening)
    const answer = { name: 'shop-us-east-1', cwd: join(path, 'orders') }
    expect([await call(url, 'Orders'), await call(url, 'shop-us-east-1')]).toEqual([answer, answer])
  })

  test('a file that has mistakes ends it with 2, and says them all', async () => {
    using project = tempDir()
    const file = join(project.path, 'functions.yaml')
    await Bun.write(file, 'functions:\n  a:\n    handler: index.handler\n    timout: 3\n  b: {}\n')
    await using dev = shell(`exec "$BUN" run dev -- --functions ${file}`)
    expect(await dev.child.exited).toBe(2)
    await dev.stderr.ended
    expect(dev.stderr.text).toContain(
      `${file}:4: functions.a.timout is not known; the nearest one is timeout`,
    )
    expect(dev.stderr.text).toContain(`${file}:5: functions.b has nothing to run`)
  })
})

test('--task-root says where any command is at home', async () => {
  using project = tempDir()
  await Bun.write(join(project.path, 'where'), '#!/bin/sh\necho "at $(pwd) $LAMBDA_TASK_ROOT"\n')
  chmodSync(join(project.path, 'where'), 0o755)
  await using dev = shell(`exec "$BUN" run dev -- --eager-init --task-root ${project.path} ./where`)
  await dev.stdout.until(new RegExp(`^at ${project.path} ${project.path}$`, 'm'))
})

test('it listens for this machine alone, and says so', async () => {
  await using dev = shell(
    'unset AWS_LAMBDA_RIE_ADDRESS; exec "$BUN" run dev -- --runtime-interface-emulator-address localhost:0',
  )
  const [line] = await dev.stderr.until(/\{.*"gateway".*\}/)
  expect(JSON.parse(line).gateway).toMatch(/^127\.0\.0\.1:\d+$/)
})

test('an installation that fails says why', async () => {
  using folder = tempDir()
  await using dev = shell(
    `cp -r package.json bun.lock src ${folder.path}/ && cd ${folder.path} && BUN_CONFIG_REGISTRY=http://127.0.0.1:1/ BUN_INSTALL_CACHE_DIR=${folder.path}/cache exec "$BUN" run dev`,
  )
  expect(await dev.child.exited).not.toBe(0)
  await dev.stderr.ended
  expect(dev.stderr.text + dev.stdout.text).toMatch(/ConnectionRefused|127\.0\.0\.1:1/)
})

test('on a terminal three lines say where to send an event, where to see it, and which file is picked up', async () => {
  // the sample is a file of ours: a copy is edited
  using copy = tempDir()
  for (const name of ['src', 'package.json', 'tsconfig.json'])
    cpSync(join(root, name), join(copy.path, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy.path, 'node_modules'))
  const { scripts } = (await Bun.file(join(root, 'package.json')).json()) as { scripts: { dev: string } }
  const decoder = new TextDecoder()
  let text = ''
  const shown = (pattern: RegExp) => until(`${pattern} on the terminal`, () => text.match(pattern))
  const child = Bun.spawn(['sh', '-c', scripts.dev.replace(/^bun /, `exec ${process.execPath} `)], {
    cwd: copy.path,
    env: {
      PATH: process.env.PATH,
      TERM: 'dumb',
      AWS_LAMBDA_RIE_ADDRESS: '127.0.0.1:0',
      AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS: '127.0.0.1:0',
      LOG_LEVEL: 'debug',
    },
    terminal: {
      cols: 400,
      rows: 60,
      data(_, bytes) {
        text += decoder.decode(bytes, { stream: true })
      },
    },
  })
  try {
    const [, curl = ''] = await shown(
      /^Send an event: +(curl -XPOST http:\/\/localhost:\d+\/.*'{"name":"world"}')\r?$/m,
    )
    const [, page = ''] = await shown(/^See it: +(http:\/\/localhost:\d+\/_rie\/)/m)
    const [, file = ''] = await shown(/^Edit it: +(\S+): the next invocation runs what you save\r?$/m)
    const call = () => Bun.$`sh -c ${`${curl} -s`}`.quiet().text()
    expect(await call()).toContain('Hello, world!')
    expect((await fetch(page)).status).toBe(200)
    await shown(/the code is watched/)
    const path = join(copy.path, file)
    await Bun.write(path, (await Bun.file(path).text()).replace('Hello, ', 'Salve, '))
    await until('the edited answer', async () => (await call()).includes('Salve, world!'))
  } finally {
    child.kill('SIGTERM')
    await child.exited
  }
})
