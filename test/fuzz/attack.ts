/** Fires shots at one emulator, many at a time, keeps half requests open beside them, and sees that it goes on working. */
import type { Socket, SocketHandler } from 'bun'
import { count, FaultRun } from '../faults/fault-run.ts'
import type { Plan } from '../faults/plans.ts'
import { Random } from '../faults/random.ts'
import { median } from '../faults/variants.ts'
import { patience, until, within } from '../harness.ts'
import { Answers } from '../kit/answers.ts'
import { type Door, halfRequest, type Shot, shoot } from './generate.ts'

export interface AttackOptions {
  readonly seed: string
  readonly program: readonly string[]
  readonly scripted: string
  readonly requests: number
  /** connections that are opened and dropped, besides */
  readonly connections: number
  readonly progress?: (done: number) => void
}

export interface AttackResult {
  readonly requests: number
  readonly connections: number
  readonly statuses: ReadonlyMap<string, number>
  readonly good: number
  readonly checks: number
  readonly resident: readonly number[]
  readonly descriptors: readonly [number, number]
  readonly failures: readonly string[]
}

const abreast = 48
const halves = 40
const mega = 1024 * 1024

export async function attack(options: AttackOptions): Promise<AttackResult> {
  const { seed, program, scripted } = options
  await using faultRun = await FaultRun.open({
    variant: 'clock',
    number: 1,
    seed,
    program,
    scripted,
    trace: false,
  })
  const campaign = new Campaign(faultRun, options)
  try {
    await campaign.run()
  } catch (error) {
    const { emulator } = faultRun
    const end = emulator.running ? 'runs' : `has ended: ${emulator.stderr.slice(-5).join('\n')}`
    const stack = (error as Error).stack
    campaign.failures.push(`seed ${seed}, near shot ${campaign.shots}; the emulator ${end}: ${stack}`)
  }
  return campaign.result()
}

class Campaign {
  readonly failures: string[] = []
  shots = 0
  #requests = 0
  #connections = 0
  #good = 0
  #checks = 0
  readonly #statuses = new Map<string, number>()
  readonly #resident: number[] = []
  #descriptors: [number, number] = [0, 0]
  readonly #held = new Set<Socket<undefined>>()
  readonly #faultRun: FaultRun
  readonly #options: AttackOptions

  constructor(faultRun: FaultRun, options: AttackOptions) {
    this.#faultRun = faultRun
    this.#options = options
  }

  async run(): Promise<void> {
    const { requests, connections, seed } = this.#options
    const begin = await this.#faultRun.rest()
    const step = Math.min(4000, Math.max(500, Math.ceil(requests / 10)))
    for (let round = 0; this.#requests < requests; round++) {
      await this.#hold(new Random(seed, 'halves', round))
      await this.#volley(Math.min(requests, this.#requests + step))
      await this.#checkpoint(round)
      this.#options.progress?.(this.#requests)
    }
    for (let round = 0; this.#connections < connections; round++) {
      await this.#openAndDrop(
        Math.min(5000, connections - this.#connections),
        new Random(seed, 'drops', round),
      )
      await this.#checkpoint(round)
      this.#options.progress?.(this.#connections)
    }
    this.#release()
    const end = await this.#faultRun.rest()
    this.#descriptors = [begin.descriptors, end.descriptors]
    this.#check(end.descriptors <= begin.descriptors + 6, `descriptors: ${this.#descriptors.join(' → ')}`)
    const fifth = Math.floor(this.#resident.length / 5)
    const early = median(this.#resident.slice(fifth, 2 * fifth))
    const late = median(this.#resident.slice(-fifth))
    const flat = late <= early * 1.25 + 32 * mega
    this.#check(fifth < 2 || flat, `resident memory grew from ${early} to ${late} bytes`)
  }

  result(): AttackResult {
    return {
      requests: this.#requests,
      connections: this.#connections,
      statuses: this.#statuses,
      good: this.#good,
      checks: this.#checks + this.#faultRun.figures.checks,
      resident: this.#resident,
      descriptors: this.#descriptors,
      failures: this.failures,
    }
  }

  #check(holds: boolean, otherwise: string): void {
    this.#checks++
    if (!holds) throw new Error(otherwise)
  }

  /** Many senders at a time, each of them one shot after the other. */
  async #volley(until: number): Promise<void> {
    const sender = async (): Promise<void> => {
      while (this.#requests < until) {
        const number = this.shots++
        const invocations = [...this.#faultRun.emulator.ledger.entries.keys()].slice(-3)
        const known = { extensions: this.#faultRun.extensionIds.slice(-3), invocations }
        const shot = shoot(new Random(this.#options.seed, 'shot', number), known)
        this.#requests += shot.requests
        const port = this.#port(shot.door)
        const before = port()
        try {
          await this.#fire(shot)
        } catch (error) {
          if (await moved(port, before)) continue
          const text = Buffer.concat(shot.pieces).toString('latin1').slice(0, 2000)
          throw new Error(
            `shot ${number} at the ${shot.door}: ${(error as Error).message}\n${JSON.stringify(text)}`,
          )
        }
      }
    }
    await Promise.all(Array.from({ length: abreast }, sender))
  }

  #port(door: Door): () => number {
    const faultRun = this.#faultRun
    return () => {
      const { port, pagePort } = faultRun.emulator
      return door === 'gateway' ? port : door === 'url' ? pagePort : faultRun.apiPort
    }
  }

  async #fire(shot: Shot): Promise<void> {
    const line = await Line.open(this.#port(shot.door))
    try {
      for (const [at, piece] of shot.pieces.entries()) {
        if (at > 0) await new Promise((resolve) => setImmediate(resolve))
        await line.send(piece)
      }
      if (shot.ending === 'half-closes') line.shutdown()
      if (shot.due > 0) await within(`${shot.due} answers`, line.counted(shot.due))
      else if (shot.ending === 'waits') await Promise.race([line.closed, line.counted(1), Bun.sleep(10)])
    } finally {
      if (shot.ending === 'resets') line.reset()
      else line.close()
      for (const status of line.statuses) count(this.#statuses, status)
      this.#checks += shot.due
    }
    const answered = [...line.statuses]
    this.#check(!answered.includes('500'), `was answered 500: ${line.last?.body.toString('latin1', 0, 300)}`)
    this.#check(
      line.received === 0 || answered.length > 0 || line.http,
      'was answered by something that is no HTTP',
    )
  }

  /** Half requests that stay open on all doors while everything else goes on; those of the last round make room. */
  async #hold(random: Random): Promise<void> {
    this.#release()
    for (let n = 0; n < halves; n++) {
      const door = (['gateway', 'api', 'url'] as const)[n % 3] as Door
      const socket = await connect(this.#port(door), { data() {}, error() {} })
      socket.write(halfRequest(random, door))
      this.#held.add(socket)
    }
  }

  #release(): void {
    for (const socket of this.#held) socket.terminate()
    this.#held.clear()
  }

  async #openAndDrop(number: number, random: Random): Promise<void> {
    let left = number
    const sender = async (): Promise<void> => {
      while (left-- > 0) {
        this.#connections++
        const line = await Line.open(this.#port(random.pick(['gateway', 'api', 'url'] as const)))
        if (random.chance(0.3)) await line.send(Buffer.from('GET /'))
        if (random.chance(0.5)) line.reset()
        else line.close()
      }
    }
    await Promise.all(Array.from({ length: abreast }, sender))
  }

  /** Whatever was fired before: a new runtime with an extension inside starts, and serves. */
  async #checkpoint(round: number): Promise<void> {
    const { emulator } = this.#faultRun
    this.#check(emulator.running, `the emulator has ended: ${emulator.stderr.slice(-3).join('\n')}`)
    // connections that were dropped are forgotten; until then a poll among them could take the event away
    const most = 30 + this.#held.size + 40
    await until('dropped connections to be closed', () => emulator.descriptors() <= most)
    await this.#faultRun.perform(goodPlan(round))
    this.#good++
    this.#resident.push(emulator.residentBytes())
  }
}

/** A start with a valid registration, and three callers. */
function goodPlan(index: number): Plan {
  const callers = ['plain', 'chunked', 'lambda'] as const
  return {
    index,
    kind: 'a good start',
    injection: {
      who: 'runtime',
      point: 'before-next',
      act: 'registers-inside',
      amount: 0,
      times: 1,
      skip: 0,
    },
    randomSignal: null,
    cold: index % 3 === 0,
    idle: null,
    broken: null,
    idleUntil: 'noticed',
    extensions: index % 2 === 0 ? [{ name: 'ext0', events: ['INVOKE', 'SHUTDOWN'] }] : [],
    load: callers.map((manners) => ({ manners, size: 50, soon: 0 })),
    streams: index % 2 === 1,
    expect: { each: [] },
    init: false,
  }
}

/**
 * Whether the listener that a shot was fired at has been replaced meanwhile, and closed its connections: its
 * environment made room for one of another tenant.
 */
function moved(port: () => number, before: number): Promise<boolean> {
  return until('another port', () => port() !== before, 3000).catch(() => false)
}

/** A connection. The machine may have used up its ports, and the Runtime API may be about to move to another one. */
async function connect(port: () => number, socket: SocketHandler<undefined>): Promise<Socket<undefined>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await Bun.connect({ hostname: '127.0.0.1', port: port(), allowHalfOpen: true, socket })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (attempt > 200) throw new Error(`no connection to port ${port()}: ${code} ${message}`)
      await Bun.sleep(20)
    }
  }
}

/** One connection of the attacker. */
class Line {
  readonly closed: Promise<void>
  readonly statuses: string[] = []
  received = 0
  http = false
  last: { readonly body: Buffer } | null = null
  readonly #answers = new Answers()
  #socket!: Socket<undefined>
  #open = true
  #drained: (() => void) | null = null
  #wake: (() => void) | null = null
  readonly #end = Promise.withResolvers<void>()

  private constructor() {
    this.closed = this.#end.promise
  }

  static async open(port: () => number): Promise<Line> {
    const line = new Line()
    line.#socket = await connect(port, {
      data: (_, chunk) => line.#heard(chunk),
      drain: () => line.#drained?.(),
      end: () => line.#ended(),
      close: () => line.#ended(),
      error: () => line.#ended(),
    })
    return line
  }

  #heard(chunk: Buffer): void {
    if (this.received === 0) this.http = chunk.toString('latin1', 0, 5) === 'HTTP/'
    this.received += chunk.byteLength
    this.#answers.push(chunk)
    void this.#take()
    this.#wake?.()
  }

  async #take(): Promise<void> {
    while (this.#answers.waiting) {
      const answer = await this.#answers.next()
      if (answer === null) return
      this.last = answer
      this.statuses.push(String(answer.status))
    }
  }

  #ended(): void {
    if (!this.#open) return
    this.#open = false
    this.#answers.end()
    void this.#take()
    this.#drained?.()
    this.#wake?.()
    this.#end.resolve()
  }

  async send(bytes: Uint8Array): Promise<void> {
    let rest = bytes
    const end = performance.now() + patience
    while (this.#open && rest.byteLength > 0) {
      const written = this.#socket.write(rest)
      if (written < 0) return
      rest = rest.subarray(written)
      if (rest.byteLength === 0) return
      if (performance.now() > end) throw new Error('the emulator has stopped reading')
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#drained = resolve
      await Promise.race([promise, Bun.sleep(100)])
    }
  }

  /** So many answers have come. */
  async counted(number: number): Promise<void> {
    while (this.#answers.count < number) {
      if (!this.#open) throw new Error(`the connection was closed after ${this.#answers.count} answers`)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  shutdown(): void {
    this.#socket.shutdown()
  }

  close(): void {
    this.#open = false
    this.#socket.end()
  }

  reset(): void {
    this.#open = false
    this.#socket.terminate()
  }
}
