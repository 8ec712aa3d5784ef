/**
 * From the save of a file to the first answer of the new code: `bun run bench reload [--rounds N] [--subjects a,b]`.
 *
 * The file is saved over itself with another number, and the function is called without a pause until it answers with
 * that number. An answer that is neither the old one nor the new one ends the run if it is ours, and is counted of others.
 * Emulators alternate, as in `run.ts`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../test/kit/launch.ts'
import { machine } from './machine.ts'
import { type Reloading, reloading } from './reload/reloading.ts'
import { Unavailable } from './subject.ts'
import { median } from './table.ts'

const { values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, subjects: { type: 'string' } },
})
/** Saves in one round of a subject. */
const saves = 8
/** How long a subject may take from a save to the new answer. */
const limitMs = 40_000
/** How long one answer may take; then it is asked for again. */
const answerLimitMs = 5000

async function main(): Promise<void> {
  const wanted = values.subjects?.split(',') ?? reloading.map(({ name }) => name)
  const subjects: Reloading[] = []
  for (const subject of reloading.filter(({ name }) => wanted.includes(name))) {
    try {
      await subject.prepare()
      subjects.push(subject)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      console.log(`${subject.name}: not measured, ${error.message}`)
    }
  }
  const took = new Map<Reloading, Measured>()
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const subject of round % 2 === 0 ? subjects : [...subjects].reverse()) {
      try {
        const { times, others } = await measure(subject)
        const before = took.get(subject) ?? { times: [], others: 0 }
        took.set(subject, { times: [...before.times, ...times], others: before.others + others })
        console.log(`round ${round + 1}, ${subject.name}: ${times.map((ms) => ms.toFixed(0)).join(' ')}`)
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
        console.log(`round ${round + 1}, ${subject.name}: not measured, ${error.message}`)
      }
    }
  }
  console.log(`\n${(await machine()).join('\n')}\n`)
  console.log('| from a save to the new answer, ms | median | best | worst | saves | other answers |')
  console.log('|---|--:|--:|--:|--:|--:|')
  for (const [{ name }, { times, others }] of took) {
    const figures = [median(times), Math.min(...times), Math.max(...times)].map((ms) => ms.toFixed(0))
    console.log(`| ${name} | ${figures.join(' | ')} | ${times.length} | ${others} |`)
  }
  console.log(`\n${subjects.map(({ name, about }) => `${name}: ${about}`).join('; ')}.`)
}

interface Measured {
  /** milliseconds of each save */
  readonly times: readonly number[]
  /** answers that were neither the old one nor the new one */
  readonly others: number
}

async function measure(subject: Reloading): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-reload-'))
  await subject.layOut(folder)
  await Bun.write(join(folder, subject.file), subject.source(0))
  const port = freePort()
  const { command, path } = subject.launch(folder, port, freePort())
  const emulator = Bun.spawn([...command], { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] })
  const url = `http://127.0.0.1:${port}${path}`
  try {
    await until(() => answerOf(url), '0')
    const times: number[] = []
    let others = 0
    for (let save = 1; save <= saves; save++) {
      // whoever watches has settled, and is not in the middle of anything
      await Bun.sleep(1000)
      const before = performance.now()
      writeFileSync(join(folder, subject.file), subject.source(save))
      others += await until(() => answerOf(url), String(save), String(save - 1))
      if (others > 0 && subject.isOurs) throw new Error(`an answer that is neither ${save - 1} nor ${save}`)
      times.push(performance.now() - before)
    }
    return { times, others }
  } finally {
    emulator.kill('SIGTERM')
    await emulator.exited
    rmSync(folder, { recursive: true, force: true })
  }
}

async function answerOf(url: string): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    body: '{}',
    headers: { 'Content-Type': 'application/json' },
    // cargo-lambda may never answer a request that came while it started the function anew
    signal: AbortSignal.timeout(answerLimitMs),
  })
  return await response.text()
}

/** Asks until the answer is there; with `old`, returns how many others came before that were not that one. */
async function until(ask: () => Promise<string>, wanted: string, old?: string): Promise<number> {
  const end = performance.now() + limitMs
  let last = ''
  let others = 0
  while (performance.now() < end) {
    try {
      last = await ask()
      if (last === wanted) return others
    } catch (error) {
      last = String(error)
      await Bun.sleep(20)
    }
    if (last !== old) others++
  }
  throw new Unavailable(`no answer ${wanted} within ${limitMs / 1000} s; the last one was ${last}`)
}

await main()
