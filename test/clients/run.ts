/**
 * AWS's own runtime clients, each with a real function, against a built emulator; AWS's SDKs as its callers; and
 * extensions that have telemetry delivered.
 *
 *     bun run clients [client|SDK|extension…] [--case name,…] [--emulator PATH] [--handlers-only] [--write]
 *
 * `--handlers-only` asks only for what the reference does too; `--write` puts the matrix into the README beside this.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { answerCases } from './callers/answers.ts'
import type { Command } from './callers/caller.ts'
import { allCallers } from './callers/callers.ts'
import { refusalCases } from './callers/refusals.ts'
import { streamCases } from './callers/streams.ts'
import { CallerTrial } from './callers/trial.ts'
import { runtimeCases } from './cases.ts'
import { type Launch, Unavailable } from './client.ts'
import { allClients } from './clients.ts'
import { matrix, type Result } from './matrix.ts'
import { observerCases } from './observers/cases.ts'
import { allObservers, type Watching } from './observers/observers.ts'
import { ObserverTrial } from './observers/trial.ts'
import { trial } from './trial.ts'

const root = resolve(import.meta.dir, '../..')
const callerCases = [...answerCases, ...streamCases, ...refusalCases]

function fail(problem: string): never {
  console.error(problem)
  process.exit(2)
}

interface Named {
  readonly name: string
}

/** Those of three lists that were named, or all; a name that is in none is a mistake. */
function chosen<A extends Named, B extends Named, C extends Named>(
  what: string,
  names: readonly string[],
  a: readonly A[],
  b: readonly B[],
  c: readonly C[],
): [A[], B[], C[]] {
  const known = [...a, ...b, ...c].map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) fail(`no ${what} ${unknown}; there are ${known.join(', ')}`)
  const isChosen = ({ name }: Named) => names.length === 0 || names.includes(name)
  return [a.filter(isChosen), b.filter(isChosen), c.filter(isChosen)]
}

async function attempt(run: () => Promise<void>, lack: string | undefined): Promise<Result> {
  if (lack) return { outcome: 'skipped', reason: lack }
  try {
    await run()
    return { outcome: 'passed' }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { outcome: error instanceof Unavailable ? 'skipped' : 'failed', reason }
  }
}

interface Subject<T> extends Named {
  prepare(): Promise<T>
  readonly lacks?: Readonly<Record<string, string>>
}

interface Runnable<Trial> extends Named {
  run(trial: Trial): Promise<void>
}

/** Every case with one client or SDK, once it is here. */
async function tryAll<T, Trial>(
  subject: Subject<T>,
  cases: readonly Runnable<Trial>[],
  trialWith: (prepared: T) => Trial,
): Promise<Map<string, Result>> {
  const results = new Map<string, Result>()
  try {
    const trial = trialWith(await subject.prepare())
    for (const one of cases) {
      const result = await attempt(() => one.run(trial), subject.lacks?.[one.name])
      results.set(one.name, result)
      const reason = result.outcome === 'passed' ? '' : `: ${result.reason}`
      console.error(`${subject.name.padEnd(9)} ${one.name.padEnd(29)} ${result.outcome}${reason}`)
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    console.error(`${subject.name.padEnd(9)} skipped: ${error.message}`)
    for (const one of cases) results.set(one.name, { outcome: 'skipped', reason: error.message })
  }
  return results
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    emulator: { type: 'string', default: join(root, 'dist', 'aws-lambda-rie') },
    case: { type: 'string', default: '' },
    'handlers-only': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const emulator = resolve(values.emulator)
if (!existsSync(emulator)) fail(`${values.emulator} is not there: bun run build`)
const [clients, callers, observers] = chosen('client', positionals, allClients, allCallers, allObservers)
const named = values.case.split(',').filter(Boolean)
const [cases, calls, observations] = chosen('case', named, runtimeCases, callerCases, observerCases)

const results = new Map<string, Map<string, Result>>()
for (const client of clients) {
  const trialWith = (launch: Launch) => trial(emulator, client, launch, values['handlers-only'])
  results.set(client.name, await tryAll(client, cases, trialWith))
}
// the reference has no answers for SDKs
for (const caller of values['handlers-only'] ? [] : callers) {
  await using trials = new AsyncDisposableStack()
  const trialWith = (command: Command) => trials.use(new CallerTrial(emulator, caller, command))
  results.set(caller.name, await tryAll(caller, calls, trialWith))
}

for (const observer of values['handlers-only'] ? [] : observers) {
  const trialWith = (watching: Watching) => new ObserverTrial(emulator, observer, watching)
  results.set(observer.name, await tryAll(observer, observations, trialWith))
}

const tables = [
  ['', clients, cases],
  ['SDKs, and what their user sees:\n\n', callers, calls],
  ['Extensions that have telemetry delivered, and what they are told:\n\n', observers, observations],
] as const
const text = tables
  .filter(([, columns, rows]) => columns.length > 0 && rows.length > 0)
  .map(([heading, columns, rows]) => heading + matrix(columns, rows, results))
  .join('\n\n')
console.log(text)
const all = [...results.values()].flatMap((row) => [...row.values()])
const count = (outcome: Result['outcome']) => all.filter((result) => result.outcome === outcome).length

const readme = join(root, 'test/clients/README.md')
const block = /(<!-- clients:begin -->)[\s\S]*(<!-- clients:end -->)/
const before = await Bun.file(readme).text()
const after = before.replace(block, (_, begin, end) => `${begin}\n\n${text}\n\n${end}`)
if (!block.test(before)) fail('test/clients/README.md has no <!-- clients:begin --> and <!-- clients:end -->')
if (values.write) await Bun.write(readme, after)
// what some tool-chain was missing for says nothing about the README
const wholly = positionals.length === 0 && values.case === '' && !values['handlers-only']
const lacking = [...clients, ...observers].reduce((sum, { lacks }) => sum + Object.keys(lacks).length, 0)
const stale = !values.write && wholly && count('skipped') === lacking && before !== after
if (stale) console.log('\nthe matrix in test/clients/README.md is another: bun run clients --write')

const failed = count('failed') + (stale ? 1 : 0)
console.log(`\n${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`)
process.exitCode = failed ? 1 : 0
