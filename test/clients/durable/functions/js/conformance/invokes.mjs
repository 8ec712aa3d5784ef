/** Chained invokes: of `echo` and `fails`, other functions of the same emulator. */
import { caught } from './kit.mjs'

// two texts would be a name and a function
const echoed = (context, input, config) => context.invoke(undefined, 'echo:$LATEST', input, config)
const failed = (context) => context.invoke(undefined, 'fails:$LATEST', null)
const plain = { serialize: async (value) => JSON.stringify(value), deserialize: async (text) => text }

export const invokes = {
  '5-1': (event, context) => echoed(context, event),
  '5-2': ({ name, payload }, context) => context.invoke(name, 'echo:$LATEST', payload),
  '5-3': (event, context) => echoed(context, event),
  '5-4': (_, context) => echoed(context, null),
  '5-5': (_, context) => failed(context),
  '5-6': (_, context) => caught(failed(context), 'fallback'),
  // a durable function is invoked asynchronously: at most 1 MB
  '5-7': async (_, context) => (await echoed(context, 'x'.repeat(900_000))).length,
  '5-8': ({ tenantId, payload }, context) => echoed(context, payload, { tenantId }),
  '5-9': async (_, context) => {
    const value = await echoed(context, 'kept')
    await context.wait({ seconds: 1 })
    return value
  },
  '5-10': async (_, context) => {
    const message = await caught(failed(context))
    await context.wait({ seconds: 1 })
    return message
  },
  '5-11': async (_, context) => echoed(context, await context.step(async () => 'from a step')),
  '5-12': async (_, context) => {
    const value = await echoed(context, 'to a step')
    return await context.step(async () => value)
  },
  '5-13': (_, context) => context.runInChildContext((child) => echoed(child, 'inside')),
  '5-14': async (_, context) => [await echoed(context, 1), await echoed(context, 2)],
  '5-15': ({ data }, context) =>
    echoed(context, data, {
      payloadSerdes: { ...plain, serialize: async (value) => JSON.stringify(value.toUpperCase()) },
    }),
  '5-16': (event, context) =>
    echoed(context, event, { resultSerdes: { ...plain, deserialize: async (text) => text.toUpperCase() } }),
}
