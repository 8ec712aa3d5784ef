/** What a caller of the function sends and gets: the invoke endpoint without faults of the function. */
import { expect } from 'bun:test'
import { invokePath } from './emulator.ts'
import { base64, jsonOf, maxRequest, maxResponse, signed, uuid } from './facts.ts'
import { chapter } from './suite.ts'
import { bytes, Wire } from './wire.ts'

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

  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    it(`refuses ${method} on the invoke path with 405 and runs nothing`, async ({ start }) => {
      await using rie = await start()
      const answer = await rie.ask({ method, path: invokePath })
      expect([answer.status, answer.header('Allow')]).toEqual([405, 'POST'])
      expect(rie.runtimes()).toEqual([])
    })
  }

  for (const [kind, name] of Object.entries({
    'another name': 'my-function_1',
    'a name with a qualifier': 'my-function:PROD',
    'a partial ARN': '123456789012:function:my-function',
    'a full ARN': 'arn:aws:lambda:eu-west-1:123456789012:function:my-function',
    'a percent-encoded ARN': encodeURIComponent('arn:aws:lambda:eu-west-1:123456789012:function:my-function'),
  })) {
    it(`takes ${kind} for the function`, async ({ start }) => {
      await using rie = await start()
      const call = rie.invoke('{}', {}, `/2015-03-31/functions/${name}/invocations`)
      await rie.reply('"here"')
      expect((await call).text).toBe('"here"')
    })
  }

  it('tells the runtime the ARN with the qualifier that the caller gave', async ({ start }) => {
    await using rie = await start()
    const arns: unknown[] = []
    for (const path of [
      '/2015-03-31/functions/my-function:PROD/invocations',
      '/2015-03-31/functions/my-function%3A%24LATEST/invocations',
      `${invokePath}?Qualifier=7`,
    ]) {
      const call = rie.invoke('{}', {}, path)
      arns.push((await rie.reply()).header('Lambda-Runtime-Invoked-Function-Arn'))
      await call
    }
    const arn = 'arn:aws:lambda:us-east-1:012345678912:function:test_function'
    expect(arns).toEqual([`${arn}:PROD`, `${arn}:$LATEST`, `${arn}:7`])
  })

  it('ignores a query that it does not know', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('{}', {}, `${invokePath}?foo=bar&baz`)
    await rie.reply('"here"')
    expect((await call).text).toBe('"here"')
  })

  for (const path of ['/', '/2015-03-31/functions', '/2015-03-31/functions/function', '/favicon.ico']) {
    it(`answers 404 on ${path}`, async ({ start }) => {
      await using rie = await start()
      expect((await rie.ask({ method: 'POST', path, body: '{}' })).status).toBe(404)
      expect(rie.runtimes()).toEqual([])
    })
  }

  it('tells in a 404 where the function is', async ({ start }) => {
    await using rie = await start()
    const answer = await rie.ask({ path: '/' })
    expect([answer.status, answer.header('Content-Type')]).toEqual([404, 'application/json'])
    expect(JSON.stringify(answer.json)).toContain('/2015-03-31/functions/')
  })

  it('speaks HTTP/1.0', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    wire.send(`POST ${invokePath} HTTP/1.0\r\nContent-Length: 3\r\n\r\n"1"`)
    expect((await rie.reply('"old"')).text).toBe('"1"')
    const answer = await wire.answer()
    expect([answer.status, answer.text]).toEqual([200, '"old"'])
  })

  it('keeps a connection open for the next request', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    for (const text of ['"one"', '"two"']) {
      wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, body: text }))
      await rie.reply(text)
      expect((await wire.answer()).text).toBe(text)
    }
    expect(wire.closed).toBe(false)
  })

  it('says 100 Continue to a caller that waits for it', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    const headers = { 'Content-Length': '6', Expect: '100-continue' }
    wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, headers }))
    await wire.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
    wire.send('"late"')
    expect((await rie.reply()).text).toBe('"late"')
    expect((await wire.answer()).status).toBe(200)
  })

  it('takes an event in chunks', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n', { 'Transfer-Encoding': 'chunked' })
    expect((await rie.reply()).text).toBe('{"a":1}')
    expect((await call).status).toBe(200)
  })

  it('runs nothing for an upload that breaks off', async ({ start }) => {
    await using rie = await start()
    const wire = await Wire.open(rie.gateway)
    wire.send(
      bytes(rie.gateway, {
        method: 'POST',
        path: invokePath,
        headers: { 'Content-Length': '99' },
        body: '{',
      }),
    )
    await rie.settle()
    wire[Symbol.dispose]()
    await rie.settle()
    expect(rie.runtimes()).toEqual([])
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  it('runs an invocation to its end when its caller goes away', async ({ start }) => {
    await using rie = await start()
    const wire = await Wire.open(rie.gateway)
    wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, body: '"abandoned"' }))
    const event = await rie.next()
    wire[Symbol.dispose]()
    await rie.settle()
    expect((await rie.respond(event.id)).status).toBe(202)
    rie.park()
    await rie.stdout.until(new RegExp(`END RequestId: ${event.id}\nREPORT RequestId: ${event.id}`))
    expect((await rie.exchange('"next"')).event.text).toBe('"next"')
  })

  it('answers as soon as the runtime has responded', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const event = await rie.next()
    await rie.respond(event.id, '"at once"')
    expect((await call).text).toBe('"at once"')
  })

  it('lets the next invocation wait until the runtime asks for it', async ({ start }) => {
    await using rie = await start()
    const first = rie.invoke('1')
    const event = await rie.next()
    await rie.respond(event.id)
    await first
    const second = rie.invoke('2')
    await rie.stillWaits(second)
    expect((await rie.reply('"second"')).text).toBe('2')
    expect((await second).text).toBe('"second"')
  })

  it('runs overlapping invocations in the order of their arrival', async ({ start }) => {
    await using rie = await start()
    const calls = []
    for (const text of ['1', '2', '3', '4', '5']) {
      calls.push(rie.invoke(text))
      await rie.settle()
    }
    const seen: string[] = []
    for (const _ of calls) seen.push((await rie.reply(`"answer ${seen.length + 1}"`)).text)
    expect(seen).toEqual(['1', '2', '3', '4', '5'])
    expect((await Promise.all(calls)).map((answer) => answer.text)).toEqual(seen.map((n) => `"answer ${n}"`))
    expect(rie.runtimes()).toHaveLength(1)
  })

  it('takes Event for an answer of 202 at once', async ({ start }) => {
    await using rie = await start()
    const answer = await rie.invoke('"later"', { 'X-Amz-Invocation-Type': 'Event' })
    expect([answer.status, answer.text]).toEqual([202, ''])
    expect(answer.header('x-amzn-RequestId')).toMatch(uuid)
    const event = await rie.reply()
    expect([event.text, event.id]).toEqual(['"later"', answer.header('x-amzn-RequestId')!])
    await rie.stdout.until(new RegExp(`REPORT RequestId: ${event.id}`))
  })

  it('takes DryRun for an answer of 204 that runs nothing', async ({ start }) => {
    await using rie = await start()
    const answer = await rie.invoke('{}', { 'X-Amz-Invocation-Type': 'DryRun' })
    expect([answer.status, answer.text]).toEqual([204, ''])
    await rie.settle()
    expect(rie.runtimes()).toEqual([])
  })

  it('adds the end of the log to the answer for Tail', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('{}', { 'X-Amz-Log-Type': 'Tail' })
    const event = await rie.next()
    await (await rie.runtime()).ask('echo a line of the function')
    await rie.respond(event.id)
    rie.park()
    const log = Buffer.from((await call).header('X-Amz-Log-Result')!, 'base64').toString()
    expect(log).toMatch(
      new RegExp(
        `^START RequestId: ${event.id} Version: \\$LATEST\na line of the function\nEND RequestId: ${event.id}\nREPORT RequestId: ${event.id}\t.*\n$`,
      ),
    )
  })

  it('cuts what Tail adds to its last 4 KB', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('{}', { 'X-Amz-Log-Type': 'Tail' })
    const event = await rie.next()
    await (await rie.runtime()).ask(
      'i=0; while [ $i -lt 500 ]; do echo "line $i of the function"; i=$((i+1)); done',
    )
    await rie.respond(event.id)
    rie.park()
    const log = Buffer.from((await call).header('X-Amz-Log-Result')!, 'base64').toString()
    expect(log.length).toBeLessThanOrEqual(4096)
    expect(log.length).toBeGreaterThan(3500)
    expect(log).toContain('line 499 of the function\nEND RequestId: ')
    expect(log).not.toContain('START')
  })

  it('hands a streaming response on whole, with the type that the runtime declared', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const event = await rie.next()
    using upload = await Wire.open(rie.api)
    const headers = {
      'Content-Type': 'text/event-stream',
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
    }
    const path = `/2018-06-01/runtime/invocation/${event.id}/response`
    upload.send(bytes(rie.api, { method: 'POST', path, headers, body: '6\r\nfirst \r\n' }))
    await rie.settle()
    upload.send('6\r\nsecond\r\n0\r\n\r\n')
    expect((await upload.answer()).status).toBe(202)
    rie.park()
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, 'first second'])
    expect(answer.header('Content-Type')).toBe('text/event-stream')
  })

  it('hands a streaming response with a prelude on as it is', async ({ start }) => {
    await using rie = await start()
    const body = '{"statusCode":201}\0\0\0\0\0\0\0\0hello'
    const call = rie.invoke()
    await rie.reply(body, {
      'Content-Type': 'application/vnd.awslambda.http-integration-response',
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
    })
    expect((await call).text).toBe(body)
  })

  it('answers a caller that has closed its side of the connection', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, body: '"half"' }))
    wire.finish()
    expect((await rie.reply('"whole"')).text).toBe('"half"')
    expect((await wire.answer()).text).toBe('"whole"')
  })

  it('shows no trace of an invocation that was only refused', async ({ start }) => {
    await using rie = await start()
    await rie.ask({ method: 'POST', path: '/nowhere', body: '{}' })
    await rie.settle()
    expect(rie.stdout.text).toBe('')
  })
})
