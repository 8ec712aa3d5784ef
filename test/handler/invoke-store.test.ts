/** The store of a Managed Instance: which invocation the running code belongs to. */
import { afterEach, expect, test } from 'bun:test'
import { openInvokeStore } from '../../src/handler/invoke-store.ts'

interface Store {
  get(key: string): unknown
  set(key: string | symbol, value: unknown): void
  hasContext(): boolean
  getRequestId(): string
  getXRayTraceId(): unknown
  getTenantId(): unknown
}

const scope = globalThis as { awslambda?: { InvokeStore?: Store } }
const before = scope.awslambda
afterEach(() => {
  if (before === undefined) delete scope.awslambda
  else scope.awslambda = before
})

const installed = (): Store => {
  const store = scope.awslambda?.InvokeStore
  if (store === undefined) throw new Error('no awslambda.InvokeStore')
  return store
}

test('each of two invocations that run at a time has its own ids and values', async () => {
  const { current, run } = openInvokeStore({})
  const store = installed()
  const both = Promise.withResolvers<void>()
  let inside = 0
  const work = async (value: string) => {
    store.set('value', value)
    inside += 1
    if (inside === 2) both.resolve()
    await both.promise
    return [store.getRequestId(), store.getXRayTraceId(), store.getTenantId(), store.get('value'), current()]
  }
  const first = run({ requestId: 'one', tenantId: 'red' }, 'Root=1', () => work('a'))
  const second = run({ requestId: 'two', tenantId: undefined }, undefined, () => work('b'))
  expect(await first).toEqual(['one', 'Root=1', 'red', 'a', { requestId: 'one', tenantId: 'red' }])
  expect(await second).toEqual(['two', undefined, undefined, 'b', { requestId: 'two', tenantId: undefined }])
})

test('outside of an invocation there are no ids, and nothing can be kept', () => {
  const { current } = openInvokeStore({})
  const store = installed()
  expect([current(), store.hasContext(), store.getRequestId()]).toEqual([undefined, false, '-'])
  expect(() => store.set('value', 1)).toThrow('No context available')
})

test('a function cannot change the ids', () => {
  const { run } = openInvokeStore({})
  const store = installed()
  run({ requestId: 'one', tenantId: undefined }, undefined, () => {
    expect(() => store.set(Symbol.for('_AWS_LAMBDA_REQUEST_ID'), 'two')).toThrow(
      'Cannot modify protected Lambda context field',
    )
    expect(store.getRequestId()).toBe('one')
  })
})

test('there is no global where the environment says so, and what was there stays', () => {
  scope.awslambda = { kept: true } as object
  openInvokeStore({ AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA: 'true' })
  expect(scope.awslambda).toEqual({ kept: true } as object)
  openInvokeStore({})
  expect(Object.keys(scope.awslambda as object)).toEqual(['kept', 'InvokeStore'])
})
