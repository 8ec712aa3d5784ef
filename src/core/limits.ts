/**
 * All limits in one place, with where they come from. AWS's quotas are at
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; shutdown times are at
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html; what no page of AWS says was measured
 * on the service or the reference, and is held by the contract suite.
 */

/** Largest event that a caller may send, in bytes: 6 MiB. */
export const maxRequestBytes = 6 * 1024 * 1024
/** The same for an event whose caller does not wait for the answer: 1 MiB. */
export const maxAsyncRequestBytes = 1024 * 1024
/** The same for the older operation InvokeAsync: 256 KiB. */
export const maxInvokeAsyncBytes = 256 * 1024
/**
 * Most events of one function that wait for an environment or another try, in bytes of their payloads: 64 MiB, our
 * choice.
 */
export const maxWaitingEventBytes = 64 * 1024 * 1024
/** Most such events in number, so that small ones are bounded too: each costs about 1 KB besides its payload. */
export const maxWaitingEvents = 100_000
/** Largest buffered response of a function, in bytes: 6 MiB and 100. */
export const maxResponseBytes = 6 * 1024 * 1024 + 100
/** Largest streamed response of a function, in bytes: 200 MiB. */
export const maxStreamBytes = 200 * 1024 * 1024
/** Largest body of a subscription to telemetry or logs, in bytes: 1 MiB, as the reference. */
export const maxSubscriptionBytes = 1024 * 1024
/** How many invocations that timed out are remembered until their answer comes, as the reference (managed instances). */
export const maxLate = 1000
/** Most extensions in one environment, external and internal together. */
export const maxExtensions = 10

/**
 * Time to shut down, in milliseconds: with internal extensions only, with external ones, the runtime's share of the
 * latter, and how long telemetry may be delivered before the extensions get SHUTDOWN.
 */
export const shutdownBudget = { internal: 500, external: 2000, runtime: 600, flush: 1000 } as const
/**
 * How long the end of a process is waited for, in milliseconds: of one whose upload broke off, as the kernel closes the
 * connections of a dying process before it reports its end; and of a runtime that posted `/init/error`, as it may have
 * something to print.
 */
export const exitWaitMs = { upload: 100, initError: 300 } as const
/** How long processes are waited for after SIGKILL, in milliseconds: one in uninterruptible sleep ignores it. */
export const killWaitMs = 2000
/**
 * How long an invocation waits for an environment that is about to be free before another one is made, in milliseconds.
 */
export const patienceMs = 100
/** How long no environment is made after one could not be made, in milliseconds. */
export const recoveryMs = 1000
