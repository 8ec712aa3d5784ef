/** What is asked of each framework's site, buffered and streamed, and what must come back. */
import { match, ok, deepStrictEqual as same } from 'node:assert/strict'
import { loadPage } from './browser.ts'
import { page } from './page.mjs'
import type { Site, Trial } from './site.ts'

export interface Case {
  readonly name: string
  /** The row's title. */
  readonly title: string
  run(trial: Trial): Promise<void>
}

/** With both invoke modes, where the framework has both. */
async function inBothModes(trial: Trial, check: (site: Site) => Promise<void>): Promise<void> {
  for (const mode of trial.streams ? (['buffered', 'streamed'] as const) : (['buffered'] as const)) {
    await using site = await trial.start(mode)
    await check(site)
  }
}

async function expectText(response: Response, text: string, type: RegExp): Promise<void> {
  same(await response.text(), text)
  same(response.status, 200)
  match(response.headers.get('content-type') ?? '', type)
  ok(response.headers.get('x-amzn-requestid'), 'no request id')
}

export const urlCases: readonly Case[] = [
  {
    name: 'page',
    title: 'a page, and what is not there',
    run: (trial) =>
      inBothModes(trial, async (site) => {
        await expectText(await site.get('/'), page, /^text\/html; charset=utf-8$/i)
        const head = await site.get('/', { method: 'HEAD' })
        same([head.status, await head.text()], [200, ''])
        same((await site.get('/nowhere')).status, 404)
      }),
  },
  {
    name: 'query',
    title: 'a query',
    run: (trial) =>
      inBothModes(trial, async (site) => {
        const answer = await site.get('/query?tag=a&tag=b&text=gr%C3%BC%C3%9Fe+%26%20mehr')
        same(await answer.json(), { tag: ['a', 'b'], text: 'grüße & mehr' })
      }),
  },
  {
    name: 'form',
    title: 'a form',
    run: (trial) =>
      inBothModes(trial, async (site) => {
        const body = new URLSearchParams({ name: 'Ada', city: 'Zürich' })
        await expectText(await site.get('/form', { method: 'POST', body }), 'Ada from Zürich', /^text\/plain/)
      }),
  },
  {
    name: 'cookies',
    title: 'cookies',
    run: (trial) =>
      inBothModes(trial, async (site) => {
        const set = (await site.get('/login')).headers.getSetCookie()
        same(set.length, 2, set.join(' | '))
        match(set[0] ?? '', /^session=a%20b;/)
        match(set[0] ?? '', /HttpOnly/i)
        match(set[1] ?? '', /^theme=dark;/)
        const cookie = set.map((one) => one.split(';')[0]).join('; ')
        const seen = await site.get('/cookies', { headers: { cookie } })
        same(await seen.json(), { session: 'a b', theme: 'dark' })
      }),
  },
  {
    name: 'redirect',
    title: 'a redirect',
    run: (trial) =>
      inBothModes(trial, async (site) => {
        const answer = await site.get('/old')
        same([answer.status, answer.headers.get('location')], [303, '/query?text=moved'])
        const followed = await site.get('/old', { redirect: 'follow' })
        same(await followed.json(), { tag: [], text: 'moved' })
      }),
  },
  {
    name: 'upload',
    title: 'an upload of 1 MiB',
    run: (trial) =>
      inBothModes(trial, async (site) => {
        const bytes = crypto.getRandomValues(new Uint8Array(65_536))
        const content = Buffer.concat(Array(16).fill(bytes))
        const body = new FormData()
        body.set('file', new File([content], 'random.bin', { type: 'application/octet-stream' }))
        const answer = await site.get('/upload', { method: 'POST', body })
        const sha256 = new Bun.CryptoHasher('sha256').update(content).digest('hex')
        same(await answer.json(), { name: 'random.bin', bytes: 1_048_576, sha256 })
      }),
  },
  {
    name: 'binary',
    title: 'bytes',
    run: (trial) =>
      inBothModes(trial, async (site) => {
        const answer = await site.get('/picture')
        same(answer.headers.get('content-type'), 'image/png')
        same(
          [...(await answer.bytes())],
          Array.from({ length: 256 }, (_, at) => at),
        )
      }),
  },
  {
    name: 'events',
    title: 'server-sent events, gathered',
    async run(trial) {
      await using site = await trial.start()
      const answer = await site.get('/events')
      match(answer.headers.get('content-type') ?? '', /^text\/event-stream/)
      same(eventsIn(await answer.text()), ['event 1', 'event 2', 'event 3'])
    },
  },
  {
    name: 'follow',
    title: 'server-sent events, as they happen',
    async run(trial) {
      await using site = await trial.start('streamed')
      const answer = await site.get('/events')
      match(answer.headers.get('content-type') ?? '', /^text\/event-stream/)
      const arrivals: { readonly at: number; readonly text: string }[] = []
      const decoder = new TextDecoder()
      for await (const piece of answer.body as ReadableStream<Uint8Array>) {
        arrivals.push({ at: performance.now(), text: decoder.decode(piece, { stream: true }) })
      }
      same(eventsIn(arrivals.map(({ text }) => text).join('')), ['event 1', 'event 2', 'event 3'])
      const [first, last] = [arrivals[0]!, arrivals.at(-1)!]
      ok(last.at - first.at > spreadMs, `all came within ${last.at - first.at} ms`)
    },
  },
  {
    name: 'browser',
    title: 'the page in Chromium',
    async run(trial) {
      await using site = await trial.start(trial.streams ? 'streamed' : 'buffered')
      const seen = await loadPage(`${site.url}/`)
      same([seen.title, seen.heading], ['Function URL', 'Größe'])
      same(seen.events, ['event 1', 'event 2', 'event 3'])
      if (trial.streams) ok(seen.spread > spreadMs, `all came within ${seen.spread} ms`)
    },
  },
]

/** The sites write the last event 3000 ms after the first one; a busy machine may read the first one late. */
const spreadMs = 1000

/** The data of the events in a stream. */
const eventsIn = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => line.slice('data: '.length))
