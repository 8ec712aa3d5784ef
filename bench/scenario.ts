/** What is measured: scenarios, their figures, and what ours promises. */
import type { Cpu } from './running.ts'
import type { Subject } from './subject.ts'

/** The figures, in the units they are shown in. */
export const figureUnits = {
  rate: { title: 'answers/s', digits: 0 },
  cpu: { title: 'CPU per invocation, µs', digits: 1 },
  p50: { title: 'p50, ms', digits: 3 },
  p99: { title: 'p99, ms', digits: 3 },
  p999: { title: 'p99.9, ms', digits: 3 },
  start: { title: 'start to first answer, ms', digits: 1 },
  throughput: { title: 'MB/s', digits: 0 },
  cpuPerGigabyte: { title: 'CPU per GB, s', digits: 2 },
  share: { title: 'share of the CPU, %', digits: 1 },
  rss: { title: 'resident, MB', digits: 1 },
  errors: { title: 'errors', digits: 0 },
} as const

export type Metric = keyof typeof figureUnits

/** One measurement of one subject. */
export type Sample = Readonly<Partial<Record<Metric, number>>>

/** What a measurement is told. */
export interface Conditions {
  readonly cpu: Cpu
  readonly seconds: number
  readonly warmup: number
}

/** `ours` against another subject, or against a number. */
export interface Goal {
  /** where it is held; by default on one CPU */
  readonly cpu?: Cpu
  readonly metric: Metric
  readonly is: 'at least' | 'at most'
  readonly factor: number
  /** The subject whose figure is multiplied; without one, `factor` is the figure. */
  readonly of?: string
}

export interface Scenario {
  readonly name: string
  readonly about: string
  readonly metrics: readonly Metric[]
  readonly subjects: readonly string[]
  readonly goals: readonly Goal[]
  /** At most so many rounds, whatever is asked for. */
  readonly rounds?: number
  /** Brings here what it needs beside its subjects, which may take minutes the first time. */
  prepare?(): Promise<unknown>
  measure(subject: Subject, conditions: Conditions): Promise<Sample>
}
