/** A pool that runs nothing: it keeps what it is handed, and what becomes of it is up to the test. */

import type { Outcome } from '../../src/core/failure.ts'
import type { RequestId } from '../../src/core/ids.ts'
import type { Invocation } from '../../src/engine/invocation.ts'
import type { Pool } from '../../src/engine/pool.ts'
import type { EnvironmentSnapshot } from '../../src/engine/snapshot.ts'
import type { InvokeSettings } from '../../src/gateway/invoke.ts'
import { encoded } from '../../src/http/collect.ts'

export class FakePool {
  readonly invocations: Invocation[] = []
  readonly ids = new Set<RequestId>()
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

  get asPool(): Pool {
    return this as unknown as Pool
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
  functionTimeoutMs: 3000,
  functionVersion: '$LATEST',
  functionArn: 'arn:aws:lambda:eu-central-1:012345678912:function:test_function',
  epoch: () => 1_700_000_000_000,
}
