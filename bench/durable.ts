/**
 * Durable executions: `bun run bench durable [--rounds N] [--steps N] [--runs N] [--emulator source|binary|PATH]`.
 * Checkpoints one after the other in one run, the CPU that each costs the program which answers them, and the memory of
 * runs that wait. Beside it `dex-local-runner` of AWS's package on PyPI runs the same function behind the same emulator;
 * the subjects alternate.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { until } from '../test/harness.ts'
import { freePort, type Launched, launch, programOf } from '../test/kit/launch.ts'
import { cacheFolder, need, run } from './build.ts'
import { machine } from './machine.ts'
import { Unavailable } from './subject.ts'

const dexPackage = 'aws-durable-execution-sdk-python-testing==1.4.0'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '1000' },
    emulator: { type: 'string', default: 'binary' },
  },
})
const [rounds, steps, runs] = [Number(values.rounds), Number(values.steps), Number(values.runs)]
const handler = ['--task-root', join(import.meta.dir, 'durable'), '--handler', 'function.handler']
const invocations = '2015-03-31/functions/function/invocations'

/** CPU of a process so far, in milliseconds. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Resident memory in bytes. */
const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024

async function started(flags: readonly string[], env: Record<string, string> = {}) {
  const emulator: Launched = launch({
    program: programOf(values.emulator),
    flags: [...handler, ...flags],
    env,
  })
  const { gateway } = await emulator.listening()
  return { emulator, url: `http://${gateway.host}:${gateway.port}` }
}

interface Figures {
  /** of the handler's own clock, in milliseconds */
  readonly wallMs: number
  readonly cpuMs: number
}

const executionTimeout = ['--durable-execution-timeout', '900'] as const

async function ours(flags: readonly string[]): Promise<Figures> {
  const { emulator, url } = await started(['--durable', ...executionTimeout, ...flags])
  await using _ = emulator
  const call = async (count: number): Promise<number> => {
    const answer = await fetch(`${url}/${invocations}`, {
      method: 'POST',
      body: JSON.stringify({ steps: count }),
    })
    const text = await answer.text()
    if (!answer.ok || answer.headers.has('x-amz-function-error')) throw new Error(text)
    return Number(text)
  }
  await call(100)
  const before = cpuOf(emulator.process.pid)
  const wallMs = await call(steps)
  return { wallMs, cpuMs: cpuOf(emulator.process.pid) - before }
}

/** Where AWS's local runner is installed; null, with the reason told, where it cannot be. */
async function dexProgram(): Promise<string | null> {
  const folder = join(cacheFolder, dexPackage.replace('==', '-'))
  const program = join(folder, 'bin/dex-local-runner')
  try {
    if (!existsSync(program)) {
      await run([need('python3'), '-m', 'venv', folder])
      await run([join(folder, 'bin/pip'), 'install', '--quiet', dexPackage])
    }
    return program
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    console.log(`dex-local-runner: left out, ${error.message}`)
    return null
  }
}

async function dex(program: string): Promise<Figures> {
  const port = freePort()
  const { emulator, url } = await started([], {
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${port}`,
  })
  await using _ = emulator
  const server = Bun.spawn(
    [
      program,
      'start-server',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--lambda-endpoint',
      url,
      '--log-level',
      'ERROR',
    ],
    {
      env: {
        ...process.env,
        AWS_ACCESS_KEY_ID: 'x',
        AWS_SECRET_ACCESS_KEY: 'x',
        AWS_DEFAULT_REGION: 'us-east-1',
      },
      stdio: ['ignore', 'ignore', 'ignore'],
    },
  )
  try {
    const at = `http://127.0.0.1:${port}`
    await until('dex-local-runner to listen', () =>
      fetch(`${at}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    const call = async (count: number): Promise<number> => {
      const body = {
        ...{ AccountId: '012345678912', FunctionName: 'function', FunctionQualifier: '$LATEST' },
        ...{
          ExecutionName: `bench-${crypto.randomUUID()}`,
          ExecutionTimeoutSeconds: 900,
          ExecutionRetentionPeriodDays: 1,
        },
        ...{ Input: JSON.stringify({ steps: count }), LambdaEndpoint: url },
      }
      const answer = await fetch(`${at}/start-durable-execution`, {
        method: 'POST',
        body: JSON.stringify(body),
      })
      const { ExecutionArn } = (await answer.json()) as { ExecutionArn: string }
      return await until(
        'the run to end',
        async () => {
          const run = await fetch(`${at}/2025-12-01/durable-executions/${encodeURIComponent(ExecutionArn)}`)
          const { Status, Result, Error: error } = (await run.json()) as Record<string, string>
          if (Status === 'FAILED') throw new Error(JSON.stringify(error))
          return Status === 'SUCCEEDED' && Number(Result)
        },
        120_000,
      )
    }
    await call(20)
    const before = cpuOf(server.pid)
    const wallMs = await call(steps)
    return { wallMs, cpuMs: cpuOf(server.pid) - before }
  } finally {
    server.kill()
    await server.exited
  }
}

/** Memory of one run that waits for a callback, in bytes. */
async function waiting(): Promise<number> {
  const { emulator, url } = await started(['--durable', '--max-environments', '2'])
  await using _ = emulator
  const begin = async (count: number): Promise<void> => {
    const headers = { 'X-Amz-Invocation-Type': 'Event' }
    for (let index = 0; index < count; index++)
      await fetch(`${url}/${invocations}`, { method: 'POST', headers, body: '{}' })
    await until(
      'all runs to wait',
      async () => {
        const state = (await (await fetch(`${url}/_rie/health`)).json()) as {
          environments: { state: string }[]
        }
        const { log } = { log: emulator.stderr.text.split('a durable execution is suspended').length - 1 }
        return log >= begun && state.environments.every(({ state: one }) => one === 'idle')
      },
      60_000,
    )
  }
  let begun = 100
  await begin(100)
  const before = memoryOf(emulator.process.pid)
  begun += runs
  await begin(runs)
  return (memoryOf(emulator.process.pid) - before) / runs
}

const dexPath = await dexProgram()
const subjects: readonly (readonly [name: string, measure: () => Promise<Figures>])[] = [
  ['ours', () => ours([])],
  [
    'ours, --durable-store',
    () => ours(['--durable-store', `/tmp/rie-bench-${process.pid}-${crypto.randomUUID()}.sqlite`]),
  ],
  ...(dexPath === null ? [] : [['dex-local-runner', () => dex(dexPath)] as const]),
]
for (const line of await machine()) console.log(line)
const results = new Map<string, Figures[]>(subjects.map(([name]) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const [name, measure] of round % 2 === 0 ? subjects : subjects.toReversed())
    results.get(name)?.push(await measure())
}
const median = (figures: readonly number[]): number =>
  figures.toSorted((one, other) => one - other)[figures.length >> 1] ?? Number.NaN
for (const [name, figures] of results) {
  const rate = median(figures.map(({ wallMs }) => (steps * 1000) / wallMs))
  const cpu = median(figures.map(({ cpuMs }) => (cpuMs * 1000) / steps))
  console.log(
    `${name}: ${rate.toFixed(0)} checkpoints/s, ${cpu.toFixed(0)} µs CPU each (${rounds} rounds of ${steps})`,
  )
}
console.log(`a run that waits: ${((await waiting()) / 1024).toFixed(1)} KiB (${runs} runs)`)
