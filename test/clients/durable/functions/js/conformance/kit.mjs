/** What handlers of several groups of cases use. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'

export const never = { retryStrategy: () => ({ shouldRetry: false }) }
export const retry = (attempts) => ({
  retryStrategy: (_, attempt) => ({ shouldRetry: attempt < attempts, delay: { seconds: 1 } }),
})

/** How often this was called, over all invocations. */
export function count(name) {
  const path = `${process.env.MARKS}-${name}`
  appendFileSync(path, 'x')
  return existsSync(path) ? readFileSync(path, 'utf8').length : 0
}

export class TransientError extends Error {
  name = 'TransientError'
}

export const failing = async () => {
  throw new Error('it fails')
}
/** Fails so often, then gives a value. */
export const flaky = (failures, value) => async () => {
  if (count('flaky') <= failures) throw new Error('not yet')
  return value
}
export const greet = (event) => async () => `Hello, ${event}!`
export const upper = {
  serialize: async (value) => JSON.stringify(value).toUpperCase(),
  deserialize: async (text) => JSON.parse(text),
}
export const crashing = (event, name, value) => async (step) => {
  step.logger.info(event)
  if (count(name) === 1) process.exit(1)
  return value
}

export async function caught(promise, otherwise) {
  try {
    return await promise
  } catch (error) {
    return otherwise ?? error.message
  }
}

export const parsed = (text) => (typeof text === 'string' ? JSON.parse(text) : text)

/** Waits until the history of this run has an event of that type: what the SDK reports it does not wait for. */
export async function recorded(context, type) {
  const arn = encodeURIComponent(context.executionContext.durableExecutionArn)
  const url = `${process.env.AWS_ENDPOINT_URL_LAMBDA}/2025-12-01/durable-executions/${arn}/history`
  for (;;) {
    const { Events } = await (await fetch(url)).json()
    if (Events.some(({ EventType }) => EventType === type)) return
  }
}
