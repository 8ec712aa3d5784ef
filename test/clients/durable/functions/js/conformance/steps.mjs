/** Steps and waits. */
import { createRetryStrategy, StepSemantics } from '@aws/durable-execution-sdk-js'
import {
  caught,
  count,
  crashing,
  failing,
  flaky,
  greet,
  never,
  retry,
  TransientError,
  upper,
} from './kit.mjs'

export const steps = {
  '1-1': (event, context) => context.step(greet(event)),
  '1-2': (event, context) => context.step('custom_step_name', greet(event)),
  '1-3': async (_, context) => {
    const first = await context.step(async () => 'first')
    return await context.step(async () => `${first}_second`)
  },
  '1-4': (event, context) => context.step(async () => ({ user: event, count: event.tags.length })),
  '1-5': (_, context) => context.step(async () => null),
  '1-6': (event, context) => context.step(async () => event, { serdes: upper }),
  '1-7': (event, context) =>
    context.step(async (step) => {
      step.logger.info(`Greeting step started for: ${event}`)
      const greeting = await greet(event)()
      step.logger.info(`Greeting step completed with: ${greeting}`)
      return greeting
    }),
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
}
