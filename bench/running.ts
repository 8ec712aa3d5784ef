/** One subject that runs: started, checked, watched, ended. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/kit/launch.ts'
import { cacheFolder } from './build.ts'
import { type Launch, type Setup, type Subject, Unavailable } from './subject.ts'

/** Everything on one CPU, or wherever the kernel puts it. */
export type Cpu = 'pinned' | 'free'

/** The words that pin a command. */
export function onCpu(cpu: Cpu): string[] {
  return cpu === 'pinned' ? ['taskset', '-c', '0'] : []
}

export interface Running extends AsyncDisposable {
  readonly port: number
  readonly path: string
  /** CPU seconds that the emulator's own process has used, without runtimes and load. */
  cpuSeconds(): number
  /** The same of the processes that it started itself. */
  childrenCpuSeconds(): number
  /** Resolves when it has used no CPU for a moment: nothing runs any more. */
  quiet(): Promise<void>
  /** Its resident memory in bytes. */
  residentBytes(): number
  /** Throws unless it answers, and answers right. */
  verify(): Promise<void>
}

export function setupFor(options: Partial<Omit<Setup, 'port' | 'apiPort'>>): Setup {
  return {
    echo: false,
    environments: 1,
    ...options,
    port: freePort(),
    apiPort: freePort(),
  }
}

/** The variables a launch runs with: nothing that was meant for something else on this machine. */
export function variables(launch: Launch, setup: Setup): Record<string, string> {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AWS_|BENCH_|LOG_LEVEL$|_HANDLER$)/.test(name)),
  ) as Record<string, string>
  const { echo, stream, url } = setup
  return {
    ...inherited,
    ...(echo ? { BENCH_ECHO: '1' } : {}),
    ...(url ? { BENCH_URL: '1' } : {}),
    ...(stream
      ? { BENCH_STREAM_PIECES: String(stream.pieces), BENCH_STREAM_BYTES: String(stream.bytes) }
      : {}),
    ...launch.env,
  }
}

/** Starts a subject and waits until it gives the right answer. */
export async function start(subject: Subject, setup: Setup, cpu: Cpu): Promise<Running> {
  const refusal = subject.refuses?.(setup)
  if (refusal) throw new Unavailable(refusal)
  const launch = subject.launch(setup)
  const env = variables(launch, setup)
  const log = join(cacheFolder, `${subject.name}.log`)
  const emulator = Bun.spawn([...onCpu(cpu), ...launch.command], {
    env,
    cwd: launch.cwd ?? setup.function?.cwd ?? cacheFolder,
    stdio: ['ignore', Bun.file('/dev/null'), Bun.file(log)],
  })
  const beside: Bun.Subprocess[] = []
  const running: Running = {
    port: setup.port,
    path: launch.path,
    cpuSeconds: () => cpuSeconds(emulator.pid),
    childrenCpuSeconds: () => childrenOf(emulator.pid).reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    quiet: () => quiet(emulator.pid),
    residentBytes: () => residentBytes(emulator.pid),
    verify: () => verify(setup, launch),
    async [Symbol.asyncDispose]() {
      for (const child of [emulator, ...beside]) child.kill('SIGTERM')
      const late = setTimeout(() => {
        for (const child of [emulator, ...beside]) child.kill('SIGKILL')
      }, 3000)
      await Promise.all([emulator, ...beside].map((child) => child.exited))
      clearTimeout(late)
    },
  }
  try {
    await listening(setup.port, emulator)
    if (launch.runtime) {
      const runtimeEnv = { ...env, ...launch.runtime.env }
      const stdio: ['ignore', 'ignore', 'ignore'] = ['ignore', 'ignore', 'ignore']
      beside.push(Bun.spawn([...onCpu(cpu), ...launch.runtime.command], { env: runtimeEnv, stdio }))
    }
    await running.verify()
    return running
  } catch (error) {
    await running[Symbol.asyncDispose]()
    throw error
  }
}

async function listening(port: number, emulator: Bun.Subprocess): Promise<void> {
  const end = Date.now() + 10_000
  while (Date.now() < end) {
    if (emulator.exitCode !== null)
      throw new Unavailable(`it ended at once with exit code ${emulator.exitCode}`)
    try {
      const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } })
      socket.end()
      return
    } catch {
      await Bun.sleep(5)
    }
  }
  throw new Unavailable('it did not listen within 10 s')
}

async function verify(setup: Setup, launch: Launch): Promise<void> {
  const { stream, url } = setup
  const expected = setup.echo || setup.function ? '{"a":1}' : url ? 'hello' : '"hello"'
  const response = await fetch(`http://127.0.0.1:${setup.port}${launch.path}`, {
    method: 'POST',
    body: '{"a":1}',
    headers: { Connection: 'close', 'Content-Type': 'application/json' },
    keepalive: false,
    signal: AbortSignal.timeout(setup.stream ? 60_000 : 10_000),
  })
  const bytes = await response.bytes()
  const body = bytes.length > 1000 ? '' : new TextDecoder().decode(bytes)
  const isRight = stream ? bytes.length === stream.pieces * stream.bytes : body === expected
  if (response.status === 200 && isRight) return
  throw new Unavailable(`it answers ${response.status} ${body.slice(0, 120)}`)
}

/** `utime` and `stime` of `/proc/PID/stat`, in ticks of 1/100 s. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** A tick is 10 ms, so two looks 100 ms apart see whatever works. Gives up after two seconds. */
async function quiet(pid: number): Promise<void> {
  for (let look = 0, before = -1; look < 20; look++) {
    const now = cpuSeconds(pid)
    if (now === before) return
    before = now
    await Bun.sleep(100)
  }
}

/** Threads start processes, so each has its own list. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}
