/**
 * An emulator inside another Bun program, for tests above all:
 *
 *     import { expect, test } from 'bun:test'
 *     import { startEmulator } from 'bun-lambda-rie'
 *
 *     test('greets', async () => {
 *       await using emulator = await startEmulator({ handler: 'functions/greet.handler' })
 *       const result = await emulator.invoke({ name: 'Ada' })
 *       expect(result.error).toBeNull()
 *       expect(result.json()).toEqual({ message: 'Hello, Ada!' })
 *       await emulator.idle()
 *       expect(emulator.output()).toContain('greeting Ada')
 *     })
 *
 * Runtimes and extensions are real processes. None outlives the emulator, nor the program that it runs in. What there
 * is to say and to see is declared in `embed/api.d.ts`.
 */

import { ConfigError, type FunctionConfig } from './config/config.ts'
import type { EmulatedFunction, Emulator, EmulatorOptions, InvokeOptions, PoolState } from './embed/api.d.ts'
import { callback } from './embed/callback.ts'
import { invoke } from './embed/invoke.ts'
import { configOf } from './embed/options.ts'
import { createOutput } from './embed/output.ts'
import { InvokeStreamError, invokeStream } from './embed/stream.ts'
import { composeEmulator, type RunningFunction } from './emulator.ts'
import { isCompiled, selfCommand } from './function-processes.ts'
import { inspectHandler } from './handler/inspect.ts'
import { createLog } from './log/log.ts'
import { createProcesses } from './process/processes.ts'

export type {
  EmulatedFunction,
  Emulator,
  EmulatorOptions,
  FunctionOptions,
  InvokeError,
  InvokeOptions,
  InvokeResult,
  InvokeStream,
  PoolState,
} from './embed/api.d.ts'
export { ConfigError, InvokeStreamError }

const hasStopped = 'the emulator has been stopped'

/** What speaks against the handler, as far as it can be known without running it. */
function whyNotServable({ launch, environment, taskRoot }: FunctionConfig): string | undefined {
  if (launch.kind !== 'handler') return undefined
  return inspectHandler(launch.handler, launch.cwd, environment.LAMBDA_TASK_ROOT || taskRoot).problem
}

/**
 * Starts an emulator on free ports of this machine; it listens when the promise resolves. Rejects with `ConfigError`
 * for options that are wrong, a handler that is not there among them.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const config = configOf(options)
  const several = 'functions' in config
  for (const each of several ? config.functions : [config.function]) {
    const where = several ? `functions.${each.name}.handler` : 'handler'
    if (isCompiled && each.launch.kind === 'handler') {
      throw new ConfigError(`${where}: a compiled program cannot serve one; give the command of a runtime`)
    }
    const problem = whyNotServable(each)
    if (problem !== undefined) throw new ConfigError(`${where}: ${problem}`)
  }
  const { log: write, output: where = 'collect' } = options
  const log = createLog({
    level: config.emulator.logLevel,
    ...(write === undefined ? {} : { destination: { write: callback(write) } }),
  })
  for (const warning of config.warnings) log.warn({}, warning)
  const output = createOutput(where)
  const emulator = composeEmulator(config, {
    // this program's other children are its own to wait for, even if it is PID 1
    processes: createProcesses({
      reap: false,
      self: selfCommand,
      warn: (message) => log.warn({}, message),
    }),
    clock: { now: () => performance.now(), epoch: () => Date.now() },
    sink: { write() {}, flush: output.flush },
    sinkOf: output.sinkOf,
    log,
  })
  let stopped = false
  async function stop(): Promise<void> {
    stopped = true
    await emulator.stop()
    log.flush()
  }
  const call = ((payload: unknown, how: InvokeOptions & { readonly stream?: boolean } = {}) => {
    const unnamed = several && how.functionName === undefined
    const refusal = stopped ? hasStopped : unnamed ? nameOne : null
    if (how.stream === true) {
      if (refusal !== null) throw new Error(refusal)
      return invokeStream(emulator.url, payload, how)
    }
    return refusal === null ? invoke(emulator.url, payload, how) : Promise.reject(new Error(refusal))
  }) as Emulator['invoke']

  /** The same of one of several. */
  function emulated(running: RunningFunction): EmulatedFunction {
    const { name, functionUrl } = running
    return {
      name,
      functionUrl,
      invoke: ((payload: unknown, how: InvokeOptions & { readonly stream?: false } = {}) =>
        call(payload, { ...how, functionName: name })) as Emulator['invoke'],
      output: (environment) => output.text(environment, name),
      ready: () => running.ready(),
      state: () => stateOf(running),
    }
  }
  return {
    url: emulator.url,
    runtimeApi: emulator.runtimeApi,
    functionUrl: emulator.first.functionUrl,
    functions: several ? Object.fromEntries(emulator.functions.map((one) => [one.name, emulated(one)])) : {},
    invoke: call,
    output: (environment) => output.text(environment),
    async ready() {
      await Promise.all(emulator.functions.map((one) => one.ready()))
    },
    idle: () => emulator.idle(),
    state: () => stateOf(emulator.first),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function stateOf({ host }: RunningFunction): PoolState {
  return { ...host.pool.state(), asyncEvents: host.asyncEvents }
}

const nameOne = "several functions run: say which one is meant, as { functionName: 'orders' }"
