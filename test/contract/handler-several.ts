/** A handler that the emulator serves itself in a Managed Instance: several invocations at a time in one process. */
import { expect } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir, within } from '../harness.ts'
import type { Answer } from '../kit/wire.ts'
import { type Bench, chapter } from './chapter.ts'

const code = `
import { setTimeout as sleep } from 'node:timers/promises'

/** Ends when so many are in here. */
let inside = 0
const { promise: full, resolve } = Promise.withResolvers()
const meet = async (count) => {
  inside += 1
  if (inside === count) resolve()
  await full
}
const store = () => globalThis.awslambda.InvokeStore

export const meets = async ({ name, count }, context) => {
  console.log('in ' + name)
  await meet(count)
  console.log('out ' + name)
  await sleep(1)
  const { awsRequestId } = context
  return { name, pid: process.pid, awsRequestId, stored: store().getRequestId(), trace: '_X_AMZN_TRACE_ID' in process.env }
}
export const fails = async ({ name, count }) => {
  await meet(count)
  if (name === 'bad') throw new RangeError('of bad')
  return name
}
export const streams = awslambda.streamifyResponse(async ({ name, count }, stream) => {
  stream.write('first of ' + name + ',')
  await meet(count)
  stream.end('second of ' + name)
})
export const late = async ({ hang }) => {
  if (!hang) return 'in time'
  await full
  return 'late'
}
export const release = async (event) => {
  if (event.release) resolve()
  return late(event)
}
export const nothing = () => {}
export const callsBack = (event, context, callback) => { setInterval(() => {}, 60_000); callback(null, 'called') }
export const dies = async ({ name, count }) => {
  await meet(count)
  if (name === 'bad') setTimeout(() => { throw new RangeError('of bad') })
  await new Promise(() => {})
}
`

async function serve({ start }: Bench, name: string, concurrency: number, env: Record<string, string> = {}) {
  const folder = tempDir()
  writeFileSync(join(folder.path, 'index.mjs'), code)
  const flags = ['--handler', `index.${name}`]
  const rie = await start({ flags, command: [], cwd: folder.path, concurrency, env })
  return {
    rie,
    invoke: (event: object) => within(`an answer of ${name}`, rie.invoke(JSON.stringify(event))),
    async [Symbol.asyncDispose]() {
      await rie[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

const said = ({ status, text }: Answer): [number, string] => [status, text]

export const handlerSeveral = chapter('Handlers that serve several invocations at a time', (it) => {
  it('runs as many invocations of one handler at a time as it may, in one process, each with its ids', async (bench) => {
    await using served = await serve(bench, 'meets', 4)
    const names = ['a', 'b', 'c', 'd']
    const answers = await Promise.all(names.map((name) => served.invoke({ name, count: 4 })))
    const values = answers.map(
      ({ json }) =>
        json as { name: string; pid: number; awsRequestId: string; stored: string; trace: boolean },
    )
    expect(values.map(({ name }) => name)).toEqual(names)
    expect(new Set(values.map(({ pid }) => pid)).size).toBe(1)
    expect(new Set(values.map(({ awsRequestId }) => awsRequestId)).size).toBe(4)
    for (const { name, awsRequestId, stored, trace } of values) {
      expect([stored, trace]).toEqual([awsRequestId, false])
      for (const word of ['in', 'out'])
        await served.rie.stdout.until(new RegExp(`"requestId":"${awsRequestId}","message":"${word} ${name}"`))
    }
  })

  it('answers with the error of one of several invocations of a handler, and goes on', async (bench) => {
    await using served = await serve(bench, 'fails', 2)
    const [good, bad] = await Promise.all(['good', 'bad'].map((name) => served.invoke({ name, count: 2 })))
    expect(said(good as Answer)).toEqual([200, '"good"'])
    expect(bad?.json).toMatchObject({ errorType: 'RangeError', errorMessage: 'of bad' })
    expect(said(await served.invoke({ name: 'after' }))).toEqual([200, '"after"'])
  })

  it('carries streams of several invocations of a handler at a time', async (bench) => {
    await using served = await serve(bench, 'streams', 2)
    const answers = await Promise.all(['a', 'b'].map((name) => served.invoke({ name, count: 2 })))
    expect(answers.map(({ text }) => text)).toEqual(['first of a,second of a', 'first of b,second of b'])
  })

  it('goes on after a handler whose answer is refused as too late, in the same process', async (bench) => {
    await using served = await serve(bench, 'release', 2, {
      AWS_LAMBDA_FUNCTION_TIMEOUT: '3',
      AWS_LAMBDA_RIE_INIT_TIMEOUT: '60',
    })
    expect((await served.invoke({ hang: true })).text).toContain('Task timed out')
    expect(said(await served.invoke({ release: true }))).toEqual([200, '"in time"'])
    await served.rie.stdout.until(/The response was not accepted: 410 /)
    const both = await Promise.all([served.invoke({}), served.invoke({})])
    expect(both.map(said)).toEqual([
      [200, '"in time"'],
      [200, '"in time"'],
    ])
  })

  for (const [name, text] of [
    ['nothing', 'null'],
    ['callsBack', '"called"'],
  ] as const) {
    it(`waits for no empty event loop where several invocations of a handler may run: ${name}`, async (bench) => {
      await using served = await serve(bench, name, 2)
      expect(said(await served.invoke({}))).toEqual([200, text])
    })
  }

  it('names the invocation of which an uncaught error ends a handler that serves several', async (bench) => {
    await using served = await serve(bench, 'dies', 2)
    const [bad, other] = await Promise.all(['bad', 'other'].map((name) => served.invoke({ name, count: 2 })))
    expect(bad?.json).toMatchObject({ errorType: 'RangeError', errorMessage: 'of bad' })
    expect(other?.text).toContain('Runtime exited')
  })
})
