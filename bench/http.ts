/**
 * What `src/http` costs: one request with a small body, four look-ups of headers and an answer with four headers,
 * through an `Exchange`, through `fetch`, and on a bare native handle.
 *
 *     bun bench/http.ts [--rounds N] [--seconds S]
 *
 * Each side is a process of its own on one CPU with the load; they alternate, and the median of the ratios of each round
 * to `fetch` counts. CPU is the server's own, in ticks of 10 ms.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { collect } from '../src/http/collect.ts'
import { listen } from '../src/http/listen.ts'
import { need } from './build.ts'

const sides = ['fetch', 'bare', 'exchange'] as const
type Side = (typeof sides)[number]

const lookedUp = ['content-type', 'x-amzn-trace-id', 'x-amz-invocation-type', 'x-amzn-requestid']
const answerFields = [
  'Content-Type',
  'application/json',
  'x-amzn-RequestId',
  '6f9b2e5c-0000-4000-8000-000000000001',
  'X-Amz-Executed-Version',
  '$LATEST',
  'X-Amzn-Trace-Id',
  'root=1-6553f100-0123456789abcdef01234567',
]

function serve(side: Side): number {
  if (side === 'exchange') {
    const handlers = {
      failed: (error: unknown) => console.error(error),
      limited: (what: string) => console.error(what),
      handle(exchange: Parameters<typeof collect>[0]) {
        for (const name of lookedUp) exchange.header(name)
        collect(exchange, 1e6, (body) => {
          exchange.respond(200, answerFields, body.kind === 'complete' ? body.chunks : [])
        })
      },
    }
    return listen({ hostname: '127.0.0.1', port: 0 }, handlers).port
  }
  if (side === 'fetch') {
    const headers: Record<string, string> = {}
    for (let index = 0; index < answerFields.length; index += 2)
      headers[answerFields[index] as string] = answerFields[index + 1] as string
    return Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      idleTimeout: 0,
      async fetch(request) {
        for (const name of lookedUp) request.headers.get(name)
        return new Response(await request.blob(), { headers })
      },
    }).port as number
  }
  return Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    // biome-ignore lint/suspicious/noExplicitAny: the handle has no published type
    onNodeHTTPRequest(_: unknown, __: string, ___: string, ____: number, handle: any) {
      const raw = handle.takeRawHeaders() as string[]
      for (const name of lookedUp)
        raw.findIndex((one) => one.length === name.length && one.toLowerCase() === name)
      let body: Uint8Array | undefined
      let open = true
      handle.ondata = (chunk: Uint8Array | undefined, last: boolean) => {
        if (!open) return
        open = !last
        body ??= chunk
        if (last) handle.writeHeadAndEnd(200, '', answerFields, body, undefined, undefined, 1, 0)
      }
    },
  } as never).port as number
}

interface Figures {
  readonly rate: number
  /** µs per request */
  readonly cpu: number
}

/** One side under load for some seconds. */
async function measure(side: Side, seconds: number): Promise<Figures> {
  const server = Bun.spawn(['taskset', '-c', '0', process.execPath, import.meta.path, '--serve', side], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const reader = server.stdout.getReader()
    const port = Number(new TextDecoder().decode((await reader.read()).value))
    const load = async (durationSeconds: number): Promise<number> => {
      const script = `${import.meta.dir}/load/post.lua`
      const words = ['-t1', '-c1', `-d${durationSeconds}s`, '-s', script, `http://127.0.0.1:${port}/`]
      const wrk = Bun.spawn(['taskset', '-c', '0', need('wrk'), ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const counted = JSON.parse((await wrk.stdout.text()).trim().split('\n').at(-1) ?? '')
      if (counted.errors > 0) throw new Error(`${side}: ${counted.errors} errors`)
      return counted.requests
    }
    await load(1)
    const before = cpuSeconds(server.pid)
    const requests = await load(seconds)
    return { rate: requests / seconds, cpu: ((cpuSeconds(server.pid) - before) * 1e6) / requests }
  } finally {
    server.kill()
    await server.exited
  }
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      serve: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
    },
  })
  if (values.serve !== undefined) {
    console.log(serve(values.serve as Side))
    return
  }
  const ratios = new Map<Side, { rate: number; cpu: number }[]>(sides.map((side) => [side, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    const figures = new Map<Side, Figures>()
    for (const side of round % 2 ? sides.toReversed() : sides) {
      figures.set(side, await measure(side, Number(values.seconds)))
    }
    const base = figures.get('fetch') as Figures
    for (const [side, { rate, cpu }] of figures) {
      ratios.get(side)?.push({ rate: rate / base.rate, cpu: cpu / base.cpu })
      console.log(`round ${round + 1}  ${side.padEnd(9)} ${rate.toFixed(0)} requests/s, ${cpu.toFixed(1)} µs`)
    }
  }
  for (const [side, all] of ratios) {
    const of = (name: 'rate' | 'cpu'): string => median(all.map((one) => one[name])).toFixed(2)
    console.log(`${side.padEnd(9)} CPU ${of('cpu')}, rate ${of('rate')} × fetch`)
  }
}

await main()
