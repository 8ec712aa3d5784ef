/** Events whose callers do not wait: their tries, their order, their end, and where its record goes. */
import { expect } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tempDir, until } from '../harness.ts'
import type { Answer } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'

const asEvent = { 'X-Amz-Invocation-Type': 'Event' }

/** No wait between tries. */
const atOnce = ['--async-retry-delays', '0']

interface Told {
  readonly queued: number
  readonly asyncEvents: { readonly waiting: number; readonly waitingBytes: number }
}

const stateOf = async (rie: Emulator): Promise<Told> => (await rie.ask({ path: '/_rie/state' })).json

/** Sends an event and gives its id. */
async function send(rie: Emulator, event: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await rie.invoke(event, { ...asEvent, ...headers })
  expect([answer.status, answer.text]).toEqual([202, ''])
  return answer.header('x-amzn-RequestId') as string
}

/** The runtime fails the next event, and waits for another. */
async function fail(rie: Emulator, document = '{"errorType":"Wrong","errorMessage":"no"}'): Promise<Answer> {
  const event = await rie.next()
  await rie.error(event.id, document)
  rie.park()
  return event
}

/** The records in a file, when there are so many. */
function records(path: string, count: number): Promise<Record<string, unknown>[]> {
  return until(`${count} records in ${path}`, () => {
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
    return lines.length >= count && lines.map((line) => JSON.parse(line))
  })
}

// biome-ignore lint/suspicious/noExplicitAny: what a case expects of it, the case says
const told = (rie: Emulator, message: string): Promise<any> =>
  until(`the log to say: ${message}`, () => rie.log.find(({ msg }) => msg === message))

/** A destination over HTTP that answers with these, one after the other, and then with 200; null: never. */
function destination(...answers: (number | null)[]) {
  const got: { readonly type: string | null; readonly body: Record<string, unknown> }[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      got.push({
        type: request.headers.get('content-type'),
        body: (await request.json()) as Record<string, unknown>,
      })
      const answer = answers.length > 0 ? answers.shift() : 200
      if (answer === null) await new Promise(() => {})
      return new Response(null, { status: answer ?? 200 })
    },
  })
  return {
    got,
    url: `http://127.0.0.1:${server.port}/records`,
    [Symbol.asyncDispose]: async () => await server.stop(true),
  }
}

export const asynchronous = chapter('Asynchronous invocations', (it) => {
  it('takes Events beside the queue, and runs them and the callers in their order', async ({ start }) => {
    await using rie = await start({ flags: ['--max-queue', '1'] })
    const first = rie.invoke('"first"')
    const running = await rie.next()
    for (const event of ['"a"', '"b"']) await send(rie, event)
    const caller = rie.invoke('"caller"')
    await until('the caller to wait', async () => (await stateOf(rie)).queued === 1)
    await send(rie, '"c"')
    expect((await rie.invoke('"refused"')).status).toBe(429)
    expect((await stateOf(rie)).asyncEvents).toEqual({ waiting: 3, waitingBytes: 9 })
    await rie.respond(running.id, '1')
    rie.park()
    const order: string[] = []
    for (let count = 0; count < 4; count++) order.push((await rie.reply('2')).text)
    expect(order).toEqual(['"a"', '"b"', '"caller"', '"c"'])
    expect([(await first).text, (await caller).text]).toEqual(['1', '2'])
    expect((await stateOf(rie)).asyncEvents).toEqual({ waiting: 0, waitingBytes: 0 })
  })

  it('tries an Event again after an error, with the same id and trace, and a deadline of its own', async ({
    start,
  }) => {
    using folder = tempDir()
    const file = `${folder.path}/ok.jsonl`
    await using rie = await start({ flags: [...atOnce, '--on-success', `file:${file}`] })
    const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
    const id = await send(rie, '{"a":1}', { 'X-Amzn-Trace-Id': trace })
    const tries = [await fail(rie), await fail(rie), await rie.reply('{"done":true}')]
    expect(tries.map((one) => [one.id, one.text, one.header('Lambda-Runtime-Trace-Id')] as unknown)).toEqual(
      [1, 2, 3].map(() => [id, '{"a":1}', trace]),
    )
    const deadlines = tries.map((one) => Number(one.header('Lambda-Runtime-Deadline-Ms')))
    expect(deadlines).toEqual(deadlines.toSorted((one, other) => one - other))
    const [record] = await records(file, 1)
    expect(record).toEqual({
      version: '1.0',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      requestContext: {
        requestId: id,
        functionArn: 'arn:aws:lambda:us-east-1:012345678912:function:test_function:$LATEST',
        condition: 'Success',
        approximateInvokeCount: 3,
      },
      requestPayload: { a: 1 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST' },
      responsePayload: { done: true },
    })
    await rie.stdout.until(new RegExp(`(START RequestId: ${id}[^]*END RequestId: ${id}[^]*REPORT[^]*){3}`))
  })

  it('gives an Event up after its retries, and hands its record on', async ({ start }) => {
    using folder = tempDir()
    const file = `${folder.path}/failed.jsonl`
    await using rie = await start({ flags: [...atOnce, '--on-failure', `file:${file}`] })
    const id = await send(rie, 'no json')
    for (let count = 0; count < 3; count++) await fail(rie)
    const [record] = await records(file, 1)
    expect(record).toMatchObject({
      requestContext: { requestId: id, condition: 'RetriesExhausted', approximateInvokeCount: 3 },
      requestPayload: 'no json',
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorType: 'Wrong', errorMessage: 'no' },
    })
    // the line is in the file before it is counted
    const text = await until('the record to count', async () => {
      const figures = (await rie.ask({ path: '/_rie/metrics' })).text
      return figures.includes('lambda_rie_destination_records_total{result="delivered"} 1\n') && figures
    })
    expect(text).toContain('lambda_rie_async_events_total{condition="RetriesExhausted"} 1\n')
    expect(text).toContain('lambda_rie_async_events_waiting 0\n')
  })

  it('keeps the digits of all numbers in a record, which is one line', async ({ start }) => {
    using folder = tempDir()
    const file = `${folder.path}/ok.jsonl`
    await using rie = await start({ flags: ['--on-success', `file:${file}`] })
    await send(rie, '{\n"id":12345678901234567890\n}')
    await rie.reply('[1e400,\n1.10]')
    await records(file, 1)
    const line = readFileSync(file, 'utf8')
    expect(line).toContain('"requestPayload":{"id":12345678901234567890},')
    expect(line).toEndWith(',"responsePayload":[1e400,1.10]}\n')
  })

  it('tries an Event again after a time-out, a crash and a failed init', async ({ start }) => {
    using folder = tempDir()
    const file = `${folder.path}/failed.jsonl`
    await using rie = await start({
      flags: [...atOnce, '--timeout', '1', '--on-failure', `file:${file}`],
    })
    await send(rie, '1')
    await rie.next()
    // the first try times out
    await rie.runtime(2)
    await rie.next()
    ;(await rie.runtime(2, true)).tell('exit 7')
    // an init is tried twice
    for (const n of [3, 4]) {
      await rie.runtime(n)
      await rie.initError('{"errorType":"Runtime.Broken","errorMessage":"init"}')
    }
    const [record] = await records(file, 1)
    expect(record).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
      responseContext: { statusCode: 200, functionError: 'Unhandled' },
      responsePayload: { errorType: 'Runtime.Broken' },
    })
  })

  it('holds no environment while an Event waits for its next try, and keeps its id', async ({ start }) => {
    await using rie = await start()
    const id = await send(rie, '"event"')
    await fail(rie)
    await until('it to wait', async () => (await stateOf(rie)).asyncEvents.waiting === 1)
    const call = rie.invoke('"caller"', { 'X-Amzn-RequestId': id })
    expect((await rie.reply('"answer"')).id).not.toBe(id)
    expect((await call).text).toBe('"answer"')
    expect(await stateOf(rie)).toMatchObject({ queued: 0, asyncEvents: { waiting: 1, waitingBytes: 7 } })
  })

  it('makes no try of an Event that would be too old for it', async ({ start }) => {
    using folder = tempDir()
    const file = `${folder.path}/failed.jsonl`
    await using rie = await start({
      flags: ['--async-max-age', '4', '--async-retry-delays', '5', '--on-failure', `file:${file}`],
    })
    await send(rie, '1')
    await fail(rie)
    expect((await records(file, 1))[0]).toMatchObject({
      requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 1 },
      responsePayload: { errorType: 'Wrong' },
    })
    // one that waits for an environment past its age never runs
    const caller = rie.invoke('"long"')
    const running = await rie.next()
    await send(rie, '2')
    const record = (await records(file, 2))[1]
    expect(record).toMatchObject({
      requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 0 },
      requestPayload: 2,
    })
    expect(record).not.toHaveProperty('responseContext')
    await rie.respond(running.id)
    await caller
  })

  it('tries an Event a second later that finds no environment where none may wait', async ({ start }) => {
    using folder = tempDir()
    const file = `${folder.path}/ok.jsonl`
    await using rie = await start({ flags: ['--max-queue', '0', '--on-success', `file:${file}`] })
    const caller = rie.invoke('"caller"')
    const running = await rie.next()
    await send(rie, '"event"')
    expect((await stateOf(rie)).asyncEvents.waiting).toBe(1)
    await rie.respond(running.id)
    rie.park()
    await caller
    expect((await rie.reply()).text).toBe('"event"')
    expect((await records(file, 1))[0]).toMatchObject({ requestContext: { approximateInvokeCount: 1 } })
  })

  it('gathers a stream for the record of an Event', async ({ start }) => {
    using folder = tempDir()
    const file = `${folder.path}/ok.jsonl`
    await using rie = await start({ flags: ['--on-success', `file:${file}`] })
    await send(rie, '1')
    const { id } = await rie.next()
    await rie.respond(id, 'a stream', { 'Lambda-Runtime-Function-Response-Mode': 'streaming' })
    expect((await records(file, 1))[0]).toMatchObject({ responsePayload: 'a stream' })
  })

  it('posts records to an address, three times if need be, and then says so', async ({ start }) => {
    await using other = destination(503, 500)
    await using rie = await start({ flags: ['--on-success', other.url] })
    const id = await send(rie, '"event"')
    await rie.reply('"answer"')
    await until('three deliveries', () => other.got.length === 3)
    for (const { type, body } of other.got) {
      expect([type, body.requestContext]).toMatchObject([
        'application/json',
        { requestId: id, condition: 'Success' },
      ])
    }
    await until('the record to count', async () =>
      (await rie.ask({ path: '/_rie/metrics' })).text.includes(
        'lambda_rie_destination_records_total{result="delivered"} 1\n',
      ),
    )
  })

  it('says with its id that a record found no place: the disk is full', async ({ start }) => {
    await using rie = await start({
      flags: ['--async-max-retries', '0', '--on-failure', 'file:/dev/full'],
    })
    const id = await send(rie, '"event"')
    await fail(rie)
    expect(await told(rie, 'a record of an event was not delivered')).toMatchObject({
      level: 'error',
      requestId: id,
      destination: 'file:/dev/full',
      reason: expect.stringContaining('ENOSPC'),
    })
    // and the function goes on
    expect((await rie.exchange('1', '2')).answer.text).toBe('2')
  })

  it('is not held up by a destination that hangs, not at its end either', async ({ start }) => {
    await using other = destination(null, null, null)
    await using rie = await start({ flags: ['--on-success', other.url, '--drain-seconds', '0'] })
    const id = await send(rie, '"event"')
    await rie.reply()
    await until('the delivery', () => other.got.length === 1)
    expect((await rie.exchange('1', '2')).answer.text).toBe('2')
    expect(await rie.stop()).toBe(0)
    expect(await told(rie, 'a record of an event was not delivered')).toMatchObject({
      requestId: id,
      reason: 'the emulator has stopped',
    })
  })

  it('survives a destination that speaks no HTTP', async ({ start }) => {
    const server = createServer((socket) => socket.end('no http\r\n\r\n').resume())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await using rie = await start({ flags: ['--on-success', `http://127.0.0.1:${port}`] })
    const id = await send(rie, '1')
    await rie.reply()
    expect(await told(rie, 'a record of an event was not delivered')).toMatchObject({ requestId: id })
    server.close()
  })

  it('runs Events that never ran within the drain time, and tells of all others', async ({ start }) => {
    using folder = tempDir()
    const file = `${folder.path}/failed.jsonl`
    await using rie = await start({ flags: ['--on-failure', `file:${file}`] })
    const failed = await send(rie, '"failed"')
    await fail(rie)
    await until('it to wait', async () => (await stateOf(rie)).asyncEvents.waiting === 1)
    await send(rie, '"running"')
    const running = await rie.next()
    await send(rie, '"waiting"')
    rie.signal('SIGTERM')
    await rie.stderr.until(/shutting down/)
    await rie.respond(running.id)
    rie.park()
    const last = await rie.next()
    expect(last.text).toBe('"waiting"')
    await rie.error(last.id)
    expect(await rie.exit()).toBe(0)
    const all = (await records(file, 2)).map(({ requestContext, requestPayload }) => [
      requestPayload,
      (requestContext as Record<string, unknown>).condition,
    ])
    expect(all.toSorted()).toEqual([
      ['failed', 'EmulatorStopped'],
      ['waiting', 'EmulatorStopped'],
    ])
    const warned = rie.log.filter(({ msg }) => msg === 'an event is not run: the emulator stops')
    expect(warned.map(({ level, requestId, bytes }) => [level, requestId, bytes])).toEqual([
      ['warn', failed, 8],
      ['warn', last.id, 9],
    ])
  })

  it('tells of Events that the drain limit cuts', async ({ start }) => {
    using folder = tempDir()
    const file = `${folder.path}/failed.jsonl`
    await using rie = await start({ flags: ['--drain-seconds', '0', '--on-failure', `file:${file}`] })
    const cut = await send(rie, '1')
    await rie.next()
    const never = await send(rie, '2')
    expect(await rie.stop()).toBe(0)
    const all = (await records(file, 2)).map(
      ({ requestContext }) => requestContext as { readonly approximateInvokeCount: number },
    )
    // none waits for another
    all.sort((one, other) => one.approximateInvokeCount - other.approximateInvokeCount)
    expect(all as unknown[]).toMatchObject([
      { requestId: never, condition: 'EmulatorStopped', approximateInvokeCount: 0 },
      { requestId: cut, condition: 'EmulatorStopped', approximateInvokeCount: 1 },
    ])
  })

  it('takes InvokeAsync as an Event, with and without a slash at its end', async ({ start }) => {
    await using rie = await start()
    for (const end of ['', '/']) {
      const path = `/2014-11-13/functions/function/invoke-async${end}`
      const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793'
      const answer = await rie.invoke('{"a":1}', { 'X-Amzn-Trace-Id': trace }, path)
      expect([answer.status, answer.text]).toEqual([202, '{"Status":202}'])
      const event = await rie.reply()
      expect([event.id, event.text]).toEqual([answer.header('x-amzn-RequestId') as string, '{"a":1}'])
      expect(event.header('Lambda-Runtime-Trace-Id')).not.toContain('5759e988')
      const most = `"${'x'.repeat(256 * 1024 - 2)}"`
      const tooLarge = await rie.invoke(`${most} `, {}, path)
      expect([tooLarge.status, tooLarge.header('x-amzn-ErrorType')]).toEqual([
        413,
        'RequestEntityTooLargeException',
      ])
      expect((await rie.invoke('{', {}, path)).header('x-amzn-ErrorType')).toBe(
        'InvalidRequestContentException',
      )
      expect((await rie.invoke(most, {}, path)).status).toBe(202)
      expect((await rie.reply()).text).toBe(most)
    }
  })

  it('refuses destinations that there are not', async ({ run }) => {
    for (const [value, says] of [
      ['other', 'there is no other function of this name here'],
      ['test_function', 'there is no other function of this name here'],
      ['arn:aws:sqs:us-east-1:012345678912:q', 'is no destination'],
      ['file:', 'names no file'],
    ] as const) {
      const { code, stderr } = await run({ flags: ['--on-failure', value] })
      expect(code).toBe(2)
      expect(stderr).toContain('--on-failure')
      expect(stderr).toContain(says)
    }
  })
})
