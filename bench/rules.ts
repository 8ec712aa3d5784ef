/**
 * What the rules and the engine cost alone: one invocation through an `Environment`, without HTTP, processes and
 * listeners. `taskset -c 1 bun bench/rules.ts [--rounds N] [--invocations N]`.
 *
 * CPU is that of the measuring process, bytes are what the collector counted between its collections. Each figure has a
 * process of its own; the two kinds of environment alternate.
 */
import { parseArgs } from 'node:util'
import type { Reply } from '../src/core/effect.ts'
import type { EnvironmentId, ExtensionId, RequestId } from '../src/core/ids.ts'
import { Environment } from '../src/engine/environment.ts'
import type { Invocation } from '../src/engine/invocation.ts'
import type { RunningProcess } from '../src/engine/ports.ts'

const kinds = ['no extension', 'one INVOKE extension'] as const
type Kind = (typeof kinds)[number]

const nothing = (): void => {}
const payload = { size: 2, chunks: [new Uint8Array(2)] }
const complete = { kind: 'complete', payload, contentType: null } as const
const extension = '6f9b2e5c-0000-4000-8000-000000000001' as ExtensionId

class Caller implements Invocation {
  readonly id: RequestId
  readonly payload = payload
  readonly arn = 'arn:aws:lambda:us-east-1:012345678912:function:f'
  readonly traceId = 'Root=1-2-3'
  readonly clientContext = null
  readonly cognitoIdentity = null
  readonly tenant = null
  readonly tail = false
  startedAt = 0
  deadline = 0
  deliveryId: string | null = null

  constructor(id: RequestId) {
    this.id = id
  }

  settle(): void {
    answered++
  }
}

let answered = 0

/** Something that waits for a reply, as each request of the API is an object of its own. */
class Call {
  reply(_: Reply): void {}
}

function environmentOf(kind: Kind): Environment {
  const process: RunningProcess = {
    pid: 1,
    signal: nothing,
    drain: nothing,
    ended: () => null,
    dispose: nothing,
  }
  const environment = new Environment({
    id: 1 as EnvironmentId,
    processes: { spawn: () => process, memory: () => 0 },
    clock: { now: () => performance.now(), epoch: () => Date.now() },
    listeners: [],
    cutter: () => ({ push: nothing, flush: nothing, end: nothing }),
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    functionTimeoutMs: 300_000,
    initTimeoutMs: 10_000,
    discover: () => [],
    specify: (name) => ({ name, argv: ['/bin/true'], cwd: '/', env: {} }),
    changed: nothing,
  })
  environment.dispatch({ type: 'start' })
  if (kind === 'one INVOKE extension') {
    const registration = { name: 'inside', id: extension, events: ['INVOKE'] } as const
    environment.request({ type: 'extension/register', call: environment.newCall(), registration }, new Call())
    extensionNext(environment)
  }
  environment.next(environment.newCall(), new Call())
  if (!environment.free) throw new Error(`not ready: ${JSON.stringify(environment.state)}`)
  return environment
}

function extensionNext(environment: Environment): void {
  environment.request({ type: 'extension/next', call: environment.newCall(), id: extension }, new Call())
}

function exchange(environment: Environment, kind: Kind, number: number): void {
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as RequestId
  environment.invoke(new Caller(id))
  let read: (() => void) | null = null
  environment.upload(
    { to: 'response', id, mode: null },
    {
      answer: nothing,
      read: (upload) => {
        read = () => upload.end(complete)
      },
    },
  )
  // the body comes in a later turn of the event loop
  ;(read as (() => void) | null)?.()
  environment.next(environment.newCall(), new Call())
  if (kind === 'one INVOKE extension') extensionNext(environment)
}

/** In a process of its own: prints nanoseconds of CPU per invocation. */
function measure(kind: Kind, invocations: number): void {
  const environment = environmentOf(kind)
  let number = 0
  while (number < invocations) exchange(environment, kind, number++)
  const rounds = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage().user
    for (let index = 0; index < invocations; index++) exchange(environment, kind, number++)
    return ((process.cpuUsage().user - before) * 1000) / invocations
  })
  if (answered !== number) throw new Error(`${answered} of ${number} invocations were answered`)
  console.log(JSON.stringify({ ns: median(rounds), invocations: number }))
  environment[Symbol.dispose]()
}

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] as number

function inChild(kind: Kind, invocations: number, countBytes: boolean): { ns: number; bytes: number } {
  const child = Bun.spawnSync(
    [
      process.execPath,
      '--no-env-file',
      import.meta.path,
      '--kind',
      kind,
      '--invocations',
      String(invocations),
    ],
    { env: countBytes ? { BUN_JSC_logGC: '1' } : {}, stdout: 'pipe', stderr: 'pipe' },
  )
  const text = child.stdout.toString() + child.stderr.toString()
  const line = /\{"ns":.*\}/.exec(text)?.[0]
  if (child.exitCode !== 0 || line === undefined) throw new Error(text.slice(-2000))
  const { ns, invocations: all } = JSON.parse(line) as { ns: number; invocations: number }
  let bytes = 0
  for (const [, count] of text.matchAll(/bytes allocated this cycle: (\d+)/g)) bytes += Number(count)
  return { ns, bytes: bytes / all }
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4' },
    invocations: { type: 'string', default: '100000' },
    kind: { type: 'string' },
  },
})
const invocations = Number(values.invocations)
const wanted = kinds.find((kind) => kind === values.kind)
if (wanted !== undefined) {
  measure(wanted, invocations)
} else {
  const times = new Map<Kind, number[]>(kinds.map((kind) => [kind, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const kind of round % 2 ? kinds.toReversed() : kinds) {
      times.get(kind)?.push(inChild(kind, invocations, false).ns)
    }
  }
  console.log('| one invocation through an environment | CPU, µs | allocated, bytes |\n| --- | --- | --- |')
  for (const [kind, all] of times) {
    const { bytes } = inChild(kind, invocations, true)
    console.log(`| ${kind} | ${(median(all) / 1000).toFixed(2)} | ${bytes.toFixed(0)} |`)
  }
}
