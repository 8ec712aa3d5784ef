/** Which call of the API a path is. Both labels come percent-encoded from SDKs, and as they are from people with curl. */

export const apiPrefix = '/2025-12-01/'

export type DurableCall =
  | { readonly of: 'execution'; readonly arn: string; readonly verb: string }
  | { readonly of: 'callback'; readonly id: string; readonly verb: string }
  | { readonly of: 'function'; readonly name: string }

const execution = /^durable-executions\/(.+?)(?:\/(checkpoint|state|history|stop|pause|resume))?\/?$/s
const callback = /^durable-execution-callbacks\/(.+)\/(succeed|fail|heartbeat)\/?$/s
const list = /^functions\/([^/]+)\/durable-executions\/?$/

/** null for a path of nothing. */
export function parseCall(path: string): DurableCall | null {
  const rest = path.slice(apiPrefix.length)
  let match = execution.exec(rest)
  if (match !== null) return { of: 'execution', arn: decoded(match[1] as string), verb: match[2] ?? '' }
  match = callback.exec(rest)
  if (match !== null) return { of: 'callback', id: decoded(match[1] as string), verb: match[2] as string }
  match = list.exec(rest)
  return match === null ? null : { of: 'function', name: decoded(match[1] as string) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The ARN of a run (https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecution.html). */
export const arnPattern =
  /^arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:function:[a-zA-Z0-9_-]+:(?:\$LATEST(?:\.PUBLISHED)?|[0-9]+)\/durable-execution\/[a-zA-Z0-9_-]{1,64}\/[a-zA-Z0-9_-]+$/
