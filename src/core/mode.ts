/**
 * What differs between the ways in which Lambda runs a function, as data. The rules are the same for all; each field
 * names where it is read.
 */

/** What extensions register for. */
export type EventName = 'INVOKE' | 'SHUTDOWN'

export interface Mode {
  /** Most invocations in flight in one environment. (`freeSlots` and `room` in state.ts) */
  readonly concurrency: number
  /**
   * When an invocation is over, and its slot free: when the runtime and every extension that got it have asked for the
   * next event, or when the response is there. (`finishIfOver` in ending.ts)
   */
  readonly overWhen: 'polled' | 'responded'
  /**
   * The runtime asks for one event at a time. So the environment itself is the slot, with or without a parked poll
   * (`freeSlots` in state.ts, `serve` in enter.ts); if it asks before it has answered it has lost the event, and gets it
   * again; if it asks after an upload that broke off it lives. (`runtimeNext` in serving.ts) With several pollers, each
   * parked poll is a slot.
   */
  readonly singlePoller: boolean
  /** The events for which external and internal extensions may register. (`register` in extensions.ts) */
  readonly externalEvents: readonly EventName[]
  readonly internalEvents: readonly EventName[]
  /** Extensions name the type of the error that they report; otherwise the call does. (reports.ts) */
  readonly extensionErrors: 'as reported' | 'by call'
  /** After a timeout all processes are stopped, or only the caller is answered. (`deadline` in serving.ts) */
  readonly afterTimeout: 'restart' | 'go on'
  /** How a second answer is refused while the first one is being read. (`notAnswerable` in answering.ts) */
  readonly secondAnswer: 'InvalidStateTransition' | 'InvalidRequestID'
  /**
   * After an init that failed: another one inside the invocation that waits, under its function timeout; another one on
   * its own, with the limit of init; or none. (`afterFailure` in enter.ts)
   */
  readonly retry: 'invoke' | 'init' | 'none'
}

/** One invocation at a time, as Lambda has run functions from its beginning. */
export const onDemand: Mode = {
  concurrency: 1,
  overWhen: 'polled',
  singlePoller: true,
  externalEvents: ['INVOKE', 'SHUTDOWN'],
  internalEvents: ['INVOKE'],
  extensionErrors: 'by call',
  afterTimeout: 'restart',
  secondAnswer: 'InvalidStateTransition',
  retry: 'invoke',
}

/**
 * Lambda Managed Instances: several invocations in one environment, at most `concurrency` of them, as many as the
 * runtime has polls parked. https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html
 */
export const managedInstances = (concurrency: number): Mode => ({
  concurrency,
  overWhen: 'responded',
  singlePoller: false,
  externalEvents: ['SHUTDOWN'],
  internalEvents: [],
  extensionErrors: 'as reported',
  afterTimeout: 'go on',
  secondAnswer: 'InvalidRequestID',
  retry: 'init',
})

/** The same mode where the end of a process is the end of the emulator: an init that fails is not tried again. */
export const withoutRetry = (mode: Mode): Mode => ({ ...mode, retry: 'none' })
