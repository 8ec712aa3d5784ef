/**
 * The function that runs when there is no other: it greets and gives back what it was sent.
 */

import type { Context } from './context.ts'

/** Answers with a greeting, the event, and the facts that show which invocation this was. */
export const handler = async (event: unknown, context: Context) => {
  const name =
    typeof event === 'object' && event !== null && 'name' in event && typeof event.name === 'string'
      ? event.name
      : 'world'
  console.log(`greeting ${name}`)
  return { message: `Hello, ${name}!`, event, requestId: context.awsRequestId }
}
