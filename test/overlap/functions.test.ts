/** Several functions inside a program. */

import { afterAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, type EmulatorOptions, startEmulator } from '../../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'embedded-'))
afterAll(() => rmSync(folder, { recursive: true }))
for (const name of ['orders', 'audit']) {
  mkdirSync(join(folder, name))
  writeFileSync(
    join(folder, name, 'index.mjs'),
    `const endpoint = process.env.AWS_ENDPOINT_URL_LAMBDA
export const handler = async (event, context) => {
  console.log(context.functionName + ' ' + (event.requestContext?.condition ?? 'called'))
  if (event.fail) throw new Error('failed')
  if (event.call) return await (await fetch(endpoint + '/2015-03-31/functions/audit/invocations', { method: 'POST', body: '{}' })).json()
  return { name: context.functionName, shared: process.env.SHARED, own: process.env.OWN, path: event.rawPath }
}
`,
  )
}

const options = (over: Partial<EmulatorOptions> = {}): EmulatorOptions => ({
  cwd: folder,
  env: { SHARED: 'all' },
  functions: {
    orders: {
      handler: 'index.handler',
      cwd: 'orders',
      env: { OWN: 'orders' },
      functionUrl: true,
      asyncMaxRetries: 1,
      asyncRetryDelaysSeconds: [0],
      onFailure: 'audit',
    },
    audit: { handler: 'index.handler', cwd: 'audit', maxEnvironments: 2 },
  },
  ...over,
})

describe('several functions', () => {
  test('are invoked by their names, of the emulator or of themselves', async () => {
    await using emulator = await startEmulator(options())
    const { orders, audit } = emulator.functions
    expect((await emulator.invoke({}, { functionName: 'orders' })).json()).toEqual({
      name: 'orders',
      shared: 'all',
      own: 'orders',
    })
    expect((await audit!.invoke({})).json()).toEqual({ name: 'audit', shared: 'all' })
    expect(await audit!.invoke({}, { stream: true }).text()).toContain('"audit"')
    const missing = await emulator.invoke({}, { functionName: 'nobody' })
    expect([missing.statusCode, missing.error?.message]).toEqual([
      404,
      expect.stringContaining('Function not found'),
    ])
    await expect(emulator.invoke({})).rejects.toThrow('several functions run')
    await emulator.idle()
    expect([orders!.output(), audit!.output()].map((text) => text.match(/(orders|audit) called/g))).toEqual([
      ['orders called'],
      ['audit called', 'audit called'],
    ])
    expect([orders!.state().environments.length, audit!.state().environments[0]?.starts]).toEqual([1, 1])
    expect(audit!.functionUrl).toBe(null)
    expect(await (await fetch(`${orders!.functionUrl}/x`)).json()).toMatchObject({ path: '/x' })
  })

  test('call each other, and take the records of events; idle waits for the whole chain', async () => {
    await using emulator = await startEmulator(options())
    const { orders, audit } = emulator.functions
    expect((await orders!.invoke({ call: true })).json()).toMatchObject({ name: 'audit' })
    const accepted = await orders!.invoke({ fail: true }, { invocationType: 'Event' })
    expect(accepted.statusCode).toBe(202)
    await emulator.idle()
    expect(orders!.output().match(/START/g)).toHaveLength(3)
    expect(audit!.output()).toContain('audit RetriesExhausted')
  })

  test('are ready when all are', async () => {
    await using emulator = await startEmulator(options())
    await emulator.ready()
    const starts = Object.values(emulator.functions).map((one) => one.state().environments[0]?.starts)
    expect(starts).toEqual([1, 1])
  })

  test('have all their mistakes told', async () => {
    const wrong = {
      a: { handler: 'index.handler', timeout: 3 },
      b: { handler: 'index.handler', cwd: 'nowhere', maxQueue: -1 },
      'c d': {},
      e: {},
    }
    const error = await startEmulator(options({ functions: wrong as never })).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as Error).message.split('\n')).toEqual([
      expect.stringMatching(/^functions\.a\.timeout is not known/),
      'functions.c d: a name has 1 to 64 letters, digits, - and _',
      `functions.b.cwd is "${folder}/nowhere"; there is no such folder`,
      'functions.e has nothing to run: give it a command, or a handler as index.handler',
    ])
    await expect(startEmulator({ ...options(), handler: 'x.y' })).rejects.toThrow(
      'in place of command and handler',
    )
    const missing = { a: { handler: 'none.handler', cwd: 'orders' } }
    await expect(startEmulator(options({ functions: missing }))).rejects.toThrow(/^functions\.a\.handler: /)
  })
})
