/** What callers may send besides the ordinary: repeated headers, odd values and paths, large events, more than one request. */
import { expect } from 'bun:test'
import { type Answer, bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { type Emulator, invokePath, resident } from './emulator.ts'
import { base64, jsonOf, maxRequest, signed, someId, uuid } from './facts.ts'

const maxAsync = 1024 * 1024

/** An invocation whose head is written out, so that a header can stand in it twice. */
async function raw(rie: Emulator, head: readonly string[], text = '{}'): Promise<Wire> {
  const wire = await Wire.open(rie.gateway)
  const lines = [`POST ${invokePath} HTTP/1.1`, 'Host: x', `Content-Length: ${text.length}`, ...head]
  wire.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${text}`, 'latin1'))
  return wire
}

async function chunked(rie: Emulator, size: number): Promise<Wire> {
  const wire = await Wire.open(rie.gateway)
  const headers = { 'Transfer-Encoding': 'chunked' }
  wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, headers }))
  wire.send(`${size.toString(16)}\r\n${jsonOf(size)}\r\n0\r\n\r\n`)
  return wire
}

const shape = (answer: Answer) => [answer.status, answer.header('x-amzn-ErrorType')]

export const requests = chapter('Invoke endpoint: odd requests', (it) => {
  it('reads the first of a header that comes twice', async ({ start }) => {
    await using rie = await start()
    using wire = await raw(rie, [
      `X-Amz-Client-Context: ${base64('{"a":1}')}`,
      `X-Amz-Client-Context: ${base64('{"b":1}')}`,
      'X-Amz-Tenant-Id: blue',
      'X-Amz-Tenant-Id: red',
      `X-Amzn-RequestId: ${someId}`,
      `X-Amzn-RequestId: ${crypto.randomUUID()}`,
    ])
    const event = await rie.reply()
    expect([event.id, event.header('Lambda-Runtime-Aws-Tenant-Id')]).toEqual([someId, 'blue'])
    expect(event.header('Lambda-Runtime-Client-Context')).toBe('{"a":1}')
    expect((await wire.answer()).status).toBe(200)
  })

  it('reads the first trace of two, and makes one up in place of what is not ASCII', async ({ start }) => {
    await using rie = await start()
    const seen: (string | undefined)[] = []
    for (const head of [
      ['X-Amzn-Trace-Id: Root=1-a;Parent=b;Sampled=1', 'X-Amzn-Trace-Id: Root=1-b'],
      ['X-Amzn-Trace-Id: Root=1-\xe9'],
    ]) {
      using wire = await raw(rie, head)
      seen.push((await rie.reply()).header('Lambda-Runtime-Trace-Id'))
      await wire.answer()
    }
    expect(seen).toEqual([
      'Root=1-a;Parent=b;Sampled=1',
      expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=/),
    ])
  })

  const invalid: readonly (readonly [kind: string, path: string, headers: Record<string, string>])[] = [
    ['an invocation type', invokePath, { 'X-Amz-Invocation-Type': 'Sometimes' }],
    ['a log type', invokePath, { 'X-Amz-Log-Type': 'Head' }],
    ['a tenant', invokePath, { 'X-Amz-Tenant-Id': 'a!b' }],
    ['a qualifier', `${invokePath}?Qualifier=a%20b`, {}],
    ['a function name', '/2015-03-31/functions/a%20b/invocations', {}],
    ['a second, different qualifier', '/2015-03-31/functions/f:prod/invocations?Qualifier=dev', {}],
  ]
  for (const [kind, path, headers] of invalid) {
    it(`refuses ${kind} that is none`, async ({ start }) => {
      await using rie = await start()
      const answer = await rie.invoke('{}', headers, path)
      expect(shape(answer)).toEqual([400, 'InvalidParameterValueException'])
      expect(Object.keys(answer.json)).toEqual(['Type', 'message'])
      expect(rie.runtimes()).toEqual([])
    })
  }

  it('answers with the version that runs, which is no alias', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_VERSION: '12' } })
    const versions: unknown[] = []
    for (const qualifier of ['', '?Qualifier=prod', '?Qualifier=7', '?Qualifier=$LATEST']) {
      const call = rie.invoke('{}', {}, `${invokePath}${qualifier}`)
      await rie.reply()
      versions.push((await call).header('X-Amz-Executed-Version'))
    }
    expect(versions).toEqual(['12', '12', '7', '$LATEST'])
  })

  it('answers a signed caller with its trace, in the lower case of the service', async ({ start }) => {
    await using rie = await start()
    const sent = {
      'X-Amzn-Trace-Id': 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
    }
    const { answer } = await rie.exchange('{}', '1', { ...signed, ...sent })
    const trace = 'root=1-5759e988-bd862e3fe1be46a994272793;parent=53995c3f42cd8ad8;sampled=1'
    expect(answer.header('X-Amzn-Trace-Id')).toBe(trace)
    expect((await rie.exchange('{}', '1', sent)).answer.header('X-Amzn-Trace-Id')).toBeUndefined()
  })

  it('takes an event of the largest size in chunks, and not a byte more', async ({ start }) => {
    await using rie = await start()
    using wire = await chunked(rie, maxRequest)
    expect((await rie.reply()).body.length).toBe(maxRequest)
    expect((await wire.answer()).status).toBe(200)
    using more = await chunked(rie, maxRequest + 1)
    expect(shape(await more.answer())).toEqual([413, 'RequestEntityTooLargeException'])
  })

  it('refuses an event over the limit that says its length twice', async ({ start }) => {
    await using rie = await start()
    const text = jsonOf(maxRequest + 1)
    using wire = await raw(rie, [`Content-Length: ${text.length}`], text)
    expect(shape(await wire.answer())).toEqual([413, 'RequestEntityTooLargeException'])
  })

  it('takes 1 MiB for an Event, and not a byte more', async ({ start }) => {
    await using rie = await start()
    const type = { 'X-Amz-Invocation-Type': 'Event' }
    expect((await rie.invoke(jsonOf(maxAsync), type)).status).toBe(202)
    expect((await rie.reply()).body.length).toBe(maxAsync)
    for (const headers of [type, { ...type, ...signed }]) {
      const answer = await rie.invoke(jsonOf(maxAsync + 1), headers)
      expect(shape(answer)).toEqual([413, 'RequestEntityTooLargeException'])
      expect(answer.json.Message).toContain('1048576 bytes')
    }
  })

  it('refuses what is not UTF-8 of a signed caller', async ({ start }) => {
    await using rie = await start()
    const answer = await rie.invoke(Uint8Array.of(0x22, 0xff, 0x22), signed)
    expect(shape(answer)).toEqual([400, 'InvalidRequestContentException'])
  })

  it('refuses six megabytes of brackets of a signed caller, and stays small', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const answer = await rie.invoke('['.repeat(6_000_000), signed)
    expect(shape(answer)).toEqual([400, 'InvalidRequestContentException'])
    expect(resident(rie)).toBeLessThan(200)
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  for (const [sent, clean] of [
    [`/${invokePath}`, invokePath],
    ['/2015-03-31//functions/function/invocations?Qualifier=1', `${invokePath}?Qualifier=1`],
    ['//', '/'],
  ] as const) {
    it(`sends a caller on from ${sent}`, async ({ start }) => {
      await using rie = await start()
      const answer = await rie.invoke('{}', {}, sent)
      expect([answer.status, answer.header('Location')]).toEqual([307, clean])
      expect(rie.runtimes()).toEqual([])
    })
  }

  it('takes a path with dots for what it comes to', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('{}', {}, `/./x/..${invokePath}`)
    await rie.reply('"here"')
    expect((await call).text).toBe('"here"')
  })

  it('tells an SDK by header and id that it does not serve something', async ({ start }) => {
    await using rie = await start()
    for (const [method, path, status] of [
      ['GET', '/2015-03-31/functions', 404],
      ['PUT', invokePath, 405],
    ] as const) {
      const answer = await rie.ask({ method, path, headers: signed, body: '' })
      expect(shape(answer)).toEqual([status, 'UnknownOperationException'])
      expect(answer.header('x-amzn-RequestId')).toMatch(uuid)
    }
  })

  const post = (text: string) =>
    `POST ${invokePath} HTTP/1.1\r\nHost: x\r\nContent-Length: ${text.length}\r\n\r\n${text}`

  it('answers pipelined invocations in their order', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    wire.send(post('"one"') + post('"two"'))
    for (const text of ['"one"', '"two"']) {
      await rie.reply(text)
      expect((await wire.answer()).text).toBe(text)
    }
  })

  it('answers a caller that sends an empty line after its event', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    wire.send(`${post('"one"')}\r\n`)
    await rie.reply('"answer"')
    expect((await wire.answer()).text).toBe('"answer"')
  })

  it('takes an event in chunks that ends in trailers', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    const head = `POST ${invokePath} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Digest\r\n\r\n`
    for (const text of ['"one"', '"two"']) {
      wire.send(`${head}5\r\n${text}\r\n0\r\nX-Digest: none\r\n\r\n`)
      expect((await rie.reply('"answer"')).text).toBe(text)
      expect((await wire.answer()).text).toBe('"answer"')
    }
  })

  it('runs an invocation to its end whose caller sent more', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    wire.send(`${post('"one"')}\r\n`)
    expect((await rie.reply()).text).toBe('"one"')
    // the reference ends when a second invocation comes before the first is over
    expect((await wire.answer()).status).toBe(200)
    expect((await rie.exchange('"two"')).event.text).toBe('"two"')
  })
})
