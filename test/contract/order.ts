/** When a caller is answered, what waits for what, and the kinds of invocation. */
import { expect } from 'bun:test'
import { bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { invokePath } from './emulator.ts'
import { uuid } from './facts.ts'

export const order = chapter('Invoke endpoint: order and kinds', (it) => {
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
})
