/** Handlers for AWS's conformance cases, each written after the words of its case; `CASE` says which is served. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createRetryStrategy, StepSemantics, withDurableExecution } from '@aws/durable-execution-sdk-js'

const never = { retryStrategy: () => ({ shouldRetry: false }) }
const retry = (attempts) => ({
  retryStrategy: (_, attempt) => ({ shouldRetry: attempt < attempts, delay: { seconds: 1 } }),
})

/** How often this was called, over all invocations. */
function count(name) {
  const path = `${process.env.MARKS}-${name}`
  appendFileSync(path, 'x')
  return existsSync(path) ? readFileSync(path, 'utf8').length : 0
}

class TransientError extends Error {
  name = 'TransientError'
}

const failing = async () => {
  throw new Error('it fails')
}
/** Fails so often, then gives a value. */
const flaky = (failures, value) => async () => {
  if (count('flaky') <= failures) throw new Error('not yet')
  return value
}
const greet = (event) => async () => `Hello, ${event}!`
const upper = {
  serialize: async (value) => JSON.stringify(value).toUpperCase(),
  deserialize: async (text) => JSON.parse(text),
}
const crashing = (event, name, value) => async () => {
  console.log(event)
  if (count(name) === 1) process.exit(1)
  return value
}

async function caught(promise, otherwise) {
  try {
    return await promise
  } catch (error) {
    return otherwise ?? error.message
  }
}

const open = (context, name, config) => context.createCallback(name, config)
const parsed = (text) => (typeof text === 'string' ? JSON.parse(text) : text)

const cases = {
  '1-1': (event, context) => context.step(greet(event)),
  '1-2': (event, context) => context.step('custom_step_name', greet(event)),
  '1-3': async (_, context) => {
    const first = await context.step(async () => 'first')
    return await context.step(async () => `${first}_second`)
  },
  '1-4': (event, context) => context.step(async () => ({ user: event, count: event.tags.length })),
  '1-5': (_, context) => context.step(async () => null),
  '1-6': (event, context) => context.step(async () => event, { serdes: upper }),
  '1-7': (event, context) => context.step(greet(event)),
  '1-8': async (_, context) => {
    const value = await context.step(async () => 'computed')
    await context.wait({ seconds: 2 })
    return value
  },
  '1-9': async (_, context) => {
    const value = await context.step(async () => 'cached_value')
    await context.wait({ seconds: 1 })
    return value
  },
  '1-10': async (_, context) => {
    await caught(context.step(failing, never))
    await context.wait({ seconds: 1 })
  },
  '1-11': (_, context) => context.step(flaky(1, 'Operation succeeded'), retry(2)),
  '1-12': (_, context) => context.step(failing, retry(4)),
  '1-13': (_, context) => context.step(flaky(2, 'done')),
  '1-14': (_, context) =>
    context.step(flaky(2, 'done'), {
      retryStrategy: createRetryStrategy({
        maxAttempts: 3,
        initialDelay: { seconds: 2 },
        backoffRate: 3,
        jitter: 'NONE',
      }),
    }),
  '1-15': (_, context) =>
    context.step(
      async () => {
        if (count('transient') === 1) throw new TransientError('again')
        return 'done'
      },
      {
        retryStrategy: (error, attempt) => ({
          shouldRetry: error instanceof TransientError && attempt < 3,
          delay: { seconds: 1 },
        }),
      },
    ),
  '1-16': (_, context) =>
    context.step(
      async () => {
        throw new TransientError('no more')
      },
      {
        retryStrategy: (error) => ({
          shouldRetry: !(error instanceof TransientError),
          delay: { seconds: 1 },
        }),
      },
    ),
  '1-17': (event, context) =>
    context.step('at_most_once_flaky_step', crashing(event, 'crash', 'never'), {
      semantics: StepSemantics.AtMostOncePerRetry,
      ...never,
    }),
  '1-18': (event, context) =>
    context.step(crashing(event, 'crash', 'succeeded on second attempt'), {
      semantics: StepSemantics.AtMostOncePerRetry,
      ...retry(2),
    }),
  '1-19': (_, context) => context.step(failing, never),
  '1-20': async (_, context) => {
    await caught(context.step(failing, never))
    return await context.step(async () => 'fallback_result')
  },
  '2-1': (_, context) => context.wait({ seconds: 2 }),
  '2-2': (_, context) => context.wait('custom_wait_name', { seconds: 2 }),
  '2-3': async (_, context) => {
    await context.wait('wait-1', { seconds: 2 })
    await context.wait('wait-2', { seconds: 2 })
    return { completedWaits: 2 }
  },
  '2-4': (_, context) => context.wait({ minutes: 1 }),
  '2-5': (_, context) => context.wait({ hours: 1 }),
  '4-1': async (event, context) => parsed(await (await open(context, event))[0]),
  '4-2': async (_, context) => parsed(await (await open(context, 'approval'))[0]),
  '4-3': async (event, context) => await (await open(context, event, { timeout: { seconds: 5 } }))[0],
  '4-4': async (event, context) =>
    await (await open(context, event, { heartbeatTimeout: { seconds: 5 } }))[0],
  '4-5': async (event, context) =>
    parsed(await (await open(context, event, { heartbeatTimeout: { seconds: 10 } }))[0]),
  '4-6': async (event, context) => await (await open(context, event))[0],
  '4-7': async (event, context) => {
    const [answer] = await open(context, event)
    await context.step(async () => 'step')
    return await answer
  },
  '4-8': async (event, context) => {
    const [answer] = await open(context, event, { timeout: { seconds: 5 } })
    await context.step(async () => 'step')
    return await answer
  },
  '4-9': async (event, context) => {
    const [answer] = await open(context, event)
    await context.wait({ seconds: 5 })
    return parsed(await answer)
  },
  '4-10': async (event, context) => {
    const [answer] = await open(context, event)
    await context.wait({ seconds: 5 })
    return await answer
  },
  '4-11': async (event, context) => {
    const [answer] = await open(context, event, { timeout: { seconds: 3 } })
    await context.wait({ seconds: 6 })
    return await answer
  },
  '4-12': async (event, context) => {
    const [answer] = await open(context, event)
    const value = parsed(await answer)
    await context.wait({ seconds: 2 })
    return value
  },
  '4-13': async (event, context) => {
    const [answer] = await open(context, event)
    const message = await caught(answer)
    await context.wait({ seconds: 2 })
    return message
  },
  '4-14': async (event, context) => {
    const [answer] = await open(context, event, { timeout: { seconds: 3 } })
    const message = await caught(answer)
    await context.wait({ seconds: 2 })
    return message
  },
  '4-15': async (event, context) => {
    const { id, message, timestamp } = parsed(await (await open(context, event))[0])
    return { received: { id, message, timestamp: Date.parse(timestamp) / 1000 } }
  },
  '4-16': async (event, context) => {
    const value = Number(await (await open(context, event))[0])
    return { count: value, doubled: 2 * value }
  },
  '4-17': async ([a, b], context) => {
    const one = parsed(await (await open(context, a))[0])
    const two = parsed(await (await open(context, b))[0])
    return [one, two]
  },
  '4-18': async ([a, b], context) => {
    const [one] = await open(context, a)
    const [two] = await open(context, b)
    return [parsed(await one), parsed(await two)]
  },
  '4-19': async ([a, b], context) => {
    const [one] = await open(context, a)
    const [two] = await open(context, b)
    const second = parsed(await two)
    return [parsed(await one), second]
  },
}

export const names = Object.keys(cases)
export const handler = withDurableExecution((event, context) => cases[process.env.CASE](event, context))
