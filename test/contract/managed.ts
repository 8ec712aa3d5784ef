/** Managed Instances: several invocations at a time in one environment, one for each parked poll of the runtime. */
import { expect } from 'bun:test'
import { until, within } from '../harness.ts'
import { type Answer, bytes, Wire } from '../kit/wire.ts'
import { scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import { type Emulator, invokePath, runtimePath } from './emulator.ts'
import { refusal, signed, unknownId } from './facts.ts'
import { Runtime } from './runtime.ts'

const watched = { extensions: scriptedExtensions('watcher') }
/** The reference has one limit for both; a busy machine is to have the time for init. */
export const fourSeconds = { AWS_LAMBDA_FUNCTION_TIMEOUT: '4', AWS_LAMBDA_RIE_INIT_TIMEOUT: '60' }
/** As the reference always does in this mode. */
export const exitOnCrash = { AWS_LAMBDA_RIE_EXIT_ON_CRASH: '1' }
const noQueue = { AWS_LAMBDA_RIE_MAX_QUEUE: '0' }
const textLog = { AWS_LAMBDA_LOG_FORMAT: 'Text' }

/** So many polls of the runtime, in their order. */
async function polls(rie: Emulator, count: number): Promise<Promise<Answer>[]> {
  await rie.runtime()
  const all: Promise<Answer>[] = []
  for (let made = 0; made < count; made++) {
    all.push(rie.poll())
    await rie.settle()
  }
  return all
}

async function event(poll: Promise<Answer> | undefined): Promise<Answer> {
  const answer = await within('an event', poll as Promise<Answer>)
  if (answer.status !== 200) throw new Error(`no event but ${answer.status} ${answer.text}`)
  return answer
}

/** So many invocations in flight, each with its event, in their order. */
export async function inFlight(rie: Emulator, count: number) {
  const parked = await polls(rie, count)
  const all: { readonly call: Promise<Answer>; readonly id: string }[] = []
  for (const [index, poll] of parked.entries()) {
    const call = rie.invoke(`"${index}"`)
    all.push({ call, id: (await event(poll)).id })
  }
  return all
}

/** Status and body. */
export const said = ({ status, text }: Answer): [number, string] => [status, text]

const typeOf = (answer: Answer): [number, string | undefined] => [answer.status, answer.header('Error-Type')]

export async function accepted(answer: Promise<Answer>): Promise<void> {
  expect([(await answer).status, (await answer).text]).toEqual([202, '{"status":"OK"}\n'])
}

const unknown: [number, string] = [400, unknownId]
const tooLate: [number, string] = [410, refusal('InvokeTimeout', 'Invoke timeout')]

/** A worker's stream for its lines. */
const worker = (path: string): Promise<Bun.Socket> => Bun.connect({ unix: path, socket: { data() {} } })

/** A request to answer an invocation of which the body is still to come. */
async function upload(rie: Emulator, path: string, headers: Record<string, string> = {}): Promise<Wire> {
  const wire = await Wire.open(rie.api)
  const head = { 'Transfer-Encoding': 'chunked', ...headers }
  wire.send(bytes(rie.api, { method: 'POST', path: `${runtimePath}/${path}`, headers: head }))
  wire.send('3\r\nabc\r\n')
  await rie.settle()
  return wire
}

export const managed = chapter('Managed Instances', (it) => {
  it.external('several at a time: serves one invocation after the other', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    for (const body of ['"a"', '"b"']) {
      const { event, answer } = await rie.exchange(body, body)
      expect([event.text, answer.status, answer.text]).toEqual([body, 200, body])
    }
  })

  it.external(
    'several at a time: gives each poll an event, the oldest first, and takes answers in any order',
    async ({ start }) => {
      await using rie = await start({ concurrency: 3 })
      const parked = await polls(rie, 3)
      const calls: Promise<Answer>[] = []
      const ids: string[] = []
      for (const [index, poll] of parked.entries()) {
        calls.push(rie.invoke(`"${index}"`))
        const { id, text } = await event(poll)
        expect(text).toBe(`"${index}"`)
        ids.push(id)
      }
      for (const index of [2, 0, 1]) {
        await accepted(rie.respond(ids[index] as string, `"answer ${index}"`))
        expect((await (calls[index] as Promise<Answer>)).text).toBe(`"answer ${index}"`)
      }
    },
  )

  it.external(
    'several at a time: takes the answer of an event on another connection than its poll, and polls before answers',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      await rie.runtime()
      using wire = await Wire.open(rie.api)
      const poll = () => wire.send(bytes(rie.api, { path: `${runtimePath}/invocation/next` }))
      poll()
      const first = rie.invoke('"1"')
      const { id } = await wire.answer()
      poll()
      const second = rie.invoke('"2"')
      const { id: other } = await wire.answer()
      expect(other).not.toBe(id)
      await accepted(rie.respond(other, '"b"'))
      await accepted(rie.respond(id, '"a"'))
      expect([(await first).text, (await second).text]).toEqual(['"a"', '"b"'])
    },
  )

  it.external(
    'several at a time: refuses an invocation for which no poll is parked, where none may wait',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2, env: noQueue })
      const [one] = await inFlight(rie, 1)
      const refused = await rie.invoke()
      expect(typeOf(refused)).toEqual([400, 'Runtime.Unavailable'])
      expect(refused.json.errorType).toBe('Runtime.Unavailable')
      await accepted(rie.respond(one!.id))
      expect((await one!.call).status).toBe(200)
    },
  )

  it('several at a time: throttles such an invocation of an SDK', async ({ start }) => {
    await using rie = await start({ concurrency: 1, env: noQueue })
    await inFlight(rie, 1)
    const refused = await rie.invoke('{}', signed)
    expect([refused.status, refused.header('x-amzn-ErrorType')]).toEqual([429, 'TooManyRequestsException'])
  })

  it.external('several at a time: has an invocation wait for a poll', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    const [one] = await inFlight(rie, 1)
    const waits = rie.invoke('"later"')
    await rie.stillWaits(waits)
    const [poll] = await polls(rie, 1)
    expect((await event(poll)).text).toBe('"later"')
    await accepted(rie.respond(one!.id, '"first"'))
    expect((await one!.call).text).toBe('"first"')
  })

  it.external(
    'several at a time: has no more in flight than it may, however many polls are parked',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const parked = await polls(rie, 3)
      const calls = ['"a"', '"b"', '"c"'].map((body) => rie.invoke(body))
      const { id } = await event(parked[0])
      await event(parked[1])
      await rie.stillWaits(parked[2] as Promise<Answer>)
      await accepted(rie.respond(id))
      await event(parked[2])
      expect((await (calls[0] as Promise<Answer>)).status).toBe(200)
    },
  )

  it.external('several at a time: takes the slot of a poller that has gone', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    await polls(rie, 1)
    rie.drop()
    await rie.settle()
    const call = rie.invoke('"kept"')
    await rie.stillWaits(call)
    const [poll] = await polls(rie, 1)
    const { id, text } = await event(poll)
    expect(text).toBe('"kept"')
    await accepted(rie.respond(id, '"well"'))
    expect((await call).text).toBe('"well"')
  })

  it.external('several at a time: has an invocation wait for the end of init', async ({ start }) => {
    await using rie = await start({ concurrency: 2, env: noQueue })
    const call = rie.invoke('"early"')
    await rie.settle()
    const [poll] = await polls(rie, 1)
    const { id, text } = await event(poll)
    await accepted(rie.respond(id, text))
    expect((await call).text).toBe('"early"')
  })

  it('several at a time: has those wait on for which no poll has come when init ends', async ({ start }) => {
    await using rie = await start({ concurrency: 2, env: noQueue })
    const calls = ['"a"', '"b"', '"c"'].map((body) => rie.invoke(body))
    await rie.settle()
    using runtime = await Runtime.of(await rie.runtime())
    for (let served = 0; served < 3; served++) await within('an event', runtime.echo())
    expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(['"a"', '"b"', '"c"'])
  })

  it.external('several at a time: refuses an id that nobody knows', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    await polls(rie, 1)
    const id = 'c62edf7f-8f0a-4f0e-9f5e-4b2c0e5a1b2c'
    expect(said(await rie.respond(id))).toEqual(unknown)
    expect(said(await rie.error(id))).toEqual(unknown)
  })

  it.external(
    'several at a time: refuses a second answer while the first one is read, and takes the first',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const [one] = await inFlight(rie, 1)
      const { id, call } = one!
      using wire = await upload(rie, `invocation/${id}/response`)
      expect(said(await rie.respond(id))).toEqual(unknown)
      wire.send('0\r\n\r\n')
      expect((await wire.answer()).status).toBe(202)
      expect((await call).text).toBe('abc')
      expect(said(await rie.respond(id))).toEqual(unknown)
    },
  )

  it.external('several at a time: refuses an error, too, while an answer is read', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    const [one] = await inFlight(rie, 1)
    const { id, call } = one!
    using wire = await upload(rie, `invocation/${id}/response`)
    expect(said(await within('the refusal', rie.error(id)))).toEqual(unknown)
    wire.send('0\r\n\r\n')
    expect((await call).text).toBe('abc')
  })

  for (const [sent, type] of [
    ['Function.Oops', 'Function.Oops'],
    ['Runtime.Oops', 'Runtime.Oops'],
    ['Function.oops', 'Function.Unknown'],
    ['Oops', 'Runtime.Unknown'],
    ['', 'Runtime.Unknown'],
  ] as const) {
    it.external(`several at a time: names an error of the type "${sent}" in a header`, async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const [one] = await inFlight(rie, 1)
      const document = '{"errorMessage":"why"}'
      await accepted(rie.error(one!.id, document, { 'Lambda-Runtime-Function-Error-Type': sent }))
      const answer = await one!.call
      expect([...typeOf(answer), answer.text]).toEqual([200, type, document])
    })
  }

  it.external(
    'several at a time: answers with the document of an answer that ended in trailers',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const [one] = await inFlight(rie, 1)
      const document = '{"errorMessage":"torn"}'
      using wire = await upload(rie, `invocation/${one!.id}/response`, {
        Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
      })
      const body = Buffer.from(document).toString('base64')
      const trailers = `Lambda-Runtime-Function-Error-Type: Function.Torn\r\nLambda-Runtime-Function-Error-Body: ${body}\r\n`
      wire.send(`0\r\n${trailers}\r\n`)
      expect((await wire.answer()).status).toBe(202)
      const answer = await one!.call
      expect([...typeOf(answer), answer.text]).toEqual([200, 'Function.Torn', document])
    },
  )

  it.external(
    'several at a time: takes an answer of the largest size, and refuses one byte more',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const [fits, tooLarge] = await inFlight(rie, 2)
      const limit = 6 * 1024 * 1024 + 100
      await accepted(rie.respond(fits!.id, new Uint8Array(limit).fill(97)))
      expect((await fits!.call).body.length).toBe(limit)
      const refused = await rie.respond(tooLarge!.id, new Uint8Array(limit + 1).fill(97))
      expect([refused.status, refused.json.errorType]).toEqual([413, 'RequestEntityTooLarge'])
      expect(typeOf(await tooLarge!.call)).toEqual([200, 'Function.ResponseSizeTooLarge'])
    },
  )

  it.external(
    'several at a time: ends an invocation whose answer breaks off, and no other',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const [broken, whole] = await inFlight(rie, 2)
      const wire = await upload(rie, `invocation/${broken!.id}/response`)
      wire[Symbol.dispose]()
      expect((await broken!.call).header('Error-Type')).toBe('Runtime.TruncatedResponse')
      await accepted(rie.respond(whole!.id, '"whole"'))
      expect((await whole!.call).text).toBe('"whole"')
    },
  )

  it.external(
    'several at a time: answers one caller when its time is over, and stops nothing',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2, env: fourSeconds })
      const runtime = await rie.runtime()
      const [late] = await inFlight(rie, 1)
      expect(typeOf(await late!.call)).toEqual([200, 'Sandbox.Timedout'])
      const [other] = await inFlight(rie, 1)
      expect(said(await rie.respond(late!.id))).toEqual(tooLate)
      expect(said(await rie.respond(late!.id))).toEqual(unknown)
      await accepted(rie.respond(other!.id, '"in time"'))
      expect((await other!.call).text).toBe('"in time"')
      expect(runtime.alive()).toBe(true)
    },
  )

  it.external(
    'several at a time: refuses an error that comes late as it refuses an answer',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2, env: fourSeconds })
      const [late] = await inFlight(rie, 1)
      await late!.call
      expect(said(await rie.error(late!.id))).toEqual(tooLate)
      expect(said(await rie.error(late!.id))).toEqual(unknown)
    },
  )

  it.external('several at a time: has the time cover the whole of an answer', async ({ start }) => {
    await using rie = await start({ concurrency: 2, env: fourSeconds })
    const [late] = await inFlight(rie, 1)
    using wire = await upload(rie, `invocation/${late!.id}/response`)
    expect(typeOf(await within('the timeout', late!.call))).toEqual([200, 'Sandbox.Timedout'])
    wire.send('0\r\n\r\n')
    expect(said(await wire.answer())).toEqual(tooLate)
  })

  it.external('several at a time: tells the runtime when its time is over', async ({ start }) => {
    await using rie = await start({ concurrency: 2, env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '30' } })
    const [poll] = await polls(rie, 1)
    const before = Date.now()
    rie.invoke()
    const left = Number((await event(poll)).header('Lambda-Runtime-Deadline-Ms'))
    expect(left).toBeGreaterThanOrEqual(before + 29_999)
    expect(left).toBeLessThanOrEqual(Date.now() + 30_001)
  })

  it.external(
    'several at a time: refuses those that wait for workers of which none comes back',
    async ({ start }) => {
      await using rie = await start({ concurrency: 1, env: fourSeconds })
      const [hung] = await inFlight(rie, 1)
      const waits = rie.invoke()
      expect(typeOf(await hung!.call)).toEqual([200, 'Sandbox.Timedout'])
      expect(typeOf(await waits)).toEqual([400, 'Runtime.Unavailable'])
      await rie.stderr.until(/no worker of the runtime has asked for an event/)
    },
  )

  it.external('several at a time: ends all that is in flight when the runtime ends', async ({ start }) => {
    await using rie = await start({ concurrency: 3, env: exitOnCrash })
    const all = await inFlight(rie, 3)
    ;(await rie.runtime()).tell('exit 7')
    for (const { call } of all) expect((await call).header('Error-Type')).toBe('Runtime.ExitError')
    expect(await rie.exit()).toBe(1)
  })

  it.external('several at a time: starts the function anew for the next invocation', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    const all = await inFlight(rie, 2)
    ;(await rie.runtime()).tell('exit 7')
    for (const { call } of all) {
      const answer = await call
      expect([answer.status, answer.json.errorType]).toEqual([502, 'Runtime.ExitError'])
    }
    const again = rie.invoke('"again"')
    await rie.runtime(2)
    expect((await rie.reply('"well"')).text).toBe('"again"')
    expect((await again).text).toBe('"well"')
  })

  it.external('several at a time: answers all that wait for an init that fails', async ({ start }) => {
    await using rie = await start({ concurrency: 2, env: exitOnCrash })
    const calls = Array.from({ length: 10 }, () => rie.invoke())
    await rie.settle()
    ;(await rie.runtime()).tell('exit 0')
    for (const call of calls) expect((await call).header('Error-Type')).toBe('Runtime.ExitError')
    expect(await rie.exit()).toBe(1)
  })

  it.external('several at a time: tries once more before it answers them', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    const calls = Array.from({ length: 5 }, () => rie.invoke())
    await rie.settle()
    ;(await rie.runtime()).tell('exit 1')
    const second = await rie.runtime(2)
    await Promise.all(calls.map((call) => rie.stillWaits(call)))
    second.tell('exit 1')
    for (const call of calls) expect((await call).status).toBe(502)
    expect(rie.runtimes().length).toBe(2)
  })

  it.external('several at a time: names the type of an init error', async ({ start }) => {
    await using rie = await start({ concurrency: 2, env: exitOnCrash })
    const call = rie.invoke()
    const runtime = await rie.runtime()
    const type = { 'Lambda-Runtime-Function-Error-Type': 'Function.TestError' }
    await accepted(rie.initError('{}', type))
    runtime.tell('exit 1')
    expect((await call).header('Error-Type')).toBe('Function.TestError')
    expect(await rie.exit()).toBe(1)
  })

  it.external('several at a time: limits init by the function timeout', async ({ start }) => {
    await using rie = await start({
      concurrency: 2,
      env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '4', ...exitOnCrash },
    })
    const call = rie.invoke()
    expect((await call).header('Error-Type')).toBe('Sandbox.Timedout')
    expect(await rie.exit()).toBe(1)
  })

  it.external('several at a time: starts the function at once', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    await rie.runtime()
  })

  it.external(
    'several at a time: ends what runs when it is told to stop, and says why',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2, env: { AWS_LAMBDA_RIE_DRAIN_SECONDS: '0' } })
      const all = await inFlight(rie, 2)
      rie.signal('SIGTERM')
      for (const { call } of all)
        expect((await call).header('Error-Type')).toBe('Client.ExecutionEnvironmentShutDown')
      expect(await rie.exit()).toBe(0)
    },
  )

  it.external('several at a time: lets what runs finish when it is told to stop', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    const all = await inFlight(rie, 2)
    rie.signal('SIGTERM')
    for (const { id } of all) await accepted(rie.respond(id, '"done"'))
    for (const { call } of all) expect((await call).text).toBe('"done"')
    expect(await rie.exit()).toBe(0)
  })

  it.external('several at a time: lets an invocation run on whose caller has gone', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    const [poll] = await polls(rie, 1)
    const caller = await Wire.open(rie.gateway)
    caller.send(bytes(rie.gateway, { method: 'POST', path: invokePath, body: '{}' }))
    const { id } = await event(poll)
    caller[Symbol.dispose]()
    await rie.settle()
    await accepted(rie.respond(id))
  })

  it.external(
    'several at a time: makes up a request id where that of the caller is in flight',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const own = { 'X-Amzn-RequestId': 'c62edf7f-8f0a-4f0e-9f5e-4b2c0e5a1b2c' }
      const parked = await polls(rie, 2)
      const calls = ['"a"', '"b"'].map((body) => rie.invoke(body, own))
      const ids = await Promise.all(parked.map(async (poll) => (await event(poll)).id))
      expect(new Set(ids).size).toBe(2)
      expect(ids).toContain(own['X-Amzn-RequestId'])
      for (const id of ids) await accepted(rie.respond(id))
      for (const call of calls) expect((await call).status).toBe(200)
    },
  )

  it.external('several at a time: gives the runtime the variables of the mode', async ({ start }) => {
    await using rie = await start({ concurrency: 5 })
    const { AWS_LAMBDA_MAX_CONCURRENCY, AWS_LAMBDA_INITIALIZATION_TYPE, AWS_LAMBDA_LOG_FORMAT } = (
      await rie.runtime()
    ).env()
    expect([
      AWS_LAMBDA_MAX_CONCURRENCY,
      AWS_LAMBDA_INITIALIZATION_TYPE,
      AWS_LAMBDA_LOG_FORMAT?.toLowerCase(),
    ]).toEqual(['5', 'lambda-managed-instances', 'json'])
  })

  it.external('several at a time: gives extensions those that are theirs', async ({ start }) => {
    await using rie = await start({ ...watched, concurrency: 5 })
    const env = (await rie.extension('watcher')).env()
    expect([env.AWS_LAMBDA_MAX_CONCURRENCY, env.AWS_LAMBDA_INITIALIZATION_TYPE]).toEqual([
      undefined,
      'lambda-managed-instances',
    ])
  })

  it('several at a time: is on demand with an empty AWS_LAMBDA_MAX_CONCURRENCY', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_MAX_CONCURRENCY: '' } })
    const call = rie.invoke()
    const { AWS_LAMBDA_MAX_CONCURRENCY, AWS_LAMBDA_INITIALIZATION_TYPE } = (await rie.runtime()).env()
    expect([AWS_LAMBDA_MAX_CONCURRENCY, AWS_LAMBDA_INITIALIZATION_TYPE]).toEqual([undefined, 'on-demand'])
    await rie.reply()
    expect((await call).status).toBe(200)
  })

  for (const value of ['0', '1601', 'many']) {
    it(`several at a time: ends with exit code 2 for AWS_LAMBDA_MAX_CONCURRENCY=${value}`, async ({
      run,
    }) => {
      const { code, stderr } = await run({ env: { AWS_LAMBDA_MAX_CONCURRENCY: value } })
      expect(code).toBe(2)
      expect(stderr).toContain('AWS_LAMBDA_MAX_CONCURRENCY')
    })
  }

  it('several at a time: ends with exit code 2 for SnapStart as well', async ({ run }) => {
    const { code, stderr } = await run({ concurrency: 2, flags: ['--enable-init-caching'] })
    expect(code).toBe(2)
    expect(stderr).toContain('exclude each other')
  })

  it.external(
    'several at a time: writes the short REPORT of the mode in a log of text',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2, env: textLog })
      const { event } = await rie.exchange()
      await rie.stdout.until(new RegExp(`^START RequestId: ${event.id}\\sVersion: \\$LATEST$`, 'm'))
      await rie.stdout.until(new RegExp(`^END RequestId: ${event.id}$`, 'm'))
      await rie.stdout.until(new RegExp(`^REPORT RequestId: ${event.id}\\tDuration: \\d+\\.\\d\\d ms$`, 'm'))
    },
  )

  it.external(
    'several at a time: writes lines of JSON, each with the id of its invocation',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const all = await inFlight(rie, 2)
      for (const { id } of all) await accepted(rie.respond(id))
      for (const { id } of all) {
        await rie.stdout.until(new RegExp(`"type":"platform.start","record":{"requestId":"${id}"`))
        await rie.stdout.until(
          new RegExp(`"type":"platform.report","record":{"requestId":"${id}","status":"success"`),
        )
      }
    },
  )

  it.external('several at a time: keeps the lines of parallel workers apart', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    const path = (await rie.runtime()).env()._LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET as string
    expect(path).toBeString()
    const [one, two] = await Promise.all([worker(path), worker(path)])
    for (const [socket, text] of [
      [one, 'one '],
      [two, 'two '],
      [one, 'line of one\n'],
      [two, 'line of two\n'],
    ] as const) {
      socket.write(text)
      await rie.settle()
    }
    await rie.stdout.until(/^one line of one\ntwo line of two$/m)
    // a line without an end is one when its worker has gone
    one.end('the last word')
    await rie.stdout.until(/^the last word$/m)
    two.end()
  })

  it.external(
    'several at a time: sends no tail of the log, whose lines belong to several',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const call = rie.invoke('{}', { 'X-Amz-Log-Type': 'Tail' })
      await rie.reply()
      expect([(await call).status, (await call).header('X-Amz-Log-Result')]).toEqual([200, undefined])
    },
  )

  it.external(
    'several at a time: hands streams of several invocations on as they come',
    async ({ start }) => {
      await using rie = await start({ concurrency: 2 })
      const parked = await polls(rie, 2)
      const streamed = { 'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Content-Type': 'text/plain' }
      const callers: Wire[] = []
      const uploads: Wire[] = []
      for (const poll of parked) {
        const caller = await Wire.open(rie.gateway)
        caller.send(bytes(rie.gateway, { method: 'POST', path: invokePath, body: '{}' }))
        callers.push(caller)
        uploads.push(await upload(rie, `invocation/${(await event(poll)).id}/response`, streamed))
      }
      try {
        for (const caller of callers) await caller.until(/abc/)
        for (const wire of uploads.toReversed()) {
          wire.send('3\r\ndef\r\n0\r\n\r\n')
          expect((await wire.answer()).status).toBe(202)
        }
        for (const caller of callers) expect((await caller.answer()).text).toBe('abcdef')
      } finally {
        for (const wire of [...callers, ...uploads]) wire[Symbol.dispose]()
      }
    },
  )

  it('several at a time: has slots of their own for several environments, and for tenants', async ({
    start,
  }) => {
    const env = { AWS_LAMBDA_RIE_MAX_ENVIRONMENTS: '2' }
    await using rie = await start({ concurrency: 2, env })
    using red = await Runtime.of(await rie.runtime())
    const call = (tenant: string) => rie.invoke(`"${tenant}"`, { 'X-Amz-Tenant-Id': tenant })
    const calls = [call('red')]
    const first = await red.next()
    calls.push(call('blue'))
    const scripted = await until('a second runtime', () => rie.runtimes()[1])
    using blue = await Runtime.of(scripted)
    const second = await blue.next()
    expect([first.text, second.text]).toEqual(['"red"', '"blue"'])
    calls.push(call('red'))
    using red2 = await Runtime.of(await rie.runtime())
    const third = await red2.next()
    for (const [runtime, one] of [
      [red, first],
      [blue, second],
      [red2, third],
    ] as const)
      await runtime.answer(one, one.text)
    expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(['"red"', '"blue"', '"red"'])
  })

  it('several at a time: ends nothing of one tenant to make room for another', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    const call = (tenant: string) => rie.invoke(`"${tenant}"`, { 'X-Amz-Tenant-Id': tenant })
    using red = await Runtime.of(await rie.runtime())
    const calls = [call('red')]
    const first = await red.next()
    using other = await Runtime.of(await rie.runtime())
    const parked = other.next().catch(() => null)
    const state = async () => (await rie.ask({ path: '/_rie/state' })).json
    await until('a free slot', async () => (await state()).environments[0].free === true)
    calls.push(call('blue'))
    await until('one in the queue', async () => (await state()).queued === 1)
    calls.push(call('red'))
    await until('two in the queue', async () => (await state()).queued === 2)
    await red.answer(first, '"red"')
    expect((await calls[0])?.text).toBe('"red"')
    for (const [index, tenant] of ['blue', 'red'].entries()) {
      const scripted = await until('another runtime', () => rie.runtimes()[index + 1])
      using runtime = await Runtime.of(scripted)
      const event = await runtime.next()
      expect(event.text).toBe(`"${tenant}"`)
      await runtime.answer(event, event.text)
    }
    expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(['"red"', '"blue"', '"red"'])
    await parked
  })
})
