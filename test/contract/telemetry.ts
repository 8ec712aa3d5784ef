/** Subscribing to the Telemetry and the Logs API. */
import { expect } from 'bun:test'
import { both, internal, ready, registered, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { refusal, someId } from './facts.ts'
import { logsPath, Subscriber, subscribe, telemetryPath } from './subscriber.ts'

export const watched = { extensions: scriptedExtensions('watcher') }

/** A cold start in which the extension has registered and nothing else has happened. */
export async function starting(rie: Emulator) {
  const call = rie.invoke()
  const { watcher } = await registered(rie, { watcher: both })
  return { call, watcher }
}

export const telemetry = chapter('Telemetry API: subscribing', (it) => {
  for (const [path, name] of [
    [logsPath, 'Logs'],
    [telemetryPath, 'Telemetry'],
  ] as const) {
    const versions =
      name === 'Logs' ? ['2020-08-15', '2021-03-18'] : ['2022-07-01', '2022-12-13', '2025-01-29']

    it(`refuses other methods on the ${name} API`, async ({ start }) => {
      await using rie = await start()
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'PATCH']) {
        const answer = await rie.askApi({ method, path })
        expect([answer.status, answer.text, answer.header('Allow')]).toEqual([405, '', 'PUT'])
      }
    })

    it.external(`answers "OK" to an extension that subscribes to the ${name} API`, async ({ start }) => {
      await using rie = await start(watched)
      await using subscriber = new Subscriber()
      const { watcher } = await starting(rie)
      const schemaVersion = versions[0]
      const answer = await subscribe(rie, watcher.id, subscriber.body({ schemaVersion }), path)
      expect([answer.status, answer.text]).toEqual([200, '"OK"'])
      expect(answer.header('Content-Type')).toStartWith('text/plain')
    })

    for (const version of versions) {
      it.external(`knows schema version ${version} of the ${name} API`, async ({ start }) => {
        await using rie = await start(watched)
        await using subscriber = new Subscriber()
        const { watcher } = await starting(rie)
        await subscriber.subscribe(rie, watcher, { schemaVersion: version }, path)
        const type = name === 'Logs' ? 'platform.logsSubscription' : 'platform.telemetrySubscription'
        expect((await subscriber.one(type)).record).toEqual({
          name: 'watcher',
          state: 'Subscribed',
          types: ['platform', 'function', 'extension'],
        })
      })
    }

    it.external(`tells in the log that an extension subscribed to the ${name} API`, async ({ start }) => {
      await using rie = await start(watched)
      await using subscriber = new Subscriber()
      const { watcher } = await starting(rie)
      await subscriber.subscribe(rie, watcher, { types: ['platform', 'function'] }, path)
      await rie.stdout.until(
        new RegExp(
          `^${name.toUpperCase()}\tName: watcher\tState: Subscribed\tTypes: \\[platform,function\\]$`,
          'm',
        ),
      )
    })

    it.external(`closes the ${name} API when init has ended`, async ({ start }) => {
      await using rie = await start(watched)
      await using subscriber = new Subscriber()
      const call = rie.invoke()
      const { watcher } = await ready(rie, { watcher: both })
      await rie.next()
      const body = subscriber.body({ schemaVersion: versions[0] })
      const answer = await subscribe(rie, watcher.id, body, path)
      expect([answer.status, answer.text]).toEqual([
        403,
        refusal(`${name}.SubscriptionClosed`, `${name} API subscription is closed`),
      ])
      const invalid = await subscribe(rie, watcher.id, '{', path)
      expect([invalid.status, JSON.parse(invalid.text).errorType]).toEqual([400, 'ValidationError'])
      call.catch(() => {})
    })

    it.external(
      `looks at the identifier of who subscribes to the ${name} API before the body`,
      async ({ start }) => {
        await using rie = await start(watched)
        await starting(rie)
        for (const [id, type, message] of [
          [null, 'Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header'],
          ['nobody', 'Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier'],
          [someId, 'Extension.UnknownExtensionIdentifier', `Unknown extension ${someId}`],
        ] as const) {
          const answer = await subscribe(rie, id, '{', path)
          expect([answer.status, answer.text]).toEqual([403, refusal(type, message)])
        }
      },
    )
  }

  const whole = {
    schemaVersion: '2022-12-13',
    types: ['platform'],
    destination: { protocol: 'HTTP', URI: 'http://sandbox.localdomain:8080' },
  }
  const invalid: readonly (readonly [what: string, body: unknown, message: string])[] = [
    ['a body that is no JSON', '\x00\x01', 'failed to parse JSON: '],
    ['no body', '', 'failed to parse JSON: '],
    ['no types', { ...whole, types: [] }, 'schema validation error: types should not be empty'],
    ['an unknown type', { ...whole, types: ['logs'] }, 'schema validation error: types should be '],
    [
      'an unknown schema version',
      { ...whole, schemaVersion: '2020-08-15' },
      'schema validation error: schemaVersion should be ',
    ],
    [
      'no destination',
      { ...whole, destination: undefined },
      'schema validation error: destination is not provided',
    ],
    [
      'another host',
      { ...whole, destination: { protocol: 'HTTP', URI: 'http://example.com' } },
      'Invalid destination: destination.URI host must be sandbox.localdomain',
    ],
    [
      'a buffer that is too small',
      { ...whole, buffering: { maxItems: 1 } },
      'schema validation error: maxItems should be ',
    ],
  ]
  for (const [what, body, message] of invalid) {
    it.external(`refuses a subscription with ${what}, in valid JSON`, async ({ start }) => {
      await using rie = await start(watched)
      const { watcher } = await starting(rie)
      const answer = await subscribe(rie, watcher.id, body)
      const said = JSON.parse(answer.text)
      expect([answer.status, said.errorType, answer.header('Content-Type')]).toEqual([
        400,
        'ValidationError',
        'application/json',
      ])
      expect(said.errorMessage).toStartWith(message)
    })
  }

  it.external('refuses a TCP destination where nobody listens, at once', async ({ start }) => {
    await using rie = await start(watched)
    const { watcher } = await starting(rie)
    const port = (() => {
      using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
      return server.port
    })()
    const answer = await subscribe(rie, watcher.id, { ...whole, destination: { protocol: 'TCP', port } })
    expect([answer.status, JSON.parse(answer.text).errorMessage]).toEqual([
      400,
      'Invalid destination: cannot connect: ECONNREFUSED',
    ])
  })

  it.external('refuses an extension both APIs', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { watcher } = await starting(rie)
    await subscriber.subscribe(rie, watcher)
    const answer = await subscribe(
      rie,
      watcher.id,
      subscriber.body({ schemaVersion: '2021-03-18' }),
      logsPath,
    )
    expect([answer.status, JSON.parse(answer.text).errorType]).toEqual([400, 'ValidationError'])
  })

  it.external('lets a second subscription of an extension replace its first', async ({ start }) => {
    await using rie = await start(watched)
    await using first = new Subscriber()
    await using second = new Subscriber()
    const { watcher, call } = await starting(rie)
    await first.subscribe(rie, watcher, { types: ['platform'] })
    await first.one('platform.telemetrySubscription')
    await second.subscribe(rie, watcher)
    await second.one('platform.telemetrySubscription')
    await rie.runtime()
    watcher.park()
    await rie.reply()
    await watcher.pass()
    await call
    await second.one('platform.report')
    expect(first.of('platform.start')).toEqual([])
    // nothing twice
    expect([...first.of('platform.initStart'), ...second.of('platform.initStart')]).toHaveLength(1)
  })

  it('takes the subscription of an internal extension', async ({ start }) => {
    await using rie = await start()
    await using subscriber = new Subscriber()
    const call = rie.invoke()
    const { inner } = await internal(rie, { inner: ['INVOKE'] })
    await subscriber.subscribe(rie, inner)
    await rie.reply()
    await inner.pass()
    await call
    const { record } = await subscriber.one('platform.report')
    expect(record.status).toBe('success')
  })
})
