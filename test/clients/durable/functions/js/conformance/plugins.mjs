/** Instrumentation plugins, which write what they are told of. */
import { failing, flaky, never, retry } from './kit.mjs'

const greeted = (event, context) =>
  context.step(async (step) => {
    step.logger.info(`Greeting step running for: ${event}`)
    return `Hello, ${event}!`
  })

export const watched = {
  '10-1': greeted,
  '10-2': greeted,
  '10-3': (_, context) => context.step(flaky(1, 'Operation succeeded'), retry(2)),
  '10-4': greeted,
  '10-5': greeted,
  '10-6': (_, context) => context.wait({ seconds: 2 }),
  '10-7': (_, context) => context.step(failing, never),
}

/** A plugin with all hooks; of operations it tells of steps only. */
function plugin(name, hooks, after = () => {}) {
  let durableExecutionArn
  const tell = (hook, more) => {
    if (!hooks.includes(hook)) return
    process.stdout.write(`${JSON.stringify({ plugin: name, hook, ...more, durableExecutionArn })}\n`)
    after()
  }
  const ofStep = ({ type }, hook, more) => {
    if (type === 'STEP') tell(hook, more)
  }
  return {
    async onInvocationStart({ executionArn, isFirstInvocation }) {
      durableExecutionArn = executionArn
      tell('invocation-start', { first: isFirstInvocation })
    },
    async onInvocationEnd({ status }) {
      tell('invocation-end', { status })
    },
    async onOperationStart(info) {
      ofStep(info, 'operation-start', { op: info.id })
    },
    async onOperationEnd(info) {
      ofStep(info, 'operation-end', { op: info.id, status: info.status })
    },
    async onOperationAttemptStart(info) {
      ofStep(info, 'attempt-start', { n: info.attempt, op: info.id })
    },
    async onOperationAttemptEnd(info) {
      ofStep(info, 'attempt-end', { n: info.attempt, outcome: info.outcome, op: info.id })
    },
  }
}

const invocations = ['invocation-start', 'invocation-end']
const operations = ['operation-start', 'operation-end']
const attempts = ['attempt-start', 'attempt-end']
const throwing = () => {
  throw new Error('a plugin that fails')
}

/** The plugins of one case. */
export function pluginsOf(name) {
  switch (name) {
    case '10-1':
    case '10-6':
    case '10-7':
      return [plugin('CONFPLUGIN', invocations)]
    case '10-2':
      return [plugin('CONFPLUGIN', operations)]
    case '10-3':
      return [plugin('CONFPLUGIN', attempts)]
    case '10-4':
      return [plugin('CONFPLUGIN-FAULTY', [...invocations, ...operations, ...attempts], throwing)]
    case '10-5':
      return [plugin('CONFPLUGIN-A', invocations), plugin('CONFPLUGIN-B', invocations)]
    default:
      return []
  }
}
