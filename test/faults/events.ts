/**
 * Faults of asynchronous events: `bun run faults events [--faults N] [--seed N] [--subject source|binary|PATH]`. Each event
 * says what its function does on every try; the record of each ends at a destination that misbehaves. An event that was
 * accepted is either in a record, once, or told in the log with its id; none runs more often than its tries allow; and what
 * the emulator holds goes back to nothing, and its resident memory does not grow
 * from wave to wave of large events.
 */

import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tempDir, until } from '../harness.ts'
import { Launched, programOf } from '../kit/launch.ts'
import { type Address, request } from '../kit/wire.ts'
import { Random } from './random.ts'
import { mb, median } from './variants.ts'

const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== 'events'),
  options: {
    faults: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    subject: { type: 'string', default: 'source' },
  },
})
const faults = Number(values.faults)
const dice = new Random(values.seed)
/** In one life of an emulator; each kind of trouble has two lives. */
const batch = Math.max(1, Math.min(25, Math.floor(faults / 16)))

/** What a try does: answers, throws, ends the process, or takes longer than the function may. */
const acts = ['ok', 'ok', 'ok', 'throws', 'throws', 'dies', 'late'] as const
/** What the destination does with its records. */
const troubles = [
  'file',
  'full disk',
  'file in no folder',
  'http',
  'http 500',
  'http resets',
  'http hangs',
  'http resets once',
] as const
type Trouble = (typeof troubles)[number]

const source = `
import { appendFileSync, readFileSync } from 'node:fs'
export const handler = async ({ number, tries }, { awsRequestId }) => {
  appendFileSync(process.env.RUNS, awsRequestId + '\\n')
  const before = readFileSync(process.env.RUNS, 'utf8').split(awsRequestId).length - 2
  const act = tries[before] ?? 'ok'
  if (act === 'throws') throw new RangeError('told')
  if (act === 'dies') process.exit(3)
  if (act === 'late') await new Promise((resolve) => setTimeout(resolve, 60_000))
  return number
}
`

interface DestinationRecord {
  readonly requestContext: {
    readonly requestId: string
    readonly condition: string
    readonly approximateInvokeCount: number
  }
}

/** An address that records are posted to, and what it does with them. */
class Receiver implements Disposable {
  readonly records: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #seen = 0

  constructor(trouble: Trouble) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {})
      let text = ''
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1')
        const head = text.indexOf('\r\n\r\n')
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
        if (head < 0 || text.length < head + 4 + length) return
        const body = text.slice(head + 4, head + 4 + length)
        text = text.slice(head + 4 + length)
        const first = ++this.#seen % 2 === 1
        if (trouble === 'http hangs') return
        if (trouble === 'http resets' || (trouble === 'http resets once' && first)) {
          socket.resetAndDestroy()
          return
        }
        const fails = trouble === 'http 500'
        if (!fails) this.records.push(body)
        socket.write(`HTTP/1.1 ${fails ? '500 No' : '200 OK'}\r\nContent-Length: 0\r\n\r\n`)
      })
    }).listen(0, '127.0.0.1')
  }

  async address(): Promise<string> {
    const port = await until('its port', () => (this.#server.address() as { port: number } | null)?.port)
    return `http://127.0.0.1:${port}/records`
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

const problems: string[] = []
const sums = new Map<string, number>()
const add = (what: string, by = 1): void => void sums.set(what, (sums.get(what) ?? 0) + by)
const path = '/2015-03-31/functions/function/invocations'

interface Sent {
  readonly id: string
  readonly tries: readonly string[]
}

async function send(gateway: Address, number: number): Promise<Sent | null> {
  const tries = [dice.pick(acts), dice.pick(acts), dice.pick(acts)]
  for (const act of tries) add(act)
  const headers = { 'X-Amz-Invocation-Type': 'Event' }
  const answer = await request(gateway, {
    method: 'POST',
    path,
    headers,
    body: JSON.stringify({ number, tries }),
  })
  if (answer.status === 202) return { id: answer.header('x-amzn-RequestId') as string, tries }
  problems.push(`event ${number}: ${answer.status} ${answer.text}`)
  return null
}

/** One life of an emulator: a batch of events to one destination, and SIGTERM, at the end or in the middle of it. */
async function live(round: number, count: number): Promise<number> {
  const trouble = troubles[round % troubles.length] as Trouble
  // the second of two rounds of a kind is stopped while events wait
  const early = Math.floor(round / troubles.length) % 2 === 1 || trouble === 'http hangs'
  add(`${trouble}${early ? ', stopped early' : ''}`, count)
  using folder = tempDir()
  const runs = join(folder.path, 'runs')
  const file = join(folder.path, 'records')
  writeFileSync(runs, '')
  writeFileSync(join(folder.path, 'index.mjs'), source)
  using receiver = new Receiver(trouble)
  if (trouble === 'full disk') symlinkSync('/dev/full', file)
  const to = trouble.startsWith('http')
    ? await receiver.address()
    : `file:${trouble === 'file in no folder' ? join(folder.path, 'none/records') : file}`
  const flags = [
    // a try that a busy machine holds up is not to be taken for one that is late
    '--timeout',
    '3',
    '--async-retry-delays',
    '0.05',
    '--max-environments',
    '4',
    '--drain-seconds',
    '3',
  ]
  await using emulator = new Launched({
    program: programOf(values.subject),
    flags: [...flags, '--on-success', to, '--on-failure', to, '--handler', 'index.handler'],
    cwd: folder.path,
    env: { RUNS: runs },
  })
  const { gateway } = await emulator.listening()
  const sent: Sent[] = []
  for (let number = 0; number < count; number++) {
    const one = await send(gateway, number)
    if (one !== null) sent.push(one)
  }
  const lines = (): string[] => emulator.stderr.lines.filter((line) => line.startsWith('{'))
  /** ids that the log says were not delivered */
  const told = (): string[] =>
    lines()
      .filter((line) => line.includes('a record of an event was not delivered'))
      .map((line) => String((JSON.parse(line) as { requestId: string }).requestId))
  const delivered = (): string[] => {
    if (trouble.startsWith('http')) return receiver.records
    if (!existsSync(file) || !lstatSync(file).isFile()) return []
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  }
  if (!early) {
    await until(
      `all events of ${trouble} to have ended`,
      () => told().length + delivered().length >= sent.length,
      120_000,
    )
    const { json } = await request(gateway, { path: '/_rie/state' })
    const { waiting, waitingBytes } = json.asyncEvents
    if (waiting !== 0 || waitingBytes !== 0)
      problems.push(`${trouble}: ${waiting} events are held at the end`)
  } else await until('some to run', () => readFileSync(runs, 'utf8').split('\n').length > Math.min(5, count))
  emulator.process.kill('SIGTERM')
  const code = await Promise.race([emulator.process.exited, Bun.sleep(30_000).then(() => 'none')])
  if (code !== 0) problems.push(`${trouble}: it ended with ${code}`)
  await emulator.stderr.ended
  const undelivered = told()
  const records = delivered().map((text) => JSON.parse(text) as DestinationRecord)
  const ran = readFileSync(runs, 'utf8').split('\n')
  for (const { id, tries } of sent) {
    const of = records.filter(({ requestContext }) => requestContext.requestId === id)
    const failures = undelivered.filter((one) => one === id).length
    const ends = of.length + failures
    if (ends !== 1) problems.push(`${trouble}: ${id} has ${of.length} records and was told ${failures} times`)
    const times = ran.filter((one) => one === id).length
    const ok = tries.indexOf('ok')
    const most = ok < 0 ? 3 : ok + 1
    if (times > most) problems.push(`${trouble}: ${id} ran ${times} times, ${tries}`)
    const { condition } = of[0]?.requestContext ?? {}
    if (condition !== undefined) add(condition)
    const meant = ok < 0 ? 'RetriesExhausted' : 'Success'
    const stops = early && condition === 'EmulatorStopped'
    if (condition !== undefined && condition !== meant && !stops) {
      problems.push(`${trouble}: ${id} ended as ${condition}, ${tries}`)
    }
    if (condition === meant && times !== most) problems.push(`${trouble}: ${id} ran ${times} times, ${tries}`)
  }
  add('records delivered', records.length)
  add('records told as lost', undelivered.length)
  if (records.length + undelivered.length > sent.length) problems.push(`${trouble}: more records than events`)
  return sent.length
}

/** Of the memory check: waves in one life, events of each, and the bytes of an event. */
const waves = 30
const ofWave = 40
const eventBytes = 64 * 1024

/**
 * One life in which every event is large and every third fails once: with 80 MB of events, and as much again in records,
 * what held on to them would show in the resident memory at the end of a wave.
 */
async function liveThroughWaves(): Promise<void> {
  using folder = tempDir()
  const runs = join(folder.path, 'runs')
  writeFileSync(join(folder.path, 'index.mjs'), source)
  using receiver = new Receiver('http')
  const to = await receiver.address()
  const flags = ['--async-retry-delays', '0.05', '--max-environments', '4', '--on-success', to]
  await using emulator = new Launched({
    program: programOf(values.subject),
    flags: [...flags, '--handler', 'index.handler'],
    cwd: folder.path,
    env: { RUNS: runs },
  })
  const { gateway } = await emulator.listening()
  const resident: number[] = []
  const padding = 'x'.repeat(eventBytes)
  for (let wave = 0; wave < waves; wave++) {
    writeFileSync(runs, '')
    for (let number = 0; number < ofWave; number++) {
      const tries = number % 3 === 0 ? ['throws', 'ok'] : ['ok']
      const headers = { 'X-Amz-Invocation-Type': 'Event' }
      const body = JSON.stringify({ number, tries, padding })
      const { status, text } = await request(gateway, { method: 'POST', path, headers, body })
      if (status !== 202) problems.push(`memory: an event was answered ${status} ${text}`)
    }
    await until(`the records of wave ${wave}`, () => receiver.records.length >= ofWave, 60_000)
    receiver.records.length = 0
    resident.push(residentBytes(emulator.process.pid))
  }
  const third = waves / 3
  const [early, late] = [median(resident.slice(third, 2 * third)), median(resident.slice(2 * third))]
  console.log(`memory: ${resident.length} waves, resident ${mb(early)} → ${mb(late)}`)
  if (late > early * 1.1 + 8 * 1024 * 1024) {
    problems.push(`memory: resident memory grew from ${mb(early)} to ${mb(late)}`)
  }
}

/** Of a process, from the system. */
function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096
}

console.log(`seed ${values.seed}, ${faults} events, subject ${values.subject}`)
let done = 0
for (let round = 0; done < faults; round++) {
  const count = Math.min(batch, faults - done)
  await live(round, count)
  done += count
}
if (faults >= 400) await liveThroughWaves()
else console.log('memory: not examined, that takes 400 events or more')
console.log([...sums].map(([what, count]) => `${what}: ${count}`).join(', '))
for (const problem of problems.slice(0, 20)) console.log(`FAILED ${problem}`)
console.log(`${faults - problems.length} passed, ${problems.length} failed`)
process.exitCode = problems.length === 0 ? 0 : 1
