/**
 * The README's chapter on debuggers: each stops the function behind `--debug` for longer than its timeout, shows the
 * event, goes on, and the caller has its answer. `bun run clients debuggers` runs it; a debugger that is not here is skipped.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, need, run, sources, Unavailable } from '../clients/client.ts'
import { allClients } from '../clients/clients.ts'
import { kill, Output, until } from '../harness.ts'
import { addressesIn, addressFlags, freePort, programOf, root } from '../kit/launch.ts'
import { Adapter } from './dap.ts'
import { Session } from './session.ts'

setDefaultTimeout(600_000)

/** A function whose process a debugger can be attached to. */
interface Debugged {
  readonly command: readonly string[]
  readonly cwd: string
  /** Attaches, stops in the handler, and returns what is to be done when the invocation has been sent. */
  attach(): Promise<AsyncDisposable & { stopped(): Promise<void>; go(): Promise<void> }>
}

const event = { name: 'Ada' }

async function lineOf(file: string, text: string): Promise<number> {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((one) => one.includes(text))
  if (line < 0) throw new Error(`${text} is not in ${file}`)
  return line + 1
}

function client(name: string) {
  const found = allClients.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no client ${name}`)
  return found.prepare()
}

async function node(port: number): Promise<Debugged> {
  const { command } = await client('node')
  const [program, script] = command as [string, string]
  const cwd = mkdtempSync(join(tmpdir(), 'debug-node-'))
  const file = join(cwd, 'index.js')
  writeFileSync(
    file,
    'exports.handler = async (event) => {\n  const { name } = event\n  return { name }\n}\n',
  )
  return {
    command: [program, `--inspect=127.0.0.1:${port}`, script, 'index.handler'],
    cwd,
    async attach() {
      const session = new Session([program, 'inspect', `127.0.0.1:${port}`], cwd)
      await session.until(/connecting to .* ok/)
      await Bun.sleep(500)
      session.say(`setBreakpoint('${file}', 3)`)
      await session.until(/> 3|Warning/)
      return {
        async stopped() {
          await session.until(/break in .*index\.js:3/)
          session.say("exec('event.name')")
          await session.until(/'Ada'/)
        },
        async go() {
          session.say('cont')
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
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
  const cwd = mkdtempSync(join(tmpdir(), 'debug-python-'))
  const file = join(cwd, 'app.py')
  writeFileSync(file, 'def handler(event, context):\n    name = event["name"]\n    return {"name": name}\n')
  const debug = ['-Xfrozen_modules=off', '-m', 'debugpy', '--listen', `127.0.0.1:${port}`]
  return {
    command: [join(folder, 'venv/bin/python'), ...debug, '-m', 'awslambdaric', 'app.handler'],
    cwd,
    async attach() {
      const adapter = await Adapter.connect(port)
      await adapter.ask('initialize', { adapterID: 'test', pathFormat: 'path', linesStartAt1: true })
      adapter.send('attach', { justMyCode: true })
      await adapter.event('initialized')
      await adapter.ask('setBreakpoints', { source: { path: file }, breakpoints: [{ line: 2 }] })
      await adapter.ask('configurationDone')
      let threadId = 0
      return {
        async stopped() {
          threadId = (await adapter.event('stopped')).threadId
          const { stackFrames } = await adapter.ask('stackTrace', { threadId })
          expect(stackFrames[0]).toMatchObject({ line: 2, source: { path: file } })
          const frameId = stackFrames[0].id
          expect((await adapter.ask('evaluate', { expression: 'event', frameId })).result).toBe(
            "{'name': 'Ada'}",
          )
        },
        async go() {
          await adapter.ask('continue', { threadId })
        },
        async [Symbol.asyncDispose]() {
          adapter[Symbol.dispose]()
        },
      }
    },
  }
}

async function go(port: number): Promise<Debugged> {
  const { command, cwd } = await client('go')
  const tools = join(root, '.cache/clients/delve')
  const dlv = Bun.which('dlv') ?? join(tools, 'dlv')
  if (!existsSync(dlv)) {
    await run([need('go'), 'install', 'github.com/go-delve/delve/cmd/dlv@v1.27.2'], {
      cwd,
      env: { GOBIN: tools },
    })
  }
  const serve = [
    dlv,
    'exec',
    '--headless',
    `--listen=127.0.0.1:${port}`,
    '--api-version=2',
    '--accept-multiclient',
  ]
  return {
    command: [...serve, ...command],
    cwd,
    async attach() {
      const session = new Session(
        [dlv, 'connect', `127.0.0.1:${port}`, '--allow-non-terminal-interactive'],
        cwd,
      )
      await session.until(/\(dlv\)/)
      session.say(`break main.go:${await lineOf(join(cwd, 'main.go'), 'switch wanted.Do {')}`)
      await session.until(/Breakpoint 1 set/)
      // it has stopped everything, and goes on to the breakpoint
      session.say('continue')
      return {
        async stopped() {
          await session.until(/> \[Breakpoint 1\] main\.handle/)
        },
        async go() {
          session.say('clearall')
          session.say('continue')
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

async function java(port: number): Promise<Debugged> {
  need('jdb')
  const { command, cwd } = await client('java')
  const [program, ...rest] = command as [string, ...string[]]
  const agent = `-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:${port}`
  return {
    command: [program, agent, ...rest],
    cwd,
    async attach() {
      const session = new Session(['jdb', '-attach', `127.0.0.1:${port}`], cwd)
      await session.until(/Initializing jdb/)
      const line = await lineOf(join(cwd, 'src/main/java/app/Function.java'), 'switch (String.valueOf')
      session.say(`stop at app.Function:${line}`)
      await session.until(/Set breakpoint|Deferring breakpoint/)
      return {
        async stopped() {
          await session.until(
            new RegExp(`Breakpoint hit: .*app\\.Function\\.handleRequest\\(\\), line=${line}`),
          )
        },
        async go() {
          session.say(`clear app.Function:${line}`)
          session.say('cont')
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

const wanted = process.env.DEBUGGERS === '1'
const program = programOf(existsSync(join(root, 'dist/aws-lambda-rie')) ? 'binary' : 'source')

for (const [name, prepare] of Object.entries({ node, python, go, java })) {
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
  test(`the debugger of ${name} stops the function for longer than its timeout`, async () => {
    const { command, cwd, attach } = debugged
    const rie = Bun.spawn([...program, ...addressFlags(), '--debug', '--eager-init', ...command], {
      cwd,
      env: { ...process.env, AWS_LAMBDA_FUNCTION_TIMEOUT: '1' },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const log = new Output('stderr', rie.stderr)
    const out = new Output('stdout', rie.stdout)
    try {
      const { gateway } = await until('it to listen', () => log.lines.map(addressesIn).find(Boolean))
      const url = `http://127.0.0.1:${gateway.port}/2015-03-31/functions/function/invocations`
      // the debugger is there when the process is, or a moment later
      await until('the debugger to listen', () => listens(port), 60_000)
      await using session = await attach()
      const answer = fetch(url, { method: 'POST', body: JSON.stringify(event) })
      await session.stopped()
      await Bun.sleep(2000)
      await session.go()
      const response = await answer
      expect([response.status, await response.json()]).toEqual([200, event])
      await out.until(/REPORT RequestId: \S+\tDuration: (2[0-9]{3}|[3-9][0-9]{3}|[0-9]{5,})\./)
    } finally {
      kill(rie.pid, 'SIGTERM')
      await rie.exited
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
