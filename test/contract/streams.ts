/** Responses that go on to their caller as they come: the plain endpoint, and InvokeWithResponseStream. */
import { expect } from 'bun:test'
import { patience, until } from '../harness.ts'
import * as kit from '../kit/eventstream.ts'
import { parse } from '../kit/launch.ts'
import { type Address, type Answer, bytes, Closed, request, spell, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { type Emulator, invokePath, resident } from './emulator.ts'
import { base64, signed } from './facts.ts'

export const streamPath = '/2021-11-15/functions/function/response-streaming-invocations'

type Headers = Readonly<Record<string, string>>
const declared: Headers = { 'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Content-Type': 'text/x' }
const announced: Headers = {
  ...declared,
  Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
}
export const maxStream = 200 * 1024 * 1024

/** A response that the case writes piece by piece. */
export class Upload implements Disposable {
  readonly #wire: Wire

  private constructor(wire: Wire) {
    this.#wire = wire
  }

  static async begin(rie: Pick<Emulator, 'api'>, id: string, headers: Headers = announced): Promise<Upload> {
    const wire = await Wire.open(rie.api)
    const path = `/2018-06-01/runtime/invocation/${id}/response`
    wire.send(
      bytes(rie.api, { method: 'POST', path, headers: { ...headers, 'Transfer-Encoding': 'chunked' } }),
    )
    return new Upload(wire)
  }

  write(piece: string | Uint8Array): void {
    const content = Buffer.from(piece as string)
    this.#wire.send(
      Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')]),
    )
  }

  /** The end; what the runtime is answered. */
  end(trailers: Headers = {}, limit = patience): Promise<Answer> {
    const lines = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\r\n`)
    this.#wire.send(`0\r\n${lines.join('')}\r\n`)
    return this.#wire.answer(false, limit)
  }

  /** With the trailers of an error. */
  fail(type: string, document: string): Promise<Answer> {
    return this.end({
      'Lambda-Runtime-Function-Error-Type': type,
      'Lambda-Runtime-Function-Error-Body': base64(document),
    })
  }

  answer(limit = patience): Promise<Answer> {
    return this.#wire.answer(false, limit)
  }

  /** Bytes that the emulator has not taken yet. */
  get unsent(): number {
    return this.#wire.unsent
  }

  get sent(): number {
    return this.#wire.sent
  }

  queued(): number {
    return this.#wire.queued()
  }

  #seen = 0

  /** Whether nothing has been taken since it was asked last. */
  stands(): boolean {
    const before = this.#seen
    this.#seen = this.unsent
    return before === this.unsent
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]()
  }
}

/** A caller who has asked, and sees what comes. */
export async function call(
  address: Address,
  path: string,
  headers: Headers = {},
  method = 'POST',
): Promise<Wire> {
  const wire = await Wire.open(address)
  wire.send(bytes(address, { method, path, headers, ...(method === 'POST' ? { body: '{}' } : {}) }))
  return wire
}

/** The events of an answer, as text. */
const eventsIn = (body: Buffer): { readonly type: unknown; readonly text: string }[] =>
  kit.eventsIn(body).map(({ type, body }) => ({ type, text: body.toString() }))

/** The pieces together, and how the invocation ended. */
function readStream(answer: Answer): {
  readonly text: string
  readonly end: Readonly<Record<string, string>>
} {
  const { bytes, end } = kit.readStream(answer.body)
  return { text: bytes.toString(), end }
}

/** The bytes of all pieces, counted as they come, and how the invocation ended. */
async function countStream(
  rie: Emulator,
): Promise<{ readonly pieces: number; readonly end: Record<string, string> }> {
  const response = await fetch(`http://${spell(rie.gateway)}${streamPath}`, { method: 'POST', body: '{}' })
  let pieces = 0
  let rest = Buffer.alloc(0)
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length > 8 && rest.length >= rest.readUInt32BE(0)) {
      const [length, headers] = [rest.readUInt32BE(0), rest.readUInt32BE(4)]
      const message = rest.subarray(0, length)
      rest = rest.subarray(length)
      // only the last one is read: two hundred megabytes are more than a busy machine decodes in time
      if (message.includes('PayloadChunk')) pieces += length - headers - 16
      else return { pieces, end: JSON.parse(eventsIn(message)[0]?.text ?? '') }
    }
  }
  throw new Error('the stream has no last event')
}

export const streams = chapter('Response streams', (it) => {
  it('hands each piece on while the stream goes on', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, invokePath)
    using upload = await Upload.begin(rie, (await rie.next()).id)
    for (const piece of ['one', 'two', 'three']) {
      upload.write(piece)
      await caller.until(new RegExp(piece))
    }
    expect((await upload.end()).status).toBe(202)
    rie.park()
    const answer = await caller.answer()
    expect([answer.status, answer.text, answer.header('Content-Type')]).toEqual([
      200,
      'onetwothree',
      'text/x',
    ])
    expect(answer.header('Transfer-Encoding')).toBe('chunked')
    expect(answer.header('x-amzn-RequestId')).toMatch(/^[0-9a-f-]{36}$/)
    expect((await rie.exchange()).answer.text).toBe('"done"')
  })

  it('answers an empty stream with the type of the runtime and no bytes', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, invokePath)
    using upload = await Upload.begin(rie, (await rie.next()).id)
    await upload.end()
    const answer = await caller.answer()
    expect([answer.status, answer.text, answer.header('Content-Type')]).toEqual([200, '', 'text/x'])
  })

  it('has application/octet-stream where the runtime names no type', async ({ start }) => {
    await using rie = await start()
    const mode = { 'Lambda-Runtime-Function-Response-Mode': 'streaming' }
    for (const headers of [mode, { ...mode, 'Content-Type': '' }]) {
      using caller = await call(rie.gateway, invokePath)
      using upload = await Upload.begin(rie, (await rie.next()).id, headers)
      upload.write('x')
      await upload.end()
      rie.park()
      expect((await caller.answer()).header('Content-Type')).toBe('application/octet-stream')
    }
  })

  it('answers with the document of the trailers where no byte came before', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, invokePath)
    using upload = await Upload.begin(rie, (await rie.next()).id)
    expect((await upload.fail('Fruit', '{"errorType":"Fruit","errorMessage":"none"}')).status).toBe(202)
    rie.park()
    const answer = await caller.answer()
    expect([answer.status, answer.text]).toEqual([200, '{"errorType":"Fruit","errorMessage":"none"}'])
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
  })

  it('breaks the connection of the caller where the stream fails later', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, invokePath)
    const { id } = await rie.next()
    using upload = await Upload.begin(rie, id)
    upload.write('half')
    await caller.until(/half/)
    expect((await upload.fail('Function.Fruit', '{"errorMessage":"none"}')).status).toBe(202)
    rie.park()
    expect(caller.answer()).rejects.toBeInstanceOf(Closed)
    await caller.end()
    const report = await until('REPORT', () =>
      rie.stdout.lines.find((line) => line.includes(`REPORT RequestId: ${id}`)),
    )
    expect(report).toMatch(/Status: error\tError Type: Function\.Fruit|Status: error.*Function\.Fruit/)
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  it('breaks the connection of the caller where the runtime ends in the stream', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, invokePath)
    const upload = await Upload.begin(rie, (await rie.next()).id)
    upload.write('half')
    await caller.until(/half/)
    ;(await rie.runtime()).tell('exit 3')
    upload[Symbol.dispose]()
    await caller.end()
    expect(caller.received.toString()).not.toMatch(/\r\n0\r\n/)
  })

  it('breaks the connection of the caller when the time is over in the stream', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' } })
    using caller = await call(rie.gateway, invokePath)
    using upload = await Upload.begin(rie, (await rie.next()).id)
    upload.write('half')
    await caller.end()
    expect(caller.received.toString()).toContain('half')
    const line = await until('REPORT', () => rie.stdout.lines.find((each) => each.startsWith('REPORT')))
    expect(line).toContain('Status: timeout')
  })

  it('gathers the stream of a signed caller, and answers a failure with its document alone', async ({
    start,
  }) => {
    await using rie = await start()
    const caller = await call(rie.gateway, invokePath, signed)
    const upload = await Upload.begin(rie, (await rie.next()).id)
    upload.write('"one')
    upload.write(' two"')
    await upload.end()
    rie.park()
    expect((await caller.answer()).text).toBe('"one two"')
    const failing = await call(rie.gateway, invokePath, signed)
    const broken = await Upload.begin(rie, (await rie.next()).id)
    broken.write('half')
    await broken.fail('Fruit', '{"errorType":"Fruit"}')
    rie.park()
    const answer = await failing.answer()
    expect([answer.status, answer.text, answer.header('X-Amz-Function-Error')]).toEqual([
      200,
      '{"errorType":"Fruit"}',
      'Unhandled',
    ])
    for (const each of [caller, upload, failing, broken]) each[Symbol.dispose]()
  })

  it('gathers the stream of a caller who wants the log', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, invokePath, { 'X-Amz-Log-Type': 'Tail' })
    using upload = await Upload.begin(rie, (await rie.next()).id)
    upload.write('one')
    upload.write('two')
    await upload.end()
    rie.park()
    const answer = await caller.answer()
    expect([answer.text, answer.header('Transfer-Encoding')]).toEqual(['onetwo', undefined])
    expect(atob(answer.header('X-Amz-Log-Result') ?? '')).toContain('START RequestId')
  })

  it.alone('takes a stream of 200 MiB, and cuts a longer one', async ({ start }) => {
    await using rie = await start()
    const piece = Buffer.alloc(1024 * 1024, 'x')
    for (const over of [0, 1]) {
      const counted = countStream(rie)
      counted.catch(() => {})
      using upload = await Upload.begin(rie, (await rie.next()).id)
      for (let count = 0; count < 200; count++) upload.write(piece)
      if (over > 0) upload.write('x')
      const accepted = await (over > 0 ? upload.answer(6 * patience) : upload.end({}, 6 * patience))
      rie.park()
      const { pieces, end } = await counted
      expect([accepted.status, pieces]).toEqual([over > 0 ? 413 : 202, maxStream])
      if (over === 0) expect(end).toEqual({})
      else {
        expect(end.ErrorCode).toBe('Function.ResponseSizeTooLarge')
        expect(end.ErrorDetails).toContain(`(${maxStream} bytes)`)
      }
    }
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  it.alone('holds little of a stream whose reader is slow, and makes the runtime wait', async ({ start }) => {
    await using rie = await start()
    const before = resident(rie)
    const caller = await call(rie.gateway, invokePath)
    const upload = await Upload.begin(rie, (await rie.next()).id)
    await caller.stall()
    const piece = Buffer.alloc(256 * 1024)
    for (let count = 0; count < 400; count++) upload.write(piece)
    await until('the runtime to wait', () => upload.unsent > 0 && upload.stands())
    expect(upload.unsent).toBeGreaterThan(60 * 1024 * 1024)
    // what has come and is neither with the caller nor in the kernel is held by the emulator
    const held = upload.sent - upload.queued() - caller.queued() - caller.received.length
    expect(held).toBeLessThanOrEqual(1024 * 1024)
    expect(resident(rie) - before).toBeLessThan(40)
    // the reader leaves: the rest is read and dropped
    caller[Symbol.dispose]()
    expect((await upload.end()).status).toBe(202)
    rie.park()
    expect((await rie.exchange()).answer.status).toBe(200)
    upload[Symbol.dispose]()
  })

  it('streams as events of InvokeWithResponseStream, each as it comes', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, streamPath)
    const { id } = await rie.next()
    using upload = await Upload.begin(rie, id)
    for (const piece of ['one', 'two']) {
      upload.write(piece)
      await caller.until(new RegExp(piece))
    }
    await upload.end()
    rie.park()
    const answer = await caller.answer()
    expect([answer.status, answer.header('Content-Type')]).toEqual([
      200,
      'application/vnd.amazon.eventstream',
    ])
    expect(answer.header('X-Amzn-Remapped-Content-Type')).toBe('text/x')
    expect(answer.header('X-Amz-Executed-Version')).toBe('$LATEST')
    expect(answer.header('x-amzn-RequestId')).toBe(id)
    expect(eventsIn(answer.body)).toEqual([
      { type: 'PayloadChunk', text: 'one' },
      { type: 'PayloadChunk', text: 'two' },
      { type: 'InvokeComplete', text: '{}' },
    ])
  })

  it('streams chunks that no runtime has declared to be a stream, as Go sends them', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, streamPath)
    using upload = await Upload.begin(rie, (await rie.next()).id, { Trailer: announced.Trailer! })
    upload.write('one')
    await caller.until(/one/)
    await upload.end()
    expect(readStream(await caller.answer())).toEqual({ text: 'one', end: {} })
  })

  it('splits pieces over 128 KiB, and sends a buffered response as one event', async ({ start }) => {
    await using rie = await start()
    const piece = 'x'.repeat(300_000)
    using caller = await call(rie.gateway, streamPath)
    using upload = await Upload.begin(rie, (await rie.next()).id)
    upload.write(piece)
    await upload.end()
    rie.park()
    const events = eventsIn((await caller.answer()).body)
    for (const { text } of events) expect(text.length).toBeLessThanOrEqual(128 * 1024)
    expect(events.map(({ text }) => text).join('')).toBe(`${piece}{}`)
    using buffered = await call(rie.gateway, streamPath)
    await rie.reply(JSON.stringify(piece))
    const answer = await buffered.answer()
    expect(eventsIn(answer.body).map(({ type, text }) => [type, text.length])).toEqual([
      ['PayloadChunk', 300_002],
      ['InvokeComplete', 2],
    ])
    expect(answer.header('X-Amzn-Remapped-Content-Type')).toBe('application/json')
  })

  for (const first of ['', 'half']) {
    const when = first === '' ? 'before the first byte' : 'later'
    it(`tells in its last event of trailers ${when}`, async ({ start }) => {
      await using rie = await start()
      using caller = await call(rie.gateway, streamPath)
      using upload = await Upload.begin(rie, (await rie.next()).id)
      if (first !== '') upload.write(first)
      await upload.fail('odd type', '{"errorMessage":"none"}')
      const answer = await caller.answer()
      expect([answer.status, answer.header('X-Amz-Function-Error')]).toEqual([200, undefined])
      expect(readStream(answer)).toEqual({
        text: first,
        end: { ErrorCode: 'odd type', ErrorDetails: '{"errorMessage":"none"}' },
      })
    })
  }

  it('tells in its last event of an error, a truncated stream and an exit', async ({ start }) => {
    await using rie = await start()
    const ends: Record<string, string>[] = []
    const asked = async (act: (id: string) => Promise<void>) => {
      using caller = await call(rie.gateway, streamPath)
      await act((await rie.next()).id)
      ends.push(readStream(await caller.answer()).end)
    }
    await asked(async (id) => {
      await rie.error(id, '{"errorType":"Fruit","errorMessage":"none"}')
      rie.park()
    })
    await asked(async (id) => {
      const upload = await Upload.begin(rie, id)
      upload.write('half')
      await rie.settle()
      upload[Symbol.dispose]()
      rie.park()
    })
    await asked(async () => (await rie.runtime()).tell('exit 3'))
    expect(ends.map(({ ErrorCode }) => ErrorCode)).toEqual([
      'Fruit',
      'Runtime.TruncatedResponse',
      'Runtime.ExitError',
    ])
    expect(ends[0]?.ErrorDetails).toBe('{"errorType":"Fruit","errorMessage":"none"}')
  })

  it('tells in its last event that the time is over', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' } })
    using caller = await call(rie.gateway, streamPath)
    using upload = await Upload.begin(rie, (await rie.next()).id)
    upload.write('half')
    const { text, end } = readStream(await caller.answer())
    expect([text, end.ErrorCode]).toEqual(['half', 'Sandbox.Timedout'])
    expect(end.ErrorDetails).toContain('Task timed out after 3.00 seconds')
  })

  it('puts the log into its last event for who asks for it', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, streamPath, { 'X-Amz-Log-Type': 'Tail' })
    using upload = await Upload.begin(rie, (await rie.next()).id)
    upload.write('one')
    await caller.until(/one/)
    await upload.end()
    rie.park()
    const { text, end } = readStream(await caller.answer())
    expect(text).toBe('one')
    expect(atob(end.LogResult ?? '')).toMatch(/^START RequestId[\s\S]*REPORT RequestId/)
  })

  it('hands the prelude of a stream on as it is', async ({ start }) => {
    await using rie = await start()
    using caller = await call(rie.gateway, streamPath)
    const headers = { ...declared, 'Content-Type': 'application/vnd.awslambda.http-integration-response' }
    using upload = await Upload.begin(rie, (await rie.next()).id, headers)
    const prelude = `{"statusCode":201}${'\0'.repeat(8)}`
    upload.write(prelude)
    upload.write('body')
    await upload.end()
    const answer = await caller.answer()
    expect(readStream(answer).text).toBe(`${prelude}body`)
    expect(answer.header('X-Amzn-Remapped-Content-Type')).toBe(headers['Content-Type'])
  })

  it('checks a request for a stream as any other of the service', async ({ start }) => {
    await using rie = await start()
    const ask = (headers: Headers, body: string, path = streamPath) =>
      rie.ask({ method: 'POST', path, headers, body })
    const dry = await ask({ 'X-Amz-Invocation-Type': 'DryRun' }, '{}')
    expect([dry.status, dry.text]).toEqual([204, ''])
    const event = await ask({ 'X-Amz-Invocation-Type': 'Event' }, '{}')
    expect([event.status, event.header('x-amzn-ErrorType')]).toEqual([400, 'InvalidParameterValueException'])
    const content = await ask({}, 'no JSON')
    expect([content.status, content.header('x-amzn-ErrorType')]).toEqual([
      400,
      'InvalidRequestContentException',
    ])
    const large = await ask({}, JSON.stringify('x'.repeat(6 * 1024 * 1024)))
    expect([large.status, large.header('x-amzn-ErrorType')]).toEqual([413, 'RequestEntityTooLargeException'])
    const named = await ask({}, '{}', streamPath.replace('functions/function', 'functions/%3F'))
    expect(named.status).toBe(400)
    expect((await rie.ask({ path: streamPath })).status).toBe(405)
    expect(rie.runtimes()).toEqual([])
    const qualified = rie.ask({ method: 'POST', path: `${streamPath}?Qualifier=7`, body: '{}' })
    expect((await rie.reply()).header('Lambda-Runtime-Invoked-Function-Arn')).toMatch(/:7$/)
    expect((await qualified).header('X-Amz-Executed-Version')).toBe('7')
  })

  it('names a stream that is under way in the state, and counts its first byte and its bytes', async ({
    start,
  }) => {
    await using rie = await start()
    const state = async () => (await rie.ask({ path: '/_rie/state' })).json.environments[0].streaming
    using caller = await call(rie.gateway, invokePath)
    const { id } = await rie.next()
    expect(await state()).toEqual([])
    using upload = await Upload.begin(rie, id)
    upload.write('one, ')
    await caller.until(/one, /)
    expect(await state()).toEqual([id])
    upload.write('two')
    await upload.end()
    rie.park()
    expect((await caller.answer()).text).toBe('one, two')
    await until('the end of the stream', async () => (await state()).length === 0)
    const figures = (await rie.ask({ path: '/_rie/metrics' })).text
    expect(figures).toMatch(/^lambda_rie_first_byte_seconds_count(\{.*\})? 1$/m)
    expect(figures).toMatch(/^lambda_rie_response_bytes_sum(\{.*\})? 8$/m)
  })

  it('streams from several environments side by side, and to one who has waited after that', async ({
    start,
  }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    using one = await call(rie.gateway, invokePath)
    using two = await call(rie.gateway, streamPath)
    const environments = await Promise.all(
      [1, 2].map(async (number) => {
        const api = parse((await rie.runtime(number)).env().AWS_LAMBDA_RUNTIME_API!)
        const next = () => request(api, { path: '/2018-06-01/runtime/invocation/next' })
        return { api, next, event: await next() }
      }),
    )
    using third = await call(rie.gateway, invokePath)
    await until('the third to wait', async () => (await rie.ask({ path: '/_rie/state' })).json.queued === 1)
    const uploads: Upload[] = []
    for (const { api, event } of environments) {
      const upload = await Upload.begin({ api }, event.id)
      upload.write(`of ${event.id}`)
      uploads.push(upload)
    }
    const [of] = await Promise.all([one.until(/of [0-9a-f-]{36}/), two.until(/of [0-9a-f-]{36}/)])
    expect(third.received.length).toBe(0)
    for (const upload of uploads) await upload.end()
    const answer = await one.answer()
    expect(answer.text).toBe(`of ${answer.header('x-amzn-RequestId')}`)
    expect(of).toContain(answer.text)
    expect(readStream(await two.answer()).end).toEqual({})
    const [{ api, next }] = environments as [(typeof environments)[number]]
    const other = environments[1] as (typeof environments)[number]
    const event = await Promise.race([next(), other.next()])
    const where = (await rie.ask({ path: '/_rie/state' })).json.environments
    expect(where).toHaveLength(2)
    for (const at of [api, other.api]) {
      using upload = await Upload.begin({ api: at }, event.id)
      upload.write('late')
      // only the environment that has it takes it
      if ((await upload.end()).status === 202) break
    }
    expect((await third.answer()).text).toBe('late')
    for (const upload of uploads) upload[Symbol.dispose]()
  })

  it('streams to a tenant, and starts anew for another one behind the last byte', async ({ start }) => {
    await using rie = await start()
    using one = await call(rie.gateway, streamPath, { 'X-Amz-Tenant-Id': 'one' })
    const { id } = await rie.next()
    using upload = await Upload.begin(rie, id)
    upload.write('for one')
    await one.until(/for one/)
    using two = await call(rie.gateway, invokePath, { 'X-Amz-Tenant-Id': 'two' })
    await until('the other to wait', async () => (await rie.ask({ path: '/_rie/state' })).json.queued === 1)
    expect(rie.runtimes()).toHaveLength(1)
    await upload.end()
    rie.park()
    expect(readStream(await one.answer())).toEqual({ text: 'for one', end: {} })
    const api = parse((await rie.runtime(2)).env().AWS_LAMBDA_RUNTIME_API!)
    const event = await request(api, { path: '/2018-06-01/runtime/invocation/next' })
    expect(event.header('Lambda-Runtime-Aws-Tenant-Id')).toBe('two')
    const path = `/2018-06-01/runtime/invocation/${event.id}/response`
    await request(api, { method: 'POST', path, body: '"for two"' })
    expect((await two.answer()).text).toBe('"for two"')
  })

  it('refuses a stream that has no room with 429', async ({ start }) => {
    await using rie = await start({ flags: ['--max-queue', '0'] })
    using caller = await call(rie.gateway, streamPath)
    const { id } = await rie.next()
    const refused = await rie.ask({ method: 'POST', path: streamPath, body: '{}' })
    expect([refused.status, refused.header('x-amzn-ErrorType')]).toEqual([429, 'TooManyRequestsException'])
    await rie.respond(id)
    expect((await caller.answer()).status).toBe(200)
  })
})
