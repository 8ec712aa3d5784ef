/**
 * AWS's own conformance cases for durable executions, which its package on PyPI has as data: what the history of the real
 * service is. They are fetched at the time of the test and nothing of them is kept here; the handlers are ours, written
 * after the words of each case, with AWS's SDK for JavaScript on the built-in runtime.
 *
 *     bun run clients durable conformance [--case 1-1,…] [--emulator source|binary|PATH]
 */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { fetched, until } from '../../../harness.ts'
import { launch, programOf, root } from '../../../kit/launch.ts'
import { need, run, Unavailable } from '../../client.ts'
import { javascript } from '../sdk.ts'
import { logMismatch } from './logs.ts'
import { type Bindings, bound, mismatch } from './match.ts'

const version = '1.0.0'
const cache = join(root, '.cache', 'durable-conformance', version)

// biome-ignore lint/suspicious/noExplicitAny: documents of others
type Json = any

/** The folder with the cases. */
async function requirements(): Promise<string> {
  const cases = join(cache, 'aws_durable_execution_conformance_tests', 'test_requirements')
  if (existsSync(cases)) return cases
  await mkdir(cache, { recursive: true })
  const python = need('python3')
  // it asks for a newer Python than most have, and its data need none
  const only = ['--no-deps', '--only-binary=:all:', '--python-version', '3.14']
  const what = `aws-durable-execution-conformance-tests==${version}`
  await fetched(() => run([python, '-m', 'pip', 'download', '--quiet', ...only, what], { cwd: cache }))
  const [wheel] = [...new Bun.Glob('*.whl').scanSync(cache)]
  await run([python, '-m', 'zipfile', '-e', wheel as string, '.'], { cwd: cache })
  return cases
}

const byNumber = (one: string, other: string): number => {
  const [a = 0, b = 0] = one.split('-').map(Number)
  const [c = 0, d = 0] = other.split('-').map(Number)
  return a - c || b - d
}

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { emulator: { type: 'string', default: 'binary' }, case: { type: 'string', default: '' } },
})

/** The cases and the handlers; ends the process if there is no registry to take them from. */
async function prepared(): Promise<{ folder: string; cwd: string }> {
  try {
    return { folder: await requirements(), cwd: await javascript() }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    console.log(`conformance skipped: ${error.message}\n0 passed, 0 failed, 1 skipped`)
    process.exit(0)
  }
}

const { folder, cwd } = await prepared()
const { names }: { names: readonly string[] } = await import(join(cwd, 'conformance/index.mjs'))
const wanted = values.case.split(',').filter(Boolean)
const all = [...new Bun.Glob('*/*.yaml').scanSync(folder)].map((path) => ({
  name: path.replace(/^.*\/|\.yaml$/g, ''),
  path: join(folder, path),
}))
const tried = all
  .filter(({ name }) => names.includes(name) && (wanted.length === 0 || wanted.includes(name)))
  .toSorted((one, other) => byNumber(one.name, other.name))
const counts = { passed: 0, failed: 0 }

/** A file of functions: the handler of the case, and what it invokes. */
async function withTargets(folder: string, handler: string): Promise<string> {
  const path = join(folder, 'functions.json')
  const common = { cwd, durable: { retryDelays: [0, 0, 0, 0] } }
  const functions = {
    function: { ...common, handler },
    echo: { ...common, handler: 'conformance/index.echo' },
    fails: { ...common, handler: 'conformance/index.fails' },
  }
  await Bun.write(path, JSON.stringify({ functions }))
  return path
}

/** JSON as Python writes it, by which AWS's own runner sends what completes a callback. */
function spaced(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${spaced(member)}`)
  return `{${members.join(', ')}}`
}

/** Plays one case; the reason if it is not kept. */
async function play(name: string, path: string): Promise<string | null> {
  const bindings: Bindings = new Map()
  const document: Json = parse(await Bun.file(path).text())
  for (const [variable, value] of Object.entries(document.Variables ?? {}))
    bindings.set(variable, bound(value, bindings))
  const {
    Input = null,
    ExpectedResult,
    ExpectedExecutionHistory,
    ExpectedLogs = [],
    CallbackActions = [],
  } = bound(document, bindings)
  const marks = await mkdtemp(join(tmpdir(), 'rie-conformance-'))
  const handler = 'conformance/index.handler'
  const single = ['--durable', '--durable-retry-delays', '0,0,0,0', '--task-root', cwd, '--handler', handler]
  await using emulator = launch({
    program: programOf(values.emulator),
    flags: name.startsWith('5-') ? ['--functions', await withTargets(marks, handler)] : single,
    cwd,
    env: { CASE: name, MARKS: join(marks, 'marks'), AWS_LAMBDA_LOG_FORMAT: 'JSON' },
  })
  try {
    const { gateway } = await emulator.listening()
    const url = `http://${gateway.host}:${gateway.port}`
    const answer = await fetch(`${url}/2015-03-31/functions/function/invocations`, {
      method: 'POST',
      headers: { 'X-Amz-Invocation-Type': 'Event' },
      body: JSON.stringify(Input),
    })
    const arn = encodeURIComponent(answer.headers.get('x-amz-durable-execution-arn') ?? '')
    const get = async (what = ''): Promise<Json> =>
      await (await fetch(`${url}/2025-12-01/durable-executions/${arn}${what}`)).json()
    const history = async (): Promise<Json[]> => (await get('/history?MaxItems=1000')).Events
    /** `*` is the first callback that is open. */
    const callbackOf = async (name: string): Promise<string | undefined> => {
      const events = await history()
      const closed = events
        .filter(({ EventType }) => /^Callback(?!Started)/.test(EventType))
        .map(({ Id }) => Id)
      const event = events.find(
        (one) =>
          one.EventType === 'CallbackStarted' &&
          (name === '*' ? !closed.includes(one.Id) : one.Name === name),
      )
      return event?.CallbackStartedDetails.CallbackId
    }
    const act = async ({ CallbackName, Operation, Payload, Delay = 0 }: Json): Promise<void> => {
      const id = await until(`the callback ${CallbackName}`, () => callbackOf(CallbackName))
      // the case says how long its external system takes
      await Bun.sleep(Delay * 1000)
      const verb = { success: 'succeed', failure: 'fail', heartbeat: 'heartbeat' }[Operation as 'success']
      const body = Payload === undefined ? '' : spaced(Payload)
      const path = `durable-execution-callbacks/${encodeURIComponent(id)}/${verb}`
      const { ok, status } = await fetch(`${url}/2025-12-01/${path}`, { method: 'POST', body })
      if (!ok) throw new Error(`${verb} of ${CallbackName}: ${status}`)
    }
    // those with a name each on its own: what takes longer may come first
    const ofAny = CallbackActions.filter(({ CallbackName }: Json) => CallbackName === '*')
    const inTurn = async (): Promise<void> => {
      for (const action of ofAny) await act(action)
    }
    await Promise.all([
      ...CallbackActions.filter((action: Json) => !ofAny.includes(action)).map(act),
      inTurn(),
    ])
    const last = Math.max(...ExpectedExecutionHistory.map(({ EventId }: Json) => EventId))
    const seen = await until(
      'the history to be as long as the case has it',
      async () => {
        const [events, { Status }] = [await history(), await get()]
        const ended = ExpectedResult === undefined || Status !== 'RUNNING'
        return events.length >= last && ended && events
      },
      40_000,
    )
    for (const expected of ExpectedExecutionHistory) {
      const wrong = mismatch(expected, seen[expected.EventId - 1], bindings, `event ${expected.EventId}`)
      if (wrong !== null) return `${wrong}; ${seen.map(({ EventType }: Json) => EventType).join(', ')}`
    }
    const lines = (): string[] => (emulator.stdout.text + emulator.stderr.text).split('\n')
    const told = decodeURIComponent(arn)
    const wrongInLog = (): string | null =>
      bound(ExpectedLogs, bindings)
        .map((expected: Json) => logMismatch(expected, lines(), told))
        .find((wrong: string | null) => wrong !== null) ?? null
    // its last lines may come after the news that it has ended
    await until('the log', () => wrongInLog() === null).catch(() => {})
    const wrong = wrongInLog()
    if (wrong !== null) return wrong
    const { Status, Result } = await get()
    if (ExpectedResult?.ExecutionStatus !== undefined && Status !== ExpectedResult.ExecutionStatus)
      return `the status is ${Status}`
    if (ExpectedResult?.Result === undefined) return null
    return mismatch(
      ExpectedResult.Result,
      Result === undefined ? null : JSON.parse(Result),
      bindings,
      'the result',
    )
  } catch (error) {
    return `${(error as Error).message}\n${emulator.stderr.text.slice(-1500)}`
  } finally {
    await rm(marks, { recursive: true, force: true })
  }
}

const queue = [...tried]
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const wrong = await play(next.name, next.path)
      counts[wrong === null ? 'passed' : 'failed']++
      if (wrong !== null) console.log(`${next.name} FAILED ${wrong}`)
    }
  }),
)
const without = all.filter(({ name }) => !names.includes(name))
for (const { name } of without.toSorted((one, other) => byNumber(one.name, other.name)))
  console.log(`${name} not run: there is no handler of ours for it`)
console.log(`${counts.passed} passed, ${counts.failed} failed, ${without.length} skipped`)
process.exit(counts.failed === 0 && tried.length > 0 ? 0 : 1)
