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
import type { Emulator, EmulatorOptions, InvokeOptions } from './embed/api.d.ts'
import { callback } from './embed/callback.ts'
import { invoke } from './embed/invoke.ts'
import { configOf } from './embed/options.ts'
import { createOutput } from './embed/output.ts'
import { InvokeStreamError, invokeStream } from './embed/stream.ts'
import { composeEmulator } from './emulator.ts'
import { inspectHandler } from './handler/inspect.ts'
import { isCompiled, selfCommand } from './host.ts'
import { createLog } from './log/log.ts'
import { createProcesses } from './process/processes.ts'

export type {
  Emulator,
  EmulatorOptions,
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
  if (isCompiled && config.function.launch.kind === 'handler') {
    throw new ConfigError('handler: a compiled program cannot serve one; give the command of a runtime')
  }
  const problem = whyNotServable(config.function)
  if (problem !== undefined) throw new ConfigError(`handler: ${problem}`)
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
  const { host } = emulator.first
  let stopped = false
  async function stop(): Promise<void> {
    stopped = true
    await emulator.stop()
    log.flush()
  }
  return {
    url: emulator.url,
    runtimeApi: emulator.runtimeApi,
    functionUrl: emulator.first.functionUrl,
    invoke: ((payload: unknown, how: InvokeOptions & { readonly stream?: boolean } = {}) => {
      if (how.stream === true) {
        if (stopped) throw new Error(hasStopped)
        return invokeStream(emulator.url, payload, how)
      }
      return stopped ? Promise.reject(new Error(hasStopped)) : invoke(emulator.url, payload, how)
    }) as Emulator['invoke'],
    output: output.text,
    ready: () => emulator.first.ready(),
    idle: () => emulator.idle(),
    state: () => ({ ...host.pool.state(), asyncEvents: host.asyncEvents }),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
