/**
 * The floor under an emulator on Bun: two bare `Bun.serve` listeners and two queues, no rules. What ours costs more
 * than this is what its rules cost.
 *
 *     relay PORT API_PORT COMMAND…
 */
const [port = '', apiPort = '', ...command] = process.argv.slice(2)

interface Call {
  readonly id: string
  readonly body: Blob
  readonly answer: (response: Response) => void
}

const waiting: Call[] = []
const polls: ((response: Response) => void)[] = []
const running = new Map<string, Call>()
let count = 0

const invocationPath = '/2018-06-01/runtime/invocation/'

function deliver(call: Call, poll: (response: Response) => void): void {
  running.set(call.id, call)
  poll(
    new Response(call.body, {
      headers: {
        'Content-Type': 'application/json',
        'Lambda-Runtime-Aws-Request-Id': call.id,
        'Lambda-Runtime-Deadline-Ms': '1700000000000',
      },
    }),
  )
}

Bun.serve({
  port: Number(apiPort),
  hostname: '127.0.0.1',
  idleTimeout: 0,
  async fetch(request) {
    if (request.method === 'GET') {
      return await new Promise<Response>((resolve) => {
        const call = waiting.shift()
        if (call) deliver(call, resolve)
        else polls.push(resolve)
      })
    }
    const start = request.url.indexOf(invocationPath) + invocationPath.length
    const id = request.url.slice(start, request.url.indexOf('/', start))
    const body = await request.blob()
    running.get(id)?.answer(new Response(body, { headers: { 'Content-Type': 'application/json' } }))
    running.delete(id)
    return new Response(null, { status: 202 })
  },
})

Bun.serve({
  port: Number(port),
  hostname: '127.0.0.1',
  idleTimeout: 0,
  async fetch(request) {
    const body = await request.blob()
    return await new Promise<Response>((answer) => {
      const call = { id: String(++count), body, answer }
      const poll = polls.shift()
      if (poll) deliver(call, poll)
      else waiting.push(call)
    })
  },
})

Bun.spawn(command, {
  env: { ...process.env, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${apiPort}` },
  stdio: ['ignore', 'inherit', 'inherit'],
})
