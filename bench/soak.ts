/**
 * A long run: a million invocations in one emulator, and nothing that grows.
 *
 *     bun run soak [--invocations N] [--callers N] [--seconds N] [--binary PATH] [--telemetry] [--slots N]
 *
 * First the built program, under callers and a runtime in C: resident memory, descriptors and threads after the first
 * tenth and at the end. Then a crowd of callers at once on one environment of it, for a minute. Then the same parts from
 * source inside this process, with invocations of every kind: timers and objects on the heap, which cannot be seen from
 * outside.
 *
 * With --slots only the first of these, with Managed Instances of so many slots and as many callers.
 * With --telemetry only the first of these, with an extension that subscribes to every record: none may be lost or doubled.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../test/kit/launch.ts'
import { compileC, root } from './build.ts'
import { crowd } from './soak/crowd.ts'
import { inside } from './soak/inside.ts'
import { type Check, flat, mean, print, type Row, steady } from './soak/report.ts'
import { invokePath } from './subject.ts'
import { layExtensions } from './subjects/subscribed.ts'

/** Of this many, the first five after a tenth of the way are compared with the last five. */
const legs = 50
const windowLegs = 5

const { values } = parseArgs({
  options: {
    invocations: { type: 'string', default: '1000000' },
    callers: { type: 'string' },
    slots: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    telemetry: { type: 'boolean', default: false },
    binary: { type: 'string', default: join(root, 'dist', 'aws-lambda-rie') },
  },
})
const invocations = atLeast(legs, '--invocations', values.invocations)
const slots = values.slots === undefined ? null : atLeast(1, '--slots', values.slots)
const callers = atLeast(1, '--callers', values.callers ?? String(slots ?? 4))
const seconds = atLeast(1, '--seconds', values.seconds)
const binary = resolve(values.binary)
if (!existsSync(binary)) fail(`${binary} is not there: bun run build`)

const runtime = await compileC('functions/runtime.c')
const probe = await compileC('load/probe.c')

/** Each caller makes its share of these, one after the other; every answer is checked. Gives the number of errors. */
export async function callAll(port: number, count: number): Promise<number> {
  const share = Math.ceil(count / callers)
  const errors = Array.from({ length: callers }, async () => {
    const child = Bun.spawn([probe, 'load', String(port), invokePath, '64', String(share), '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const text = await child.stdout.text()
    if ((await child.exited) !== 0) return share
    return Number((JSON.parse(text) as { errors: number }).errors)
  })
  return (await Promise.all(errors)).reduce((sum, each) => sum + each, 0)
}

/** The median of a few looks, since the collector moves the figure up and down. */
async function residentBytes(pid: number): Promise<number> {
  const looks: number[] = []
  for (let look = 0; look < 5; look++) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    looks.push(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024)
    await Bun.sleep(50)
  }
  return looks.sort((a, b) => a - b)[2] as number
}

/** The built program serves, and is then asked to end. */
async function program(
  environment: Record<string, string>,
  examine: (port: number, pid: number) => Promise<Check[]>,
): Promise<Check[]> {
  const port = freePort()
  const emulator = Bun.spawn(
    [
      binary,
      '--runtime-interface-emulator-address',
      `127.0.0.1:${port}`,
      '--runtime-api-address',
      '127.0.0.1:0',
      '--log-level',
      'warn',
      runtime,
    ],
    {
      cwd: '/',
      env: { ...process.env, ...environment },
      stdio: ['ignore', Bun.file('/dev/null'), 'inherit'],
    },
  )
  try {
    await reachable(port)
    const checks = await examine(port, emulator.pid)
    emulator.kill('SIGTERM')
    const code = await emulator.exited
    return [...checks, { name: 'it ends with 0', good: code === 0, figure: `${code}` }]
  } finally {
    emulator.kill('SIGKILL')
  }
}

async function million(port: number, pid: number): Promise<Check[]> {
  const rows: Row[] = []
  const count = Math.round(invocations / legs)
  let errors = 0
  for (let leg = 1; leg <= legs; leg++) {
    const begun = performance.now()
    errors += await callAll(port, count)
    rows.push({
      invocations: leg * count,
      rate: count / ((performance.now() - begun) / 1000),
      'resident MB': (await residentBytes(pid)) / 1e6,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      threads: readdirSync(`/proc/${pid}/task`).length,
    })
    print(rows)
  }
  const early = rows.slice(legs / 10 - 1, legs / 10 - 1 + windowLegs)
  const late = rows.slice(-windowLegs)
  const asked = callers * Math.ceil(count / callers) * legs
  const counted = await successes(port)
  return [
    { name: `${asked} invocations without a failure`, good: errors === 0, figure: `${errors} failed` },
    { name: 'it has counted as many', good: counted === asked, figure: `${counted}` },
    steady('resident MB', mean(early, 'resident MB'), mean(late, 'resident MB'), 0.05),
    ...['descriptors', 'threads'].map((name) => flat(name, early[0]?.[name] ?? 0, late.at(-1)?.[name] ?? 0)),
  ]
}

/** What the emulator itself has counted; -1 if there was any other outcome. */
async function successes(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/_rie/metrics`)).text()
  const outcomes = [...text.matchAll(/^lambda_rie_invocations_total\{outcome="(\w+)"\} (\d+)$/gm)]
  const others = outcomes.some(([, outcome, count]) => outcome !== 'success' && count !== '0')
  return others ? -1 : Number(outcomes.find(([, outcome]) => outcome === 'success')?.[2] ?? -1)
}

async function reachable(port: number): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/_rie/health`).catch(() => null)
    if (answer?.ok) return
    await Bun.sleep(10)
  }
  fail('the emulator does not listen')
}

function atLeast(least: number, flag: string, text: string): number {
  const value = Number(text)
  return Number.isInteger(value) && value >= least
    ? value
    : fail(`${flag} is a whole number from ${least} on, not ${text}`)
}

function fail(problem: string): never {
  console.error(problem)
  process.exit(2)
}

/** The first part, with a subscriber to everything, whose counts have to be those of the invocations. */
async function subscribed(): Promise<Check[]> {
  const file = join(mkdtempSync(join(tmpdir(), 'soak-')), 'counts')
  const environment = { AWS_LAMBDA_RIE_EXTENSIONS_DIR: layExtensions(), SUBSCRIBER_COUNTS: file }
  const checks = await program(environment, million)
  const counts = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>
  const asked = callers * Math.ceil(Math.round(invocations / legs) / callers) * legs
  const types = ['platform.start', 'platform.runtimeDone', 'platform.report']
  return [
    ...checks,
    ...types.map((type) => ({
      name: `${type} of each`,
      good: counts[type] === asked,
      figure: `${counts[type]}`,
    })),
    { name: 'no record twice', good: counts.doubled === 0, figure: `${counts.doubled}` },
  ]
}

/** One environment with several slots, each of which has a worker. */
async function managed(count: number): Promise<Check[]> {
  const environment = { AWS_LAMBDA_MAX_CONCURRENCY: String(count), BENCH_POLLERS: String(count) }
  return await program(environment, million)
}

const checks = values.telemetry
  ? await subscribed()
  : slots !== null
    ? await managed(slots)
    : [
        ...(await program({}, million)),
        ...(await program({ BENCH_ECHO: '1' }, (port) => crowd(port, seconds))),
        ...(await inside(runtime, Math.round(invocations / 10), callAll)),
      ]
for (const { name, good, figure } of checks) console.log(`${good ? 'passed' : 'FAILED'}  ${name}: ${figure}`)
const failed = checks.filter(({ good }) => !good).length
console.log(`${checks.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
