/**
 * Web frameworks behind the Function URL of a built emulator, seen by an HTTP client and by a browser; and a page that
 * invokes with an SDK.
 *
 *     bun run clients url [framework…] [--case name,…] [--emulator PATH]
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Unavailable } from '../clients/client.ts'
import { matrix, type Result } from '../clients/matrix.ts'
import { urlCases } from './cases.ts'
import { allFrameworks } from './frameworks.ts'
import { pageWithSdk } from './sdk-page.ts'
import { trial } from './site.ts'

const root = resolve(import.meta.dir, '../..')

function fail(problem: string): never {
  console.error(problem)
  process.exit(2)
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    emulator: { type: 'string', default: join(root, 'dist', 'aws-lambda-rie') },
    case: { type: 'string', default: '' },
  },
})
const emulator = resolve(values.emulator)
if (!existsSync(emulator)) fail(`${values.emulator} is not there: bun run build`)
const names = [...allFrameworks.map(({ name }) => name), 'sdk-page']
const wanted = values.case.split(',').filter(Boolean)
for (const name of positionals)
  if (!names.includes(name)) fail(`no framework ${name}; there are ${names.join(', ')}`)
for (const name of wanted) {
  if (!urlCases.some((one) => one.name === name))
    fail(`no case ${name}; there are ${urlCases.map((one) => one.name).join(', ')}`)
}
const isChosen = (name: string): boolean => positionals.length === 0 || positionals.includes(name)
const frameworks = allFrameworks.filter(({ name }) => isChosen(name))
const cases = urlCases.filter(({ name }) => wanted.length === 0 || wanted.includes(name))

async function attempt(name: string, run: () => Promise<void>, lack?: string): Promise<Result> {
  let result: Result = { outcome: 'passed' }
  if (lack !== undefined) result = { outcome: 'skipped', reason: lack }
  else {
    try {
      await run()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      result = { outcome: error instanceof Unavailable ? 'skipped' : 'failed', reason }
    }
  }
  console.error(
    `${name} ${result.outcome}${result.outcome === 'passed' ? '' : `: ${result.reason.split('\n', 30).join(' ')}`}`,
  )
  return result
}

const results = new Map<string, Map<string, Result>>()
for (const framework of frameworks) {
  const row = new Map<string, Result>()
  results.set(framework.name, row)
  try {
    const served = await framework.prepare()
    for (const one of cases) {
      const name = `${framework.name.padEnd(12)} ${one.name.padEnd(10)}`
      const run = () => one.run(trial(emulator, framework, served))
      row.set(one.name, await attempt(name, run, framework.lacks[one.name]))
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    console.error(`${framework.name.padEnd(12)} skipped: ${error.message}`)
    for (const one of cases) row.set(one.name, { outcome: 'skipped', reason: error.message })
  }
}
if (isChosen('sdk-page') && wanted.length === 0) {
  const run = () => pageWithSdk(emulator)
  results.set('sdk-page', new Map([['sdk-page', await attempt('sdk-page               ', run)]]))
}

if (frameworks.length > 0) console.log(matrix(frameworks, cases, results))
const all = [...results.values()].flatMap((row) => [...row.values()])
const count = (outcome: Result['outcome']) => all.filter((result) => result.outcome === outcome).length
console.log(`\n${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
process.exitCode = count('failed') > 0 ? 1 : 0
