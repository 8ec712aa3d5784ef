/** A durable function that does what its event says, with AWS's SDK for JavaScript. */
import { appendFileSync } from 'node:fs'
import { StepSemantics, withDurableExecution } from '@aws/durable-execution-sdk-js'

/** Side effects that a case counts. */
function mark(text) {
  appendFileSync(process.env.MARKS, `${text}\n`)
}

const retryOnce = { retryStrategy: (_, attempt) => ({ shouldRetry: attempt < 2, delay: { seconds: 1 } }) }

const acts = {
  async step(_, context) {
    return await context.step('greet', async () => 'hello')
  },
  async nothing() {
    return undefined
  },
  async fail() {
    throw new TypeError('boom')
  },
  async unnamed(_, context) {
    const one = await context.step(async () => 1)
    await context.wait({ seconds: 1 })
    return one
  },
  async flaky(_, context) {
    return await context.step(
      'flaky',
      async () => {
        mark('try')
        if ((await import('node:fs')).readFileSync(process.env.MARKS, 'utf8').split('try').length < 3)
          throw new Error('first fails')
        return 'at last'
      },
      retryOnce,
    )
  },
  async exhausted(_, context) {
    return await context.step(
      'never',
      async () => {
        throw new Error('always')
      },
      retryOnce,
    )
  },
  async renamed(_, context) {
    mark('try')
    const { readFileSync } = await import('node:fs')
    await context.step(`name ${readFileSync(process.env.MARKS, 'utf8').length}`, async () => 1)
    await context.wait({ seconds: 1 })
  },
  async crash(_, context) {
    return await context.step('crashes', async () => {
      mark('try')
      const { readFileSync } = await import('node:fs')
      if (readFileSync(process.env.MARKS, 'utf8').split('try').length < 3) process.exit(3)
      return 'survived'
    })
  },
  async 'crash-once'(_, context) {
    return await context.step(
      'crashes',
      async () => {
        mark('try')
        process.exit(3)
      },
      { semantics: StepSemantics.AtMostOncePerRetry, retryStrategy: () => ({ shouldRetry: false }) },
    )
  },
  async many({ count }, context) {
    for (let index = 0; index < count; index++)
      await context.step(`s${index}`, async () => {
        mark('step')
        return 'x'.repeat(20_000)
      })
    await context.wait('pause', { seconds: 1 })
    return count
  },
  async context(_, context) {
    return await context.runInChildContext(
      'outer',
      async (outer) =>
        await outer.runInChildContext(
          'middle',
          async (middle) =>
            await middle.runInChildContext('inner', async (inner) => {
              const one = await inner.step('deep', async () => 1)
              await inner.wait('rest', { seconds: 1 })
              return one + 1
            }),
        ),
    )
  },
  async 'large-child'(_, context) {
    const child = await context.runInChildContext('large', async (inner) => {
      const text = await inner.step('part', async () => {
        mark('part')
        return 'x'.repeat(200_000)
      })
      return text + text
    })
    await context.wait('pause', { seconds: 1 })
    return child.length
  },
  async parallel(_, context) {
    const results = await context.parallel('both', [
      async (branch) => await branch.step('quick', async () => 1),
      async (branch) => {
        await branch.wait('slow', { seconds: 1 })
        return 2
      },
    ])
    return results.getResults()
  },
  async map({ items }, context) {
    const results = await context.map(
      'all',
      items,
      async (item, value) =>
        await item.step(
          'double',
          async () => {
            if (value === 3) throw new Error('not three')
            return value * 2
          },
          { retryStrategy: () => ({ shouldRetry: false }) },
        ),
      { maxConcurrency: 5, completionConfig: { toleratedFailureCount: 1 } },
    )
    return {
      sum: results.getResults().reduce((sum, value) => sum + value, 0),
      reason: results.completionReason,
      failures: results.failureCount,
    }
  },
  async callback(_, context) {
    const [answer, id] = await context.createCallback('approve', { timeout: { minutes: 5 } })
    mark(`callback ${id}`)
    return JSON.parse(await answer)
  },
  async 'callback-timeout'(_, context) {
    const [answer] = await context.createCallback('approve', { timeout: { seconds: 1 } })
    return await answer
  },
  async submitter(_, context) {
    return JSON.parse(
      await context.waitForCallback('ask', async (id) => mark(`callback ${id}`), {
        timeout: { minutes: 5 },
      }),
    )
  },
  async condition(_, context) {
    return await context.waitForCondition('poll', async (state) => state + 1, {
      initialState: 0,
      waitStrategy: (state) =>
        state >= 2 ? { shouldContinue: false } : { shouldContinue: true, delay: { seconds: 1 } },
    })
  },
  async invoke({ target, input }, context) {
    return await context.invoke('call', target, input)
  },
}

export const handler = withDurableExecution((event, context) => acts[event.do](event, context))
