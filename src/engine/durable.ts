/** Durable functions as their callers reach them, whoever runs their executions. */

/** What a run came to. */
export interface RunOutcome {
  readonly succeeded: boolean
  readonly result: string | null
  readonly error: {
    readonly ErrorMessage?: string
    readonly ErrorType?: string
    readonly StackTrace?: readonly string[]
  } | null
}

export interface StartRequest {
  /** null: one is made up */
  readonly name: string | null
  readonly input: string
  /** the caller waits for the result */
  readonly synchronous: boolean
  /** of the caller's request: that of the first invocation */
  readonly requestId: string
  readonly traceId: string
  readonly tenantId: string | null
}

/** A run that began, or had begun by this name and with this input; `taken`: with another one. */
export type StartedRun =
  | {
      readonly kind: 'started'
      readonly arn: string
      /** Calls back once with its end; null: the emulator stops before. */
      wait(ended: (outcome: RunOutcome | null) => void): void
    }
  | { readonly kind: 'taken'; readonly arn: string }

export interface RunCounts {
  readonly open: number
  /** those that are kept */
  readonly closed: number
  /** of payloads, errors and names */
  readonly bytes: number
  /** how many have ended since the start, by their status */
  readonly ended: Readonly<Record<string, number>>
}

/** A function whose invocations are runs. */
export interface DurableFunction {
  /** null: no limit */
  readonly executionTimeoutSeconds: number | null
  start(request: StartRequest): StartedRun
  /** What there is of its executions now. */
  readonly counts: RunCounts
}
