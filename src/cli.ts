/** The emulator as a program: command line and environment in, exit code out. */

import { writeSync } from 'node:fs'
import { ConfigError, parseConfig } from './config/config.ts'
import { composeEmulator, type Emulator } from './emulator.ts'
import { SAMPLE_HANDLER } from './handler/command.ts'
import { isCompiled } from './host.ts'
import { ListenError } from './listen.ts'
import { createLog, stderrIsTerminal } from './log/log.ts'
import { systemProbe, whyNotRunnable } from './process/bootstrap.ts'
import { createProcesses } from './process/processes.ts'
import { forceRequested, stopRequested } from './signals.ts'
import { openSink } from './telemetry/sink.ts'

/** Runs until a signal ends it. 0 after SIGTERM or SIGINT, 2 for what the user got wrong. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let config: ReturnType<typeof parseConfig>
  try {
    config = parseConfig(argv, env, systemProbe, isCompiled ? undefined : SAMPLE_HANDLER)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`aws-lambda-rie: ${error.message}\n`)
    return error.exitCode
  }
  if ('text' in config) {
    process.stdout.write(config.text)
    return 0
  }
  const log = createLog({ level: config.emulator.logLevel, holdMs: 25 })
  // One request or one child must never end the emulator; what comes here is a bug of ours, and is said.
  process.on('uncaughtException', (error) => log.error({ error: error.stack }, 'unexpected error'))
  process.on('unhandledRejection', (error) => log.error({ error: String(error) }, 'unexpected rejection'))
  for (const warning of config.warnings) log.warn({}, warning)

  const processes = createProcesses({ warn: (message) => log.warn({}, message) })
  let emulator: Emulator
  try {
    emulator = composeEmulator(config, {
      processes,
      clock: { now: () => performance.now(), epoch: () => Date.now() },
      sink: openSink(1, { warn: (message) => log.warn({}, message) }),
      log,
    })
  } catch (error) {
    if (!(error instanceof ListenError)) throw error
    process.stderr.write(`aws-lambda-rie: ${error.message}\n`)
    return error.exitCode
  }
  const { launch, environment } = config.function
  if (launch.kind === 'command') {
    const [command] = launch.argv
    const reason = whyNotRunnable(command, launch.cwd, environment.PATH)
    if (reason !== null)
      log.error({ command, reason }, 'the command cannot be run; every invocation will say so')
  }
  log.info({ gateway: emulator.gateway, runtimeApi: emulator.runtimeApi }, 'listening')
  if (launch.kind === 'handler' || stderrIsTerminal()) greet(emulator)

  const signal = await stopRequested
  log.info({ signal }, 'shutting down')
  await emulator.stop(forceRequested)
  log.flush()
  return 0
}

/** A line to paste for the first request. */
function greet({ gateway }: Emulator): void {
  const address = gateway.replace('127.0.0.1', 'localhost')
  writeSync(
    2,
    `Invoke it with:\n  curl -XPOST http://${address}/2015-03-31/functions/function/invocations -d '{"name":"world"}'\n`,
  )
}
