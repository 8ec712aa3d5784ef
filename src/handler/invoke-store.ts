/**
 * Which invocation the running code belongs to, where several run at a time: the global `awslambda.InvokeStore` that
 * AWS's client for Node.js installs and that the AWS SDK and Powertools for AWS Lambda read
 * (https://www.npmjs.com/package/@aws/lambda-invoke-store).
 *
 * Loaded in a Managed Instance only.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import type { LogScope } from './console.ts'

/** What is known of an invocation; `set` adds what a function or its libraries keep there. */
type InvokeContext = Record<string | symbol, unknown>

const requestIdKey = Symbol.for('_AWS_LAMBDA_REQUEST_ID')
const traceIdKey = Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID')
const tenantIdKey = Symbol.for('_AWS_LAMBDA_TENANT_ID')
const traceparentKey = Symbol.for('_AWS_LAMBDA_TRACEPARENT')
const tracestateKey = Symbol.for('_AWS_LAMBDA_TRACESTATE')
const baggageKey = Symbol.for('_AWS_LAMBDA_BAGGAGE')
const protectedKeys: ReadonlySet<string | symbol> = new Set([
  requestIdKey,
  traceIdKey,
  tenantIdKey,
  traceparentKey,
  tracestateKey,
  baggageKey,
])

/** The store, with the methods of the package. Outside of an invocation there is no context. */
export class InvokeStore {
  readonly #contexts = new AsyncLocalStorage<InvokeContext>()

  getContext(): InvokeContext | undefined {
    return this.#contexts.getStore()
  }

  hasContext(): boolean {
    return this.getContext() !== undefined
  }

  get(key: string | symbol): unknown {
    return this.getContext()?.[key]
  }

  /** Throws for the keys of the runtime, and outside of an invocation. */
  set(key: string | symbol, value: unknown): void {
    if (protectedKeys.has(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`)
    }
    const context = this.getContext()
    if (!context) throw new Error('No context available')
    context[key] = value
  }

  run<T>(context: InvokeContext, work: () => T): T {
    return this.#contexts.run(context, work)
  }

  getRequestId(): string {
    return (this.get(requestIdKey) as string | undefined) ?? '-'
  }

  getXRayTraceId(): unknown {
    return this.get(traceIdKey)
  }

  getTenantId(): unknown {
    return this.get(tenantIdKey)
  }

  getTraceparent(): unknown {
    return this.get(traceparentKey)
  }

  getTracestate(): unknown {
    return this.get(tracestateKey)
  }

  getBaggage(): unknown {
    return this.get(baggageKey)
  }
}

/** The store as the runtime client uses it. */
export interface Invocations {
  /** The invocation that the running code belongs to. */
  current(): LogScope | undefined
  /** Runs the work of one invocation, and all that it begins, under its ids. */
  run<T>(scope: LogScope, traceId: string | undefined, work: () => T): T
}

/** Makes the store, and installs it unless the environment says that there should be no global. */
export const openInvokeStore = (env: NodeJS.ProcessEnv): Invocations => {
  const store = new InvokeStore()
  if (!['1', 'true'].includes(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA ?? '')) {
    const scope = globalThis as { awslambda?: object }
    scope.awslambda = { ...scope.awslambda, InvokeStore: store }
  }
  return {
    current() {
      const context = store.getContext()
      if (context === undefined) return undefined
      return { requestId: store.getRequestId(), tenantId: context[tenantIdKey] as string | undefined }
    },
    run: ({ requestId, tenantId }, traceId, work) =>
      store.run(
        { [requestIdKey]: requestId, [traceIdKey]: traceId, ...(tenantId && { [tenantIdKey]: tenantId }) },
        work,
      ),
  }
}
