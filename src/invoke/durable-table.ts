/** Lists of executions and histories as tables for people. */

type Json = Readonly<Record<string, unknown>>

/** Rows below each other, as wide as they have to be. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const timeOf = (value: unknown): string =>
  typeof value === 'number' ? new Date(value * 1000).toISOString().slice(0, 23).replace('T', ' ') : ''

export function executionTable(executions: readonly Json[]): string {
  const rows = executions.map(({ DurableExecutionName, Status, StartTimestamp, EndTimestamp }) => [
    text(DurableExecutionName),
    text(Status),
    timeOf(StartTimestamp),
    timeOf(EndTimestamp),
  ])
  return table([['NAME', 'STATUS', 'STARTED', 'ENDED'], ...rows])
}

/** Longest payload in a row, in characters. */
const longest = 60

export function historyTable(events: readonly Json[]): string {
  const rows = events.map((event) => {
    const details = (event[`${text(event.EventType)}Details`] ?? {}) as Json
    return [
      String(event.EventId),
      timeOf(event.EventTimestamp),
      text(event.EventType),
      text(event.Name),
      shownDetails(details),
    ]
  })
  return table([['#', 'TIME', 'EVENT', 'NAME', 'DETAILS'], ...rows])
}

function shownDetails(details: Json): string {
  const parts = Object.entries(details).map(([name, value]) => {
    const payload = (value as Json | null)?.Payload
    const shown = payload === undefined ? value : payload
    const words = typeof shown === 'string' ? shown : JSON.stringify(shown)
    return `${name}=${words.length > longest ? `${words.slice(0, longest)}…` : words}`
  })
  return parts.join(' ').replace(/\s+/g, ' ')
}
