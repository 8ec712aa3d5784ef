import { describe, expect, test } from 'bun:test'
import type { SubscribeRequest, SubscribeResult, TelemetryPort } from '../../src/engine/ports.ts'
import { next } from '../engine/fakes.ts'
import { until } from '../harness.ts'
import { listening } from './stage.ts'

const json = 'application/json'

const paths = { telemetry: '/2022-07-01/telemetry', logs: '/2020-08-15/logs' } as const

/** Subscriptions that say what they are told to, and keep what they were asked. */
function subscriptions(result: SubscribeResult | 'ask' = 'ask', asks: 'at once' | 'slowly' = 'at once') {
  const asked: SubscribeRequest[] = []
  const { promise: looked, resolve: look } = Promise.withResolvers<void>()
  const port: TelemetryPort = {
    async subscribe(request) {
      asked.push(request)
      if (asks === 'slowly') await looked
      if (result !== 'ask') return result
      return request.accept() ? { kind: 'subscribed', types: ['platform'] } : { kind: 'refused' }
    },
    async flush() {},
  }
  return { asked, port, look }
}

async function registered(telemetry: TelemetryPort) {
  const staged = listening({ discover: () => ['watch'] }, { telemetry })
  staged.environment.dispatch({ type: 'start' })
  const answer = await staged.post('/2020-01-01/extension/register', '{"events":["INVOKE"]}', {
    'Lambda-Extension-Name': 'watch',
  })
  const id = answer.headers.get('Lambda-Extension-Identifier') as string
  const subscribe = (api: 'telemetry' | 'logs', body = '{}', identifier = id) =>
    staged.fetch(paths[api], {
      method: 'PUT',
      body,
      headers: identifier === '' ? {} : { 'Lambda-Extension-Identifier': identifier },
    })
  /** The runtime and the extension ask for their first event. */
  const initialised = async (): Promise<void> => {
    next(staged.environment)
    const headers = { 'Lambda-Extension-Identifier': id }
    staged.fetch('/2020-01-01/extension/event/next', { headers }).catch(() => {})
    await until('the end of init', () => staged.environment.state.phase === 'serving' || undefined)
  }
  return { ...staged, id, subscribe, initialised }
}

const said = async (answer: Promise<Response>): Promise<unknown> => {
  const { status, headers, ...rest } = await answer.then(async (one) => ({
    status: one.status,
    headers: one.headers,
    text: await one.text(),
  }))
  return [status, headers.get('content-type'), rest.text]
}

const refused = (status: number, type: string, message: string) => [
  status,
  json,
  `${JSON.stringify({ errorMessage: message, errorType: type })}\n`,
]

describe.each(['telemetry', 'logs'] as const)('%s', (api) => {
  test('answers OK, and the subscription is an event of the environment', async () => {
    const { asked, port } = subscriptions()
    await using staged = await registered(port)
    expect(await said(staged.subscribe(api, '{"a":"é"}'))).toEqual([200, 'text/plain; charset=utf-8', '"OK"'])
    expect(asked).toMatchObject([{ api, name: 'watch', body: '{"a":"é"}' }])
    expect(staged.log).toContain(`SUBSCRIBED ${api} watch platform`)
  })

  test('takes the address with a slash at its end, as AWS documents it', async () => {
    const { port } = subscriptions()
    await using staged = await registered(port)
    const headers = { 'Lambda-Extension-Identifier': staged.id }
    const answer = await staged.fetch(`${paths[api]}/`, { method: 'PUT', body: '{}', headers })
    expect(answer.status).toBe(200)
  })

  test('refuses who is nobody before it reads what they want', async () => {
    const { asked, port } = subscriptions()
    await using staged = await registered(port)
    const stranger = '6f1d3b1e-4a5c-4c39-9d0f-0a1b2c3d4e5f'
    expect([
      await said(staged.subscribe(api, '{}', '')),
      await said(staged.subscribe(api, '{}', 'nobody')),
      await said(staged.subscribe(api, '{}', stranger)),
    ]).toEqual([
      refused(403, 'Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header'),
      refused(403, 'Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier'),
      refused(403, 'Extension.UnknownExtensionIdentifier', `Unknown extension ${stranger}`),
    ])
    expect(asked).toEqual([])
  })

  test('says what is wrong with a subscription, in valid JSON', async () => {
    const { port } = subscriptions({ kind: 'invalid', message: 'no "types"' })
    await using staged = await registered(port)
    expect(await said(staged.subscribe(api))).toEqual(refused(400, 'ValidationError', 'no "types"'))
  })

  test('refuses a body over 1 MiB', async () => {
    const { asked, port } = subscriptions()
    await using staged = await registered(port)
    expect(await said(staged.subscribe(api, 'x'.repeat(1024 * 1024 + 1)))).toEqual(
      refused(400, 'ValidationError', 'Failed to read request body: larger than 1048576 bytes'),
    )
    expect(asked).toEqual([])
  })

  const name = api === 'logs' ? 'Logs' : 'Telemetry'
  const closed = refused(403, `${name}.SubscriptionClosed`, `${name} API subscription is closed`)

  test('is closed once init has ended', async () => {
    const { port } = subscriptions()
    await using staged = await registered(port)
    await staged.initialised()
    expect(await said(staged.subscribe(api))).toEqual(closed)
  })

  test('is closed if init ends while the subscription is looked at', async () => {
    const { asked, port, look } = subscriptions('ask', 'slowly')
    await using staged = await registered(port)
    const pending = said(staged.subscribe(api))
    await until('the subscription', () => asked[0])
    await staged.initialised()
    look()
    expect(await pending).toEqual(closed)
    expect(staged.log.filter((line) => line.startsWith('SUBSCRIBED'))).toEqual([])
  })
})
