/** Each debugger as the tests drive it: attached to a port, stopped in the handler, told to go on. */
import { join } from 'node:path'
import { need } from '../clients/client.ts'
import { until } from '../harness.ts'
import { Adapter, Closed } from './dap.ts'
import { Session } from './session.ts'

/** A debugger that has set its breakpoint. */
export interface Attached extends AsyncDisposable {
  /** Resolves when the function stands at the breakpoint, with the event `{"name":"Ada"}` in sight. */
  stopped(): Promise<void>
  go(): Promise<void>
}

const equal = (what: string, actual: unknown, expected: unknown): void => {
  if (!Bun.deepEquals(actual, expected))
    throw new Error(`${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`)
}

/** Node's own command line. `file` is where the process has it. */
export async function attachNode(port: number, file: string, line: number): Promise<Attached> {
  const session = new Session([need('node'), 'inspect', `127.0.0.1:${port}`], '/')
  await session.until(/connecting to .* ok/)
  // it says nothing when it is ready for commands, and drops what comes before
  await until(
    'the breakpoint to be taken',
    async () => {
      session.say(`setBreakpoint('${file}', ${line})`)
      return await session.until(new RegExp(`> ?${line}|Warning`), 2000).then(
        () => true,
        () => false,
      )
    },
    60_000,
  )
  return {
    async stopped() {
      await session.until(new RegExp(`break in .*index\\.js:${line}`))
      session.say("exec('event.name')")
      await session.until(/'Ada'/)
    },
    async go() {
      session.say('cont')
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

/** A configuration of `.vscode/launch.json`, without what only the editor reads. */
type Configuration = Readonly<Record<string, unknown>>

/** The adapter protocol as VS Code speaks it; `file` is where the editor has it. */
async function attachAdapter(
  port: number,
  adapterID: string,
  configuration: Configuration,
  { file, line }: { readonly file: string; readonly line: number },
  check: { readonly expression: string; readonly value: string },
): Promise<Attached> {
  const adapter = await initialized(port, adapterID)
  adapter.send('attach', configuration)
  await adapter.event('initialized')
  const { breakpoints } = await adapter.ask('setBreakpoints', {
    source: { path: file },
    breakpoints: [{ line }],
  })
  if (adapterID === 'go') equal('the breakpoint', breakpoints[0].verified, true)
  await adapter.ask('configurationDone')
  let threadId = 0
  return {
    async stopped() {
      threadId = (await adapter.event('stopped')).threadId
      const { stackFrames } = await adapter.ask('stackTrace', { threadId })
      const [frame] = stackFrames
      equal('the place', [frame.line, frame.source.path], [line, file])
      const { result } = await adapter.ask('evaluate', { expression: check.expression, frameId: frame.id })
      equal(check.expression, result, check.value)
    },
    async go() {
      await adapter.ask('continue', { threadId })
    },
    async [Symbol.asyncDispose]() {
      adapter[Symbol.dispose]()
    },
  }
}

/** An adapter that answers: the one of a runtime that has just ended may still take a connection, and close it. */
function initialized(port: number, adapterID: string): Promise<Adapter> {
  return until(
    'an adapter that answers',
    async () => {
      const adapter = await Adapter.connect(port)
      try {
        await adapter.ask('initialize', { adapterID, pathFormat: 'path', linesStartAt1: true })
        return adapter
      } catch (error) {
        adapter[Symbol.dispose]()
        if (error instanceof Closed) return undefined
        throw error
      }
    },
    60_000,
  )
}

/** debugpy's adapter. */
export function attachPython(
  port: number,
  configuration: Configuration,
  place: { readonly file: string; readonly line: number },
): Promise<Attached> {
  const check = { expression: 'event', value: "{'name': 'Ada'}" }
  return attachAdapter(port, 'debugpy', { justMyCode: true, ...configuration }, place, check)
}

/** Delve's adapter, which `dlv exec --headless` is too. */
export function attachGo(
  port: number,
  configuration: Configuration,
  place: { readonly file: string; readonly line: number },
): Promise<Attached> {
  const check = { expression: 'string(event)', value: '"{\\"name\\":\\"Ada\\"}"' }
  return attachAdapter(port, 'go', configuration, place, check)
}

/** Delve's command line. `place` is `FILE:LINE`. */
export async function attachDelve(port: number, dlv: string, place: string): Promise<Attached> {
  const session = new Session([dlv, 'connect', `127.0.0.1:${port}`, '--allow-non-terminal-interactive'], '/')
  await session.until(/\(dlv\)/)
  session.say(`break ${place}`)
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
}

/** The JDK's own command line. */
export async function attachJava(port: number, line: number): Promise<Attached> {
  const session = new Session([need('jdb'), '-attach', `127.0.0.1:${port}`], '/')
  await session.until(/Initializing jdb/)
  session.say(`stop at app.Function:${line}`)
  await session.until(/Set breakpoint|Deferring breakpoint/)
  return {
    async stopped() {
      const hit = `Breakpoint hit: .*app\\.Function\\.handleRequest\\(\\), line=${line}`
      await session.until(new RegExp(hit))
    },
    async go() {
      session.say(`clear app.Function:${line}`)
      session.say('cont')
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

/** The first line of a file that has this text. */
export async function lineOf(file: string, text: string): Promise<number> {
  const line = (await Bun.file(file).text()).split('\n').findIndex((one) => one.includes(text))
  if (line < 0) throw new Error(`${text} is not in ${file}`)
  return line + 1
}

/** Where `bun run clients` has Go's and Java's function. */
export const goMain = (folder: string): string => join(folder, 'main.go')
export const javaFunction = (folder: string): string => join(folder, 'src/main/java/app/Function.java')
