/** How records are delivered, and what becomes of everybody else when a subscriber misbehaves. */
import { expect } from 'bun:test'
import { createServer, type Socket } from 'node:net'
import { stopwatch, until } from '../harness.ts'
import { type Actor, both, registered } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { logsPath, Subscriber, subscribe } from './subscriber.ts'
import { starting, watched } from './telemetry.ts'
import { invoked } from './telemetry-records.ts'

/** Ends an invocation of which the extension was told. */
async function finish(rie: Emulator, id: string, watcher: Actor, call: Promise<unknown>): Promise<void> {
  await rie.respond(id)
  rie.park()
  await watcher.pass()
  await call
}

/** A listener that does with each connection as it is told. */
function listener(
  serve: (socket: Socket) => void,
): Promise<{ readonly port: number; text(): string } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  let text = ''
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      text += bytes.toString()
    })
    serve(socket)
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve({
        port: (server.address() as { port: number }).port,
        text: () => text,
        async [Symbol.asyncDispose]() {
          for (const socket of sockets) socket.destroy()
          await new Promise((closed) => server.close(closed))
        },
      }),
    ),
  )
}

const wants = (port: number): object => ({
  schemaVersion: '2022-12-13',
  types: ['platform', 'function', 'extension'],
  destination: { protocol: 'HTTP', URI: `http://sandbox:${port}` },
  buffering: { timeoutMs: 25 },
})

export const telemetryDelivery = chapter('Telemetry API: delivery', (it) => {
  it.external('posts arrays of records, to the path and query that were asked for', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const destination = { protocol: 'HTTP', URI: `http://sandbox:${subscriber.port}/my/logs?a=b` }
    const { call, watcher, id } = await invoked(rie, subscriber, {}, { destination })
    await finish(rie, id, watcher, call)
    await subscriber.one('platform.report')
    for (const { method, path, contentType } of subscriber.deliveries) {
      expect([method, path, contentType]).toEqual(['POST', '/my/logs?a=b', 'application/json'])
    }
  })

  it.external('puts them for a subscriber of the Logs API that asks for that', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const destination = {
      protocol: 'HTTP',
      URI: `http://sandbox:${subscriber.port}`,
      method: 'PUT',
      encoding: 'JSON',
    }
    const { call, watcher, id } = await invoked(rie, subscriber, {}, { destination }, logsPath)
    await finish(rie, id, watcher, call)
    await subscriber.one('platform.report')
    expect(new Set(subscriber.deliveries.map(({ method }) => method))).toEqual(new Set(['PUT']))
  })

  it.external('writes lines to a TCP connection', async ({ start }) => {
    await using rie = await start(watched)
    await using tcp = await listener(() => {})
    const { call, watcher } = await starting(rie)
    const destination = { protocol: 'TCP', port: tcp.port }
    const answer = await subscribe(rie, watcher.id, { ...wants(0), destination })
    expect(answer.status).toBe(200)
    await rie.runtime()
    watcher.park()
    const { id } = await rie.next()
    await finish(rie, id, watcher, call)
    const text = await until(
      'the report',
      () => tcp.text().includes('platform.report') && tcp.text().endsWith('\n') && tcp.text(),
    )
    const types = text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).type)
    expect([types[0], types.at(-1)]).toEqual(['platform.initStart', 'platform.report'])
  })

  it.external('sends at most as many records at once as were asked for, in order', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(
      rie,
      subscriber,
      {},
      { buffering: { maxItems: 1000, timeoutMs: 25 } },
    )
    await (await rie.runtime()).ask('i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done')
    await finish(rie, id, watcher, call)
    await subscriber.one('platform.report')
    expect(Math.max(...subscriber.deliveries.map(({ records }) => records.length))).toBeLessThanOrEqual(1000)
    const lines = subscriber.of('function').map(({ record }) => record)
    expect(lines).toEqual(Array.from({ length: 3000 }, (_, index) => `line ${index}\n`))
  })

  it.external('tries a delivery that failed again, and loses nothing', async ({ start }) => {
    await using rie = await start(watched)
    let failures = 3
    await using subscriber = new Subscriber(() => new Response('', { status: failures-- > 0 ? 500 : 200 }))
    const { call, watcher, id } = await invoked(rie, subscriber)
    await finish(rie, id, watcher, call)
    await subscriber.one('platform.report')
    const types = subscriber.records.map(({ type }) => type)
    expect(types.filter((type) => type === 'platform.initStart' || type === 'platform.report')).toEqual([
      'platform.initStart',
      'platform.report',
    ])
    expect(subscriber.of('platform.logsDropped')).toEqual([])
    const figures = (await rie.ask({ path: '/_rie/metrics' })).text
    expect(figures).toMatch(/^lambda_rie_telemetry_retries_total\{extension="watcher"\} 3$/m)
  })

  it.external(
    'keeps 8 MiB for a subscriber that takes nothing, and tells it of the rest',
    async ({ start }) => {
      await using rie = await start(watched)
      const { promise: open, resolve: takes } = Promise.withResolvers<void>()
      await using subscriber = new Subscriber(async () => {
        await open
        return new Response('')
      })
      const { call, watcher, id } = await invoked(rie, subscriber, {}, { types: ['platform', 'function'] })
      await (await rie.runtime()).ask(`head -c 16000000 /dev/zero | tr '\\0' y | fold -w 1000; echo`)
      await finish(rie, id, watcher, call)
      takes()
      await subscriber.one('platform.report')
      const losses = subscriber.of('platform.logsDropped').map(({ record }) => record)
      const dropped = losses.reduce((sum, { droppedRecords }) => sum + droppedRecords, 0)
      expect(subscriber.of('function').length + dropped).toBeGreaterThanOrEqual(16_000)
      expect(losses.reduce((sum, { droppedBytes }) => sum + droppedBytes, 0)).toBeGreaterThan(7_000_000)
    },
  )

  const misbehaving: readonly (readonly [what: string, serve: (socket: Socket) => void])[] = [
    [
      'answers one byte at a time',
      (socket) => {
        const text = 'HTTP/1.1 200 OK\r\n\r\n'
        let sent = 0
        const timer = setInterval(() => socket.write(text.charAt(sent++)), 500)
        socket.on('close', () => clearInterval(timer))
      },
    ],
    [
      'answers 500 for ever',
      (socket) => {
        socket.on('data', () => socket.end('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'))
      },
    ],
    [
      'accepts and never reads',
      (socket) => {
        socket.pause()
      },
    ],
    [
      'closes in the middle of a delivery',
      (socket) => {
        socket.once('data', () => socket.destroy())
      },
    ],
  ]
  for (const [what, serve] of misbehaving) {
    it.external(
      `is delayed by no subscriber that ${what}: neither invocations nor the shutdown`,
      async ({ start }) => {
        await using rie = await start(watched)
        await using bad = await listener(serve)
        const { call, watcher } = await starting(rie)
        expect((await subscribe(rie, watcher.id, wants(bad.port))).status).toBe(200)
        await rie.runtime()
        watcher.park()
        const { id } = await rie.next()
        await (await rie.runtime()).ask('echo printed')
        await finish(rie, id, watcher, call)
        for (let n = 0; n < 20; n++) {
          const next = rie.invoke()
          const event = await rie.next()
          await finish(rie, event.id, watcher, next)
        }
        await until('all reports', () => rie.stdout.text.match(/^REPORT/gm)?.length === 21)
        expect(rie.stdout.text).toContain('printed\n')
        using watch = stopwatch()
        rie.signal('SIGTERM')
        const shutdown = await watcher.event()
        expect(JSON.parse(shutdown.text).eventType).toBe('SHUTDOWN')
        ;(await rie.extension('watcher')).kill()
        expect(await rie.exit()).toBe(0)
        // half of the budget at most before SHUTDOWN, all of it at most in the end, and a busy machine
        expect(watch.elapsed()).toBeLessThan(4000)
      },
    )
  }

  it.external('delivers to one subscriber although another one hangs', async ({ start }) => {
    await using rie = await start({ extensions: { first: true, second: true } })
    await using bad = await listener((socket) => {
      socket.pause()
    })
    await using good = new Subscriber()
    const call = rie.invoke()
    const { first, second } = await registered(rie, { first: both, second: both })
    expect((await subscribe(rie, first.id, wants(bad.port))).status).toBe(200)
    await good.subscribe(rie, second)
    await rie.runtime()
    first.park()
    second.park()
    await rie.reply()
    await first.pass()
    await second.pass()
    await call
    await good.one('platform.report')
    expect(good.of('platform.telemetrySubscription').map(({ record }) => record.name)).toEqual([
      'first',
      'second',
    ])
  })

  it('warns of extensions of two environments that subscribe with one port', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    await using subscriber = new Subscriber()
    const body = JSON.stringify(subscriber.body())
    const script = `
      api=http://$AWS_LAMBDA_RUNTIME_API
      id=$(curl -s -o /dev/null -D - -XPOST -H "Lambda-Extension-Name: inner" -d '{"events":[]}' $api/2020-01-01/extension/register | tr -d '\\r' | sed -n 's/^Lambda-Extension-Identifier: //Ip')
      curl -s -XPUT -H "Lambda-Extension-Identifier: $id" -d '${body}' $api/2022-07-01/telemetry`
    const one = rie.invoke()
    const two = rie.invoke()
    for (const n of [1, 2]) await (await rie.runtime(n, true)).ask(script)
    await rie.stderr.until(/subscribe with one port/)
    expect(rie.log.find(({ msg }) => msg.includes('subscribe with one port'))).toMatchObject({
      level: 'warn',
      port: subscriber.port,
    })
    one.catch(() => {})
    two.catch(() => {})
  })
})
