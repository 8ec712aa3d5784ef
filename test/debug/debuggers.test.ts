/**
 * The README's chapters on debuggers: each stops the function for 20 s longer than its timeout, shows the event, goes on,
 * and the caller has its answer. `bun run clients debuggers` runs it; a debugger that is not here is skipped.
 * `bun run images debugger` does the same in a container.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, need, run, sources, Unavailable } from '../clients/client.ts'
import { allClients } from '../clients/clients.ts'
import { Debugger } from '../contract/debugger.ts'
import { kill, until } from '../harness.ts'
import { freePort, launch, programOf, root } from '../kit/launch.ts'
import {
  type Attached,
  attachDelve,
  attachJava,
  attachNode,
  attachPython,
  goMain,
  javaFunction,
  lineOf,
} from './attach.ts'

setDefaultTimeout(600_000)

/** A function whose process a debugger can be attached to. */
interface Debugged {
  /** flags and command of the emulator */
  readonly words: readonly string[]
  readonly cwd: string
  /** Attaches, and sets a breakpoint in the handler. */
  attach(): Promise<Attached>
}

const event = { name: 'Ada' }
/** The limit of the function, and for how long it is stopped: time itself is what is waited for here. */
const limitSeconds = 1
const stoppedMs = (limitSeconds + 20) * 1000

const behindDebug = (...command: readonly string[]) => ['--debug', '--eager-init', ...command]

function client(name: string) {
  const found = allClients.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no client ${name}`)
  return found.prepare()
}

/** A folder with one file. */
function project(name: string, file: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), `debug-${name}-`))
  writeFileSync(join(folder, file), text)
  return folder
}

async function typescript(port: number): Promise<Debugged> {
  const text = 'export const handler = async (event: { name: string }) => {\n  return event\n}\n'
  const cwd = project('typescript', 'index.ts', text)
  const address = `127.0.0.1:${port}/here`
  return {
    words: [`--inspect=${address}`, '--handler', 'index.handler'],
    cwd,
    async attach() {
      const attached = await Debugger.attach(`ws://${address}`)
      await attached.breakAt(join(cwd, 'index.ts'), 'return event')
      return {
        async stopped() {
          const [frame] = await attached.stop(1)
          expect(await attached.evaluate(frame!, 'event.name')).toBe('Ada')
        },
        async go() {
          await attached.resume()
        },
        async [Symbol.asyncDispose]() {
          attached[Symbol.dispose]()
        },
      }
    },
  }
}

async function node(port: number): Promise<Debugged> {
  const { command } = await client('node')
  const [program, script] = command as [string, string]
  const text = 'exports.handler = async (event) => {\n  const { name } = event\n  return { name }\n}\n'
  const cwd = project('node', 'index.js', text)
  return {
    words: behindDebug(program, `--inspect=127.0.0.1:${port}`, script, 'index.handler'),
    cwd,
    attach: () => attachNode(port, join(cwd, 'index.js'), 3),
  }
}

async function python(port: number): Promise<Debugged> {
  const install = async (folder: string) => {
    await run([need('python3'), '-m', 'venv', 'venv'], { cwd: folder })
    await run(['venv/bin/pip', 'install', '--quiet', 'awslambdaric==4.2.2', 'debugpy==1.8.22'], {
      cwd: folder,
    })
  }
  const folder = await cached('python-debug', '1.8.22', { install }, sources('python'))
  const text = 'def handler(event, context):\n    name = event["name"]\n    return {"name": name}\n'
  const cwd = project('python', 'app.py', text)
  const debug = ['-Xfrozen_modules=off', '-m', 'debugpy', '--listen', `127.0.0.1:${port}`]
  return {
    words: behindDebug(join(folder, 'venv/bin/python'), ...debug, '-m', 'awslambdaric', 'app.handler'),
    cwd,
    attach: () => attachPython(port, {}, { file: join(cwd, 'app.py'), line: 2 }),
  }
}

async function go(port: number): Promise<Debugged> {
  const { command, cwd } = await client('go')
  const tools = join(root, '.cache/clients/delve')
  const dlv = Bun.which('dlv') ?? join(tools, 'dlv')
  if (!existsSync(dlv)) {
    const install = [need('go'), 'install', 'github.com/go-delve/delve/cmd/dlv@v1.27.2']
    await run(install, { cwd, env: { GOBIN: tools } })
  }
  const serve = ['--headless', `--listen=127.0.0.1:${port}`, '--api-version=2', '--accept-multiclient']
  return {
    words: behindDebug(dlv, 'exec', ...serve, ...command),
    cwd,
    attach: async () => attachDelve(port, dlv, `main.go:${await lineOf(goMain(cwd), 'switch wanted.Do {')}`),
  }
}

async function java(port: number): Promise<Debugged> {
  need('jdb')
  const { command, cwd } = await client('java')
  const [program, ...rest] = command as [string, ...string[]]
  const agent = `-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:${port}`
  return {
    words: behindDebug(program, agent, ...rest),
    cwd,
    attach: async () => attachJava(port, await lineOf(javaFunction(cwd), 'switch (String.valueOf')),
  }
}

const wanted = process.env.DEBUGGERS === '1'
const program = programOf(existsSync(join(root, 'dist/aws-lambda-rie')) ? 'binary' : 'source')

for (const [name, prepare] of Object.entries({ typescript, node, python, go, java })) {
  if (!wanted) {
    test.skip(`the debugger of ${name}: only by bun run clients debuggers`, () => {})
    continue
  }
  const port = freePort()
  let debugged: Debugged
  try {
    debugged = await prepare(port)
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    test.skip(`the debugger of ${name}: ${error.message}`, () => {})
    continue
  }
  test.concurrent(`the debugger of ${name} stops the function for 20 s longer than its timeout`, async () => {
    const { words, cwd, attach } = debugged
    await using rie = launch({
      program,
      flags: words,
      cwd,
      env: { ...process.env, AWS_LAMBDA_FUNCTION_TIMEOUT: String(limitSeconds) },
    })
    const { gateway } = await rie.listening()
    const url = `http://127.0.0.1:${gateway.port}/2015-03-31/functions/function/invocations`
    // the debugger is there when the process is, or a moment later
    await until('the debugger to listen', () => listens(port), 60_000)
    await using session = await attach()
    const answer = fetch(url, { method: 'POST', body: JSON.stringify(event) })
    await session.stopped()
    await Bun.sleep(stoppedMs)
    await session.go()
    const response = await answer
    expect([response.status, await response.json()]).toEqual([200, event])
    const [, ms] = await rie.stdout.until(/REPORT RequestId: \S+\tDuration: (\d+)\.\d+ ms\t(?!.*Status: )/)
    expect(Number(ms)).toBeGreaterThanOrEqual(stoppedMs - 100)
  })
}

if (wanted) {
  test.concurrent('a runtime that the IDE starts, with the lines of the README', async () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const [, block = ''] =
      /\*\*Start it in the IDE instead\.\*\*[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme) ?? []
    const [emulator = '', runtime = ''] = block.replaceAll('\\\n', ' ').split('\n')
    const { command } = await client('python')
    const text = 'def handler(event, context):\n    return {"name": event["name"]}\n'
    const cwd = project('attach', 'app.py', text)
    const flags = emulator.split(' ').slice(1)
    await using rie = launch({ program, flags, cwd, env: process.env })
    const { gateway, api } = await rie.listening()
    const line = runtime
      .replace('127.0.0.1:9001', `127.0.0.1:${api.port}`)
      .replace(/ python -m/, ` exec '${command[0]}' -m`)
    const started = Bun.spawn(['sh', '-c', line.replace(/^/, 'export ').replace(' exec ', '; exec ')], {
      cwd,
      stdout: 'ignore',
      stderr: 'inherit',
    })
    try {
      const url = `http://127.0.0.1:${gateway.port}/2015-03-31/functions/function/invocations`
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(event) })
      expect([response.status, await response.json()]).toEqual([200, event])
      // the memory is that of Python
      const [, megabytes] = await rie.stdout.until(/REPORT RequestId: .*Max Memory Used: (\d+) MB/)
      expect(Number(megabytes)).toBeGreaterThan(5)
    } finally {
      kill(started.pid, 'SIGTERM')
      await started.exited
    }
  })
}

/** Looked up in the kernel's table: a connection could be taken for the debugger's client. */
function listens(port: number): boolean {
  const needle = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  return ['tcp', 'tcp6'].some((table) =>
    readFileSync(`/proc/net/${table}`, 'latin1')
      .split('\n')
      .some((line) => line.includes(needle) && / 0A /.test(line)),
  )
}
