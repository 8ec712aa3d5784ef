/**
 * Other people's programs against a built emulator: `bun run clients field [NAME…] [--emulator PATH]`. Each is installed with its
 * own package manager into `.cache`, at its first use; one whose tools are missing is skipped with the reason.
 */

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Unavailable } from '../clients/client.ts'
import { parties } from './parties.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { emulator: { type: 'string', default: join(import.meta.dir, '../../dist/aws-lambda-rie') } },
})
const emulator = resolve(values.emulator)
const unknown = positionals.find((name) => !parties.some((party) => party.name === name))
if (unknown !== undefined || !existsSync(emulator)) {
  console.error(
    unknown === undefined
      ? `${emulator} is not there: bun run build`
      : `no party ${unknown}; there are ${parties.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}

const counts = { passed: 0, failed: 0, skipped: 0 }
for (const party of parties) {
  if (positionals.length > 0 && !positionals.includes(party.name)) continue
  let outcome: keyof typeof counts = 'passed'
  let reason = ''
  try {
    await party.run(emulator, await party.prepare())
  } catch (error) {
    outcome = error instanceof Unavailable ? 'skipped' : 'failed'
    reason = `: ${(error as Error).message}`
  }
  counts[outcome]++
  console.log(`${party.name} ${outcome}${outcome === 'passed' ? `, ${party.title}` : reason}`)
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed > 0 ? 1 : 0
