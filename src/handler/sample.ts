/**
 * The function that runs when there is no other: it greets and gives back what it was sent.
 */

import type { Context } from './context.ts'

/** Answers with a greeting, the event, and the facts that show which invocation this was. */
export const handler = async (event: unknown, context: Context) => {
  const name = nameIn(event) ?? nameIn(queryOf(event)) ?? 'world'
  console.log(`greeting ${name}`)
  return { message: `Hello, ${name}!`, event, requestId: context.awsRequestId }
}

function nameIn(value: unknown): string | undefined {
  const isNamed = typeof value === 'object' && value !== null && 'name' in value
  return isNamed && typeof value.name === 'string' ? value.name : undefined
}

/** Of a request of the Function URL. */
function queryOf(event: unknown): unknown {
  const isRequest = typeof event === 'object' && event !== null && 'queryStringParameters' in event
  return isRequest ? event.queryStringParameters : undefined
}
