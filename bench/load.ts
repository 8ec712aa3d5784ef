/** The two load generators: wrk for rates, `load/probe.c` for what wrk cannot do. */
import { join } from 'node:path'
import { compileC, need, root } from './build.ts'
import { type Cpu, onCpu, type Running } from './running.ts'
import { Unavailable } from './subject.ts'

interface Counted {
  readonly requests: number
  readonly errors: number
  readonly seconds: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
}

/** Callers that each wait for their answer and ask again. */
export async function wrk(target: Running, callers: number, seconds: number, cpu: Cpu): Promise<Counted> {
  const script = join(root, 'bench/load/post.lua')
  const url = `http://127.0.0.1:${target.port}${target.path}`
  const words = ['-t1', `-c${callers}`, `-d${seconds}s`, '--timeout', '30s', '-s', script, url]
  return lastLine(await output([...onCpu(cpu), need('wrk'), ...words]))
}

/** One caller, `count` requests of `bytes` bytes each, every answer checked. */
export async function probe(
  target: Running,
  options: { readonly bytes: number; readonly count: number; readonly echo: boolean },
  cpu: Cpu,
): Promise<Counted> {
  const binary = await compileC('load/probe.c')
  const numbers = [options.bytes, options.count, options.echo ? 1 : 0].map(String)
  return lastLine(await output([...onCpu(cpu), binary, 'load', String(target.port), target.path, ...numbers]))
}

/**
 * Requests at set times over the connections of so many callers, whatever the answers take; latencies are from the time at
 * which a request was to be sent.
 */
export async function probeArrivals(
  target: Running,
  options: { readonly callers: number; readonly rate: number; readonly seconds: number },
  cpu: Cpu,
): Promise<Counted & { readonly p999: number }> {
  const binary = await compileC('load/probe.c')
  const numbers = [options.callers, options.rate, options.seconds].map(String)
  return lastLine(
    await output([...onCpu(cpu), binary, 'arrivals', String(target.port), target.path, ...numbers]),
  )
}

/** One caller who reads `count` streams; the latencies are those of their first bytes, and `bytes` is what came. */
export async function probeStream(
  target: Running,
  count: number,
  cpu: Cpu,
): Promise<Counted & { readonly bytes: number }> {
  const binary = await compileC('load/probe.c')
  return lastLine(
    await output([...onCpu(cpu), binary, 'stream', String(target.port), target.path, String(count)]),
  )
}

/** Microseconds from the start of a command to its first answer. */
export async function probeStart(
  launch: {
    readonly command: readonly string[]
    readonly env: Record<string, string>
    readonly path: string
  },
  port: number,
  cpu: Cpu,
): Promise<number> {
  const binary = await compileC('load/probe.c')
  const words = [...onCpu(cpu), binary, 'start', String(port), launch.path, '--', ...launch.command]
  return lastLine<{ start: number }>(await output(words, launch.env)).start
}

async function output(command: readonly string[], env = process.env): Promise<string> {
  const child = Bun.spawn([...command], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0) throw new Unavailable(`the load generator failed: ${err.trim().slice(-200)}`)
  return out
}

function lastLine<T = Counted>(text: string): T {
  const lines = text.split('\n').filter((line) => line.startsWith('{"'))
  return JSON.parse(lines.at(-1) ?? 'null')
}
