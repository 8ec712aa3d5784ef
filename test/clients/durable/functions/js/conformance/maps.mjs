/** Maps. */
import { NestingType } from '@aws/durable-execution-sdk-js'
import { allCounts, countsOnly, each, inTurn, items, told } from './batches.mjs'

const results = async (batch) => (await batch).getResults()
/** How the items end, with what may be tolerated of them, as its members tell it. */
const ending = (words, completion, members) => async (_, context) =>
  told(await context.map(items(words), each, inTurn(completion)), ...members)
const upper = async (_, item) => item.toUpperCase()

const wrapped = {
  serialize: async (value) => `wrapped:${value}`,
  deserialize: async (text) => text.slice('wrapped:'.length),
}
/** The whole result as one text; of what it is read back as, only what the handlers ask for. */
const whole = {
  serialize: async (batch) => `OPSERDE:${batch.getResults().join(',')}`,
  deserialize: async (text) => ({ getResults: () => text.slice('OPSERDE:'.length).split(',') }),
}

export const maps = {
  '9-1': (event, context) =>
    results(context.map('map', event, (child, item) => child.step(async () => `Hello, ${item}!`), inTurn())),
  '9-2': (event, context) => results(context.map(event, async (_, item) => item * 2, inTurn())),
  '9-3': (event, context) => results(context.map(event, async (_, item, index) => item + index, inTurn())),
  '9-4': (event, context) => results(context.map(event, each, inTurn())),
  '9-5': ending('ok - never', { toleratedFailureCount: 0 }, allCounts),
  '9-6': async (_, context) => {
    const batch = await context.map(items('- never'), each, inTurn({ toleratedFailureCount: 0 }))
    batch.throwIfError()
  },
  '9-7': ending('a b c d', { minSuccessful: 2 }, ['completionReason', 'successCount', 'totalCount']),
  '9-8': ending('a - c', { toleratedFailureCount: 1 }, allCounts),
  '9-9': ending('- - never', { toleratedFailureCount: 1 }, countsOnly),
  '9-10': ending('- - never never', { toleratedFailurePercentage: 25 }, countsOnly),
  '9-11': (_, context) => results(context.map(items('r0 r1 r2'), each, { maxConcurrency: 2 })),
  '9-12': (_, context) =>
    results(
      context.map(items('fa fb'), (child, item) => child.step(async () => item), {
        ...inTurn(),
        nesting: NestingType.FLAT,
      }),
    ),
  '9-13': (event, context) =>
    results(
      context.map(event, async (_, item) => item * 10, {
        ...inTurn(),
        itemNamer: (item) => `item-${item}`,
      }),
    ),
  '9-14': (_, context) => results(context.map(items('x y'), upper, { ...inTurn(), itemSerdes: wrapped })),
  '9-15': (_, context) =>
    results(
      context.map(
        items('r0 r1'),
        async (child, item, index) => {
          if (index === 1) await child.wait({ seconds: 1 })
          return await child.step(async () => item)
        },
        inTurn(),
      ),
    ),
  '9-16': async (_, context) => {
    const large = async (_, item) => item.repeat(70_000)
    return told(await context.map(items('a b c d'), large, inTurn()), 'successCount', 'totalCount')
  },
  '9-17': async (_, context) => {
    const values = await results(context.map(items('a b'), upper, inTurn()))
    await context.wait({ seconds: 1 })
    return values
  },
  '9-18': async (_, context) => {
    const batch = await context.map(items('ok -'), each, inTurn({ toleratedFailureCount: 1 }))
    await context.wait({ seconds: 1 })
    return told(batch, ...allCounts)
  },
  '9-19': (_, context) =>
    results(context.map('op-serde', items('x y'), upper, { ...inTurn(), serdes: whole })),
  '9-20': async (_, context) => {
    const values = await results(context.map('op-serde', items('x y'), upper, { ...inTurn(), serdes: whole }))
    await context.wait({ seconds: 1 })
    return values
  },
}
