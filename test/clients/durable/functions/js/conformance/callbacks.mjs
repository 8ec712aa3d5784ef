/** Callbacks, by themselves and with a submitter. */
import { caught, parsed, retry } from './kit.mjs'

const submitted = async () => {}
const open = (context, name, config) => context.createCallback(name, config)

export const callbacks = {
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
  '7-1': (event, context) => context.waitForCallback(event, submitted),
  '7-2': (_, context) => context.waitForCallback('approval', submitted),
  '7-3': (_, context) => context.waitForCallback(submitted),
  '7-4': (event, context) => context.waitForCallback(event, submitted),
  '7-5': (event, context) => context.waitForCallback(event, submitted, { timeout: { seconds: 3 } }),
  '7-6': (event, context) => caught(context.waitForCallback(event, submitted), 'recovered'),
  '7-7': (event, context) =>
    context.waitForCallback(
      event,
      async () => {
        throw new Error('nobody to ask')
      },
      retry(2),
    ),
  '7-8': (event, context) =>
    context.runInChildContext('wrapper', (child) => child.waitForCallback(event, submitted)),
  '7-9': async (_, context) => {
    await context.waitForCallback('first', submitted)
    return await context.waitForCallback('second', submitted)
  },
  '7-10': async (event, context) => {
    await context.wait({ seconds: 1 })
    await context.step(async () => 'fixed')
    return await context.waitForCallback(event, submitted)
  },
  '7-11': async (event, context) => {
    const serdes = { deserialize: async (text) => JSON.parse(text) }
    return (await context.waitForCallback(event, submitted, { serdes })).status
  },
  '7-12': (event, context) => context.waitForCallback(event, submitted, { heartbeatTimeout: { seconds: 5 } }),
  '7-13': (event, context) =>
    context.waitForCallback(event, submitted, { heartbeatTimeout: { seconds: 10 } }),
  '7-14': (event, context) =>
    caught(context.waitForCallback(event, submitted, { timeout: { seconds: 3 } }), 'timed-out-handled'),
  '7-15': (event, context) => context.waitForCallback(event, submitted),
}
