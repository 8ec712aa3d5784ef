import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { main } from '../../src/invoke/main.ts'
import type { Writer } from '../../src/invoke/streams.ts'
import { tempDir, until } from '../harness.ts'

class Recorder implements Writer {
  readonly isTTY: boolean
  text = ''
  constructor(isTTY = false) {
    this.isTTY = isTTY
  }
  write(chunk: string | Uint8Array, done?: (error?: Error | null) => void): void {
    this.text += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk)
    done?.()
  }
}

interface Asked {
  readonly path: string
  readonly headers: Headers
  readonly body: string
}

/** A gateway that answers each call as the test says, and keeps what it was asked. */
function gateway(answer: (asked: Asked) => Response | Promise<Response>) {
  const asked: Asked[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const one = {
        path: new URL(request.url).pathname,
        headers: request.headers,
        body: await request.text(),
      }
      asked.push(one)
      return await answer(one)
    },
  })
  return { asked, url: server.url.origin, [Symbol.asyncDispose]: () => server.stop(true) }
}

async function invoke(url: string, words: string[] = [], terminal = false) {
  const [stdout, stderr] = [new Recorder(terminal), new Recorder(terminal)]
  const code = await main(words, { AWS_ENDPOINT_URL_LAMBDA: url }, { stdout, stderr })
  return { code, stdout: stdout.text, stderr: stderr.text }
}

const functionError = { 'x-amz-function-error': 'Unhandled' }

describe('a buffered answer', () => {
  test('is the only thing on stdout, to the byte', async () => {
    await using service = gateway(() => new Response('{"ok":\n1}'))
    expect(await invoke(service.url, ['-d', '{"a":1}'])).toEqual({
      code: 0,
      stdout: '{"ok":\n1}',
      stderr: '',
    })
    const [asked] = service.asked
    expect([asked!.path, asked!.body]).toEqual(['/2015-03-31/functions/function/invocations', '{"a":1}'])
    expect(asked!.headers.get('x-amz-invocation-type')).toBe('RequestResponse')
    expect(asked!.headers.get('x-amz-log-type')).toBeNull()
  })

  test('ends with a line break on a terminal', async () => {
    await using service = gateway(() => new Response('1'))
    expect((await invoke(service.url, [], true)).stdout).toBe('1\n')
  })

  test('names the function by its ARN', async () => {
    await using service = gateway(() => new Response('1'))
    const arn = 'arn:aws:lambda:us-east-1:012345678912:function:greet'
    await invoke(service.url, [arn])
    expect(decodeURIComponent(service.asked[0]!.path)).toBe(`/2015-03-31/functions/${arn}/invocations`)
  })

  test('of six megabytes reaches a pipe whole', async () => {
    const text = 'x'.repeat(6_000_000)
    await using service = gateway(() => new Response(text))
    const program = Bun.spawn([process.execPath, 'src/main.ts', 'invoke', '--endpoint-url', service.url], {
      stdout: 'pipe',
    })
    expect([(await program.stdout.text()).length, await program.exited]).toEqual([text.length, 0])
  })
})

describe('a failure', () => {
  const document = {
    errorType: 'RangeError',
    errorMessage: 'too far',
    trace: ['RangeError: too far', '    at x.ts:1:2'],
  }

  test('goes to stderr as its document, and ends with 1', async () => {
    await using service = gateway(() => Response.json(document, { headers: functionError }))
    expect(await invoke(service.url)).toEqual({
      code: 1,
      stdout: '',
      stderr: `${JSON.stringify(document)}\n`,
    })
  })

  test('goes to a terminal as people read errors', async () => {
    await using service = gateway(() => Response.json(document, { headers: functionError }))
    expect((await invoke(service.url, [], true)).stderr).toBe('RangeError: too far\n    at x.ts:1:2\n')
  })

  test('of the emulator ends with 1, its message on stderr', async () => {
    await using service = gateway(() =>
      Response.json({ Type: 'User', Message: 'Function not found' }, { status: 404 }),
    )
    const { code, stdout, stderr } = await invoke(service.url, [], true)
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: 'User: Function not found\n' })
  })

  test('that is plain text is printed as it is', async () => {
    await using service = gateway(() => new Response('Task timed out', { headers: functionError }))
    expect((await invoke(service.url, [], true)).stderr).toBe('Task timed out\n')
  })
})

test('--tail prints the log on stderr, of a failure too', async () => {
  const log = 'START\nEND\n'
  await using service = gateway(() => {
    const headers = { ...functionError, 'x-amz-log-result': Buffer.from(log).toString('base64') }
    return new Response('{}', { headers })
  })
  expect(await invoke(service.url, ['--tail'])).toEqual({ code: 1, stdout: '', stderr: `${log}{}\n` })
  expect(service.asked[0]!.headers.get('x-amz-log-type')).toBe('Tail')
})

test('--async is an Event, and prints nothing', async () => {
  await using service = gateway(() => new Response(null, { status: 202 }))
  expect(await invoke(service.url, ['--async'])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(service.asked[0]!.headers.get('x-amz-invocation-type')).toBe('Event')
})

const codec = new EventStreamCodec(
  (bytes) => new TextDecoder().decode(bytes),
  (text) => new TextEncoder().encode(text),
)
const message = (type: string, body: string) =>
  codec.encode({
    headers: {
      ':message-type': { type: 'string', value: 'event' },
      ':event-type': { type: 'string', value: type },
    },
    body: new TextEncoder().encode(body),
  })
const eventStream = { 'content-type': 'application/vnd.amazon.eventstream' }

describe('--stream', () => {
  test('writes each piece as it comes, wherever the pieces are cut', async () => {
    const bytes = Buffer.concat([
      message('PayloadChunk', 'one '),
      message('PayloadChunk', 'two'),
      message('InvokeComplete', '{}'),
    ])
    const rest = Promise.withResolvers<void>()
    await using service = gateway(
      () =>
        new Response(
          new ReadableStream({
            async start(controller) {
              // the first message and a half
              controller.enqueue(bytes.subarray(0, bytes.length >> 1))
              await rest.promise
              for (const byte of bytes.subarray(bytes.length >> 1)) controller.enqueue(Uint8Array.of(byte))
              controller.close()
            },
          }),
          { headers: eventStream },
        ),
    )
    const [stdout, stderr] = [new Recorder(), new Recorder()]
    const done = main(['--stream', '--endpoint-url', service.url], {}, { stdout, stderr })
    await until('the first piece', () => stdout.text === 'one ')
    rest.resolve()
    expect([await done, stdout.text, stderr.text]).toEqual([0, 'one two', ''])
    expect(service.asked[0]!.path).toBe('/2021-11-15/functions/function/response-streaming-invocations')
  })

  test('prints what failed in the middle, after what came, and the log', async () => {
    const completion = {
      ErrorCode: 'RangeError',
      ErrorDetails: '{"errorType":"RangeError","errorMessage":"too far"}',
      LogResult: Buffer.from('END\n').toString('base64'),
    }
    await using service = gateway(() => {
      const body = [message('PayloadChunk', 'one'), message('InvokeComplete', JSON.stringify(completion))]
      return new Response(Buffer.concat(body), { headers: eventStream })
    })
    expect(await invoke(service.url, ['--stream', '--tail'])).toEqual({
      code: 1,
      stdout: 'one',
      stderr: `END\n${completion.ErrorDetails}\n`,
    })
  })

  test('says that a stream without its end broke off', async () => {
    await using service = gateway(
      () => new Response(message('PayloadChunk', 'one'), { headers: eventStream }),
    )
    const { code, stdout, stderr } = await invoke(service.url, ['--stream'])
    expect([code, stdout]).toEqual([1, 'one'])
    expect(stderr).toContain('broke off')
  })

  test('asks with Invoke where streams are not served, and writes what comes', async () => {
    await using service = gateway(({ path }) =>
      path.startsWith('/2021-11-15/') ? new Response('404', { status: 404 }) : new Response('all of it'),
    )
    expect(await invoke(service.url, ['--stream'])).toEqual({ code: 0, stdout: 'all of it', stderr: '' })
  })

  test('does not ask twice for a function that is not there', async () => {
    await using service = gateway(() =>
      Response.json(
        { Message: 'Function not found' },
        { status: 404, headers: { 'x-amzn-errortype': 'ResourceNotFoundException' } },
      ),
    )
    expect((await invoke(service.url, ['--stream'])).code).toBe(1)
    expect(service.asked).toHaveLength(1)
  })
})

describe('the event', () => {
  test('is read from a file, byte for byte', async () => {
    using folder = tempDir()
    const path = join(folder.path, 'event.json')
    writeFileSync(path, '{"ü": 1}\n')
    await using service = gateway(() => new Response('1'))
    await invoke(service.url, ['-e', path])
    await invoke(service.url, ['-d', `@${path}`])
    expect(service.asked.map(({ body }) => body)).toEqual(['{"ü": 1}\n', '{"ü": 1}\n'])
  })

  test('comes from standard input', async () => {
    await using service = gateway(() => new Response('1'))
    const words = ['invoke', '-d', '@-', '--endpoint-url', service.url]
    const program = Bun.spawn([process.execPath, 'src/main.ts', ...words], {
      stdin: new Blob(['{"from":"stdin"}']),
      stdout: 'pipe',
      // an emulator on this machine is never asked through a proxy
      env: { ...process.env, HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1' },
    })
    expect([await program.stdout.text(), await program.exited]).toEqual(['1', 0])
    expect(service.asked[0]!.body).toBe('{"from":"stdin"}')
  })

  test('is sent without the byte order mark that editors on Windows write', async () => {
    using folder = tempDir()
    const path = join(folder.path, 'event.json')
    writeFileSync(path, '\ufeff{"ü": 1}')
    await using service = gateway(() => new Response('1'))
    await invoke(service.url, ['-e', path])
    // read as a text, a body has lost the mark in any case
    expect([service.asked[0]!.body, service.asked[0]!.headers.get('content-length')]).toEqual([
      '{"ü": 1}',
      '9',
    ])
  })

  test('in a file that is not there ends with 2', async () => {
    const { code, stderr } = await invoke('http://127.0.0.1:1', ['-e', '/nowhere/event.json'])
    expect(code).toBe(2)
    expect(stderr).toContain('/nowhere/event.json')
  })
})

describe('nobody answers', () => {
  test('where nobody listens: 3, and what to do', async () => {
    const service = gateway(() => new Response('1'))
    const { url } = service
    await service[Symbol.asyncDispose]()
    const { code, stdout, stderr } = await invoke(url)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain(`nobody listens at ${url}`)
    expect(stderr).toContain('--endpoint-url')
  })

  test('where the emulator ends before the answer: 3', async () => {
    using server = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: (socket) => void socket.end() },
    })
    const { code, stderr } = await invoke(`http://127.0.0.1:${server.port}`)
    expect(code).toBe(3)
    expect(stderr).toContain('ended before the answer was complete')
  })
})

test('a terminal is told while it waits, and the line is gone before the answer', async () => {
  const told = Promise.withResolvers<void>()
  await using service = gateway(async () => {
    await told.promise
    return new Response('1')
  })
  const [stdout, stderr] = [new Recorder(true), new Recorder(true)]
  const done = main(['--endpoint-url', service.url], {}, { stdout, stderr })
  await until('the line', () => stderr.text.includes('waiting for the function'))
  expect(stdout.text).toBe('')
  told.resolve()
  expect([await done, stdout.text]).toEqual([0, '1\n'])
  expect(stderr.text).toEndWith('\r\x1b[K')
})

test('--help asks nobody', async () => {
  await using service = gateway(() => new Response('1'))
  const { code, stdout, stderr } = await invoke(service.url, ['--help'])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toStartWith('Usage: aws-lambda-rie invoke')
  expect(service.asked).toEqual([])
})
