/** Rounds become medians, medians become ratios, ratios become a table. */
import type { Cpu } from './running.ts'
import { figureUnits, type Goal, type Metric, type Sample, type Scenario } from './scenario.ts'

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = Number.NaN] = [sorted[(sorted.length - 1) >> 1], sorted[middle]]
  return (low + high) / 2
}

/** Every round of every subject in one scenario, and why some were not measured. */
export interface Results {
  readonly scenario: Scenario
  readonly samples: ReadonlyMap<string, readonly Sample[]>
  readonly skipped: ReadonlyMap<string, string>
}

function medianOf(results: Results, subject: string, metric: Metric): number {
  const values = (results.samples.get(subject) ?? []).map((sample) => sample[metric])
  return median(values.filter((value) => value !== undefined))
}

export function shown(metric: Metric, value: number): string {
  return Number.isNaN(value)
    ? '–'
    : value.toFixed(figureUnits[metric].digits).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** A Markdown table: medians, and in brackets the ratio to the first subject that was measured. */
export function table(results: Results): string {
  const { scenario, samples, skipped } = results
  const base = scenario.subjects.find((name) => samples.get(name)?.length)
  const rows = scenario.subjects
    .filter((name) => samples.has(name) || skipped.has(name))
    .map((name) => {
      const reason = skipped.get(name)
      const cells = scenario.metrics.map((metric, column) => {
        if (!samples.get(name)?.length) return column === 0 ? `not measured: ${reason}` : ''
        const value = medianOf(results, name, metric)
        const ratio = base ? value / medianOf(results, base, metric) : Number.NaN
        const relative = metric !== 'errors' && name !== base && Number.isFinite(ratio)
        return shown(metric, value) + (relative ? ` (×${ratio.toFixed(2)})` : '')
      })
      return `| ${[name, ...cells].join(' | ')} |`
    })
  const titles = ['subject', ...scenario.metrics.map((metric) => figureUnits[metric].title)]
  const notes = [...skipped]
    .filter(([name]) => samples.has(name))
    .map(([name, reason]) => `\n${name} was not measured in every round: ${reason}`)
  return [`| ${titles.join(' | ')} |`, `|${' --- |'.repeat(titles.length)}`, ...rows, ...notes].join('\n')
}

/** One line per goal of this place: met, missed, or not measured. */
export function goals(results: Results, cpu: Cpu): string[] {
  const held = results.scenario.goals.filter((goal) => (goal.cpu ?? 'pinned') === cpu)
  return held.map((goal) => {
    const value = medianOf(results, 'ours', goal.metric)
    const limit = goal.factor * (goal.of ? medianOf(results, goal.of, goal.metric) : 1)
    const met = goal.is === 'at least' ? value >= limit : value <= limit
    const verdict = Number.isNaN(value) || Number.isNaN(limit) ? 'not measured' : met ? 'met' : 'MISSED'
    const figures = `${shown(goal.metric, value)} against ${shown(goal.metric, limit)}`
    return `${describe(goal)}: ${verdict}${verdict === 'not measured' ? '' : ` (${figures})`}`
  })
}

function describe(goal: Goal): string {
  const limit = goal.of ? `${goal.factor} × ${goal.of}'s` : String(goal.factor)
  return `${figureUnits[goal.metric].title} ${goal.is} ${limit}`
}
