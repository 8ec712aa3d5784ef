/** Who gets the answers of the reference and who gets those of the service, and what else the service is strict about. */
import { expect } from 'bun:test'
import { type Answer, bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { base64, fault, signed } from './facts.ts'
import type { Options } from './launch.ts'

type Headers = Readonly<Record<string, string>>
const fromSdk: Headers = { 'amz-sdk-invocation-id': '3d6ba1f4-6a3e-44f6-a4a8-9a8f6f0f6a1b' }

/** What the emulator was told, what the caller sends, and whose answers it gets. */
const choices: readonly (readonly [kind: string, options: Options, headers: Headers, 'rie' | 'lambda'])[] = [
  ['a request without a signature', {}, {}, 'rie'],
  ['a signed request', {}, signed, 'lambda'],
  ['a request that an SDK has numbered', {}, fromSdk, 'lambda'],
  ['a request with another kind of authorization', {}, { Authorization: 'Bearer token' }, 'rie'],
  ['every request with --dialect lambda', { flags: ['--dialect', 'lambda'] }, {}, 'lambda'],
  ['every request with the variable at lambda', { env: { AWS_LAMBDA_RIE_DIALECT: 'lambda' } }, {}, 'lambda'],
  ['a signed request with --dialect rie', { flags: ['--dialect=rie'] }, { ...signed, ...fromSdk }, 'rie'],
  ['a signed request with --dialect auto', { flags: ['--dialect=AUTO'] }, signed, 'lambda'],
]

async function refusedContent(rie: Emulator, answer: Answer): Promise<string> {
  expect([answer.status, answer.header('x-amzn-ErrorType')]).toEqual([400, 'InvalidRequestContentException'])
  expect(answer.header('Content-Type')).toBe('application/json')
  expect(answer.header('X-Amz-Function-Error')).toBeUndefined()
  expect(Object.keys(answer.json).sort()).toEqual(['Type', 'message'])
  expect(rie.runtimes()).toEqual([])
  return answer.json.message
}

/** A client context whose base64 has so many characters, a multiple of four. */
const contextOf = (length: number) => base64(JSON.stringify({ x: 'y'.repeat((length / 4) * 3 - 8) }))

export const dialects = chapter('Dialects', (it) => {
  for (const [kind, options, headers, dialect] of choices) {
    it(`answers ${kind} as ${dialect === 'rie' ? 'the reference' : 'the service'} would`, async ({
      start,
    }) => {
      await using rie = await start(options)
      const call = rie.invoke('{}', headers)
      const { id } = await rie.next()
      ;(await rie.runtime()).tell('exit 7')
      const answer = await call
      expect([answer.status, answer.text]).toEqual([
        dialect === 'rie' ? 502 : 200,
        fault('Runtime.ExitError', id, 'Runtime exited with error: exit status 7'),
      ])
    })
  }

  for (const [kind, headers] of Object.entries({ 'a signed caller': signed, 'an SDK': fromSdk })) {
    for (const body of ['not JSON', '{"half":', "{'a':1}"]) {
      it(`refuses ${body} of ${kind}, and runs nothing`, async ({ start }) => {
        await using rie = await start()
        const message = await refusedContent(rie, await rie.invoke(body, headers))
        expect(message).toStartWith('Could not parse request body into json: ')
      })
    }
  }

  it('delivers what is JSON to the byte, also of a signed caller', async ({ start }) => {
    await using rie = await start()
    for (const body of [' {"a" : 1.50}\n', '[]', 'null', '"text"', '17']) {
      const { event } = await rie.exchange(body, '"done"', signed)
      expect(event.text).toBe(body)
    }
  })

  it('delivers an empty body of a signed caller as an empty object', async ({ start }) => {
    await using rie = await start()
    const { event, answer } = await rie.exchange('', '"done"', signed)
    expect([event.text, answer.status]).toEqual(['{}', 200])
  })

  for (const [kind, value] of Object.entries({
    'is not base64': '%%%',
    'is base64 of no JSON': base64('hello'),
    'is base64 of no object': base64('7'),
  })) {
    it(`refuses a client context of a signed caller that ${kind}`, async ({ start }) => {
      await using rie = await start()
      const answer = await rie.invoke('{}', { ...signed, 'X-Amz-Client-Context': value })
      expect(await refusedContent(rie, answer)).toContain('X-Amz-Client-Context')
    })
  }

  it('takes the longest client context of a signed caller', async ({ start }) => {
    await using rie = await start()
    const context = contextOf(3580)
    expect(context.length).toBe(3580)
    const { event } = await rie.exchange('{}', '1', { ...signed, 'X-Amz-Client-Context': context })
    expect(event.header('Lambda-Runtime-Client-Context')!.length).toBe((3580 / 4) * 3)
  })

  it('refuses a longer client context of a signed caller', async ({ start }) => {
    await using rie = await start()
    const answer = await rie.invoke('{}', { ...signed, 'X-Amz-Client-Context': contextOf(3584) })
    expect(await refusedContent(rie, answer)).toContain('3583')
  })

  it('takes a longer client context of a caller without a signature', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange('{}', '1', { 'X-Amz-Client-Context': contextOf(8000) })
    expect(event.header('Lambda-Runtime-Client-Context')!.length).toBe(6000)
  })

  for (const [dialect, headers, status] of [
    ['rie', {}, 502],
    ['lambda', signed, 200],
  ] as const) {
    it(`answers ${status} for an upload that breaks off, dialect ${dialect}`, async ({ start }) => {
      await using rie = await start()
      const call = rie.invoke('{}', headers)
      const { id } = await rie.next()
      const upload = await Wire.open(rie.api)
      const path = `/2018-06-01/runtime/invocation/${id}/response`
      upload.send(
        bytes(rie.api, { method: 'POST', path, headers: { 'Content-Length': '99' }, body: '"half' }),
      )
      await rie.settle()
      upload[Symbol.dispose]()
      const answer = await call
      expect([answer.status, answer.json.errorType]).toEqual([status, 'Runtime.TruncatedResponse'])
    })

    it(`answers ${status} with the document of a failed init, dialect ${dialect}`, async ({ start }) => {
      await using rie = await start()
      const call = rie.invoke('{}', headers)
      for (const n of [1, 2]) {
        const runtime = await rie.runtime(n)
        await rie.initError(`{"errorMessage":"attempt ${n}"}`)
        await runtime.gone()
      }
      const answer = await call
      expect([answer.status, answer.text]).toEqual([status, '{"errorMessage":"attempt 2"}'])
      expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
    })
  }
})
