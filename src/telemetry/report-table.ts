/** A report for people: what was answered, percentiles, and answers over time, in lines of at most 80 characters. */

import type { Percentiles, RunReport, Slot } from './report.ts'

const figures = ['p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const

/** Ends in a line feed. */
export function reportTable(report: RunReport): string {
  const { invocations, duration, queueWait, firstByte, init, seconds } = report
  const rate = seconds > 0 ? invocations.total / seconds : 0
  const told = Object.entries(invocations.outcomes).filter(([name, count]) => count > 0 || name === 'success')
  const restarts = Object.entries(report.restarts).map(([cause, count]) => `${cause} ${count}`)
  return [
    `${invocations.total} invocations in ${seconds.toFixed(1)} s, ${rate.toFixed(1)} a second`,
    `  ${told.map(([name, count]) => `${name} ${count}`).join(', ')}`,
    ...(restarts.length > 0 ? [`  processes were ended by: ${restarts.join(', ')}`] : []),
    ...(report.initFailures > 0 ? [`  init failed ${report.initFailures} times`] : []),
    '',
    row('ms', ['count', ...figures]),
    percentileRow('duration', duration),
    percentileRow('queue wait', queueWait),
    ...(firstByte.count > 0 ? [percentileRow('first byte', firstByte)] : []),
    percentileRow('init', init),
    `  most memory: ${Math.ceil(report.maxMemoryBytes / 1_048_576)} MB`,
    '',
    ...overTime(report.throughput),
    '',
  ].join('\n')
}

function row(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(11)}${cells.map((cell) => cell.padStart(9)).join('')}`
}

function percentileRow(name: string, of: Percentiles): string {
  return row(name, [String(of.count), ...figures.map((figure) => shown(of[figure]))])
}

function shown(ms: number | null): string {
  if (ms === null) return '–'
  return ms < 10 ? ms.toFixed(2) : ms < 1000 ? ms.toFixed(1) : ms.toFixed(0)
}

const mostRows = 20
const barWidth = 40

/** At most twenty rows: slots are put together until they fit. */
function overTime(slots: readonly Slot[]): string[] {
  const [first] = slots
  if (first === undefined) return []
  const together = Math.ceil(slots.length / mostRows)
  const rows: { at: number; succeeded: number; failed: number }[] = []
  slots.forEach(({ at, succeeded, failed }, index) => {
    if (index % together === 0) rows.push({ at, succeeded, failed })
    else {
      const last = rows.at(-1) as (typeof rows)[number]
      last.succeeded += succeeded
      last.failed += failed
    }
  })
  const seconds = first.seconds * together
  const most = Math.max(...rows.map(({ succeeded, failed }) => succeeded + failed), 1)
  return [
    `  answers a second, in steps of ${seconds} s`,
    ...rows.map(({ at, succeeded, failed }) => {
      const bar = '█'.repeat(Math.round(((succeeded + failed) / most) * barWidth))
      const wrong = failed > 0 ? `  ${failed} failed` : ''
      return `  ${`${at} s`.padStart(8)} ${((succeeded + failed) / seconds).toFixed(1).padStart(9)} ${bar}${wrong}`
    }),
  ]
}
