/** A Runtime API that hands out the events of a script, and a child that serves a handler against it. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Output } from '../harness.ts'

export const fixtures: string = join(import.meta.dir, '../fixtures/handlers')
const fromSource = [process.execPath, '--no-env-file', '--config=/dev/null', join(fixtures, 'entry.ts')]

/** One event of the script: the body of `/next`, the headers to add, and the status for the answer. */
export interface Event {
  body?: string
  headers?: Record<string, string>
  status?: number
}

/** One request of the runtime other than a poll. */
export interface Call {
  path: string
  headers: IncomingHttpHeaders
  body: string
  trailers: Record<string, string | undefined>
}

/** What is left when a script has been played. */
export interface Played {
  calls: Call[]
  lines: string[]
  /** the bytes of it */
  stdout: Buffer
  stderr: string
  code: number | null
  signal: NodeJS.Signals | number | null
  connections: number
}

/** The document of an error call. */
export const document = (call: Call | undefined) =>
  JSON.parse(call?.body ?? 'null') as { errorType: string; errorMessage: string; trace: string[] }

export interface Options {
  events?: Event[]
  env?: Record<string, string>
  command?: string[]
  cwd?: string
  host?: string
}

/** Plays a script. The server closes when the runtime polls for more than there is, and the runtime ends of that. */
export async function play(handler: string, options: Options = {}): Promise<Played> {
  const { events = [{}], env = {}, command = fromSource, cwd = fixtures, host = '127.0.0.1' } = options
  const calls: Call[] = []
  const over = Promise.withResolvers<void>()
  let polls = 0
  let connections = 0
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/invocation/next')) {
      const event = events[polls++]
      if (!event) return over.resolve()
      const headers = {
        'Lambda-Runtime-Aws-Request-Id': `id-${polls}`,
        'Lambda-Runtime-Deadline-Ms': String(Date.now() + 60_000),
        'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:eu-west-1:012345678912:function:f',
        ...event.headers,
      }
      response.writeHead(200, headers).end(event.body ?? '{"a":1}')
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      calls.push({
        path: request.url ?? '',
        headers: request.headers,
        body,
        trailers: { ...request.trailers },
      })
      response.writeHead(events[polls - 1]?.status ?? 202).end('{"status":"OK"}\n')
    })
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  const child = Bun.spawn(command, {
    cwd,
    env: {
      PATH: process.env.PATH ?? '',
      AWS_LAMBDA_RUNTIME_API: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      AWS_LAMBDA_FUNCTION_NAME: 'f',
      _HANDLER: handler,
      ...env,
    },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [forText, forBytes] = child.stdout.tee()
  const stdout = new Output('stdout', forText)
  const bytes = new Response(forBytes).arrayBuffer()
  const stderr = new Output('stderr', child.stderr)
  await Promise.race([over.promise, child.exited])
  server.closeAllConnections()
  server.close()
  await Promise.all([child.exited, stdout.ended, stderr.ended])
  return {
    calls,
    lines: stdout.lines,
    stdout: Buffer.from(await bytes),
    stderr: stderr.text,
    code: child.exitCode,
    signal: child.signalCode,
    connections,
  }
}
