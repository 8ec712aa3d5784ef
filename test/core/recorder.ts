/** Effects as plain data: what the rules report, written down. */

import type { Effects, PlatformRecord, Reply, TimerName } from '../../src/core/effect.ts'
import type { Outcome, ProcessName } from '../../src/core/failure.ts'
import type { ApiCallId, RequestId } from '../../src/core/ids.ts'
import { type Event, type LifecycleState, step, type Table } from '../../src/core/lifecycle.ts'
import { type Mode, onDemand } from '../../src/core/mode.ts'

export type Effect =
  | { readonly do: 'discover' | 'release-processes' }
  | { readonly do: 'spawn'; readonly process: ProcessName }
  | { readonly do: 'signal'; readonly process: ProcessName; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly do: 'reply'; readonly call: ApiCallId; readonly reply: Reply }
  | {
      readonly do: 'settle' | 'end-answer' | 'break-answer'
      readonly id: RequestId
      readonly outcome: Outcome
    }
  | { readonly do: 'begin-answer'; readonly id: RequestId; readonly contentType: string }
  | { readonly do: 'arm-deadline' | 'disarm-deadline' | 'finish' | 'give-back'; readonly id: RequestId }
  | { readonly do: 'fail-waiting'; readonly outcome: Outcome }
  | { readonly do: 'arm'; readonly timer: TimerName; readonly ms?: number }
  | { readonly do: 'flush'; readonly ms: number }
  | { readonly do: 'disarm'; readonly timer: TimerName }
  | { readonly do: 'record'; readonly record: PlatformRecord }

export class Recorder implements Effects {
  readonly effects: Effect[] = []

  discover(): void {
    this.effects.push({ do: 'discover' })
  }
  spawn(process: ProcessName): void {
    this.effects.push({ do: 'spawn', process })
  }
  signal(process: ProcessName, signal: 'SIGTERM' | 'SIGKILL'): void {
    this.effects.push({ do: 'signal', process, signal })
  }
  releaseProcesses(): void {
    this.effects.push({ do: 'release-processes' })
  }
  reply(call: ApiCallId, reply: Reply): void {
    this.effects.push({ do: 'reply', call, reply })
  }
  settle(id: RequestId, outcome: Outcome): void {
    this.effects.push({ do: 'settle', id, outcome })
  }
  giveBack(id: RequestId): void {
    this.effects.push({ do: 'give-back', id })
  }
  failWaiting(outcome: Outcome): void {
    this.effects.push({ do: 'fail-waiting', outcome })
  }
  beginAnswer(id: RequestId, contentType: string): void {
    this.effects.push({ do: 'begin-answer', id, contentType })
  }
  endAnswer(id: RequestId, outcome: Outcome): void {
    this.effects.push({ do: 'end-answer', id, outcome })
  }
  breakAnswer(id: RequestId, outcome: Outcome): void {
    this.effects.push({ do: 'break-answer', id, outcome })
  }
  armDeadline(id: RequestId): void {
    this.effects.push({ do: 'arm-deadline', id })
  }
  disarmDeadline(id: RequestId): void {
    this.effects.push({ do: 'disarm-deadline', id })
  }
  arm(timer: TimerName, ms?: number): void {
    this.effects.push(ms === undefined ? { do: 'arm', timer } : { do: 'arm', timer, ms })
  }
  disarm(timer: TimerName): void {
    this.effects.push({ do: 'disarm', timer })
  }
  flush(ms: number): void {
    this.effects.push({ do: 'flush', ms })
  }
  record(record: PlatformRecord): void {
    this.effects.push({ do: 'record', record })
  }
  finish(id: RequestId): void {
    this.effects.push({ do: 'finish', id })
  }
}

/** One event through the rules: the state that follows, and the effects in their order. */
export function play(
  state: LifecycleState,
  event: Event,
  mode: Mode = onDemand,
  table?: Table,
): readonly [LifecycleState, ...Effect[]] {
  const recorder = new Recorder()
  const next = step(state, event, recorder, mode, table)
  return [next, ...recorder.effects]
}

/** A state of its own for whoever changes it. */
export function copy<S extends LifecycleState>(state: S): S {
  const all: LifecycleState = { ...state }
  if ('polls' in all)
    Object.assign(all, { polls: [...all.polls], extensions: all.extensions.map((one) => ({ ...one })) })
  if (all.phase === 'starting' || all.phase === 'restoring') Object.assign(all, { waiting: [...all.waiting] })
  if (all.phase === 'serving') {
    Object.assign(all, { inflight: all.inflight.map((one) => ({ ...one })), late: [...all.late] })
  }
  return all as S
}
