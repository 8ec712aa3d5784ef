/**
 * `bun run contract [--subject NAME]… [--portable]`: runs the suite on every subject that is there, or on those that are
 * named, prints what differs from the reference as a table in Markdown, and ends with the number of cases that passed and failed.
 * `--portable` runs all cases on the emulator without what is Linux's own, of which the subject `portable` has a part.
 * With CONTRACT_VERIFY_DIFFERENCES=1 it runs the listed differences only, each of which has to fail on its subject.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tempDir } from '../harness.ts'
import { root } from '../kit/launch.ts'
import { differences } from './differences.ts'
import { subjectNames as names, type SubjectName, subject } from './subject.ts'
import type { Result } from './suite.ts'

const inverted = process.env.CONTRACT_VERIFY_DIFFERENCES === '1'

const { values } = parseArgs({
  options: { subject: { type: 'string', multiple: true }, portable: { type: 'boolean', default: false } },
})
const named = [...(values.subject ?? []), ...(values.portable ? ['portable'] : [])]
const wanted = named.length > 0 ? named : names
const unknown = wanted.find((each) => !names.some((name) => name === each))
if (unknown !== undefined) {
  console.error(`--subject ${unknown}: known are ${names.join(', ')}`)
  process.exit(2)
}

const results: Result[] = []
let broken = 0
/** subjects that are not here */
let unexamined = 0
for (const name of names) {
  if (!wanted.includes(name)) continue
  const found = await subject(name)
  if ('missing' in found) {
    console.log(`${name}: not examined, ${found.missing}\n`)
    unexamined++
    continue
  }
  console.log(`${name}: ${found.program.at(-1)?.replace(`${root}/`, '')}`)
  const { code, lines, output } = await examine(name)
  results.push(...lines)
  const failures = lines.filter((line) => line.result === 'failed')
  if (code !== 0) console.log(output)
  // a case that is meant to fail may leave a promise behind; what counts is that each has been run
  const judged = inverted ? unproven(name, lines).length === 0 : code === 0
  if (!judged && failures.length === 0) broken++
  for (const { chapter, case: title, reason } of failures)
    console.log(`  failed: ${chapter}: ${title}: ${reason?.replace(/\s+/g, ' ').slice(0, 400)}`)
  for (const { case: title, faults = [] } of lines)
    if (faults.length > 0)
      console.log(`  met a known fault of ${name} ${faults.length} times, "${faults[0]}": ${title}`)
  console.log(`  ${summary(lines)}\n`)
}

async function examine(name: SubjectName): Promise<{ code: number; lines: Result[]; output: string }> {
  using folder = tempDir()
  const file = join(folder.path, 'results.jsonl')
  const tests = Bun.spawn(
    [process.execPath, '--no-env-file', 'test', '--only-failures', `./test/contract/${name}.test.ts`],
    {
      cwd: root,
      env: {
        ...process.env,
        CONTRACT_RESULTS: file,
        CONTRACT_ALL: '1',
        ...(values.portable ? { CONTRACT_WHOLE: '1' } : {}),
        // a machine that is only imitated starts in seconds
        ...(name.startsWith('arm64') ? { CONTRACT_SLOTS: '2', TEST_PATIENCE_MS: '60000' } : {}),
        ...(inverted ? { TEST_PATIENCE_MS: process.env.TEST_PATIENCE_MS ?? '4000' } : {}),
      },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  const [out, err, code] = await Promise.all([tests.stdout.text(), tests.stderr.text(), tests.exited])
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
  return { code, lines: lines.map((line) => JSON.parse(line)), output: `${out}${err}` }
}

/** Listed differences of a subject of which this run has no result. */
function unproven(name: SubjectName, lines: readonly Result[]): string[] {
  const listed = differences.filter(({ subjects }) => subjects.includes(name)).flatMap(({ cases }) => cases)
  return listed.filter((title) => !lines.some((line) => line.case === title && line.result !== 'skipped'))
}

function count(lines: readonly Result[], result: Result['result']): number {
  return lines.filter((line) => line.result === result).length
}

function summary(lines: readonly Result[]): string {
  const skipped = new Map<string, number>()
  for (const { result, reason = '' } of lines) {
    if (result === 'skipped') skipped.set(reason, (skipped.get(reason) ?? 0) + 1)
  }
  const reasons = [...skipped].map(([reason, n]) => `${n} skipped (${reason})`)
  const differ = count(lines, 'differs')
  const again = lines.filter(({ faults = [] }) => faults.length > 0).length
  const verb = inverted ? 'differ, as listed' : 'differ on purpose'
  return [
    `${count(lines, 'passed')} passed`,
    `${count(lines, 'failed')} failed`,
    ...(differ > 0 ? [`${differ} ${verb}`] : []),
    ...(again > 0 ? [`${again} run again after a known fault of the subject`] : []),
    ...reasons,
  ].join(', ')
}

/** A table row may not contain what ends a cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function byChapter(): string[] {
  const examined = names.filter((name) => results.some((line) => line.subject === name))
  const chapters = [...new Set(results.map((line) => line.chapter))]
  const rows = chapters.map((chapter) => {
    const cells = examined.map((name) => {
      const lines = results.filter((line) => line.subject === name && line.chapter === chapter)
      return `${count(lines, 'passed')}${count(lines, 'differs') ? ` (${count(lines, 'differs')} differ)` : ''}`
    })
    return `| ${chapter} | ${cells.join(' | ')} |`
  })
  return [
    `| cases passed | ${examined.join(' | ')} |`,
    `|---|${examined.map(() => '---|').join('')}`,
    ...rows,
  ]
}

console.log(byChapter().join('\n'))
console.log('\n| the reference | this emulator | why | cases |\n|---|---|---|---|')
for (const { reference, ours, reason, cases } of differences) {
  console.log(`| ${cell(reference)} | ${cell(ours)} | ${cell(reason)} | ${cases.map(cell).join('<br>')} |`)
}

const passed = count(results, 'passed') + (inverted ? count(results, 'differs') : 0)
const failed = count(results, 'failed') + broken
console.log(`\n${passed} passed, ${failed} failed, ${count(results, 'skipped') + unexamined} skipped`)
process.exit(failed === 0 ? 0 : 1)
