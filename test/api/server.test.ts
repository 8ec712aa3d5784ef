import { describe, expect, test } from 'bun:test'
import { openRuntimeApi } from '../../src/api/server.ts'
import { fakeLog, stage } from '../engine/fakes.ts'
import { connect, exchange } from '../kit/peer.ts'
import { extensionPath, facts, listening, noTelemetry, runtimePath, started, told } from './stage.ts'

const json = 'application/json'
const id = '6f9b2e5c-0000-4000-8000-000000000000'

describe('routes', () => {
  const known: [method: string, path: string][] = [
    ['GET', '/2018-06-01/ping'],
    ['GET', `${runtimePath}/invocation/next`],
    ['POST', `${runtimePath}/invocation/${id}/response`],
    ['POST', `${runtimePath}/invocation/${id}/error`],
    ['POST', `${runtimePath}/init/error`],
    ['POST', `${extensionPath}/register`],
    ['GET', `${extensionPath}/event/next`],
    ['POST', `${extensionPath}/init/error`],
    ['POST', `${extensionPath}/exit/error`],
    ['PUT', '/2022-07-01/telemetry'],
    ['PUT', '/2020-08-15/logs'],
  ]

  test('a known path with another method says which one it takes', async () => {
    await using staged = listening()
    const answers = await Promise.all(
      known.flatMap(([right, path]) =>
        ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']
          .filter((method) => method !== right)
          .map(async (method) => {
            const response = await staged.fetch(path, { method })
            return [method, path, response.status, response.headers.get('allow'), await response.text()]
          }),
      ),
    )
    expect(answers).toEqual(
      known.flatMap(([right, path]) =>
        ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']
          .filter((method) => method !== right)
          .map((method) => [method, path, 405, right, '']),
      ),
    )
  })

  test('every known path is served', async () => {
    await using staged = listening()
    for (const [method, path] of known) {
      const { status } = await staged.fetch(path, { method })
      expect([path, [404, 405, 500].includes(status)]).toEqual([path, false])
    }
  })

  test('an unknown path is not found, in the words of the reference', async () => {
    await using staged = listening()
    const paths = [
      '/',
      '/2018-06-01',
      '/2018-06-01/',
      `${runtimePath}/invocation`,
      `${runtimePath}/invocation/next/`,
      `${runtimePath}/invocation/${id}`,
      `${runtimePath}/invocation/${id}/response/more`,
      `${runtimePath}/restore/next`,
      '/2021-04-23/credentials',
    ]
    for (const path of paths) {
      for (const method of ['GET', 'POST']) {
        const response = await staged.fetch(path, { method })
        expect([path, await told(response), response.headers.get('x-content-type-options')]).toEqual([
          path,
          { status: 404, type: 'text/plain; charset=utf-8', body: '404 page not found\n' },
          'nosniff',
        ])
      }
    }
  })

  test('the query of a path is not looked at', async () => {
    await using staged = listening()
    expect(await told(staged.fetch('/2018-06-01/ping?x=/y'))).toEqual({
      status: 200,
      type: 'text/plain; charset=utf-8',
      body: 'pong',
    })
    expect((await staged.post(`${runtimePath}/invocation/${id}/response?x=1`)).status).toBe(400)
  })

  test('extensions that are disabled have no routes', async () => {
    await using staged = listening({}, { extensionsDisabled: () => true })
    for (const [method, path] of known.filter(([, one]) => one.startsWith(extensionPath))) {
      const response = await staged.fetch(path, { method })
      expect([path, response.status, await response.text()]).toEqual([path, 404, ''])
    }
  })
})

describe('the listener', () => {
  test.each(['localhoGET /nowhere HTTP/1.1', 'a b', '/', '?', '%zz', 'x:y:z', ''])(
    "answers 404 to who names the host '%s'",
    async (host) => {
      await using staged = listening()
      using wire = await connect(staged.api.port)
      wire.send(`GET /nowhere?a=b&c=%zz HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      expect(await wire.until(/\r\n\r\n/)).toStartWith('HTTP/1.1 404 Not Found\r\n')
    },
  )

  test('serves HTTP/1.0, too', async () => {
    await using staged = listening()
    expect(await exchange(staged.api.port, ['GET /2018-06-01/ping HTTP/1.0'])).toEqual({
      head: expect.arrayContaining([expect.stringContaining('200 OK')]),
      body: 'pong',
    })
  })

  test('answers requests on one connection in their order', async () => {
    await using staged = listening()
    using wire = await connect(staged.api.port)
    wire.send('GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2))
    await wire.until(/pong[\s\S]*pong$/)
  })

  test('takes no address twice', async () => {
    await using staged = listening()
    expect(() => listening({}, { port: staged.api.port })).toThrow(`Is port ${staged.api.port} in use?`)
  })

  test('ends every connection when it stops, also those of polls that wait', async () => {
    const staged = started()
    const poll = staged.fetch(`${runtimePath}/invocation/next`).then(
      () => 'answered',
      () => 'ended',
    )
    const { environment } = staged
    while (environment.state.phase !== 'serving') await new Promise((resolve) => setImmediate(resolve))
    await staged[Symbol.asyncDispose]()
    expect(await poll).toBe('ended')
  })

  test('answers, and logs, what fails in the emulator itself', async () => {
    const { environment } = stage()
    environment.next = () => {
      throw new Error('a bug')
    }
    const log = fakeLog()
    const options = {
      hostname: '127.0.0.1',
      port: 0,
      facts,
      metadata: { token: 'token', availabilityZoneId: 'use1-az1' },
      telemetry: noTelemetry,
      logsApi: true,
      snapStart: null,
      extensionsDisabled: () => false,
      log,
    }
    const api = openRuntimeApi(environment, options)
    const answer = await told(fetch(`http://127.0.0.1:${api.port}${runtimePath}/invocation/next`))
    await api.stop()
    expect(answer).toEqual({
      status: 500,
      type: json,
      body: '{"errorMessage":"Internal Server Error","errorType":"InternalServerError"}\n',
    })
    expect(log.lines).toEqual([
      {
        level: 'error',
        fields: { error: 'Error: a bug' },
        message: 'a Runtime API request failed in the emulator',
      },
    ])
  })
})
