/**
 * From the save of a file to the first answer of the new code: `bun run bench reload [--rounds N] [--subjects a,b]`.
 *
 * The file is saved over itself with another number, and the function is called without a pause until it answers with
 * that number; no answer may be anything but the old or the new one. Emulators alternate, as in `run.ts`.
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
const limitMs = 120_000

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
  const took = new Map(subjects.map((subject) => [subject, [] as number[]]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const subject of round % 2 === 0 ? subjects : [...subjects].reverse()) {
      const times = await measure(subject)
      took.get(subject)?.push(...times)
      console.log(`round ${round + 1}, ${subject.name}: ${times.map((ms) => ms.toFixed(0)).join(' ')}`)
    }
  }
  console.log(`\n${(await machine()).join('\n')}\n`)
  console.log('| from a save to the new answer, ms | median | best | worst | saves |\n|---|--:|--:|--:|--:|')
  for (const [{ name }, all] of took) {
    const figures = [median(all), Math.min(...all), Math.max(...all)].map((ms) => ms.toFixed(0))
    console.log(`| ${name} | ${figures.join(' | ')} | ${all.length} |`)
  }
  console.log(`\n${subjects.map(({ name, about }) => `${name}: ${about}`).join('; ')}.`)
}

/** Milliseconds of each save. */
async function measure(subject: Reloading): Promise<number[]> {
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
    for (let save = 1; save <= saves; save++) {
      // whoever watches has settled, and is not in the middle of anything
      await Bun.sleep(1000)
      const before = performance.now()
      writeFileSync(join(folder, subject.file), subject.source(save))
      await until(() => answerOf(url), String(save), String(save - 1))
      times.push(performance.now() - before)
    }
    return times
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
  })
  return await response.text()
}

/** Asks until the answer is there; with `old`, no other may come before. */
async function until(ask: () => Promise<string>, wanted: string, old?: string): Promise<void> {
  const end = performance.now() + limitMs
  let last = ''
  while (performance.now() < end) {
    try {
      last = await ask()
      if (last === wanted) return
    } catch (error) {
      if (old !== undefined) throw error
      last = String(error)
      await Bun.sleep(20)
    }
    if (old !== undefined && last !== old) throw new Error(`neither ${old} nor ${wanted}, but ${last}`)
  }
  throw new Unavailable(`no answer ${wanted} within ${limitMs / 1000} s; the last one was ${last}`)
}

await main()
