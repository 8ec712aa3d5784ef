/** The results as Markdown: one row per case, one column per client, reasons below. */
/** What a row or a column is called. */
interface Titled {
  readonly name: string
  readonly title: string
}

export type Result =
  | { readonly outcome: 'passed' }
  | { readonly outcome: 'failed'; readonly reason: string }
  | { readonly outcome: 'skipped'; readonly reason: string }

export type Results = ReadonlyMap<string, ReadonlyMap<string, Result>>

export function matrix(clients: readonly Titled[], cases: readonly Titled[], results: Results): string {
  const reasons: string[] = []
  function cell(client: Titled, one: Titled): string {
    const result = results.get(client.name)?.get(one.name)
    if (!result) return ''
    if (result.outcome === 'passed') return '✓'
    if (result.outcome === 'failed') return '✗'
    let index = reasons.indexOf(result.reason)
    if (index < 0) index = reasons.push(result.reason) - 1
    return `– (${index + 1})`
  }
  const rows = cases.map(
    (one) => `| ${[one.title, ...clients.map((client) => cell(client, one))].join(' | ')} |`,
  )
  const lines = [
    `| | ${clients.map((client) => client.title).join(' | ')} |`,
    `| --- |${' :-: |'.repeat(clients.length)}`,
    ...rows,
  ]
  if (reasons.length) lines.push('', ...reasons.map((reason, index) => `${index + 1}. ${reason}`))
  return lines.join('\n')
}
