/** The metadata endpoint of an environment: where it is told, who may ask, what it answers. */
import { expect } from 'bun:test'
import { type Answer, spell } from '../kit/wire.ts'
import { both, ready, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { uuid } from './facts.ts'

const path = '/2026-01-15/metadata/execution-environment'

/** Asks as the process of the runtime would, which has been told address and token. */
async function ask(
  rie: Emulator,
  {
    method = 'GET',
    to = path,
    authorization = 'Bearer TOKEN',
  }: Partial<Record<'method' | 'to' | 'authorization', string>> = {},
): Promise<Answer> {
  const token = (await rie.runtime()).env().AWS_LAMBDA_METADATA_TOKEN ?? 'not told'
  return rie.askApi({
    method,
    path: to,
    headers: authorization === '' ? {} : { Authorization: authorization.replace('TOKEN', token) },
  })
}

const plain = (answer: Answer) => [
  answer.status,
  answer.header('Content-Type'),
  answer.header('X-Content-Type-Options'),
  answer.text,
]
const text = 'text/plain; charset=utf-8'

export const metadata = chapter('Metadata endpoint', (it) => {
  it('tells the runtime where the metadata endpoint is, and the token for it', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const env = (await rie.runtime()).env()
    expect(env.AWS_LAMBDA_METADATA_API).toBe(spell(rie.api))
    expect(env.AWS_LAMBDA_METADATA_TOKEN).toMatch(uuid)
  })

  it('tells the address and token of its own, whatever its own environment says', async ({ start }) => {
    const foreign = { AWS_LAMBDA_METADATA_API: '169.254.100.1:9001', AWS_LAMBDA_METADATA_TOKEN: 'theirs' }
    await using rie = await start({ env: foreign })
    await rie.exchange()
    const env = (await rie.runtime()).env()
    expect(env.AWS_LAMBDA_METADATA_API).toBe(spell(rie.api))
    expect(env.AWS_LAMBDA_METADATA_TOKEN).toMatch(uuid)
  })

  it.external('gives an extension the same metadata token as the runtime', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('agent') })
    rie.invoke()
    await ready(rie, { agent: both })
    const [runtime, agent] = [(await rie.runtime()).env(), (await rie.extension('agent')).env()]
    expect(agent.AWS_LAMBDA_METADATA_TOKEN).toBe(runtime.AWS_LAMBDA_METADATA_TOKEN!)
    expect(agent.AWS_LAMBDA_METADATA_TOKEN).toMatch(uuid)
    expect(agent.AWS_LAMBDA_METADATA_API).toBe(spell(rie.api))
  })

  it('gives the availability zone as JSON that may be kept for half a day', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const answer = await ask(rie)
    expect([answer.status, answer.text]).toEqual([200, '{"AvailabilityZoneID":"use1-az1"}'])
    expect(answer.header('Content-Type')).toBe('application/json')
    expect(answer.header('Cache-Control')).toBe('private, max-age=43200, immutable')
  })

  it('gives metadata while an invocation runs, with a slash at the end and a query too', async ({
    start,
  }) => {
    await using rie = await start()
    rie.invoke()
    await rie.next()
    for (const to of [`${path}/`, `${path}?x=1`]) expect((await ask(rie, { to })).status).toBe(200)
  })

  it('gives the availability zone that it was told', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_AVAILABILITY_ZONE_ID: 'euc1-az3' } })
    await rie.exchange()
    expect((await ask(rie)).text).toBe('{"AvailabilityZoneID":"euc1-az3"}')
  })

  for (const [kind, authorization] of Object.entries({
    'no token': '',
    'an empty token': 'Bearer ',
    'another token': 'Bearer 6f1d3b1e-4a5c-4c39-9d0f-0a1b2c3d4e5f',
    'a token without its scheme': 'TOKEN',
    'a scheme in lower case': 'bearer TOKEN',
    'another scheme': 'Basic TOKEN',
    'a token and more': 'Bearer TOKEN.',
  })) {
    it(`gives no metadata for ${kind}`, async ({ start }) => {
      await using rie = await start()
      await rie.exchange()
      expect(plain(await ask(rie, { authorization }))).toEqual([401, text, 'nosniff', 'Unauthorized\n'])
    })
  }

  for (const to of ['/2026-01-15', '/2026-01-15/', '/2026-01-15/metadata', '/2026-01-15/metadata/x']) {
    it(`has no metadata at ${to}`, async ({ start }) => {
      await using rie = await start()
      await rie.exchange()
      expect(plain(await ask(rie, { to }))).toEqual([404, text, 'nosniff', '404 page not found\n'])
    })
  }

  for (const method of ['POST', 'PUT', 'DELETE']) {
    it(`refuses ${method} on the metadata endpoint with 405`, async ({ start }) => {
      await using rie = await start()
      await rie.exchange()
      expect((await ask(rie, { method })).status).toBe(405)
    })
  }

  it('has no metadata on the port of the callers', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    expect((await rie.ask({ path })).status).toBe(404)
  })

  it('gives each environment a metadata token of its own, and takes no other', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    rie.invoke()
    rie.invoke()
    const [first, second] = [(await rie.runtime(1)).env(), (await rie.runtime(2, true)).env()]
    expect(first.AWS_LAMBDA_METADATA_TOKEN).toMatch(uuid)
    expect(second.AWS_LAMBDA_METADATA_TOKEN).toMatch(uuid)
    expect(second.AWS_LAMBDA_METADATA_TOKEN).not.toBe(first.AWS_LAMBDA_METADATA_TOKEN!)
    const status = async (token: string) =>
      (
        await fetch(`http://${first.AWS_LAMBDA_METADATA_API}${path}`, {
          headers: { Authorization: `Bearer ${token}` },
        })
      ).status
    expect(await status(first.AWS_LAMBDA_METADATA_TOKEN!)).toBe(200)
    expect(await status(second.AWS_LAMBDA_METADATA_TOKEN!)).toBe(401)
  })

  it('keeps its metadata token when the runtime starts again', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    await rie.next()
    const first = (await rie.runtime()).env().AWS_LAMBDA_METADATA_TOKEN
    expect(first).toMatch(uuid)
    ;(await rie.runtime()).kill()
    rie.invoke()
    expect((await rie.runtime(2)).env().AWS_LAMBDA_METADATA_TOKEN).toBe(first!)
  })
})
