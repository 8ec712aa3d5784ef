import { describe, expect, test } from 'bun:test'
import { parser } from '@prometheus-io/lezer-promql'
import { dashboard } from '../../src/telemetry/dashboard.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { createExposition } from '../../src/telemetry/prometheus.ts'

interface Panel {
  readonly id: number
  readonly title: string
  readonly description: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
}

interface Choice {
  readonly name: string
  readonly query: string
}

const model: {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Choice[] }
} = JSON.parse(dashboard())
const queries = model.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
)

/** What a query names, by Prometheus' own grammar. */
function read(expr: string): { metrics: string[]; labels: string[]; flaws: number } {
  const text = expr.replaceAll('$__rate_interval', '1m')
  const found = { metrics: [] as string[], labels: [] as string[], flaws: 0 }
  parser.parse(text).iterate({
    enter({ name, type, from, to, node }) {
      const word = text.slice(from, to)
      if (type.isError) found.flaws++
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') found.metrics.push(word)
      if (name === 'LabelName') found.labels.push(word)
    },
  })
  return found
}

/** Names of samples, as they stand in the text that Prometheus reads, each with its labels. */
async function samples(): Promise<Map<string, Set<string>>> {
  const metrics = new Metrics()
  metrics.subscriber('an-extension')
  const text = await createExposition(
    [
      {
        name: 'f',
        metrics,
        situation: () => ({
          waiting: 0,
          waitingEvents: 0,
          durable: null,
          environments: [{ id: 1, state: 'idle', memoryBytes: 1 }] as never,
          limits: { maxEnvironments: 1, maxQueue: 1 },
        }),
      },
    ],
    false,
  ).text()
  const found = new Map<string, Set<string>>()
  for (const [, name, labels = ''] of text.matchAll(/^([a-z_]+)(?:\{([^}]*)\})? /gm)) {
    const known = found.get(name as string) ?? new Set()
    for (const [, label] of labels.matchAll(/([a-z]+)="/g)) known.add(label as string)
    found.set(name as string, known)
  }
  return found
}

describe('the dashboard', () => {
  test('asks in the language of Prometheus, and for figures that there are', async () => {
    const known = await samples()
    expect(queries.length).toBeGreaterThan(20)
    for (const { title, expr } of queries) {
      const { metrics, labels, flaws } = read(expr)
      expect(flaws, expr).toBe(0)
      expect(metrics.length, title).toBeGreaterThan(0)
      for (const metric of metrics) expect([...known.keys()], title).toContain(metric)
      // what Prometheus adds, and what the figures have
      const own = metrics.flatMap((metric) => [...(known.get(metric) ?? [])])
      for (const label of labels) expect(['job', 'instance', ...own], expr).toContain(label)
    }
  })

  test('a misspelt figure, label or query would be seen', () => {
    expect(read('sum by (le) (rate(no_such[5m]))').metrics).toEqual(['no_such'])
    expect(read('sum(rate(a{b="c"}[1m]').flaws).toBeGreaterThan(0)
    expect(read('sum by (oops) (a{b="c"})').labels).toEqual(['oops', 'b'])
  })

  test('names in its legends labels that its queries leave', async () => {
    const known = await samples()
    for (const { expr, legendFormat } of queries) {
      const { metrics } = read(expr)
      const grouped = /by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ')
      const own = metrics.flatMap((metric) => [...(known.get(metric) ?? [])])
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        expect(grouped ?? ['job', 'instance', ...own], expr).toContain(label as string)
    }
  })

  test('shows every figure of ours, and chooses among emulators by one that is always there', async () => {
    const shown = new Set(queries.flatMap(({ expr }) => read(expr).metrics.map((name) => family(name))))
    const figures = new Set([...(await samples()).keys()].map(family))
    expect([...figures].filter((name) => !shown.has(name))).toEqual([
      'lambda_rie_build_info',
      'process_start_time_seconds',
    ])
    for (const { name, query } of model.templating.list.slice(1))
      expect(query, name).toContain('lambda_rie_build_info')
  })

  test('has panels with a title, a description and a place of their own', () => {
    const { panels } = model
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
    const cells = new Set<string>()
    for (const { title, description, gridPos } of panels) {
      expect(description.length, title).toBeGreaterThan(10)
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) cells.add(`${x}:${gridPos.y}`)
    }
    expect(cells.size).toBe(panels.reduce((sum, { gridPos }) => sum + gridPos.w, 0))
  })
})

/** A histogram is one figure. */
function family(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, '')
}
