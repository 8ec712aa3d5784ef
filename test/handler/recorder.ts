/** A Runtime API on bare sockets that keeps every byte of a runtime, and plays one event. */
import { Output, until, within } from '../harness.ts'

export interface Recording {
  /** whether the runtime asked again, and how it ended if it did not */
  readonly end: 'asked again' | `exit ${number | null}`
  /** the requests other than polls, as they were sent, one after the other by connection */
  readonly wire: string
  /** what the function's log says, without times and ids */
  readonly log: string[]
}

const event = '{"a":1}'
const next = `HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\nContent-Type: application/json\r\nContent-Length: ${event.length}\r\n\r\n${event}`
const accepted =
  'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'

/** The length of the first request of a connection, 0 while it is not whole. */
function whole(bytes: Buffer): number {
  const head = bytes.indexOf('\r\n\r\n')
  if (head < 0) return 0
  const text = bytes.toString('latin1', 0, head)
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
  if (!/transfer-encoding: chunked/i.test(text))
    return bytes.length < head + 4 + length ? 0 : head + 4 + length
  for (let at = head + 4; ; ) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return 0
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (size === 0) {
      const end = bytes.indexOf('\r\n\r\n', line)
      return end < 0 ? 0 : end + 4
    }
    at = line + 2 + size + 2
    if (bytes.length < at) return 0
  }
}

/** Starts a runtime and records it until it asks for a second event, or ends. */
export async function record(
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Recording> {
  const connections: { sent: string; rest: Buffer }[] = []
  const over = Promise.withResolvers<'asked again'>()
  let polls = 0
  using server = Bun.listen<{ sent: string; rest: Buffer }>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open(socket) {
        socket.data = { sent: '', rest: Buffer.alloc(0) }
        connections.push(socket.data)
      },
      data(socket, bytes) {
        const { data } = socket
        data.rest = Buffer.concat([data.rest, bytes])
        for (let length = whole(data.rest); length > 0; length = whole(data.rest)) {
          const request = data.rest.toString('latin1', 0, length)
          data.rest = data.rest.subarray(length)
          if (/^GET \S+\/next /.test(request)) {
            polls += 1
            if (polls > 1) over.resolve('asked again')
            else socket.write(next)
          } else {
            data.sent += request
            socket.write(accepted)
          }
        }
      },
    },
  })
  await using child = Bun.spawn([...command], {
    cwd,
    env: {
      PATH: process.env.PATH,
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${server.port}`,
      AWS_LAMBDA_FUNCTION_NAME: 'f',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_LOG_GROUP_NAME: 'group',
      AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
      LAMBDA_TASK_ROOT: cwd,
      ...env,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const stdout = new Output('stdout', child.stdout)
  const ended = child.exited.then((code) => `exit ${code}` as const)
  const end = await within('the end of the invocation', Promise.race([over.promise, ended]))
  // AWS's client asks again before the last bytes of its answer are on their way.
  if (end === 'asked again') {
    await until(
      'the whole answer',
      () => connections.some(({ sent }) => sent) && connections.every(({ rest }) => rest.length === 0),
    )
  }
  child.kill('SIGKILL')
  await stdout.ended
  const wire = connections.map(({ sent, rest }) => sent + rest.toString('latin1')).join('')
  const log = stdout.text
    .split(/[\r\n]/)
    .filter((line) => /^\S+Z\t/.test(line))
    .map((line) => line.replace(/^\S+\t\S+\t/, '').replace(/"stack":\[.*\]/, '"stack":[]'))
  return { end, wire, log }
}
