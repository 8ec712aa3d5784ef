/** An emulator's binary with a client's function behind it. */
import { chmod, cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killMarked, patience, until, within } from '../harness.ts'
import { readStream } from '../kit/eventstream.ts'
import { freePort, launch as launchProgram, portableLayer } from '../kit/launch.ts'
import { type Launch, Unavailable } from './client.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface Emulator extends AsyncDisposable {
  /** Where SDKs find it. */
  readonly url: string
  /** Posts an event; a string goes as it is, `undefined` goes as no body at all. */
  invoke(event: unknown, headers?: Record<string, string>): Promise<Answer>
  /** The same by InvokeWithResponseStream: the pieces together, and how the invocation ended. */
  stream(event: unknown): Promise<{ readonly text: string; readonly end: Readonly<Record<string, string>> }>
  /** The same as a page: what the event is, is the body of a POST to the Function URL. */
  page(event: unknown): Promise<Answer>
  /** Ends it with SIGTERM; what it wrote until then. */
  stop(): Promise<string>
  /** What the emulator and the function have written so far. */
  output(): string
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  /** The function that streams. */
  readonly streaming?: boolean
  /** With a Function URL, in this invoke mode. */
  readonly functionUrl?: 'BUFFERED' | 'RESPONSE_STREAM'
  /** An external extension: a program, to be put where the emulator looks for them, or a folder to lay into `/opt`. */
  readonly extension?: string
}

/** Starts the emulator on free ports and waits until it listens; on others when somebody has taken one meanwhile. */
export async function startEmulator(
  binary: string,
  launch: Launch,
  options: StartOptions = {},
): Promise<Emulator> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(binary, launch, options)
    } catch (error) {
      if (attempt === 3 || !/ in use\b/.test((error as Error).message)) throw error
    }
  }
}

async function start(binary: string, launch: Launch, options: StartOptions): Promise<Emulator> {
  const { command: words, env } = (options.streaming && launch.streaming) || launch
  const [port, apiPort, urlPort] = [freePort(), freePort(), freePort()]
  const { functionUrl } = options
  const urlFlags =
    functionUrl === undefined
      ? []
      : ['--function-url-address', `127.0.0.1:${urlPort}`, '--function-url-invoke-mode', functionUrl]
  const extensions = options.extension ? await extensionFolder(options.extension) : undefined
  let written = ''
  let reading: Promise<unknown> = Promise.resolve()
  async function keep(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of stream) written += decoder.decode(chunk, { stream: true })
  }
  const { process: child, mark } = launchProgram({
    program: [...(extensions ? inNamespace(extensions) : []), binary],
    addresses: [`127.0.0.1:${port}`, `127.0.0.1:${apiPort}`],
    flags: [...urlFlags, ...(options.flags ?? [])],
    command: words,
    cwd: launch.cwd,
    env: {
      HOME: process.env.HOME ?? '/',
      LANG: 'C.UTF-8',
      LAMBDA_TASK_ROOT: launch.cwd,
      GREETING: 'a=b, c',
      EMPTY: '',
      ...portableLayer,
      ...env,
      ...options.env,
    },
    read: (stdout, stderr) => {
      reading = Promise.all([keep(stdout), keep(stderr)])
    },
  })
  async function stop(): Promise<string> {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), patience)
    await child.exited
    clearTimeout(late)
    // a grandchild that outlived the emulator would hold the pipes open
    await killMarked(mark)
    await within('the end of its output', reading)
    if (extensions) await rm(extensions, { recursive: true, force: true })
    return written
  }
  const emulator: Emulator = {
    url: `http://127.0.0.1:${port}`,
    async invoke(event, headers = {}) {
      const url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`
      const body = event === undefined ? null : typeof event === 'string' ? event : JSON.stringify(event)
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers,
        signal: AbortSignal.timeout(60_000),
      })
      return { status: response.status, headers: response.headers, text: await response.text() }
    },
    async stream(event) {
      const url = `http://127.0.0.1:${port}/2021-11-15/functions/function/response-streaming-invocations`
      const body = JSON.stringify(event)
      const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(60_000) })
      const { bytes, end } = readStream(Buffer.from(await response.bytes()))
      return { text: bytes.toString(), end }
    },
    async page(event) {
      const url = `http://127.0.0.1:${urlPort}/some/page`
      const headers = { 'Content-Type': 'application/json' }
      const body = JSON.stringify(event)
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers,
        signal: AbortSignal.timeout(60_000),
      })
      return { status: response.status, headers: response.headers, text: await response.text() }
    },
    stop,
    output: () => written,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) await stop()
    },
  }
  // a Function URL listens before it does
  const isOpen = await until('the emulator to listen', async () => {
    if (child.exitCode !== null) return 'ended'
    return (await listens(port)) && 'listens'
  }).catch(() => 'late')
  if (isOpen === 'listens') return emulator
  await stop()
  throw new Error(`the emulator does not listen: ${written.slice(-300)}`)
}

async function listens(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } })
    socket.end()
    return true
  } catch {
    return false
  }
}

/** Extensions are looked for in `/opt/extensions` only: one's own `/opt` leaves the machine's as it is. */
function inNamespace(folder: string): string[] {
  const script = 'mount --bind "$1" /opt && shift && exec "$@"'
  return ['unshare', '--mount', 'sh', '-c', script, 'sh', folder]
}

async function extensionFolder(extension: string): Promise<string> {
  const probe = ['unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/opt']
  if (!Bun.which('unshare') || Bun.spawnSync(probe).exitCode !== 0)
    throw new Unavailable('/opt/extensions needs a mount namespace (root)')
  const folder = await mkdtemp(join(tmpdir(), 'clients-'))
  if ((await stat(extension)).isDirectory()) {
    await cp(extension, folder, { recursive: true })
    return folder
  }
  await mkdir(join(folder, 'extensions'))
  await cp(extension, join(folder, 'extensions/told'))
  await chmod(join(folder, 'extensions/told'), 0o755)
  return folder
}
