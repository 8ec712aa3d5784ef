/** The invoke endpoint as an HTTP server: methods, names, paths, connections. */
import { expect } from 'bun:test'
import { bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { invokePath } from './emulator.ts'

export const http = chapter('Invoke endpoint: HTTP', (it) => {
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
