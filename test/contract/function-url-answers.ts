/** The Function URL: what becomes of an answer. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { type Answer, bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { site, visited } from './function-url.ts'

const cors = (config: object) => ({ flags: [...site.flags!, '--function-url-cors', JSON.stringify(config)] })
const origin = 'https://page.example'

/** The caller gets no reason; the log has it, at `warn`. */
async function failed(rie: Emulator, answer: Answer, reason: RegExp): Promise<void> {
  expect([answer.status, answer.text]).toEqual([502, 'Internal Server Error'])
  expect(answer.header('Content-Type')).toBe('text/plain')
  const id = answer.header('x-amzn-RequestId')
  const warning = await until('a warning', () =>
    rie.log.find(({ msg, requestId }) => msg.includes('Function URL') && requestId === id),
  )
  expect(warning.reason).toMatch(reason)
}

export const functionUrlAnswers = chapter('Function URL: answers', (it) => {
  it('answers with the status, headers, cookies and body of the object that the function returned', async ({
    start,
  }) => {
    await using rie = await start(site)
    const { answer } = await visited(
      rie,
      '/',
      {},
      JSON.stringify({
        statusCode: 201,
        headers: { 'Content-Type': 'text/html', 'X-Number': 7, 'x-on': true },
        cookies: ['a=1; Path=/', 'b=2'],
        body: '<p>é',
      }),
    )
    expect([answer.status, answer.text]).toEqual([201, '<p>é'])
    expect([answer.header('X-Number'), answer.header('x-on')]).toEqual(['7', 'true'])
    expect(answer.header('Content-Type')).toBe('text/html')
    const cookies = answer.headers.filter(([name]) => name.toLowerCase() === 'set-cookie')
    expect(cookies.map(([, value]) => value)).toEqual(['a=1; Path=/', 'b=2'])
  })

  it('has one date, its own, and a length of its own, whatever the function says', async ({ start }) => {
    await using rie = await start(site)
    const headers = { date: 'Thu, 01 Jan 1970 00:00:00 GMT', 'Content-Length': '7' }
    const { answer } = await visited(rie, '/', {}, JSON.stringify({ statusCode: 200, headers, body: 'own' }))
    const own = answer.headers.filter(([name]) => /^(date|content-length)$/i.test(name))
    expect(own.map(([, value]) => value).sort()).toEqual(['3', expect.not.stringContaining('1970')])
    expect(answer.text).toBe('own')
  })

  it('sends no body with 204 and 304, however long the one is that the function gives', async ({ start }) => {
    await using rie = await start(site)
    using visitor = await Wire.open(rie.site)
    for (const statusCode of [204, 304]) {
      visitor.send(bytes(rie.site, { path: '/' }))
      await rie.reply(JSON.stringify({ statusCode, body: 'x'.repeat(100_000) }))
      expect((await visitor.answer()).status).toBe(statusCode)
    }
    // the connection goes on
    visitor.send(bytes(rie.site, { path: '/' }))
    await rie.reply('"next"')
    const answer = await visitor.answer()
    expect([answer.status, answer.text]).toEqual([200, 'next'])
  })

  it('decodes a body that is base64', async ({ start }) => {
    await using rie = await start(site)
    const { answer } = await visited(rie, '/', {}, '{"statusCode":200,"body":"AP8=","isBase64Encoded":true}')
    expect([...answer.body]).toEqual([0, 255])
    expect(answer.header('Content-Length')).toBe('2')
  })

  it('takes a status as a text, and says that it is JSON where nothing else is said', async ({ start }) => {
    await using rie = await start(site)
    const { answer } = await visited(rie, '/', {}, '{"statusCode":"418"}')
    expect([answer.status, answer.text, answer.header('Content-Type')]).toEqual([418, '', 'application/json'])
  })

  for (const [value, text] of [
    ['{"a": [1, 2],\n "b": "c d"}', '{"a":[1,2],"b":"c d"}'],
    ['[1, {"x": null}]', '[1,{"x":null}]'],
    ['"hello"', 'hello'],
    ['12345678901234567890', '12345678901234567890'],
    ['{"n": 1.10}', '{"n":1.10}'],
    ['true', 'true'],
    ['null', 'null'],
  ] as const) {
    it(`answers 200 and ${text} to the value ${value}`, async ({ start }) => {
      await using rie = await start(site)
      const { answer } = await visited(rie, '/', {}, value)
      expect([answer.status, answer.text, answer.header('Content-Type')]).toEqual([
        200,
        text,
        'application/json',
      ])
    })
  }

  it('keeps all digits of a number in a header', async ({ start }) => {
    await using rie = await start(site)
    const { answer } = await visited(rie, '/', {}, '{"statusCode":200,"headers":{"x":12345678901234567890}}')
    expect(answer.header('x')).toBe('12345678901234567890')
  })

  for (const [body, reason] of [
    ['hello', /no JSON/],
    ['', /no JSON/],
    ['{"statusCode":199}', /statusCode is 199/],
    ['{"statusCode":600}', /statusCode is 600/],
    ['{"statusCode":"OK"}', /statusCode is "OK"/],
    ['{"statusCode":200,"body":{"a":1}}', /body is \{"a":1\}/],
    ['{"statusCode":200,"headers":["a"]}', /headers is \["a"\]/],
    ['{"statusCode":200,"headers":{"a":"b\\r\\nc: d"}}', /header a is/],
    ['{"statusCode":200,"cookies":"a=b"}', /cookies is "a=b"/],
    ['{"statusCode":200,"body":"?","isBase64Encoded":true}', /no base64/],
  ] as const) {
    it(`answers 502 to ${body || 'an empty response'}, and logs why`, async ({ start }) => {
      await using rie = await start(site)
      await failed(rie, (await visited(rie, '/', {}, body)).answer, reason)
    })
  }

  it('answers 502 to an error of the function', async ({ start }) => {
    await using rie = await start(site)
    const call = rie.visit('/')
    const { id } = await rie.next()
    await rie.error(id, '{"errorType":"Fruit","errorMessage":"no such fruit"}')
    rie.park()
    await failed(rie, await call, /no such fruit/)
    expect((await visited(rie, '/')).answer.status).toBe(200)
  })

  it('answers 502 when the runtime ends', async ({ start }) => {
    await using rie = await start(site)
    const call = rie.visit('/')
    await rie.next()
    ;(await rie.runtime()).tell('exit 3')
    await failed(rie, await call, /Runtime.ExitError.*exit status 3/)
  })

  it('answers 502 when the time is over', async ({ start }) => {
    await using rie = await start({ ...site, env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '1' } })
    const call = rie.visit('/')
    await rie.next()
    await failed(rie, await call, /Task timed out after 1.00 seconds/)
  })

  it('answers 502 to a response over 6 MB', async ({ start }) => {
    await using rie = await start(site)
    const call = rie.visit('/')
    const { id } = await rie.next()
    expect((await rie.respond(id, Buffer.alloc(6_291_557, 'x'))).status).toBe(413)
    rie.park()
    await failed(rie, await call, /Response payload size exceeded/)
  })

  it('answers 429 when the queue is full', async ({ start }) => {
    await using rie = await start({ flags: [...site.flags!, '--max-queue', '0'] })
    const call = rie.visit('/')
    const { id } = await rie.next()
    const refused = await rie.visit('/')
    expect([refused.status, refused.json.message]).toEqual([429, 'Rate Exceeded.'])
    expect(refused.header('x-amzn-RequestId')).toMatch(/^[0-9a-f-]{36}$/)
    await rie.respond(id)
    expect((await call).status).toBe(200)
  })

  it('names request and trace in every answer', async ({ start }) => {
    await using rie = await start(site)
    const { answer, delivered } = await visited(
      rie,
      '/',
      {},
      '{"statusCode":200,"headers":{"x-amzn-requestid":"no"}}',
    )
    expect(answer.headers.filter(([name]) => /^x-amzn-requestid$/i.test(name)).map(([, id]) => id)).toEqual([
      delivered.id,
    ])
    expect(answer.header('X-Amzn-Trace-Id')).toMatch(/^root=1-/)
  })

  it('answers HEAD with the headers of the answer and no body', async ({ start }) => {
    await using rie = await start(site)
    const { answer } = await visited(rie, '/', { method: 'HEAD' }, '{"statusCode":200,"body":"hello"}')
    expect([answer.status, answer.header('Content-Length')]).toEqual([200, '5'])
  })

  it('answers a preflight itself, as it is configured', async ({ start }) => {
    await using rie = await start(
      cors({ AllowOrigins: [origin], AllowMethods: ['GET', 'PUT'], AllowHeaders: ['x-a'], MaxAge: 60 }),
    )
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'PUT' }
    const answer = await rie.visit('/', { method: 'OPTIONS', headers })
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(answer.header('Access-Control-Allow-Origin')).toBe(origin)
    expect(answer.header('Access-Control-Allow-Methods')).toBe('GET,PUT')
    expect(answer.header('Access-Control-Allow-Headers')).toBe('x-a')
    expect(answer.header('Access-Control-Max-Age')).toBe('60')
    const other = await rie.visit('/', {
      method: 'OPTIONS',
      headers: { ...headers, Origin: 'https://b.example' },
    })
    expect([other.status, other.header('Access-Control-Allow-Origin')]).toEqual([200, undefined])
    expect(rie.runtimes()).toEqual([])
  })

  it('sets the headers for other origins over those of the function, and on a 502 too', async ({ start }) => {
    const config = { AllowOrigins: ['*'], AllowCredentials: true, ExposeHeaders: ['x-b'] }
    await using rie = await start(cors(config))
    const own = '{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"https://own.example"}}'
    for (const body of [own, 'no JSON']) {
      const { answer } = await visited(rie, '/', { headers: { Origin: origin } }, body)
      const names = answer.headers.map(([name]) => name.toLowerCase())
      expect(names.filter((name) => name === 'access-control-allow-origin')).toHaveLength(1)
      expect(answer.header('Access-Control-Allow-Origin')).toBe(origin)
      expect(answer.header('Access-Control-Allow-Credentials')).toBe('true')
      expect(answer.header('Access-Control-Expose-Headers')).toBe('x-b')
    }
  })

  it('hands a preflight on to the function where nothing is configured', async ({ start }) => {
    await using rie = await start(site)
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'PUT' }
    const own = '{"statusCode":204,"headers":{"Access-Control-Allow-Origin":"*"}}'
    const { answer } = await visited(rie, '/', { method: 'OPTIONS', headers }, own)
    expect([answer.status, answer.header('Access-Control-Allow-Origin')]).toEqual([204, '*'])
  })

  it('ends with exit code 2 for a wrong configuration, and says what is wrong', async ({ run }) => {
    for (const [config, problem] of [
      ['{"AllowOrigins":"*"}', 'AllowOrigins must be a list'],
      ['{"Origins":["*"]}', '"Origins" is no member of it'],
      ['*', 'it is no JSON'],
    ] as const) {
      const ended = await run({ flags: ['--function-url-cors', config] })
      const { msg } = JSON.parse(ended.stderr.trim()) as { msg: string }
      expect([ended.code, msg]).toEqual([2, expect.stringContaining(problem)])
    }
  })
})
