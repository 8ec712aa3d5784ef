/** A function that runs nothing: it keeps what it is handed, and what becomes of it is up to the test. */

import type { Outcome } from '../../src/core/failure.ts'
import type { RequestId } from '../../src/core/ids.ts'
import type { Acceptance } from '../../src/engine/async-events.ts'
import type { EventRequest } from '../../src/engine/event-invocation.ts'
import type { Invocation } from '../../src/engine/invocation.ts'
import type { Failure } from '../../src/engine/last-failure.ts'
import type { EnvironmentSnapshot } from '../../src/engine/snapshot.ts'
import type { InvokeSettings } from '../../src/gateway/invoke.ts'
import type { ServedFunction } from '../../src/gateway/served.ts'
import { encoded } from '../../src/http/collect.ts'

export class FakePool {
  readonly invocations: Invocation[] = []
  readonly ids = new Set<RequestId>()
  /** what came for nobody who waits */
  readonly events: EventRequest[] = []
  acceptance: Acceptance = 'accepted'
  readonly name = 'test_function'
  readonly limits = { maxEnvironments: 2, maxQueue: 7 }
  asyncEvents = { waiting: 0, waitingBytes: 0 }
  lastFailure: { readonly value: Failure | null } = { value: null }
  readonly arn = 'arn:aws:lambda:eu-central-1:012345678912:function:test_function'
  version = '$LATEST'
  readonly timeoutMs = 3000
  readonly managed = false
  /** what is done with each invocation as it comes */
  run: (invocation: Invocation) => void = (invocation) => answer(invocation, ok())

  has(id: RequestId): boolean {
    return this.ids.has(id)
  }

  invoke(invocation: Invocation): void {
    this.invocations.push(invocation)
    this.run(invocation)
  }

  /** Nothing runs, so there are no environments. */
  snapshot(): EnvironmentSnapshot[] {
    return []
  }

  get waiting(): number {
    return 0
  }

  get draining(): boolean {
    return false
  }

  get first(): Invocation {
    const [invocation] = this.invocations
    if (invocation === undefined) throw new Error('nothing was invoked')
    return invocation
  }

  accept(event: EventRequest): Acceptance {
    if (this.acceptance === 'accepted') this.events.push(event)
    return this.acceptance
  }

  get served(): ServedFunction {
    return Object.assign(this, { pool: this, durable: null }) as unknown as ServedFunction
  }
}

export const ok = (): Outcome => ({ kind: 'response', payload: encoded('"ok"'), contentType: null })

const report = {
  verdict: { status: 'success', errorType: null },
  durationMs: 1,
  initMs: null,
  memoryBytes: 0,
} as const

/** An invocation that runs and comes to this. */
export function answer(invocation: Invocation, outcome: Outcome, tail: string | null = null): void {
  invocation.startedAt = 1
  invocation.settle(outcome)
  invocation.over?.(tail === null ? null : new TextEncoder().encode(tail), report)
}

export const invokeOptions: InvokeSettings = {
  dialect: 'auto',
  epoch: () => 1_700_000_000_000,
}
