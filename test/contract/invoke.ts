/** What a caller sends and the runtime gets, and back: bodies, ids, headers. */
import { expect } from 'bun:test'
import { bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { invokePath } from './emulator.ts'
import { base64, jsonOf, maxRequest, maxResponse, signed, uuid } from './facts.ts'

const bodies: Record<string, string | Uint8Array> = {
  'a JSON object': '{"greeting":"hällo \\u00e9","n":[1,2.50,-0]}',
  'plain text': 'plain text, not JSON',
  'an empty body': '',
  HTML: '<html><body>&amp;</body></html>',
  'bytes that are no text': Uint8Array.from({ length: 512 }, (_, index) => index % 256),
}

export const invoke = chapter('Invoke endpoint', (it) => {
  for (const [kind, body] of Object.entries(bodies)) {
    it(`answers 200 with exactly what the runtime posted: ${kind}`, async ({ start }) => {
      await using rie = await start()
      const { answer } = await rie.exchange('{}', body)
      expect(answer.status).toBe(200)
      expect(answer.body.equals(Buffer.from(body as string))).toBe(true)
    })
  }

  it('delivers the event to the runtime byte for byte', async ({ start }) => {
    await using rie = await start()
    const sent = '{ "greeting" : "h\u00e4llo\\n",\t"n":1e3 }'
    const { event } = await rie.exchange(sent)
    expect(event.text).toBe(sent)
    expect(event.header('Content-Type')).toBe('application/json')
  })

  it('delivers what is not JSON unchanged to a caller without a signature', async ({ start }) => {
    await using rie = await start()
    const { event, answer } = await rie.exchange('not JSON at all')
    expect(event.text).toBe('not JSON at all')
    expect(answer.status).toBe(200)
  })

  it('delivers an empty body as an empty object', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange('')
    expect(event.text).toBe('{}')
  })

  it('serves one invocation after the other', async ({ start }) => {
    await using rie = await start()
    for (const text of ['"one"', '"two"', '"three"']) {
      const { event, answer } = await rie.exchange(text, text.toUpperCase())
      expect([event.text, answer.status, answer.text]).toEqual([text, 200, text.toUpperCase()])
    }
    expect(rie.runtimes()).toHaveLength(1)
  })

  it('carries an event and a response of the largest allowed size', async ({ start }) => {
    await using rie = await start()
    const sent = jsonOf(maxRequest)
    const { event, answer } = await rie.exchange(sent, jsonOf(maxResponse))
    expect(event.text === sent).toBe(true)
    expect([answer.status, answer.body.length]).toEqual([200, maxResponse])
  })

  for (const [dialect, headers] of Object.entries({ rie: {}, lambda: signed })) {
    it(`refuses an event over the limit with 413 and the service's document, dialect ${dialect}`, async ({
      start,
    }) => {
      await using rie = await start()
      const answer = await rie.invoke(jsonOf(maxRequest + 1), headers)
      expect(answer.status).toBe(413)
      expect(answer.header('x-amzn-ErrorType')).toBe('RequestEntityTooLargeException')
      expect(answer.json).toEqual({
        Message: 'Request must be smaller than 6291456 bytes for the InvokeFunction operation',
      })
      expect(rie.runtimes()).toEqual([])
    })
  }

  it('refuses an event over the limit that comes in chunks', async ({ start }) => {
    await using rie = await start()
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`
    using wire = await Wire.open(rie.gateway)
    wire.send(
      bytes(rie.gateway, { method: 'POST', path: invokePath, headers: { 'Transfer-Encoding': 'chunked' } }),
    )
    wire.send(chunk.repeat(7))
    wire.send('0\r\n\r\n')
    expect((await wire.answer()).status).toBe(413)
  })

  it('names the request, the version and the type in the headers of its answer', async ({ start }) => {
    await using rie = await start()
    const { event, answer } = await rie.exchange()
    expect(answer.header('x-amzn-RequestId')).toBe(event.id)
    expect(answer.header('X-Amz-Executed-Version')).toBe('$LATEST')
    expect(answer.header('Content-Type')).toBe('application/json')
    expect(answer.header('X-Amz-Function-Error')).toBeUndefined()
  })

  it('gives every invocation a request id of its own', async ({ start }) => {
    await using rie = await start()
    const ids = [await rie.exchange(), await rie.exchange()].map(({ event }) => event.id)
    expect(ids[0]).toMatch(uuid)
    expect(ids[1]).toMatch(uuid)
    expect(ids[0]).not.toBe(ids[1]!)
  })

  it("takes over a caller's request id that is a UUID", async ({ start }) => {
    await using rie = await start()
    const id = crypto.randomUUID()
    const { event, answer } = await rie.exchange('{}', '1', { 'X-Amzn-RequestId': id })
    expect([event.id, answer.status]).toEqual([id, 200])
  })

  it("makes up a request id where the caller's is not a UUID", async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange('{}', '1', { 'X-Amzn-RequestId': 'my-request' })
    expect(event.id).toMatch(uuid)
  })

  it("makes up a request id where the caller's is in flight already", async ({ start }) => {
    await using rie = await start()
    const id = crypto.randomUUID()
    const calls = [1, 2].map((n) => rie.invoke(String(n), { 'X-Amzn-RequestId': id }))
    const ids = [(await rie.reply()).id, (await rie.reply()).id]
    const answers = await Promise.all(calls)
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(ids).toContain(id)
    expect(new Set(ids).size).toBe(2)
    expect(answers.map((answer) => answer.header('x-amzn-RequestId')!).sort()).toEqual(ids.sort())
  })

  it('hands the trace header on to the runtime', async ({ start }) => {
    await using rie = await start()
    const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
    const { event } = await rie.exchange('{}', '1', { 'X-Amzn-Trace-Id': trace })
    expect(event.header('Lambda-Runtime-Trace-Id')).toBe(trace)
  })

  it('makes up a trace header where the caller sends none', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange()
    expect(event.header('Lambda-Runtime-Trace-Id')).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}(;|$)/)
  })

  it('hands the decoded client context on to the runtime', async ({ start }) => {
    await using rie = await start()
    const context = '{"custom":{"foo":"bar","baz":123}}'
    const { event } = await rie.exchange('{}', '1', { 'X-Amz-Client-Context': base64(context) })
    expect(JSON.parse(event.header('Lambda-Runtime-Client-Context')!)).toEqual(JSON.parse(context))
  })

  it('hands a client context on in ASCII', async ({ start }) => {
    await using rie = await start()
    const context = { custom: { city: 'Zürich', face: '\u{1f600}' } }
    const { event } = await rie.exchange('{}', '1', {
      'X-Amz-Client-Context': base64(JSON.stringify(context)),
    })
    const header = event.header('Lambda-Runtime-Client-Context')!
    expect(header).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(header)).toEqual(context)
  })

  for (const [kind, value] of Object.entries({
    'is not base64': '{"custom":{}}',
    'is base64 of something else than JSON': base64('hello'),
    'is base64 of JSON that is not an object': base64('[1]'),
  })) {
    it(`refuses a client context that ${kind} with 400 and names the header`, async ({ start }) => {
      await using rie = await start()
      const answer = await rie.invoke('{}', { 'X-Amz-Client-Context': value })
      expect(answer.status).toBe(400)
      expect(JSON.stringify(answer.json)).toMatch(/x-amz-client-context/i)
      expect(rie.runtimes()).toEqual([])
    })
  }

  it('hands the tenant on to the runtime', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange('{}', '1', { 'X-Amz-Tenant-Id': 'tenant-7' })
    expect(event.header('Lambda-Runtime-Aws-Tenant-Id')).toBe('tenant-7')
  })

  it('sends the runtime no header without a value', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange()
    for (const name of ['Client-Context', 'Cognito-Identity', 'Aws-Tenant-Id']) {
      expect(event.header(`Lambda-Runtime-${name}`)).toBeUndefined()
    }
  })
})
