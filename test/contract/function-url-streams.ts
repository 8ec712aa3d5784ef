/** The Function URL in the mode RESPONSE_STREAM, and streams in BUFFERED. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { site, visited } from './function-url.ts'
import type { Options } from './launch.ts'
import { call, Upload } from './streams.ts'

const streaming: Options = { flags: [...site.flags!, '--function-url-invoke-mode', 'RESPONSE_STREAM'] }
const declared = { 'Lambda-Runtime-Function-Response-Mode': 'streaming' }
const withPrelude = {
  ...declared,
  'Content-Type': 'application/vnd.awslambda.http-integration-response',
  Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
}
const zeros = '\0'.repeat(8)

/** A visitor who has asked, and the response that the function is about to write. */
async function both(rie: Emulator, headers: Readonly<Record<string, string>> = withPrelude) {
  const visitor = await call(rie.site, '/', {}, 'GET')
  const { id } = await rie.next()
  const upload = await Upload.begin(rie, id, headers)
  return {
    visitor,
    upload,
    id,
    [Symbol.dispose]() {
      visitor[Symbol.dispose]()
      upload[Symbol.dispose]()
    },
  }
}

async function warned(rie: Emulator, id: string, message: string, reason: RegExp): Promise<void> {
  const warning = await until('a warning', () =>
    rie.log.find(({ requestId, msg }) => requestId === id && msg.includes('Function URL')),
  )
  expect([warning.level, warning.msg]).toEqual(['warn', message])
  expect(warning.reason).toMatch(reason)
}

export const functionUrlStreams = chapter('Function URL: streams', (it) => {
  it('sends status, headers and cookies with the prelude, and the body as it comes', async ({ start }) => {
    await using rie = await start(streaming)
    using stream = await both(rie)
    const { visitor, upload } = stream
    upload.write('{"statusCode":201,"headers":{"x-a":7,"Content-Type":"text/html"},"cookies":["a=1","b=2"]}')
    upload.write(zeros)
    await visitor.until(/^HTTP\/1\.1 201 [\s\S]*\r\n\r\n/)
    expect(visitor.received.toString()).not.toContain('one')
    for (const piece of ['one', 'two']) {
      upload.write(piece)
      await visitor.until(new RegExp(piece))
    }
    await upload.end()
    rie.park()
    const answer = await visitor.answer()
    expect([answer.status, answer.text, answer.header('x-a')]).toEqual([201, 'onetwo', '7'])
    const cookies = answer.headers.filter(([name]) => name.toLowerCase() === 'set-cookie')
    expect(cookies.map(([, value]) => value)).toEqual(['a=1', 'b=2'])
    expect(answer.header('x-amzn-RequestId')).toBe(stream.id)
    expect((await visited(rie, '/')).answer.status).toBe(200)
  })

  it('sends a header as often as the prelude has values for it', async ({ start }) => {
    await using rie = await start(streaming)
    const prelude = `{"headers":{"vary":["origin","accept"]}}${zeros}`
    const asked = rie.visit('/')
    await rie.reply(prelude, withPrelude)
    const answer = await asked
    const vary = answer.headers.filter(([name]) => name === 'vary').map(([, value]) => value)
    expect([answer.status, vary]).toEqual([200, ['origin', 'accept']])
  })

  it('reads a prelude that comes byte by byte', async ({ start }) => {
    await using rie = await start(streaming)
    using stream = await both(rie)
    for (const byte of Buffer.from(`{"statusCode":404}${zeros}x`)) stream.upload.write(Uint8Array.of(byte))
    await stream.upload.end()
    const answer = await stream.visitor.answer()
    expect([answer.status, answer.text]).toEqual([404, 'x'])
  })

  it('sends a stream without a prelude as 200 with the type of the runtime', async ({ start }) => {
    await using rie = await start(streaming)
    using stream = await both(rie, { ...declared, 'Content-Type': 'text/event-stream' })
    stream.upload.write('data: 1\n\n')
    await stream.visitor.until(/data: 1/)
    await stream.upload.end()
    const answer = await stream.visitor.answer()
    expect([answer.status, answer.header('Content-Type')]).toEqual([200, 'text/event-stream'])
  })

  it('streams chunks that are not declared to be a stream', async ({ start }) => {
    await using rie = await start(streaming)
    using stream = await both(rie, { 'Content-Type': withPrelude['Content-Type'] })
    stream.upload.write(`{"statusCode":202}${zeros}one`)
    await stream.visitor.until(/^HTTP\/1\.1 202[\s\S]*one/)
    await stream.upload.end()
    expect((await stream.visitor.answer()).text).toBe('one')
  })

  it('sends a buffered response as it is, with 200 and as JSON', async ({ start }) => {
    await using rie = await start(streaming)
    for (const body of ['{"statusCode":418,"body":"tea"}', 'no JSON', '"text"']) {
      const { answer } = await visited(rie, '/', {}, body)
      expect([answer.status, answer.text, answer.header('Content-Type')]).toEqual([
        200,
        body,
        'application/json',
      ])
    }
  })

  it('answers 200 without a body to an empty stream of the type of a prelude', async ({ start }) => {
    await using rie = await start(streaming)
    using stream = await both(rie)
    await stream.upload.end()
    const answer = await stream.visitor.answer()
    expect([answer.status, answer.text]).toEqual([200, ''])
  })

  for (const [prelude, reason] of [
    ['{"statusCode":200}', /0 zero bytes/],
    [`{"statusCode":200}${'\0'.repeat(7)}x`, /7 zero bytes/],
    [`hello${zeros}x`, /no JSON/],
    [`{"statusCode":42}${zeros}`, /statusCode is 42/],
    ['x'.repeat(1024 * 1024 + 1), /longer than 1048576 bytes/],
  ] as const) {
    it(`answers 502 to the prelude ${JSON.stringify(prelude.slice(0, 40))}, and logs why`, async ({
      start,
    }) => {
      await using rie = await start(streaming)
      using stream = await both(rie)
      stream.upload.write(prelude)
      expect((await stream.upload.end()).status).toBe(202)
      rie.park()
      const answer = await stream.visitor.answer()
      expect([answer.status, answer.text]).toEqual([502, 'Internal Server Error'])
      await warned(rie, stream.id, 'the Function URL answered 502', reason)
      expect((await visited(rie, '/')).answer.status).toBe(200)
    })
  }

  it('answers 502 where the stream fails before its first byte', async ({ start }) => {
    await using rie = await start(streaming)
    using stream = await both(rie)
    await stream.upload.fail('Fruit', '{"errorType":"Fruit","errorMessage":"no such fruit"}')
    expect((await stream.visitor.answer()).status).toBe(502)
    await warned(rie, stream.id, 'the Function URL answered 502', /no such fruit/)
  })

  it('ends a stream that fails later as if it were complete, and logs why', async ({ start }) => {
    await using rie = await start(streaming)
    using stream = await both(rie)
    stream.upload.write(`{}${zeros}half`)
    await stream.visitor.until(/half/)
    await stream.upload.fail('Fruit', '{"errorType":"Fruit","errorMessage":"no such fruit"}')
    const answer = await stream.visitor.answer()
    expect([answer.status, answer.text]).toEqual([200, 'half'])
    await warned(rie, stream.id, 'a stream of the Function URL ended early', /no such fruit/)
  })

  it('ends a stream when the time is over or the runtime ends', async ({ start }) => {
    for (const [env, reason] of [
      [{ AWS_LAMBDA_FUNCTION_TIMEOUT: '3' }, /timed out/],
      [{}, /exit status 3/],
    ] as const) {
      await using rie = await start({ ...streaming, env })
      using stream = await both(rie)
      stream.upload.write(`{}${zeros}half`)
      await stream.visitor.until(/half/)
      if (!('AWS_LAMBDA_FUNCTION_TIMEOUT' in env)) {
        ;(await rie.runtime()).tell('exit 3')
        await until('the end of the runtime', () => rie.log.find(({ process }) => process === 'runtime'))
        stream.upload[Symbol.dispose]()
      }
      expect((await stream.visitor.answer()).text).toBe('half')
      await warned(rie, stream.id, 'a stream of the Function URL ended early', reason)
    }
  })

  it('lets the function go on when its visitor leaves a stream', async ({ start }) => {
    await using rie = await start(streaming)
    using stream = await both(rie)
    stream.upload.write(`{}${zeros}one`)
    await stream.visitor.until(/one/)
    stream.visitor[Symbol.dispose]()
    await rie.settle()
    for (let count = 0; count < 100; count++) stream.upload.write(Buffer.alloc(100_000))
    expect((await stream.upload.end()).status).toBe(202)
    rie.park()
    expect((await visited(rie, '/')).answer.status).toBe(200)
  })

  it('answers HEAD with the head of a stream', async ({ start }) => {
    await using rie = await start(streaming)
    using visitor = await Wire.open(rie.site)
    visitor.send(bytes(rie.site, { method: 'HEAD', path: '/' }))
    using upload = await Upload.begin(rie, (await rie.next()).id, withPrelude)
    upload.write(`{"statusCode":203}${zeros}one`)
    await upload.end()
    rie.park()
    const answer = await visitor.answer(true)
    expect([answer.status, answer.header('Content-Length')]).toEqual([203, undefined])
    // the connection goes on: nothing but the head was sent
    visitor.send(bytes(rie.site, { path: '/' }))
    await rie.reply('"next"')
    expect((await visitor.answer()).text).toBe('"next"')
  })

  it('sets the headers for other origins on a stream too', async ({ start }) => {
    await using rie = await start({
      flags: [...streaming.flags!, '--function-url-cors', '{"AllowOrigins":["*"]}'],
    })
    using visitor = await call(rie.site, '/', { Origin: 'https://a.example' }, 'GET')
    using upload = await Upload.begin(rie, (await rie.next()).id, withPrelude)
    upload.write(`{"headers":{"Access-Control-Allow-Origin":"https://own.example"}}${zeros}`)
    await upload.end()
    const answer = await visitor.answer()
    expect(answer.header('Access-Control-Allow-Origin')).toBe('https://a.example')
  })

  it('gathers a stream in the mode BUFFERED, and understands its prelude', async ({ start }) => {
    await using rie = await start(site)
    for (const headers of [withPrelude, { 'Content-Type': withPrelude['Content-Type'] }]) {
      using stream = await both(rie, headers)
      stream.upload.write(`{"statusCode":201}${zeros}`)
      stream.upload.write('one')
      await stream.upload.end()
      rie.park()
      const answer = await stream.visitor.answer()
      expect([answer.status, answer.text, answer.header('Content-Length')]).toEqual([201, 'one', '3'])
    }
    using text = await both(rie, { ...declared, 'Content-Type': 'text/plain' })
    text.upload.write('as it is')
    await text.upload.end()
    const answer = await text.visitor.answer()
    expect([answer.status, answer.text, answer.header('Content-Type')]).toEqual([
      200,
      'as it is',
      'text/plain',
    ])
  })
})
