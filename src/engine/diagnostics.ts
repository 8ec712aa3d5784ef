/** Tells the emulator's own log of what happens to an environment. */

import { type Fault, initTimeoutType, type Payload, runtimeExit } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { InitPhase } from '../core/state.ts'
import { reportedMessage } from './last-failure.ts'
import type { EnvironmentFault, PlatformEvent, PlatformListener } from './platform-event.ts'
import type { Log } from './ports.ts'

/** What the log says of limits, and whether there is anything to say of a runtime that comes and goes. */
export interface DiagnosticsOptions {
  /** the runtime is started by somebody else, and may go */
  readonly attached?: boolean
  readonly functionTimeoutMs?: number
  /** 0 means no limit */
  readonly initTimeoutMs?: number
  /** Reads the document of an init that failed: the error as loggers have it, with the place in the code. */
  readonly explain?: (document: Payload) => object | undefined
}

/** What the rules say of a runtime that ended with 0. */
const cleanExit = runtimeExit({ kind: 'code', code: 0 }).text
/** An init that runs for this long, in milliseconds, is told of. */
const slowInitMs = 3000

export function diagnostics(log: Log, options: DiagnosticsOptions = {}): PlatformListener {
  const { attached = false, functionTimeoutMs = 0, initTimeoutMs = 0 } = options
  const running: RequestId[] = []
  /** the invocation that ended badly just now: its REPORT comes before the fault that ended it */
  let failed: RequestId | undefined
  let slow: ReturnType<typeof setTimeout> | undefined
  let initialising = false
  /** the last failure of an init, so that its repetition is not told at length */
  let last = ''
  let phase: InitPhase = 'init'
  /** a line tells of the failure of this init, which the invocation then tries again */
  let told = false

  function initStarted(): void {
    initialising = true
    if (attached) return
    slow = setTimeout(() => {
      const limit =
        initTimeoutMs === 0 ? {} : { limitSeconds: initTimeoutMs / 1000, option: '--init-timeout' }
      log.info({ seconds: slowInitMs / 1000, ...limit }, 'init is still running')
    }, slowInitMs)
    slow.unref?.()
  }

  function fault(event: EnvironmentFault): void {
    const { process, fault, idle } = event
    if (attached && idle && process === 'runtime') {
      log.info({}, 'the runtime has gone; the next one may come')
      return
    }
    const [id] = idle ? [] : running.length > 0 ? running : [failed]
    failed = undefined
    const message = idle ? 'a process ended while nothing ran' : 'an execution environment failed'
    const reported = reportedMessage(fault)
    const fields = {
      ...(id === undefined || running.length > 1 ? {} : { requestId: id }),
      process: process ?? undefined,
      errorType: fault.errorType,
      reason: reported === undefined ? fault.text : `${fault.text}: ${reported}`,
      ...limitOf(event),
      ...hintOf(event),
    }
    const same = JSON.stringify([fields.process, fields.errorType, fields.reason])
    if (initialising && same === last) {
      const repeated = `${message} again, for the same reason`
      // one line for each invocation, however often it tried
      log[phase === 'init' || told ? 'debug' : 'warn']({ errorType: fault.errorType }, repeated)
    } else {
      told = true
      log.warn({ ...fields, ...explained(fault) }, message)
    }
    if (initialising) last = same
  }

  function explained({ document }: Fault): object {
    const err = document === undefined ? undefined : options.explain?.(document)
    return err === undefined ? {} : { err }
  }

  function limitOf({ fault: { errorType } }: EnvironmentFault): object {
    return errorType === initTimeoutType
      ? { limitSeconds: initTimeoutMs / 1000, option: '--init-timeout' }
      : {}
  }

  function hintOf({ process, fault }: EnvironmentFault): object {
    const early = initialising && process === 'runtime' && fault.text === cleanExit
    return early ? { hint: 'it ended before it asked for an event; is it a runtime client?' } : {}
  }

  function timedOut(id: RequestId): void {
    const limit = {
      limitSeconds: functionTimeoutMs / 1000,
      option: '--timeout',
      variable: 'AWS_LAMBDA_FUNCTION_TIMEOUT',
    }
    log.warn({ requestId: id, ...limit }, 'an invocation timed out')
  }

  return (event: PlatformEvent) => {
    switch (event.type) {
      case 'start':
        running.push(event.id)
        failed = undefined
        return
      case 'answered':
        if (event.outcome.kind === 'timeout') timedOut(event.id)
        return
      case 'report':
        remove(running, event.id)
        if (event.verdict.status !== 'success') failed = event.id
        return
      case 'initStart':
        phase = event.phase
        if (phase === 'init') told = false
        log.debug({ phase }, 'init started')
        initStarted()
        return
      case 'initReport': {
        const { verdict, durationMs } = event
        initialising = false
        clearTimeout(slow)
        if (verdict.status === 'success') last = ''
        log.debug({ phase: event.phase, ...verdict, durationMs }, 'init ended')
        return
      }
      case 'fault':
        fault(event)
        return
      case 'shutdown':
        // new code ends an init without a report
        clearTimeout(slow)
        log.debug({ reason: event.reason }, 'shutdown')
    }
  }
}

/** Mostly the only one. */
export function remove(running: RequestId[], id: RequestId): void {
  const index = running.lastIndexOf(id)
  if (index < 0) return
  if (index === running.length - 1) running.pop()
  else running.splice(index, 1)
}
