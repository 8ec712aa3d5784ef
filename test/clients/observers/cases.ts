/** What each observer has to be told. Every case has an emulator of its own. */
import { match, ok, deepStrictEqual as same } from 'node:assert/strict'
import { join } from 'node:path'
import { until } from '../../harness.ts'
import { cached, type Launch, need, run } from '../client.ts'
import type { Answer } from '../emulator.ts'
import { lines, type ObserverTrial, seen, seenOf, streaming, told } from './trial.ts'

export interface ObserverCase {
  readonly name: string
  /** The row's title. */
  readonly title: string
  run(trial: ObserverTrial): Promise<void>
}

const idOf = (answer: Answer): string => answer.headers.get('x-amzn-requestid') ?? ''

/** The statuses of an invocation, as the records of an API have them. */
function statuses({ observer }: ObserverTrial, records: Awaited<ReturnType<typeof seenOf>>): unknown[] {
  const named = records.filter(({ record }) => record.status !== undefined).map(({ record }) => record.status)
  // only one of the records of the Logs API has a status
  return observer.api === 'logs' ? named : [...new Set(named)]
}

const typesOf = {
  telemetry: ['platform.start', 'platform.runtimeDone', 'platform.report'],
  logs: ['platform.start', 'platform.runtimeDone', 'platform.end', 'platform.report'],
} as const

/** The packages of Powertools, and a function that logs with them. */
const powertools = join(import.meta.dir, 'powertools')
const pythonVersions = { powertools: '3.37.0', client: '4.2.2' }
const typescriptVersion = '2.36.0'

async function inPython(): Promise<Launch> {
  const folder = await cached(
    'powertools-logger-python',
    pythonVersions.powertools,
    {
      async install(folder) {
        await run([need('python3'), '-m', 'venv', 'venv'], { cwd: folder })
        const packages = [
          `aws-lambda-powertools==${pythonVersions.powertools}`,
          `awslambdaric==${pythonVersions.client}`,
        ]
        await run(['venv/bin/pip', 'install', '--quiet', ...packages], { cwd: folder })
      },
    },
    powertools,
  )
  return { command: [join(folder, 'venv/bin/python'), '-m', 'awslambdaric', 'app.handler'], cwd: folder }
}

async function inTypescript(): Promise<Launch> {
  const folder = await cached(
    'powertools-logger-typescript',
    typescriptVersion,
    {
      async install(folder) {
        await Bun.write(join(folder, 'package.json'), '{"private":true,"type":"module"}')
        const install = [need('npm'), 'install', '--no-audit', '--no-fund', '--save-exact']
        await run([...install, `@aws-lambda-powertools/logger@${typescriptVersion}`], { cwd: folder })
      },
    },
    powertools,
  )
  return { command: ['--handler', 'index.handler'], cwd: folder }
}

/** A line of JSON, which the first schema of records has as text. */
const entry = (line: unknown): Record<string, unknown> =>
  JSON.parse(typeof line === 'string' ? line : JSON.stringify(line))

/** A function that logs at several levels, with JSON and the level WARN: what is seen on the log, and by an observer. */
async function leveled(trial: ObserverTrial, launch: Launch): Promise<void> {
  const env = { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: 'WARN' }
  await using emulator = await trial.start({ env }, launch)
  const answer = await emulator.invoke({})
  same(answer.text, '"done"')
  await seenOf(emulator, idOf(answer))
  const records = lines(emulator).map(entry)
  same(
    records.map(({ message }) => message),
    ['loud enough', 'caught', 'plainly'],
  )
  const [loud, caught] = records
  match(String(loud?.level), /^WARN(ING)?$/)
  same([loud?.service, loud?.n, caught?.level], ['shop', 2, 'ERROR'])
  match(JSON.stringify(caught), /no such fruit/)
  const log = emulator
    .output()
    .split('\n')
    .filter(
      (line) => line.startsWith('{"') && !line.includes('"type":"platform.') && !line.includes('"msg":'),
    )
    .map((line) => JSON.parse(line).message)
  same(log, ['loud enough', 'caught', 'plainly'])
}

export const observerCases: readonly ObserverCase[] = [
  {
    name: 'observe-all',
    title: 'every record of every invocation, once',
    async run(trial) {
      await using emulator = await trial.start()
      const ids: string[] = []
      for (let n = 0; n < 20; n++) ids.push(idOf(await emulator.invoke({ do: 'log', text: `line ${n}` })))
      for (const id of ids) {
        const records = await seenOf(emulator, id)
        same(
          records.map(({ type }) => type),
          typesOf[trial.observer.api],
        )
        same(statuses(trial, records), ['success'])
      }
      same(
        lines(emulator).map((line) => /line \d+/.exec(String(line))?.[0]),
        ids.map((_, n) => `line ${n}`),
      )
      const types = seen(emulator).map(({ type }) => type)
      if (trial.observer.api === 'telemetry') same(types[0], 'platform.initStart')
    },
  },
  {
    name: 'observe-errors',
    title: 'error, exit, timeout',
    async run(trial) {
      await using emulator = await trial.start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '4' } })
      const logs = trial.observer.api === 'logs'
      for (const [event, status] of [
        [{ do: 'throw', message: 'no such fruit' }, logs ? 'failure' : 'error'],
        [{ do: 'exit', code: 3 }, logs ? 'failure' : 'error'],
        [{ do: 'sleep', ms: 20_000 }, 'timeout'],
        [{ do: 'nothing' }, 'success'],
      ] as const) {
        const records = await seenOf(emulator, idOf(await emulator.invoke(event)))
        const done = records.find(({ type }) => type === 'platform.runtimeDone')
        same(done?.record.status, status, JSON.stringify(records))
      }
    },
  },
  {
    name: 'observe-trace',
    title: 'a stack trace as one record',
    async run(trial) {
      await using emulator = await trial.start()
      await seenOf(emulator, idOf(await emulator.invoke({ do: 'throw', message: 'no such fruit' })))
      const [record, ...others] = lines(emulator)
      match(String(record), /\tERROR\tInvoke Error [\s\S]*no such fruit/)
      same(others, [])
      await seenOf(emulator, idOf(await emulator.invoke({ do: 'log', text: 'one\n  two\nthree' })))
      match(String(lines(emulator)[1]), /one\n {2}two\nthree\n$/)
    },
  },
  {
    name: 'observe-json',
    title: 'lines of JSON as objects',
    async run(trial) {
      await using emulator = await trial.start({ env: { AWS_LAMBDA_LOG_FORMAT: 'JSON' } })
      const id = idOf(await emulator.invoke({ do: 'log', text: 'hello' }))
      await seenOf(emulator, id)
      const [record] = lines(emulator) as Record<string, unknown>[]
      same([record?.level, record?.message, record?.requestId], ['INFO', 'hello', id])
    },
  },
  {
    name: 'observe-stream',
    title: 'bytes of a stream',
    async run(trial) {
      await using emulator = await trial.start({}, streaming)
      const answer = await emulator.invoke({ parts: ['one, ', 'two'] })
      same(answer.text, 'one, two')
      const records = await seenOf(emulator, idOf(answer))
      const done = records.find(({ type }) => type === 'platform.runtimeDone')
      same(done?.record.metrics.producedBytes, 8)
    },
  },
  {
    name: 'observe-spans',
    title: 'spans in the trace of the caller',
    async run(trial) {
      await using emulator = await trial.start()
      const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
      const answer = await emulator.invoke({ do: 'sleep', ms: 50 }, { 'X-Amzn-Trace-Id': trace })
      interface Span {
        readonly name: string
        readonly trace: string
        readonly parent: string | null
        readonly ms: number
        readonly status: string
        readonly 'faas.invocation_id'?: string
      }
      const spans = () => told<Span>(emulator, 'span')
      await until('the span of the invocation', () => spans().some(({ name }) => name === 'invocation'))
      const whole = spans().find(({ name }) => name === 'invocation') as Span
      same(whole['faas.invocation_id'], idOf(answer))
      same(
        [whole.trace, whole.parent, whole.status],
        ['5759e988bd862e3fe1be46a994272793', '53995c3f42cd8ad8', 'UNSET'],
      )
      const parts = spans().filter(({ name }) => name !== 'invocation')
      same(parts.map(({ name }) => name).sort(), ['responseDuration', 'responseLatency', 'runtimeOverhead'])
      const sum = parts.reduce((total, { ms }) => total + ms, 0)
      // times of records have whole milliseconds
      ok(sum >= 50 && sum <= whole.ms + 2, `${sum} ms in ${whole.ms} ms`)
    },
  },
  {
    name: 'observe-end',
    title: 'the last records before the end',
    async run(trial) {
      await using emulator = await trial.start()
      const id = idOf(await emulator.invoke({ do: 'log', text: 'the last one' }))
      const output = await emulator.stop()
      const own = seen(output).filter(({ record }) => record.requestId === id)
      same(
        own.map(({ type }) => type),
        typesOf[trial.observer.api],
      )
    },
  },
  {
    name: 'observe-powertools-python',
    title: `Powertools for Python ${pythonVersions.powertools}, JSON at WARN`,
    run: async (trial) => leveled(trial, await inPython()),
  },
  {
    name: 'observe-powertools-typescript',
    title: `Powertools for TypeScript ${typescriptVersion}, JSON at WARN`,
    run: async (trial) => leveled(trial, await inTypescript()),
  },
]
