/** The console's page and what it is made of. What a person sees of it, `test/console/browser.test.ts` tries. */
import { expect } from 'bun:test'
import { bytes, spell, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'

export const consoleChapter = chapter('The console', (it) => {
  it('serves a page that loads nothing from elsewhere, and stands in no frame', async ({ start }) => {
    await using rie = await start()
    const page = await rie.ask({ path: '/_rie/' })
    expect([page.status, page.header('Content-Type')]).toEqual([200, 'text/html; charset=utf-8'])
    const policy = page.header('Content-Security-Policy')
    expect(policy).toContain("default-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    const parts = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address as string)
    expect(parts.length).toBeGreaterThan(2)
    for (const path of parts) {
      expect(path).toStartWith('/_rie/')
      const part = await rie.ask({ path })
      expect([path, part.status]).toEqual([path, 200])
      expect(part.text).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/)
    }
    // nothing inline, which the policy would forbid
    expect(page.text).not.toMatch(/<script>|<style|\sstyle=|\son\w+=/)
    expect((await rie.ask({ path: '/_rie' })).header('Location')).toBe('/_rie/')
  })

  it('keeps nothing before its first visitor, then the newest invocation first', async ({ start }) => {
    await using rie = await start()
    await rie.exchange('"unseen"', '1')
    expect((await rie.ask({ path: '/_rie/invocations' })).json).toEqual([])
    await rie.exchange('"first"', '"one"')
    const { event } = await rie.exchange('"second"', '"two"')
    const list = (await rie.ask({ path: '/_rie/invocations' })).json
    expect(list.map(({ what }: { what: string }) => what)).toEqual(['"second"', '"first"'])
    const path = `/_rie/invocations/${event.id}`
    expect((await rie.ask({ path })).json).toMatchObject({
      id: event.id,
      state: 'succeeded',
      environment: 1,
      event: { text: '"second"', bytes: 8, cut: false },
      answer: { text: '"two"' },
      heads: { rie: { status: 200 }, lambda: { status: 200 } },
    })
    expect((await rie.ask({ path: '/_rie/invocations/nobody' })).status).toBe(404)
  })

  it('keeps the first 64 KiB of an event and of an answer', async ({ start }) => {
    await using rie = await start()
    await rie.ask({ path: '/_rie/' })
    const text = JSON.stringify('x'.repeat(100_000))
    const { event } = await rie.exchange(text, text)
    const kept = (await rie.ask({ path: `/_rie/invocations/${event.id}` })).json
    for (const part of [kept.event, kept.answer]) {
      expect([part.text, part.bytes, part.cut]).toEqual([text.slice(0, 65_536), text.length, true])
    }
  })

  it('tells an open page of every invocation', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    wire.send(bytes(rie.gateway, { path: '/_rie/events' }))
    await wire.until(/Content-Type: text\/event-stream[\s\S]*event: hello\r?\ndata: \{"name":"test_function"/)
    const call = rie.invoke('"told"')
    const { id } = await rie.next()
    await wire.until(new RegExp(`event: change\\ndata: .*"id":"${id}","state":"running"`))
    await rie.respond(id)
    rie.park()
    await call
    await wire.until(new RegExp(`"id":"${id}","state":"succeeded"`))
  })

  it('is not reached under the name of somebody else, nor from another page', async ({ start }) => {
    await using rie = await start()
    const own = spell(rie.gateway)
    const ask = async (path: string, headers: Record<string, string>) =>
      (await rie.ask({ path, headers })).status
    for (const path of ['/_rie/', '/_rie/events', '/_rie/invocations', '/_rie/invocations/x']) {
      expect(await ask(path, { Host: 'evil.example' })).toBe(403)
      expect(await ask(path, { Host: own, Origin: 'http://evil.example' })).toBe(403)
      expect(await ask(path, { Host: own, 'Sec-Fetch-Site': 'cross-site' })).toBe(403)
    }
    // what is for everybody stays so
    for (const path of ['/_rie/health', '/_rie/metrics'])
      expect(await ask(path, { Host: 'evil.example' })).toBe(200)
    for (const path of ['/_rie/', '/_rie/console.js', '/_rie/console/list.js'])
      expect(await ask(path, { Host: `localhost:${rie.gateway.port}` })).toBe(200)
  })

  it('is not there with --no-console', async ({ start }) => {
    await using rie = await start({ flags: ['--no-console'] })
    for (const path of ['/_rie/', '/_rie/events', '/_rie/invocations', '/_rie/console.js']) {
      expect((await rie.ask({ path })).status).toBe(404)
    }
    expect((await rie.ask({ path: '/_rie/health' })).status).toBe(200)
  })
})
