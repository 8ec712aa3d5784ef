/** What AWS's conformance cases expect of the log of one durable execution. */

// biome-ignore lint/suspicious/noExplicitAny: documents of others
type Json = any

/** Lines that are JSON objects and say of which execution they are: a filter of CloudWatch finds no others. */
function recordsOf(lines: readonly string[], arn: string): Json[] {
  return lines.flatMap((line) => {
    if (!line.startsWith('{')) return []
    try {
      const record = JSON.parse(line)
      return record.durableExecutionArn === arn || record.executionArn === arn ? [record] : []
    } catch {
      return []
    }
  })
}

/** `/X/` is a pattern, all else is that value. */
function matches(expected: Json, record: Json): boolean {
  return Object.entries(expected).every(([field, value]) => {
    const pattern = typeof value === 'string' ? /^\/(.*)\/$/.exec(value)?.[1] : undefined
    return pattern === undefined ? record[field] === value : new RegExp(pattern).test(String(record[field]))
  })
}

/** Why an entry of `ExpectedLogs` does not hold; null if it does. `after` names what all of it comes after. */
export function logMismatch(entry: Json, lines: readonly string[], arn: string): string | null {
  const { match, count, after = [], ...unknown } = entry
  const others = Object.keys(unknown)
  if (count === undefined || others.length > 0) return `an entry of the log with ${others} and count ${count}`
  const records = recordsOf(lines, arn)
  const places = (expected: Json): number[] =>
    records.flatMap((record, index) => (matches(expected, record) ? [index] : []))
  const own = places(match)
  const what = JSON.stringify(match)
  if (own.length !== count) return `${own.length} lines of the log are ${what} in place of ${count}`
  for (const anchor of after) {
    const before = places(anchor).at(-1)
    if (before === undefined) return `no line of the log is ${JSON.stringify(anchor)}`
    if (own.length > 0 && (own[0] as number) < before)
      return `in the log ${what} is not after ${JSON.stringify(anchor)}`
  }
  return null
}
