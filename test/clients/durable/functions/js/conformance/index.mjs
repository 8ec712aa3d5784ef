/** Handlers for AWS's conformance cases, each written after the words of its case; `CASE` says which is served. */
import { withDurableExecution } from '@aws/durable-execution-sdk-js'
import { callbacks } from './callbacks.mjs'
import { children } from './children.mjs'
import { conditions } from './conditions.mjs'
import { invokes } from './invokes.mjs'
import { maps } from './maps.mjs'
import { parallels } from './parallels.mjs'
import { pluginsOf, watched } from './plugins.mjs'
import { steps } from './steps.mjs'

const cases = {
  ...steps,
  ...children,
  ...callbacks,
  ...invokes,
  ...conditions,
  ...parallels,
  ...maps,
  ...watched,
}

export const names = Object.keys(cases)
const { CASE } = process.env
export const handler = withDurableExecution((event, context) => cases[CASE](event, context), {
  plugins: pluginsOf(CASE),
})

// What the handlers of chained invokes invoke. They wait first: the invocation of who invoked them has ended by then.
export const echo = withDurableExecution(async (event, context) => {
  await context.wait({ seconds: 1 })
  return event
})
export const fails = withDurableExecution(async (_, context) => {
  await context.wait({ seconds: 1 })
  throw new Error('it fails')
})
