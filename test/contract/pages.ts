/** Requests of web pages to the gateway: a browser sends them to any address, whoever wrote the page. */
import { expect } from 'bun:test'
import { spell } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { invokePath } from './emulator.ts'

const page = 'http://localhost:3000'

export const pages = chapter('Web pages', (it) => {
  it('runs nothing for a page of another origin, and says how to let it', async ({ start }) => {
    await using rie = await start()
    for (const origin of ['https://page.example', 'null', 'http://127.0.0.1', `https://${spell(rie.api)}`]) {
      const answer = await rie.invoke('{}', { Origin: origin })
      expect([answer.status, answer.header('Access-Control-Allow-Origin')]).toEqual([403, undefined])
      expect(answer.json.Message).toContain(`--cors ${origin}`)
    }
    expect(rie.runtimes()).toEqual([])
  })

  it('runs nothing for a picture or a link of a page elsewhere', async ({ start }) => {
    await using rie = await start()
    const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }
    expect((await rie.ask({ path: invokePath, headers })).status).toBe(403)
    expect(rie.runtimes()).toEqual([])
  })

  it('runs what its own page sends', async ({ start }) => {
    await using rie = await start()
    const { answer } = await rie.exchange('{}', '"done"', { Origin: `http://${spell(rie.gateway)}` })
    expect([answer.status, answer.header('Access-Control-Allow-Origin')]).toEqual([200, undefined])
  })

  it('runs what a page sends that --cors names, and lets it read the answer', async ({ start }) => {
    await using rie = await start({ flags: ['--cors', `https://a.example,${page}`] })
    const { answer } = await rie.exchange('{}', '"done"', { Origin: page })
    expect([answer.status, answer.text, answer.header('Access-Control-Allow-Origin')]).toEqual([
      200,
      '"done"',
      page,
    ])
    const exposed = answer.header('Access-Control-Expose-Headers')?.split(',') ?? []
    for (const name of ['x-amz-function-error', 'x-amz-log-result', 'x-amzn-requestid', 'x-amzn-errortype']) {
      expect(exposed).toContain(name)
    }
    expect((await rie.invoke('{}', { Origin: 'http://localhost:3001' })).status).toBe(403)
  })

  it('lets every page invoke with --cors *, named by the variable too', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_CORS: '*' } })
    const { answer } = await rie.exchange('{}', '"done"', { Origin: 'https://page.example' })
    expect([answer.status, answer.header('Access-Control-Allow-Origin')]).toEqual([
      200,
      'https://page.example',
    ])
  })

  it('answers the preflight of a page that may invoke, with the headers that it asks for', async ({
    start,
  }) => {
    await using rie = await start({ flags: ['--cors', page] })
    const headers = {
      Origin: page,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,x-amz-date,amz-sdk-invocation-id',
    }
    const answer = await rie.ask({ method: 'OPTIONS', path: invokePath, headers })
    expect([answer.status, answer.header('Access-Control-Allow-Origin')]).toEqual([204, page])
    expect(answer.header('Access-Control-Allow-Headers')).toBe(headers['Access-Control-Request-Headers'])
    expect(answer.header('Access-Control-Allow-Methods')).toContain('POST')
    const refused = await rie.ask({
      method: 'OPTIONS',
      path: invokePath,
      headers: { ...headers, Origin: 'null' },
    })
    expect([refused.status, refused.header('Access-Control-Allow-Origin')]).toEqual([403, undefined])
    expect(rie.runtimes()).toEqual([])
  })

  it('ends with exit code 2 for an origin that is none', async ({ run }) => {
    const { code, stderr } = await run({ flags: ['--cors', 'http://localhost:3000/page'] })
    expect([code, stderr]).toEqual([2, expect.stringContaining('write http://localhost:3000')])
  })
})
