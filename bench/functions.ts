/**
 * What fifty functions cost before they are called: `bun run bench functions-50 [--rounds N] [--seconds N] [--program PATH]`.
 *
 * The same program with one function and with fifty, from files of functions in JSON and in YAML, alternating: from its start
 * to the line that says that it listens, its memory then, and one caller of one of them.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Launched, programOf } from '../test/kit/launch.ts'
import { compileC } from './build.ts'
import { wrk } from './load.ts'
import { machine } from './machine.ts'
import { median } from './table.ts'

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    program: { type: 'string', default: 'binary' },
  },
})
const count = 50
/** Promised: more than the start of one function takes, in milliseconds, and memory of each, in MB. */
const promised = { startMs: 50, functionMb: 2 } as const

interface Measured {
  readonly startMs: number
  readonly memoryMb: number
  readonly rate: number
}

async function main(): Promise<void> {
  const runtime = await compileC('functions/runtime.c')
  const folder = mkdtempSync(join(tmpdir(), 'bench-functions-'))
  const functions = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`f${index}`, { command: [runtime] }]),
  )
  writeFileSync(join(folder, 'f.json'), JSON.stringify({ functions }))
  const lines = Object.keys(functions).map((name) => `  ${name}:\n    command: [${runtime}]\n`)
  writeFileSync(join(folder, 'f.yaml'), `functions:\n${lines.join('')}`)
  const subjects: Readonly<Record<string, readonly [words: readonly string[], name: string]>> = {
    one: [[runtime], 'function'],
    'fifty, JSON': [['--functions', join(folder, 'f.json')], 'f49'],
    'fifty, YAML': [['--functions', join(folder, 'f.yaml')], 'f49'],
  }
  const all = new Map<string, Measured[]>(Object.keys(subjects).map((name) => [name, []]))
  const order = Object.entries(subjects)
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const [subject, [words, name]] of round % 2 === 0 ? order : order.toReversed()) {
      const measured = await measure(words, name)
      // the first round reads the program from disk
      if (round > 0) all.get(subject)?.push(measured)
    }
  }
  rmSync(folder, { recursive: true })
  console.log(`${(await machine()).join('\n')}\n`)
  console.log(`| median of ${values.rounds} | start, ms | memory, MB | one caller, 1/s |`)
  console.log('|---|--:|--:|--:|')
  const of = (subject: string, figure: keyof Measured): number =>
    median((all.get(subject) ?? []).map((one) => one[figure]))
  for (const subject of Object.keys(subjects)) {
    const figures = [of(subject, 'startMs'), of(subject, 'memoryMb'), of(subject, 'rate')]
    console.log(`| ${subject} | ${figures.map((figure) => figure.toFixed(1)).join(' | ')} |`)
  }
  for (const subject of Object.keys(subjects).slice(1)) {
    const start = of(subject, 'startMs') - of('one', 'startMs')
    const memory = (of(subject, 'memoryMb') - of('one', 'memoryMb')) / count
    const met = start < promised.startMs && memory < promised.functionMb ? 'met' : 'MISSED'
    console.log(`${subject}: ${start.toFixed(1)} ms more, ${memory.toFixed(2)} MB each: ${met}`)
  }
}

async function measure(words: readonly string[], name: string): Promise<Measured> {
  const since = performance.now()
  await using launched = new Launched({ program: programOf(values.program), command: words })
  const { gateway } = await launched.listening()
  const startMs = performance.now() - since
  const status = readFileSync(`/proc/${launched.process.pid}/status`, 'utf8')
  const memoryMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
  const path = `/2015-03-31/functions/${name}/invocations`
  const url = `http://127.0.0.1:${gateway.port}${path}`
  const first = await fetch(url, { method: 'POST', body: '{"a":1}' })
  if (first.status !== 200) throw new Error(`it answered ${first.status} ${await first.text()}`)
  const target = { port: gateway.port, path } as Parameters<typeof wrk>[0]
  const { requests, errors, seconds } = await wrk(target, 1, Number(values.seconds), 'free')
  if (errors > 0) throw new Error(`${errors} errors`)
  return { startMs, memoryMb, rate: requests / seconds }
}

await main()
