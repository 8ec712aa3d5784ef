import { expect, test } from 'bun:test'
import { networkInterfaces } from 'node:os'
import { History } from '../../src/console/history.ts'
import { consoleRoutes } from '../../src/console/routes.ts'
import { launch } from '../kit/launch.ts'

/** The routes as a peer of that address sees them. */
function routes(anywhere = false) {
  let opened = 0
  const router = consoleRoutes({
    anywhere,
    introduction: () => ({
      name: 'greet',
      functions: [],
      files: {},
      functionUrl: null,
      watches: false,
      durable: false,
    }),
    liveState: () => ({ environments: [], queued: 0, failure: null }),
    open(updates) {
      opened++
      const render = () => ({
        rie: { status: 200, headers: [] },
        lambda: { status: 200, headers: [] },
        body: [],
      })
      return new History({ now: () => 1, epoch: () => 1, render, changed: () => updates.due() })
    },
  })
  return {
    get opened() {
      return opened
    },
    get: (path: string, peer = '127.0.0.1', signal?: AbortSignal) =>
      router.fetch(
        new Request(`http://emulator${path}`, {
          headers: { Host: '127.0.0.1:8080' },
          signal: signal ?? null,
        }),
        { target: path, peer, exchange: undefined as never },
      ),
  }
}

test('another machine gets 403 and what opens the console, and begins nothing', async () => {
  const console = routes()
  for (const path of ['/_rie/', '/_rie/console.js', '/_rie/events', '/_rie/invocations']) {
    const refused = await console.get(path, '172.17.0.1')
    expect(refused.status).toBe(403)
    expect(((await refused.json()) as { message: string }).message).toContain('--console-anywhere')
    expect(refused.headers.get('Content-Security-Policy')).toContain("default-src 'self'")
  }
  expect(console.opened).toBe(0)
})

test('another machine may see it with --console-anywhere', async () => {
  const console = routes(true)
  expect((await console.get('/_rie/', '172.17.0.1')).status).toBe(200)
  expect(console.opened).toBe(1)
})

test('all visitors share one history', async () => {
  const console = routes()
  for (const path of ['/_rie/', '/_rie/invocations', '/_rie/']) await console.get(path)
  expect(console.opened).toBe(1)
})

test('every answer forbids what the page does not need', async () => {
  const console = routes()
  for (const path of ['/_rie/', '/_rie/console.css', '/_rie/invocations', '/_rie/invocations/none']) {
    const { headers } = await console.get(path)
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect(headers.get('X-Frame-Options')).toBe('DENY')
    expect(headers.get('Cache-Control')).toBe('no-store')
  }
})

test('every file that the pages and their scripts name is there', async () => {
  const console = routes()
  const open = ['/_rie/', '/_rie/runs']
  const missing: string[] = []
  const seen = new Set<string>()
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    const answer = await console.get(path)
    if (answer.status !== 200) missing.push(path)
    const text = await answer.text()
    const named = text.matchAll(/ (?:href|src)="(\/_rie\/[^"#]*)"|\bfrom '(\.[^']+)'/g)
    for (const [, whole, beside = ''] of named) {
      open.push(whole ?? new URL(beside, `http://emulator${path}`).pathname)
    }
  }
  expect(missing).toEqual([])
  expect([...seen]).toContain('/_rie/console/log.js')
})

test('a page that goes away is told nothing more', async () => {
  const console = routes()
  const leave = new AbortController()
  const { body } = await console.get('/_rie/events', '127.0.0.1', leave.signal)
  const reader = body!.getReader()
  const first = new TextDecoder().decode((await reader.read()).value)
  expect(first).toStartWith(
    'event: hello\ndata: {"name":"greet","functions":[],"files":{},"functionUrl":null,"watches":false,"durable":false,"examples":{"s3":',
  )
  leave.abort()
  await reader.cancel()
})

const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one !== undefined && !one.internal && one.family === 'IPv4')?.address

test.skipIf(outside === undefined)(
  'a connection that comes in from outside is refused (skipped where there is no other address)',
  async () => {
    await using rie = launch({ addresses: ['0.0.0.0:0', '127.0.0.1:0'], command: ['sleep', '600'] })
    const { port } = (await rie.listening()).gateway
    expect((await fetch(`http://${outside}:${port}/_rie/`)).status).toBe(403)
    expect((await fetch(`http://${outside}:${port}/_rie/health`)).status).toBe(200)
    expect((await fetch(`http://127.0.0.1:${port}/_rie/`)).status).toBe(200)
  },
)
