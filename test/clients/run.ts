/**
 * AWS's own runtime clients, each with a real function, against a built emulator.
 *
 *     bun run clients [client…] [--case name,…] [--emulator PATH] [--handlers-only] [--write]
 *
 * `--handlers-only` asks only for what the reference does too; `--write` puts the matrix into the README.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CASES, type Case } from './cases.ts'
import { type Client, Unavailable } from './client.ts'
import { CLIENTS } from './clients.ts'
import { matrix, type Result } from './matrix.ts'
import { type Trial, trial } from './trial.ts'

const ROOT = resolve(import.meta.dir, '../..')

function fail(problem: string): never {
  console.error(problem)
  process.exit(2)
}

function chosen<T extends { readonly name: string }>(
  what: string,
  all: readonly T[],
  names: readonly string[],
): T[] {
  for (const name of names) {
    if (!all.some((one) => one.name === name))
      fail(`no ${what} ${name}; there are ${all.map((one) => one.name).join(', ')}`)
  }
  return all.filter((one) => names.length === 0 || names.includes(one.name))
}

async function attempt(one: Case, trial: Trial): Promise<Result> {
  const lack = trial.client.lacks[one.name]
  if (lack) return { outcome: 'skipped', reason: lack }
  try {
    await one.run(trial)
    return { outcome: 'passed' }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { outcome: error instanceof Unavailable ? 'skipped' : 'failed', reason }
  }
}

async function tryClient(client: Client, cases: readonly Case[]): Promise<Map<string, Result>> {
  const results = new Map<string, Result>()
  try {
    const launch = await client.prepare()
    for (const one of cases) {
      const result = await attempt(one, trial(emulator, client, launch, values['handlers-only']))
      results.set(one.name, result)
      const reason = result.outcome === 'passed' ? '' : `: ${result.reason}`
      console.error(`${client.name.padEnd(7)} ${one.name.padEnd(15)} ${result.outcome}${reason}`)
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    console.error(`${client.name.padEnd(7)} skipped: ${error.message}`)
    for (const one of cases) results.set(one.name, { outcome: 'skipped', reason: error.message })
  }
  return results
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    emulator: { type: 'string', default: join(ROOT, 'dist', 'aws-lambda-rie') },
    case: { type: 'string', default: '' },
    'handlers-only': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const emulator = resolve(values.emulator)
if (!existsSync(emulator)) fail(`${values.emulator} is not there: bun run build`)
const clients = chosen('client', CLIENTS, positionals)
const cases = chosen('case', CASES, values.case.split(',').filter(Boolean))

const results = new Map<string, Map<string, Result>>()
for (const client of clients) results.set(client.name, await tryClient(client, cases))

const text = matrix(clients, cases, results)
console.log(text)
if (values.write) {
  const path = join(ROOT, 'README.md')
  const block = /(<!-- clients:begin -->)[\s\S]*(<!-- clients:end -->)/
  const readme = existsSync(path) ? await Bun.file(path).text() : ''
  if (block.test(readme)) {
    await Bun.write(
      path,
      readme.replace(block, (_, begin, end) => `${begin}\n\n${text}\n\n${end}`),
    )
  } else console.error('README.md has no <!-- clients:begin --> and <!-- clients:end -->')
}
const all = [...results.values()].flatMap((row) => [...row.values()])
const count = (outcome: Result['outcome']) => all.filter((result) => result.outcome === outcome).length
console.log(`\n${count('passed')} passed, ${count('failed')} failed`)
process.exitCode = count('failed') ? 1 : 0
