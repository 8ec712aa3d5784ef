/** What is polled until it holds. */
import { createWaitStrategy } from '@aws/durable-execution-sdk-js'
import { caught, failing } from './kit.mjs'

const increment = async (state) => state + 1
/** Polls each second, as long as that holds. */
const during = (holds, seconds = 1) => ({
  waitStrategy: (state) =>
    holds(state) ? { shouldContinue: true, delay: { seconds } } : { shouldContinue: false },
})
const counted = (from, to, seconds) => ({ initialState: from, ...during((state) => state < to, seconds) })
const once = { initialState: null, ...during(() => false) }
const boxed = {
  serialize: async (value) => `box:${value}`,
  deserialize: async (text) => text?.slice(4),
}

export const conditions = {
  '6-1': (event, context) => context.waitForCondition(increment, counted(0, event)),
  '6-2': (event, context) => context.waitForCondition(async (state) => state, counted(event, 5)),
  '6-3': (event, context) => context.waitForCondition('poll-status', increment, counted(0, event)),
  '6-4': (event, context) => context.waitForCondition(increment, counted(5, event)),
  '6-5': (event, context) => context.waitForCondition(increment, counted(0, event, 2)),
  '6-6': (_, context) =>
    context.waitForCondition(increment, {
      initialState: 0,
      waitStrategy: createWaitStrategy({
        maxAttempts: 3,
        initialDelay: { seconds: 1 },
        backoffRate: 1,
        jitter: 'NONE',
        shouldContinuePolling: () => true,
      }),
    }),
  '6-7': (_, context) => context.waitForCondition(failing, once),
  '6-8': (_, context) => caught(context.waitForCondition(failing, once), 'recovered'),
  '6-9': (_, context) =>
    context.waitForCondition(
      async ({ attempts }) => ({ status: attempts === 1 ? 'DONE' : 'PENDING', attempts: attempts + 1 }),
      { initialState: { status: 'PENDING', attempts: 0 }, ...during(({ status }) => status === 'PENDING') },
    ),
  '6-10': (_, context) => context.waitForCondition(async () => null, once),
  '6-11': (_, context) =>
    context.waitForCondition(async (state) => `${state}x`, {
      initialState: '',
      serdes: boxed,
      ...during((state) => state.length < 2),
    }),
  '6-12': async (event, context) => {
    const state = await context.waitForCondition(increment, counted(0, event))
    return await context.step(async () => state * 10)
  },
  '6-13': async (_, context) => {
    const first = await context.waitForCondition(increment, counted(0, 2))
    return await context.waitForCondition(increment, counted(first, 4))
  },
}
