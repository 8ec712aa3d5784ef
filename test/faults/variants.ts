/** Runs the variants of a fault run beside each other and adds up what they count. */
import { readFileSync } from 'node:fs'
import { programOf } from '../kit/launch.ts'
import { count, Failure, FaultRun, type Figures } from './fault-run.ts'
import type { VariantName } from './plans.ts'

export interface Variant {
  readonly name: VariantName
  readonly number: number
  readonly from: number
  readonly faults: number
}

/** Most faults are quick. Those that wait for a clock run in several emulators at a time. */
export function variantsFor(faults: number): Variant[] {
  const part = (share: number): number => Math.max(1, Math.round(faults * share))
  const clocks = Math.min(4, Math.max(1, Math.round(faults / 300)))
  const clock = part(0.03)
  const variants: Variant[] = [
    { name: 'three', number: 1, from: 0, faults: part(0.25) },
    { name: 'signals', number: 1, from: 0, faults: part(0.08) },
  ]
  for (let number = 1; number <= clocks; number++) {
    variants.push({ name: 'clock', number, from: 0, faults: Math.max(1, Math.round(clock / clocks)) })
  }
  const rest = faults - variants.reduce((sum, variant) => sum + variant.faults, 0)
  return [{ name: 'one', number: 1, from: 0, faults: Math.max(1, rest) }, ...variants]
}

export interface VariantResult {
  readonly variant: Variant
  readonly figures: Figures
  readonly failures: readonly string[]
  /** at the beginning and at the end, cold, in the same state */
  readonly rest: readonly { readonly resident: number; readonly descriptors: number }[]
}

export interface RunOptions {
  readonly seed: string
  readonly subject: string
  readonly scripted: string
  readonly variants: readonly Variant[]
  readonly trace?: boolean
  /** which kinds of fault; all by default */
  readonly only?: RegExp | undefined
  /** gives up a variant after so many failures */
  readonly patience?: number
  readonly progress?: (variant: Variant, done: number) => void
}

export async function runVariants(options: RunOptions): Promise<VariantResult[]> {
  const program = programOf(options.subject)
  return Promise.all(options.variants.map((variant) => runVariant(variant, program, options)))
}

async function runVariant(
  variant: Variant,
  program: readonly string[],
  options: RunOptions,
): Promise<VariantResult> {
  const { seed, scripted, trace = false, patience = 3, only } = options
  const open = (): Promise<FaultRun> =>
    FaultRun.open({ variant: variant.name, number: variant.number, seed, program, scripted, trace, only })
  let faultRun = await open()
  const figures = faultRun.figures
  const failures: string[] = []
  const rest: VariantResult['rest'][number][] = []
  try {
    rest.push(await faultRun.rest())
    for (let done = 0; done < variant.faults; done++) {
      try {
        await faultRun.play(variant.from + done)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        failures.push(error.message)
        if (failures.length >= patience) break
        // what failed may have left anything behind
        const old = faultRun
        faultRun = await open()
        await old[Symbol.asyncDispose]()
        Object.assign(faultRun, { figures })
      }
      if (done % 100 === 99) options.progress?.(variant, done + 1)
      if (done + 1 === Math.floor(variant.faults / 3) && failures.length === 0)
        rest.push(await faultRun.rest())
    }
    rest.push(await faultRun.rest())
  } catch (error) {
    failures.push(error instanceof Failure ? error.message : String((error as Error).stack))
  } finally {
    await faultRun[Symbol.asyncDispose]()
  }
  if (failures.length === 0) failures.push(...leaks(variant, figures, rest))
  return { variant, figures, failures, rest }
}

const mega = 1024 * 1024

/** Memory and descriptors are flat, from a third of the way on, in an emulator that ran all the way. */
function leaks(variant: Variant, figures: Figures, rest: VariantResult['rest']): string[] {
  if (figures.restarts > 0) return []
  const [begin, ...later] = rest
  const end = later.at(-1)
  if (begin === undefined || end === undefined) return []
  const found: string[] = []
  figures.checks += 2
  if (end.descriptors > begin.descriptors + 6) {
    found.push(
      `variant ${variant.name}: ${begin.descriptors} descriptors at the beginning, ${end.descriptors} at the end`,
    )
  }
  const third = Math.floor(figures.resident.length / 3)
  const early = median(figures.resident.slice(third, 2 * third))
  const late = median(figures.resident.slice(2 * third))
  if (third >= 300 && late > early * 1.25 + 24 * mega) {
    found.push(`variant ${variant.name}: resident memory grew from ${mb(early)} to ${mb(late)}`)
  }
  return found
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

export const mb = (bytes: number): string => `${(bytes / mega).toFixed(1)} MB`

/** The figures of a run, for people. */
export function tell(results: readonly VariantResult[]): string {
  const faults = new Map<string, number>()
  const answers = new Map<string, number>()
  const sum = {
    faults: 0,
    sprung: 0,
    invocations: 0,
    restarts: 0,
    processes: 0,
    escaped: 0,
    starved: 0,
    checks: 0,
  }
  const lines: string[] = []
  for (const { variant, figures, rest } of results) {
    for (const [kind, n] of figures.faults) {
      count(faults, kind, n)
      sum.faults += n
    }
    for (const [kind, n] of figures.answers) count(answers, kind, n)
    for (const key of [
      'sprung',
      'invocations',
      'restarts',
      'processes',
      'escaped',
      'starved',
      'checks',
    ] as const)
      sum[key] += figures[key]
    const [begin] = rest
    const end = rest.at(-1)
    const third = Math.floor(figures.resident.length / 3)
    lines.push(
      `variant ${variant.name}.${variant.number}: ${figures.resident.length} faults, ${figures.restarts} restarts, ` +
        `resident ${mb(median(figures.resident.slice(0, third)))} → ${mb(median(figures.resident.slice(2 * third)))} ` +
        `(cold ${mb(begin?.resident ?? 0)} → ${mb(end?.resident ?? 0)}), ` +
        `descriptors when cold ${begin?.descriptors} → ${end?.descriptors}, most ${Math.max(0, ...figures.descriptors)}` +
        (figures.restarts > 0 ? `, slowest stop ${figures.slowestStop.toFixed(0)} ms` : ''),
    )
  }
  const table = (map: Map<string, number>): string =>
    [...map]
      .toSorted(([, a], [, b]) => b - a)
      .map(([key, n]) => `  ${String(n).padStart(6)}  ${key}`)
      .join('\n')
  return [
    `Faults by kind (${sum.faults}, of which sprung ${sum.sprung}):`,
    table(faults),
    `Answers (${sum.invocations} invocations, ${sum.processes} processes started, ${sum.restarts} restarts, ${sum.escaped} processes in the making when the emulator was killed, ${sum.starved} timeouts of processes that got no CPU):`,
    table(answers),
    ...lines,
  ].join('\n')
}

/** Load of the machine, which says how much of a duration is ours. */
export const load = (): string => readFileSync('/proc/loadavg', 'latin1').split(' ')[0] ?? '?'
