/** Child contexts. */
import { caught, count, failing, flaky, never, recorded, retry } from './kit.mjs'

const same = (event) => async () => event
/** A child context with one step. */
const one = (event, context) => context.runInChildContext((child) => child.step(same(event)))
const shouting = {
  serialize: async (value) => value?.toUpperCase(),
  deserialize: async (text) => text,
}
const stepAndWait = (event) => async (child) => {
  const value = await child.step(same(event))
  await child.wait({ seconds: 1 })
  return value
}

export const children = {
  '3-1': one,
  '3-2': ({ name, value }, context) => context.runInChildContext(name, (child) => child.step(same(value))),
  '3-3': (event, context) =>
    context.runInChildContext('child', async (child) => {
      const first = await child.step(same(event))
      return await child.step(same(first))
    }),
  '3-4': (_, context) => context.runInChildContext('child', (child) => child.step(failing, never)),
  '3-5': async (event, context) => {
    await caught(context.runInChildContext((child) => child.step(failing, never)))
    return await context.step(same(event))
  },
  '3-6': (event, context) =>
    context.runInChildContext('outer', async (outer) => {
      await outer.step(same(event))
      return await outer.runInChildContext('inner', (inner) => inner.step(same(event)))
    }),
  '3-7': (event, context) =>
    context.runInChildContext('child', (child) => child.step(flaky(1, event), retry(2))),
  '3-8': (_, context) => context.runInChildContext('child', (child) => child.step(failing, retry(2))),
  '3-9': async (event, context) => {
    const value = await one(event, context)
    await context.wait({ seconds: 1 })
    return value
  },
  '3-10': (event, context) => context.runInChildContext('child', stepAndWait(event)),
  '3-11': async (event, context) => {
    const large = await context.runInChildContext('child', async (child) => {
      child.configureLogger({ modeAware: false })
      child.logger.info(event)
      return (await child.step(async () => 'x')).repeat(300_000)
    })
    await context.wait({ seconds: 1 })
    return large.length
  },
  '3-12': (event, context) =>
    context.runInChildContext((child) =>
      child.step(async () => {
        if (count('crash') > 1) return event
        await recorded(context, 'StepStarted')
        process.exit(1)
      }),
    ),
  '3-13': async (event, context) => {
    const value = await context.runInChildContext('child', async (child) => {
      await child.wait({ seconds: 1 })
      return event
    })
    return await context.step(same(value))
  },
  '3-14': (event, context) =>
    context.runInChildContext('child', (child) => child.step(same(event)), { serdes: shouting }),
  '3-15': (_, context) => context.runInChildContext('child', failing),
  '3-16': (_, context) => context.runInChildContext('child', async () => null),
  '3-17': async (event, context) => {
    const value = await context.runInChildContext('child', async (child) => {
      child.configureLogger({ modeAware: false })
      child.logger.info(event)
      return event
    })
    await context.wait({ seconds: 1 })
    return value
  },
  '3-18': async (event, context) => {
    await context.runInChildContext('child', stepAndWait(event))
    const value = await context.step(same(event))
    await context.wait({ seconds: 1 })
    return value
  },
}
