/**
 * The floor under an HTTP edge on Bun's native handles: `relay.ts` on the layer that `node:http` stands on, with nothing
 * around the handles. What `src/http` costs is the difference between this and an emulator with no rules.
 * With BENCH_STREAM_PIECES the body of the runtime goes on as it comes.
 *
 *     relay-native PORT API_PORT COMMAND…
 */
export {}

const [port = '', apiPort = '', ...command] = process.argv.slice(2)

interface Handle {
  readonly aborted: boolean
  ondata: ((chunk: Uint8Array | undefined, last: boolean) => void) | undefined
  onwritable: (() => void) | undefined
  pause(): unknown
  resume(): unknown
  writeHead(status: number, text: string, headers: readonly string[], auto: number, keepAlive: 0): void
  write(chunk: Uint8Array): number
  end(): number
  writeHeadAndEnd(
    status: number,
    text: string,
    headers: readonly string[],
    body: Uint8Array | undefined,
    encoding: undefined,
    strict: undefined,
    auto: number,
    keepAlive: 0,
  ): number
  cork(run: () => void): void
}

interface Call {
  readonly id: string
  readonly body: readonly Uint8Array[]
  readonly caller: Handle
}

const waiting: Call[] = []
const polls: Handle[] = []
const running = new Map<string, Call>()
let count = 0

const invocationPath = '/2018-06-01/runtime/invocation/'
const jsonType = ['Content-Type', 'application/json']
const streamType = ['Content-Type', 'application/octet-stream']

function answer(
  handle: Handle,
  status: number,
  headers: readonly string[],
  body: readonly Uint8Array[],
): void {
  // an answer to a peer that has gone throws
  if (handle.aborted) return
  if (body.length < 2) {
    handle.writeHeadAndEnd(status, '', headers, body[0], undefined, undefined, 1, 0)
    return
  }
  handle.cork(() => {
    const size = body.reduce((sum, piece) => sum + piece.byteLength, 0)
    handle.writeHead(status, '', [...headers, 'Content-Length', String(size)], 1, 0)
    for (const piece of body) handle.write(piece)
    handle.end()
  })
}

function deliver(call: Call, poll: Handle): void {
  running.set(call.id, call)
  const headers = [
    ...jsonType,
    'Lambda-Runtime-Aws-Request-Id',
    call.id,
    'Lambda-Runtime-Deadline-Ms',
    '1700000000000',
  ]
  answer(poll, 200, headers, call.body)
}

function read(handle: Handle, hasBody: boolean, done: (body: readonly Uint8Array[]) => void): void {
  if (!hasBody) {
    done([])
    return
  }
  const body: Uint8Array[] = []
  let open = true
  handle.ondata = (chunk, last) => {
    if (!open) return
    open = !last
    if (chunk !== undefined) body.push(chunk)
    if (last) done(body)
  }
}

const streams = process.env.BENCH_STREAM_PIECES !== undefined

/** At the pace of the slower side, as an emulator has to. */
function stream(handle: Handle, id: string): void {
  const call = running.get(id)
  running.delete(id)
  if (call === undefined || call.caller.aborted) return
  const { caller } = call
  const held: Uint8Array[] = []
  let begun = false
  let open = true
  let slow = false
  const write = (chunk: Uint8Array): void => {
    slow = caller.write(chunk) < 0
    if (slow) caller.onwritable = drained
  }
  const drained = (): void => {
    slow = false
    while (held.length > 0 && !slow) write(held.shift() as Uint8Array)
    if (slow) return
    if (open) handle.resume()
    else finish()
  }
  const finish = (): void => {
    caller.end()
    answer(handle, 202, [], [])
  }
  handle.ondata = (chunk, last) => {
    if (!open) return
    open = !last
    if (chunk !== undefined) {
      if (!begun) caller.writeHead(200, '', streamType, 1, 0)
      begun = true
      if (!slow) write(chunk)
      else if (held.push(chunk) === 1) handle.pause()
    }
    if (last && !slow) finish()
  }
}

type Handler = (target: string, method: string, handle: Handle, hasBody: boolean) => void

function serve(at: string, handler: Handler): void {
  Bun.serve({
    port: Number(at),
    hostname: '127.0.0.1',
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    onNodeHTTPRequest(
      _: unknown,
      target: string,
      method: string,
      __: number,
      handle: Handle,
      hasBody: boolean,
    ) {
      handler(target, method, handle, hasBody)
    },
  } as never)
}

serve(apiPort, (target, method, handle, hasBody) => {
  if (method === 'GET') {
    const call = waiting.shift()
    if (call) deliver(call, handle)
    else polls.push(handle)
    return
  }
  const id = target.slice(invocationPath.length, target.indexOf('/', invocationPath.length))
  if (streams) {
    stream(handle, id)
    return
  }
  read(handle, hasBody, (body) => {
    const call = running.get(id)
    running.delete(id)
    if (call) answer(call.caller, 200, jsonType, body)
    answer(handle, 202, [], [])
  })
})

serve(port, (_, __, caller, hasBody) => {
  read(caller, hasBody, (body) => {
    const call = { id: String(++count), body, caller }
    const poll = polls.shift()
    if (poll) deliver(call, poll)
    else waiting.push(call)
  })
})

Bun.spawn(command, {
  env: { ...process.env, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${apiPort}` },
  stdio: ['ignore', 'inherit', 'inherit'],
})
