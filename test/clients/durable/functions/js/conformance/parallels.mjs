/** Parallel branches. */
import { NestingType } from '@aws/durable-execution-sdk-js'
import { allCounts, branches, countsOnly, inTurn, told } from './batches.mjs'

const stepping = (value) => (branch) => branch.step(async () => value)
const results = async (batch) => (await batch).getResults()
/** How the branches end, with what may be tolerated of them, as its members tell it. */
const ending = (words, completion, members) => async (_, context) =>
  told(await context.parallel(branches(words), inTurn(completion)), ...members)

const wrapped = {
  serialize: async (value) => JSON.stringify({ wrapped: value }),
  deserialize: async (text) => JSON.parse(text).wrapped,
}

export const parallels = {
  '8-1': (_, context) =>
    results(context.parallel('parallel', [stepping('task-1'), stepping('task-2')], inTurn())),
  '8-2': (_, context) => results(context.parallel(branches('alpha beta'), inTurn())),
  '8-3': (_, context) => {
    const [first, second] = branches('one two')
    const named = [
      { name: 'first', func: first },
      { name: 'second', func: second },
    ]
    return results(context.parallel('named', named, inTurn()))
  },
  '8-4': (_, context) =>
    results(context.parallel([async () => 'hello', async () => 42, async () => ({ k: 'v' })], inTurn())),
  '8-5': (_, context) => results(context.parallel([], inTurn())),
  '8-6': ending('ok - never', { toleratedFailureCount: 0 }, allCounts),
  '8-7': async (_, context) => {
    const batch = await context.parallel(branches('- never'), inTurn({ toleratedFailureCount: 0 }))
    batch.throwIfError()
  },
  '8-8': ending('a b c d', { minSuccessful: 2 }, ['completionReason', 'successCount', 'totalCount']),
  '8-9': ending('a - c', { toleratedFailureCount: 1 }, allCounts),
  '8-10': ending('- - never', { toleratedFailureCount: 1 }, countsOnly),
  '8-11': (_, context) => results(context.parallel(branches('r0 r1 r2'), { maxConcurrency: 2 })),
  '8-12': (_, context) =>
    results(context.parallel([stepping('fa'), stepping('fb')], { ...inTurn(), nesting: NestingType.FLAT })),
  '8-13': ending('- - never never', { toleratedFailurePercentage: 25 }, countsOnly),
  '8-14': (_, context) => {
    const waiting = async (branch) => {
      await branch.wait({ seconds: 2 })
      return 'b1'
    }
    return results(context.parallel([stepping('b0'), waiting], inTurn()))
  },
  '8-15': (_, context) => results(context.parallel(branches('x y'), { ...inTurn(), itemSerdes: wrapped })),
  '8-16': ending('- - -', { toleratedFailureCount: 3 }, allCounts),
  '8-17': ending('a - c', { minSuccessful: 3 }, allCounts),
  '8-18': ending('- - never never', { minSuccessful: 3, toleratedFailureCount: 1 }, countsOnly),
  '8-19': (_, context) => results(context.parallel(branches('a b'), { maxConcurrency: 0 })),
  '8-20': async (_, context) => {
    const batch = await context.parallel(branches('a - c'), inTurn({ toleratedFailureCount: 1 }))
    return {
      hasFailure: batch.hasFailure,
      successCount: batch.succeeded().length,
      failureCount: batch.failed().length,
      errorCount: batch.getErrors().length,
    }
  },
  '8-21': (_, context) => {
    const inner = (branch) => results(branch.parallel([stepping('i1'), stepping('i2')], inTurn()))
    return results(context.parallel([inner], inTurn()))
  },
  '8-22': ending('- b c d', { toleratedFailurePercentage: 25 }, allCounts),
}
