/**
 * What differs between the ways in which Lambda runs a function, as data. The rules are the same for all; each field is
 * read in one place, which its comment names.
 */

/** What extensions register for. */
export type EventName = 'INVOKE' | 'SHUTDOWN'

export interface Mode {
  /** Most invocations in flight in one environment. (`freeSlots` in state.ts) */
  readonly concurrency: number
  /**
   * When an invocation is over, and its slot free: when the runtime and every extension that got it have asked for the
   * next event, or when the response is there. (`finishIfOver` in ending.ts)
   */
  readonly overWhen: 'polled' | 'responded'
  /**
   * The runtime asks for one event at a time. So if it asks before it has answered it has lost the event, and gets it
   * again; and if it asks after an upload that broke off it lives. (`runtimeNext` in serving.ts)
   */
  readonly singlePoller: boolean
  /** The events for which an external extension may register. (`register` in extensions.ts) */
  readonly extensionEvents: readonly EventName[]
  /** After a timeout all processes are stopped, or only the caller is answered. (`deadline` in serving.ts) */
  readonly afterTimeout: 'restart' | 'go on'
}

/** One invocation at a time, as Lambda has run functions from its beginning. */
export const onDemand: Mode = {
  concurrency: 1,
  overWhen: 'polled',
  singlePoller: true,
  extensionEvents: ['INVOKE', 'SHUTDOWN'],
  afterTimeout: 'restart',
}
