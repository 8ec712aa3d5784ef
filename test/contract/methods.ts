/** Methods of the invoke endpoint: health checks in people's images are GETs. */
import { expect } from 'bun:test'
import { chapter } from './chapter.ts'
import { invokePath } from './emulator.ts'
import { signed } from './facts.ts'

const running = ['GET', 'PUT', 'PATCH', 'DELETE']
const withoutFunction = ['HEAD', 'OPTIONS', 'TRACE', 'PROPFIND']

export const methods = chapter('Invoke endpoint: methods', (it) => {
  for (const method of running) {
    it(`runs the function for ${method} without a body`, async ({ start }) => {
      await using rie = await start()
      const call = rie.ask({ method, path: invokePath })
      expect((await rie.reply('"alive"')).text).toBe('{}')
      const answer = await call
      expect([answer.status, answer.text]).toEqual([200, '"alive"'])
    })

    it(`delivers the body of ${method}`, async ({ start }) => {
      await using rie = await start()
      const body = '{"sent":true}'
      const call = rie.ask({
        method,
        path: invokePath,
        body,
        headers: { 'Content-Length': `${body.length}` },
      })
      expect((await rie.reply()).text).toBe(body)
      expect((await call).status).toBe(200)
    })

    it(`refuses ${method} of a signed caller with 405 and runs nothing`, async ({ start }) => {
      await using rie = await start()
      const answer = await rie.ask({ method, path: invokePath, headers: signed })
      expect([answer.status, answer.header('Allow')]).toEqual([405, 'POST'])
      await rie.settle()
      expect(rie.runtimes()).toEqual([])
    })
  }

  it('refuses a GET with --dialect lambda, and runs nothing', async ({ start }) => {
    await using rie = await start({ flags: ['--dialect', 'lambda'] })
    expect((await rie.ask({ path: invokePath })).status).toBe(405)
    expect(rie.runtimes()).toEqual([])
  })

  for (const method of withoutFunction) {
    it(`refuses ${method} on the invoke path with 405 and runs nothing`, async ({ start }) => {
      await using rie = await start()
      const answer = await rie.ask({ method, path: invokePath })
      expect(answer.status).toBe(405)
      const allowed = answer.header('Allow')?.split(', ') ?? []
      expect(allowed.toSorted()).toEqual(['POST', ...running].toSorted())
      await rie.settle()
      expect(rie.runtimes()).toEqual([])
    })
  }

  it('takes a qualifier and an ARN with a GET', async ({ start }) => {
    await using rie = await start()
    const name = encodeURIComponent('arn:aws:lambda:eu-west-1:123456789012:function:mine')
    const call = rie.ask({ path: `/2015-03-31/functions/${name}/invocations?Qualifier=live` })
    expect((await rie.reply()).header('Lambda-Runtime-Invoked-Function-Arn')).toEndWith(':live')
    expect((await call).status).toBe(200)
  })

  it('lets a GET on another path find nothing', async ({ start }) => {
    await using rie = await start()
    expect((await rie.ask({ path: '/2015-03-31/functions/function' })).status).toBe(404)
    expect(rie.runtimes()).toEqual([])
  })
})
