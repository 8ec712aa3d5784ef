/** One outcome as both dialects answer it, for those who show it. */

import type { Outcome } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import { type InvokeAnswer, render, type SpokenDialect } from './dialect.ts'
import { headersOf } from './respond.ts'
import { answeredTrace } from './trace.ts'

export interface RenderedHead {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** of the `lambda` dialect, where it is another one than that of the `rie` dialect */
  readonly body?: string
}

export interface RenderOptions {
  readonly id: RequestId
  readonly traceId: string
  /** as executed */
  readonly version: string
  readonly functionTimeoutMs: number
  readonly managed: boolean
}

/** Status, headers and body of a synchronous answer without a log tail. */
export function renderBoth(
  outcome: Outcome,
  options: RenderOptions,
): {
  readonly rie: RenderedHead
  readonly lambda: RenderedHead
  /** of the `rie` dialect */
  readonly body: readonly Uint8Array[]
} {
  const [rie, lambda] = [answer('rie'), answer('lambda')]
  function answer(dialect: SpokenDialect): InvokeAnswer {
    const { id, functionTimeoutMs, managed } = options
    return render(outcome, { dialect, id, timeoutSeconds: functionTimeoutMs / 1000, managed })
  }
  const own = typeof lambda.body === 'string' && lambda.body !== rie.body ? { body: lambda.body } : {}
  return {
    rie: head(rie, options, null),
    lambda: { ...head(lambda, options, answeredTrace(options.traceId, true)), ...own },
    body: typeof rie.body === 'string' ? [new TextEncoder().encode(rie.body)] : (rie.body?.chunks ?? []),
  }
}

function head(answer: InvokeAnswer, { id, version }: RenderOptions, trace: string | null): RenderedHead {
  const fields = headersOf(answer, id, { version, log: null, trace })
  const headers = Array.from(
    { length: fields.length / 2 },
    (_, index) => [fields[2 * index] as string, fields[2 * index + 1] as string] as const,
  )
  return { status: answer.status, headers }
}
