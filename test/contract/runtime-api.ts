/** The Runtime API as an HTTP server, and the event as a runtime gets it. */
import { expect } from 'bun:test'
import { chapter } from './chapter.ts'
import { refusal, uuid } from './facts.ts'

const notFound = [
  '/',
  '/2018-06-01',
  '/2018-06-01/',
  '/2018-06-01/runtime/unsupported',
  '/2020-01-01/ping',
  '/2018-06-01/runtime/restore/next',
  '/2021-04-23/credentials',
  '/2015-03-31/functions/function/invocations',
]

const wrongMethod: readonly (readonly [method: string, path: string, allow: string])[] = [
  ['POST', '/2018-06-01/ping', 'GET'],
  ['HEAD', '/2018-06-01/ping', 'GET'],
  ['POST', '/2018-06-01/runtime/invocation/next', 'GET'],
  ['GET', '/2018-06-01/runtime/invocation/ABC/response', 'POST'],
  ['DELETE', '/2018-06-01/runtime/invocation/ABC/error', 'POST'],
  ['GET', '/2018-06-01/runtime/init/error', 'POST'],
  ['GET', '/2020-01-01/extension/register', 'POST'],
  ['POST', '/2020-01-01/extension/event/next', 'GET'],
  ['PUT', '/2020-01-01/extension/init/error', 'POST'],
  ['GET', '/2020-01-01/extension/exit/error', 'POST'],
]

export const runtimeApi = chapter('Runtime API', (it) => {
  it('answers a ping', async ({ start }) => {
    await using rie = await start()
    const answer = await rie.call('GET', '/2018-06-01/ping')
    expect([answer.status, answer.text, answer.header('Content-Type')]).toEqual([
      200,
      'pong',
      'text/plain; charset=utf-8',
    ])
  })

  for (const path of notFound) {
    it(`has nothing at ${path}`, async ({ start }) => {
      await using rie = await start()
      for (const method of ['GET', 'POST']) {
        const answer = await rie.call(method, path, method === 'POST' ? '{}' : '')
        expect([answer.status, answer.text]).toEqual([404, '404 page not found\n'])
        expect(answer.header('Content-Type')).toBe('text/plain; charset=utf-8')
      }
    })
  }

  for (const [method, path, allow] of wrongMethod) {
    it(`refuses ${method} ${path} with 405`, async ({ start }) => {
      await using rie = await start()
      const answer = await rie.askApi({ method, path })
      expect([answer.status, answer.text, answer.header('Allow')]).toEqual([405, '', allow])
    })
  }

  it('speaks JSON whatever the runtime would like', async ({ start }) => {
    await using rie = await start()
    const answer = await rie.error('x-y-z', '<a/>', { Accept: 'application/xml' })
    expect([answer.status, answer.text]).toEqual([400, refusal('InvalidRequestID', 'Invalid request ID')])
    expect(answer.header('Content-Type')).toBe('application/json')
  })

  it('names request, deadline, function and type in the headers of an event', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange()
    expect(event.id).toMatch(uuid)
    expect(event.header('Lambda-Runtime-Deadline-Ms')).toMatch(/^\d{13}$/)
    expect(event.header('Lambda-Runtime-Invoked-Function-Arn')).toBe(
      'arn:aws:lambda:us-east-1:012345678912:function:test_function',
    )
    expect(event.header('Content-Type')).toBe('application/json')
  })

  it('spells the names of its headers as AWS does', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange()
    const names = event.headers.map(([name]) => name)
    for (const name of ['Aws-Request-Id', 'Deadline-Ms', 'Invoked-Function-Arn']) {
      expect(names).toContain(`Lambda-Runtime-${name}`)
    }
  })

  it('keeps a poll waiting for longer than servers like to', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const began = Date.now()
    await Bun.sleep(13_000)
    const { event } = await rie.exchange('"after a while"')
    expect(event.text).toBe('"after a while"')
    expect(Date.now() - began).toBeGreaterThan(12_500)
  })
})
