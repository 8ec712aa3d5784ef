/**
 * One round: a random run whose calls go wrong. Between the handler and the emulator stands a proxy that, at random calls,
 * refuses them with 429, loses the answer, ends the function's process before or after the call, or holds the call until the
 * function has timed out. The run has to end right, and no step may be taken again whose report was answered.
 */
import { join } from 'node:path'
import { tempDir, until, within } from '../../harness.ts'
import { launch, root } from '../../kit/launch.ts'
import { acts, begin, check, expected, generator } from './round.ts'

export const faults = ['throttle', 'lose', 'crash before', 'crash after', 'hold'] as const
export type Fault = (typeof faults)[number]

/** `share` of the calls in a hundred go wrong. Throws what went wrong; gives how often each fault happened. */
export async function faultyRound(
  seed: number,
  program: readonly string[] | undefined,
  share = 25,
): Promise<ReadonlyMap<Fault, number>> {
  const below = generator(seed)
  const plan = Array.from({ length: 4 + below(8) }, () => acts[below(acts.length)] as string)
  using folder = tempDir()
  const [taken, saved] = [`${folder.path}/taken`, `${folder.path}/saved`]
  const happened = new Map<Fault, number>()
  let target = ''
  let most = 12
  const proxy = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      const { pathname, search } = new URL(request.url)
      const body = await request.bytes()
      const forward = (): Promise<Response> =>
        fetch(`${target}${pathname}${search}`, { method: request.method, headers: request.headers, body })
      if (most === 0 || below(100) >= share) return await forward()
      most--
      const fault = faults[below(faults.length)] as Fault
      happened.set(fault, (happened.get(fault) ?? 0) + 1)
      switch (fault) {
        case 'throttle':
          return new Response('{"Type":"User","message":"Rate Exceeded."}', {
            status: 429,
            headers: { 'x-amzn-errortype': 'TooManyRequestsException', 'Retry-After': '1' },
          })
        case 'lose':
          await forward()
          return new Response(null, { status: 502 })
        case 'crash before':
          return new Response('crash', { status: 418 })
        case 'crash after':
          await forward()
          return new Response('crash', { status: 418 })
        case 'hold':
          await within('the function to time out', aborted(request.signal))
          return new Response(null, { status: 504 })
      }
    },
  })
  try {
    await using emulator = launch({
      flags: [
        ...[
          '--task-root',
          join(root, 'test/fixtures/durable'),
          '--handler',
          'runner.handler',
          '--timeout',
          '1',
        ],
        ...['--durable', '--durable-skip-time', '--durable-retry-delays', Array(20).fill(0).join(',')],
      ],
      env: { TAKEN: taken, SAVED: saved, AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${proxy.port}` },
      ...(program === undefined ? {} : { program }),
    })
    const { gateway } = await emulator.listening()
    target = `http://${gateway.host}:${gateway.port}`
    const arn = await begin(target, JSON.stringify({ label: `r${seed}`, acts: plan }))
    const ended = await until(
      `seed ${seed}: the run to end`,
      async () => {
        const answer = await fetch(`${target}/2025-12-01/durable-executions/${encodeURIComponent(arn)}`)
        const told = (await answer.json()) as { Status: string; Result?: string }
        return told.Status !== 'RUNNING' && told
      },
      60_000,
    )
    const right = JSON.stringify(expected(`r${seed}`, plan))
    if (ended.Result !== right) throw new Error(`seed ${seed}: ${JSON.stringify(ended)} in place of ${right}`)
    check(taken, saved)
    return happened
  } finally {
    await proxy.stop(true)
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })
