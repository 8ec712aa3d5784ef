/** Where the emulator listens: on both families of addresses, where its variables say, and where there is room. */
import { expect } from 'bun:test'
import { until, within } from '../harness.ts'
import { freePort } from '../kit/launch.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { privateNetwork } from './launch.ts'

const both = privateNetwork('IPv4 and IPv6')
const usual = { ownAddresses: true, listens: ['127.0.0.1:8080', '127.0.0.1:9001'] } as const

/** A network in which somebody else listens on 9001. */
const listener =
  "import socket,time; s=socket.create_server(('127.0.0.1',9001)); open('taken','w'); time.sleep(600)"
const occupied = [
  ...both,
  'sh',
  '-c',
  `python3 -c "${listener}" >/dev/null 2>&1 & while [ ! -e taken ]; do sleep 0.01; done; exec "$@"`,
  'sh',
]

/** The status that an address answers a path with, asked from within the network of an emulator; 0 for no answer. */
async function status(rie: Emulator, url: string): Promise<number> {
  const words = ['curl', '--silent', '--globoff', '--output', '/dev/null', '--write-out', '%{http_code}', url]
  const curl = Bun.spawn(['nsenter', '-t', String(rie.pid), '-n', ...words], { stderr: 'ignore' })
  return Number(await within(`an answer from ${url}`, curl.stdout.text()))
}

const gatewayIs = (rie: Emulator, host: string, port = 8080) => status(rie, `http://${host}:${port}/nowhere`)
const apiIs = (rie: Emulator, host: string, port = 9001) =>
  status(rie, `http://${host}:${port}/2018-06-01/ping`)

export const addresses = chapter('Addresses', (it) => {
  it.network('serves callers and runtimes on IPv4 and IPv6 by default', async ({ start }) => {
    await using rie = await start({ wrap: both, ...usual })
    for (const host of ['127.0.0.1', '[::1]']) {
      expect([await gatewayIs(rie, host), await apiIs(rie, host)]).toEqual([404, 200])
    }
  })

  it.network('serves callers and runtimes on IPv4 where there is no IPv6', async ({ start }) => {
    await using rie = await start({ wrap: privateNetwork('IPv4'), ...usual })
    expect([await gatewayIs(rie, '127.0.0.1'), await apiIs(rie, '127.0.0.1')]).toEqual([404, 200])
  })

  it('serves both families for a port without a host', async ({ start }) => {
    const [gateway, api] = [`:${freePort()}`, `:${freePort()}`]
    await using rie = await start({ gateway, api })
    for (const host of ['127.0.0.1', '[::1]']) {
      expect(await gatewayIs(rie, host, rie.gateway.port)).toBe(404)
      expect(await apiIs(rie, host, rie.api.port)).toBe(200)
    }
  })

  it('serves both families on one and the same free port', async ({ start }) => {
    await using rie = await start({ gateway: ':0', api: ':0' })
    for (const host of ['127.0.0.1', '[::1]']) {
      expect(await gatewayIs(rie, host, rie.gateway.port)).toBe(404)
      expect(await apiIs(rie, host, rie.api.port)).toBe(200)
    }
  })

  it('keeps to one family when its address is told', async ({ start }) => {
    await using rie = await start()
    expect(await gatewayIs(rie, '[::1]', rie.gateway.port)).toBe(0)
    expect(await apiIs(rie, '[::1]', rie.api.port)).toBe(0)
  })

  it.network('hands a runtime an address that it can split at its colon', async ({ start }) => {
    await using rie = await start({ wrap: both, ...usual })
    const caller = Bun.spawn(
      [
        'nsenter',
        '-t',
        String(rie.pid),
        '-n',
        'curl',
        '--silent',
        '-XPOST',
        `http://127.0.0.1:8080/2015-03-31/functions/function/invocations`,
      ],
      { stdout: 'ignore', stderr: 'ignore' },
    )
    try {
      expect((await rie.runtime()).env().AWS_LAMBDA_RUNTIME_API).toBe('127.0.0.1:9001')
    } finally {
      caller.kill()
    }
  })

  it('listens where its variables say', async ({ start }) => {
    const [gateway, api] = [`127.0.0.1:${freePort()}`, `127.0.0.1:${freePort()}`]
    const env = { AWS_LAMBDA_RIE_ADDRESS: gateway, AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS: api }
    await using rie = await start({ ownAddresses: true, env, listens: [gateway, api] })
    expect((await rie.exchange()).answer.status).toBe(200)
    expect((await rie.runtime()).env().AWS_LAMBDA_RUNTIME_API).toBe(api)
  })

  it('prefers the flags of its addresses to the variables', async ({ start }) => {
    const env = { AWS_LAMBDA_RIE_ADDRESS: '127.0.0.1:1', AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS: '127.0.0.1:1' }
    await using rie = await start({ env })
    expect([rie.gateway.port, rie.api.port]).not.toContain(1)
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  for (const name of ['AWS_LAMBDA_RIE_ADDRESS', 'AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS']) {
    it.network(`ends with exit code 2 for ${name} without a port`, async ({ run }) => {
      const { code, stderr } = await run({ wrap: both, ownAddresses: true, env: { [name]: '127.0.0.1' } })
      expect(code).toBe(2)
      expect(stderr).toContain(name)
    })
  }

  it.network(
    'takes a free port for runtimes where 9001 is taken and nobody asked for it, and says so',
    async ({ start }) => {
      await using rie = await start({ wrap: occupied, ownAddresses: true })
      expect([rie.gateway.port, rie.api.port === 9001, rie.api.port > 0]).toEqual([8080, false, true])
      expect(await apiIs(rie, '127.0.0.1', rie.api.port)).toBe(200)
      await until('it to say so', () =>
        rie.log.some(({ level, msg }) => ['info', 'warn'].includes(level) && /9001/.test(msg)),
      )
    },
  )

  it.network('ends with an error where 9001 is taken and was asked for', async ({ run }) => {
    const { code, stderr } = await run({
      wrap: occupied,
      gateway: '127.0.0.1:0',
      api: '127.0.0.1:9001',
    })
    expect(code).toBe(2)
    expect(stderr).toContain('9001')
  })
})
