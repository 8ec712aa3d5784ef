/**
 * Faults with several invocations in flight in one environment: `bun run faults managed [--faults N] [--seed N] [--subject
 * source|binary|PATH] [--slots N]`. Workers are played here, each on connections of its own; the process that the emulator
 * starts only has to live, until it is killed. Each caller is answered exactly once: with what its worker answered, or
 * with what its worker's fault is told as, and never with what is another's.
 */

import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tempDir, until } from '../harness.ts'
import { Launched, parse, programOf } from '../kit/launch.ts'
import { type Address, type Answer, bytes, request, Wire } from '../kit/wire.ts'
import { Random } from './random.ts'

const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== 'managed'),
  options: {
    faults: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    subject: { type: 'string', default: 'source' },
    slots: { type: 'string', default: '16' },
  },
})
const faults = Number(values.faults)
const slots = Number(values.slots)
const dice = new Random(values.seed)
const invokePath = '/2015-03-31/functions/function/invocations'
const runtimePath = '/2018-06-01/runtime/invocation'

/** What a worker does with its event, and what its caller may be told. */
const common = [
  'respond',
  'respond',
  'respond',
  'error',
  'answer twice',
  'answer another id first',
  'break off',
  'in pieces',
  'stream',
] as const
const rare = ['late', 'too large', 'die'] as const
type Act = (typeof common)[number] | (typeof rare)[number]

/** Polls whose peer went away at once. Each may have been given an event that nobody read, whose caller gets a timeout. */
let left = 0
let lost = 0

/** Of each kind how many were played, and what went wrong. */
const played = new Map<string, number>()
const problems: string[] = []

/** when the process was killed last; what was in flight then, or came a moment later, may have ended with it */
let killedAt = Number.NEGATIVE_INFINITY
const spared = (since: number): boolean => killedAt < since - 2000

const big = new Uint8Array(6 * 1024 * 1024 + 101).fill(97)

/** The process of this start, and the address of its Runtime API. */
interface Life {
  readonly pid: number
  readonly api: Address
}

function lifeIn(file: string): Life | null {
  if (!existsSync(file)) return null
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const [pid, address] = (lines.at(-1) ?? '').split(' ')
  return pid && address ? { pid: Number(pid), api: parse(address) } : null
}

using folder = tempDir()
const lives = join(folder.path, 'lives')
const program =
  values.subject === 'source' || values.subject === 'binary' ? programOf(values.subject) : [values.subject]
await using emulator = new Launched({
  program,
  addresses: ['127.0.0.1:0', '127.0.0.1:0'],
  flags: ['--init-timeout', '60'],
  command: ['sh', '-c', `echo $$ $AWS_LAMBDA_RUNTIME_API >>${lives}; exec sleep 1000000`],
  cwd: folder.path,
  env: { AWS_LAMBDA_MAX_CONCURRENCY: String(slots), AWS_LAMBDA_FUNCTION_TIMEOUT: '2' },
})
const { gateway } = await emulator.listening()

const post = (address: Address, path: string, body: string | Uint8Array, headers = {}): Promise<Answer> =>
  request(address, { method: 'POST', path, body, headers })

/** An upload of which only a part comes. */
async function begin(api: Address, id: string, headers: Record<string, string> = {}): Promise<Wire> {
  const wire = await Wire.open(api)
  const all = { 'Transfer-Encoding': 'chunked', ...headers }
  wire.send(bytes(api, { method: 'POST', path: `${runtimePath}/${id}/response`, headers: all }))
  return wire
}

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

/** Plays one event; the event says what is to be done. */
async function play(life: Life, { id, text }: Answer): Promise<void> {
  const { act } = JSON.parse(text) as { act: Act }
  const { api, pid } = life
  const since = performance.now()
  const respond = () => post(api, `${runtimePath}/${id}/response`, text)
  switch (act) {
    case 'respond':
      await respond()
      return
    case 'error':
      await post(api, `${runtimePath}/${id}/error`, text, {
        'Lambda-Runtime-Function-Error-Type': 'Function.Oops',
      })
      return
    case 'answer twice': {
      const [first, second] = await Promise.all([respond(), respond()])
      const statuses = [first.status, second.status].sort()
      if (String(statuses) !== '202,400' && spared(since)) problems.push(`two answers of ${id}: ${statuses}`)
      return
    }
    case 'answer another id first': {
      const other = await post(api, `${runtimePath}/${crypto.randomUUID()}/response`, '"wrong"')
      if (other.status !== 400 && spared(since)) problems.push(`an id that nobody knows: ${other.status}`)
      await respond()
      return
    }
    case 'break off': {
      const wire = await begin(api, id)
      wire.send(chunk(text.slice(0, 5)))
      wire[Symbol.dispose]()
      return
    }
    case 'in pieces':
    case 'stream': {
      const mode: Record<string, string> =
        act === 'stream' ? { 'Lambda-Runtime-Function-Response-Mode': 'streaming' } : {}
      using wire = await begin(api, id, mode)
      for (const half of [text.slice(0, 7), text.slice(7)]) wire.send(chunk(half))
      wire.send('0\r\n\r\n')
      await wire.answer()
      return
    }
    case 'late': {
      await Bun.sleep(2300)
      const [first, second] = [await respond(), await respond()]
      if (spared(since) && (first.status !== 410 || second.status !== 400))
        problems.push(`late answers of ${id}: ${first.status}, ${second.status}`)
      return
    }
    case 'too large': {
      const refused = await post(api, `${runtimePath}/${id}/response`, big)
      if (refused.status !== 413 && spared(since))
        problems.push(`an answer that is too large: ${refused.status}`)
      return
    }
    case 'die':
      killedAt = performance.now()
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // another worker was faster
      }
  }
}

/** Whether this answer is one that the fault may come to; `died`: the process was killed meanwhile. */
function fits(act: Act, event: string, answer: Answer, died: boolean): boolean {
  const type = answer.header('Error-Type')
  if (died && answer.status === 502 && type === 'Runtime.ExitError') return true
  switch (act) {
    case 'error':
      return answer.status === 200 && type === 'Function.Oops' && answer.text === event
    case 'break off':
      return answer.status === 502 && (type === 'Runtime.TruncatedResponse' || type === 'Runtime.ExitError')
    case 'late':
      return answer.status === 200 && type === 'Sandbox.Timedout'
    case 'too large':
      return answer.status === 200 && type === 'Function.ResponseSizeTooLarge'
    case 'die':
      return false
    default:
      return answer.status === 200 && type === undefined && answer.text === event
  }
}

let over = false
const open = new Set<Socket | Wire>()

/** One worker: polls, plays, polls again, for as long as the process lives that it belongs to. */
async function worker(): Promise<void> {
  while (!over) {
    const life = lifeIn(lives)
    if (life === null) {
      await Bun.sleep(5)
      continue
    }
    try {
      const wire = await Wire.open(life.api)
      open.add(wire)
      try {
        // a poll whose peer goes away at once takes no invocation with it
        if (dice.chance(1 / 12)) {
          left++
          const leaves = connect(life.api.port, life.api.host)
          leaves.on('error', () => {})
          leaves.end(bytes(life.api, { path: `${runtimePath}/next` }), () => leaves.destroy())
        }
        wire.send(bytes(life.api, { path: `${runtimePath}/next` }))
        const event = await wire.answer(false, Number.POSITIVE_INFINITY)
        if (event.status === 200) await play(life, event)
        else await Bun.sleep(5)
      } finally {
        open.delete(wire)
        wire[Symbol.dispose]()
      }
    } catch {
      // the process has been killed, and its polls with it
      await Bun.sleep(5)
    }
  }
}

let made = 0

async function caller(): Promise<void> {
  while (made < faults) {
    const number = made++
    // what takes seconds or a start is rare
    const act = number % 97 === 0 ? dice.pick(rare) : dice.pick(common)
    const event = JSON.stringify({ act, number })
    played.set(act, (played.get(act) ?? 0) + 1)
    const begun = performance.now()
    const leaves = act === 'respond' && dice.chance(1 / 40)
    try {
      if (leaves) {
        const wire = await Wire.open(gateway)
        wire.send(bytes(gateway, { method: 'POST', path: invokePath, body: event }))
        await Bun.sleep(1)
        wire[Symbol.dispose]()
        continue
      }
      const answer = await request(gateway, { method: 'POST', path: invokePath, body: event }, 60_000)
      if (act !== 'late' && answer.header('Error-Type') === 'Sandbox.Timedout') lost++
      else if (!fits(act, event, answer, !spared(begun)))
        problems.push(
          `${event}: ${answer.status} ${answer.header('Error-Type') ?? ''} ${answer.text.slice(0, 120)}`,
        )
    } catch (error) {
      problems.push(`${event}: ${(error as Error).message}`)
    }
    if (number % 1000 === 999) console.log(`${number + 1} of ${faults}, ${problems.length} problems`)
  }
}

console.log(`seed ${values.seed}, ${faults} faults, ${slots} in flight, subject ${values.subject}`)
const workers = Array.from({ length: slots }, () => worker())
await Promise.all(Array.from({ length: 2 * slots }, () => caller()))
await until('nothing to be in flight', async () => {
  const { json } = await request(gateway, { path: '/_rie/state' })
  return (json.environments as { invocations: string[] }[]).every(
    ({ invocations }) => invocations.length === 0,
  )
})
const figures = await request(gateway, { path: '/_rie/metrics' })
const counted = [...figures.text.matchAll(/^lambda_rie_invocations_total\{outcome="(\w+)"\} (\d+)$/gm)]
const total = counted.reduce((sum, [, , count]) => sum + Number(count), 0)
if (total !== faults) problems.push(`the emulator has counted ${total} invocations`)
if (lost > left) problems.push(`${lost} callers got a timeout for no reason, ${left} polls were left`)
over = true
for (const one of open) one instanceof Wire ? one[Symbol.dispose]() : one.destroy()
await Promise.all(workers)
console.log([...played].map(([act, count]) => `${act}: ${count}`).join(', '))
console.log(
  counted
    .filter(([, , count]) => count !== '0')
    .map(([, outcome, count]) => `${outcome} ${count}`)
    .join(', '),
)
for (const problem of problems.slice(0, 20)) console.log(`FAILED ${problem}`)
console.log(`${faults - problems.length} passed, ${problems.length} failed`)
process.exitCode = problems.length === 0 ? 0 : 1
