/** A streaming handler that the emulator serves itself, as its caller sees it. */
import { expect } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../harness.ts'
import { type Bench, chapter } from './chapter.ts'

const code = `
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'

const { streamifyResponse, HttpResponseStream } = globalThis.awslambda
class CustomError extends Error { name = 'CustomError' }

export const pieces = streamifyResponse(async (event, stream) => {
  stream.setContentType('text/plain')
  stream.write('first,')
  stream.write({ event })
  stream.end()
})
export const large = streamifyResponse(async (_, stream) => {
  await pipeline(Readable.from(Array(64).fill('x'.repeat(65_536))), stream)
})
export const failsFirst = streamifyResponse(async () => { throw new CustomError('before anything') })
export const throwsFirst = streamifyResponse(() => { throw new CustomError('before anything') })
export const unfinished = streamifyResponse(async () => {})
export const http = streamifyResponse(async (_, stream) => {
  const answer = HttpResponseStream.from(stream, { statusCode: 201 })
  answer.write('body')
  answer.end()
})
export const lost = streamifyResponse(async (_, stream) => {
  HttpResponseStream.from(stream, { statusCode: 201 }).end()
})
`

async function serve({ start }: Bench, name: string) {
  const folder = tempDir()
  writeFileSync(join(folder.path, 'index.mjs'), code)
  const rie = await start({ flags: ['--handler', `index.${name}`], command: [], cwd: folder.path })
  return {
    rie,
    async [Symbol.asyncDispose]() {
      await rie[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

export const handlerStream = chapter('Handlers that stream', (it) => {
  it('answers with all pieces of a stream and its type, again and again', async (bench) => {
    await using served = await serve(bench, 'pieces')
    for (const event of ['1', '2']) {
      const answer = await served.rie.invoke(event)
      expect([answer.status, answer.text]).toEqual([200, `first,{"event":${event}}`])
      expect(answer.header('Content-Type')).toBe('text/plain')
    }
  })

  it('carries four megabytes of a stream', async (bench) => {
    await using served = await serve(bench, 'large')
    expect((await served.rie.invoke()).text === 'x'.repeat(64 * 65_536)).toBe(true)
  })

  for (const [name, errorType, errorMessage] of [
    ['failsFirst', 'CustomError', 'before anything'],
    ['throwsFirst', 'CustomError', 'before anything'],
    ['unfinished', 'Error', 'Response stream is not finished.'],
  ] as const) {
    it(`answers with the error of a stream before its first byte: ${name}`, async (bench) => {
      await using served = await serve(bench, name)
      for (let round = 0; round < 2; round += 1) {
        const answer = await served.rie.invoke()
        expect([answer.status, answer.header('X-Amz-Function-Error')]).toEqual([200, 'Unhandled'])
        expect(answer.json).toEqual({ errorType, errorMessage, trace: expect.any(Array) })
      }
      await served.rie.stdout.until(/(REPORT.* Status: error.*\n[\s\S]*){2}/)
    })
  }

  it('puts the prelude of an HTTP answer before its body', async (bench) => {
    await using served = await serve(bench, 'http')
    const answer = await served.rie.invoke()
    expect(answer.text).toBe(`{"statusCode":201}${'\0'.repeat(8)}body`)
    expect(answer.header('Content-Type')).toBe('application/vnd.awslambda.http-integration-response')
  })

  it('warns of a prelude that is lost, as on Lambda, because nothing was written', async (bench) => {
    await using served = await serve(bench, 'lost')
    expect((await served.rie.invoke()).text).toBe('')
    await served.rie.stdout.until(/\tWARN\tHttpResponseStream: status and headers are lost/)
  })
})
