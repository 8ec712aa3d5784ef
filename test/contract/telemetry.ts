/** The Telemetry and the Logs API, which say that there are none. */
import { expect } from 'bun:test'
import { both, puppetsNamed, ready } from './actor.ts'
import { refusal } from './facts.ts'
import { chapter } from './suite.ts'

const subscription = JSON.stringify({
  schemaVersion: '2022-12-13',
  types: ['platform', 'function'],
  destination: { protocol: 'HTTP', URI: 'http://sandbox.localdomain:8088' },
})

export const telemetry = chapter('Telemetry API', (it) => {
  for (const [path, name] of [
    ['/2020-08-15/logs', 'Logs'],
    ['/2022-07-01/telemetry', 'Telemetry'],
  ] as const) {
    const notSupported = refusal(`${name}.NotSupported`, `${name} API is not supported`)

    for (const [kind, body] of Object.entries({
      'without a body': '',
      'with an object': '{}',
      'with bytes that are no JSON': '\x00\x01',
      'with a subscription': subscription,
    })) {
      it(`says that the ${name} API is not supported, ${kind}`, async ({ start }) => {
        await using rie = await start()
        const answer = await rie.call('PUT', path, body)
        expect([answer.status, answer.text]).toEqual([202, notSupported])
        expect(answer.header('Content-Type')).toBe('application/json')
      })
    }

    it.external(`says so to an extension, which works without the ${name} API`, async ({ start }) => {
      await using rie = await start({ extensions: puppetsNamed('watcher') })
      const call = rie.invoke()
      const { watcher } = await ready(rie, { watcher: both })
      for (const id of [watcher.id, 'nobody']) {
        const answer = await rie.call('PUT', path, subscription, { 'Lambda-Extension-Identifier': id })
        expect([answer.status, answer.text]).toEqual([202, notSupported])
      }
      await rie.reply()
      await watcher.pass()
      expect((await call).status).toBe(200)
    })

    it(`refuses other methods on the ${name} API`, async ({ start }) => {
      await using rie = await start()
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'PATCH']) {
        const answer = await rie.askApi({ method, path })
        expect([answer.status, answer.text, answer.header('Allow')]).toEqual([405, '', 'PUT'])
      }
    })
  }
})
