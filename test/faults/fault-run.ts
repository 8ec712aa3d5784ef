/**
 * One emulator, everything that it starts, and its callers. A fault is planned, played, and then everything that must
 * hold whatever happened is checked; what does not hold is a failure, with the plan and the steps that led to it.
 */
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { alive, kill, mark, marked, patience, stat, tempDir, until, within } from '../harness.ts'
import { header } from '../kit/answers.ts'
import { addressFlags, portableLayer } from '../kit/launch.ts'
import { acts, type Stage } from './acts.ts'
import { Call, outcomeOf, type Ports } from './caller.ts'
import { Emulator, type Health } from './emulator.ts'
import type { Entry } from './ledger.ts'
import { type InjectionPoint, type Plan, planFault, type VariantName } from './plans.ts'
import { Random } from './random.ts'
import type { RandomSignal } from './random-signals.ts'
import { listenForProcesses, type ScriptedProcess } from './scripted-process.ts'
import { type ExtensionSpec, type Next, playExtension, playRuntime, type StepContext } from './scripts.ts'
import { Starvation } from './starvation.ts'
import { Subscribers } from './subscribers.ts'

export interface FaultRunOptions {
  readonly variant: VariantName
  /** tells variants of the same kind apart */
  readonly number: number
  readonly seed: string
  readonly program: readonly string[]
  readonly scripted: string
  readonly trace: boolean
  readonly only?: RegExp | undefined
}

export class Failure extends Error {}

/** What one variant counts. */
export interface Figures {
  faults: Map<string, number>
  sprung: number
  invocations: number
  answers: Map<string, number>
  checks: number
  restarts: number
  processes: number
  /** processes that the emulator was starting when it was killed */
  escaped: number
  slowestStop: number
  /** function timeouts that fired because the machine kept a process from running */
  starved: number
  resident: number[]
  descriptors: number[]
}

const streaming = ['--function-url-invoke-mode', 'RESPONSE_STREAM'] as const

/**
 * An event that failed would run again a minute later, with the same request id, in the middle of another fault: it would
 * take that fault upon itself, and be reported a second time. `events.ts` has such events retried.
 */
const always = ['--async-max-retries', '0'] as const

const flags: Readonly<Record<VariantName, readonly string[]>> = {
  one: streaming,
  // pages are gathered
  three: ['--max-environments', '3'],
  signals: ['--drain-seconds', '1', ...streaming],
  clock: ['--init-timeout', '1', ...streaming],
}

export class FaultRun implements AsyncDisposable {
  readonly figures: Figures = {
    faults: new Map(),
    sprung: 0,
    invocations: 0,
    answers: new Map(),
    checks: 0,
    restarts: 0,
    processes: 0,
    escaped: 0,
    slowestStop: 0,
    starved: 0,
    resident: [],
    descriptors: [],
  }
  readonly #options: FaultRunOptions
  readonly #starvation = new Starvation(() => this.#watched())
  readonly #folder = tempDir()
  readonly #mark = mark()
  #server: Server | undefined
  #subscribers!: Subscribers
  #emulator!: Emulator
  #processes: ScriptedProcess[] = []
  #extensions: readonly ExtensionSpec[] = []
  #plan: Plan | null = null
  #injection: (InjectionPoint & { left: number; skipped: number }) | null = null
  #sprung = 0
  #calls: Call[] = []
  #steps: string[] = []
  #stopping = false
  #killed = false
  #restarted = false
  #broken = false
  /** acts that will send the emulator a signal and have not done so yet */
  #signalling = 0

  private constructor(options: FaultRunOptions) {
    this.#options = options
  }

  static async open(options: FaultRunOptions): Promise<FaultRun> {
    const faultRun = new FaultRun(options)
    mkdirSync(faultRun.#extensionFolder)
    faultRun.#subscribers = await Subscribers.open()
    faultRun.#server = await listenForProcesses(faultRun.#control, (scripted) => faultRun.#arrived(scripted))
    faultRun.#mendBootstrap()
    await faultRun.#start()
    return faultRun
  }

  /** identifiers that extensions were given, of the living and of the dead */
  readonly extensionIds: string[] = []

  get emulator(): Emulator {
    return this.#emulator
  }

  /** Of the Runtime API, as the newest process has it: an environment that is replaced takes its listener along. */
  get apiPort(): number {
    const api = this.#processes.at(-1)?.api
    return api === undefined ? this.#emulator.apiPort : Number(api.slice(api.lastIndexOf(':') + 1))
  }

  get #ports(): Ports {
    return { gateway: this.#emulator.port, page: this.#emulator.pagePort }
  }

  get #extensionFolder(): string {
    return join(this.#folder.path, 'extensions')
  }

  get #bootstrap(): string {
    return join(this.#folder.path, 'bootstrap')
  }

  get #control(): string {
    return join(this.#folder.path, 'control')
  }

  async #start(): Promise<void> {
    const { program, variant } = this.#options
    const argv = [
      ...program,
      ...addressFlags(),
      '--function-url-address',
      '127.0.0.1:0',
      '--extensions-dir',
      this.#extensionFolder,
      ...always,
      ...flags[variant],
      this.#bootstrap,
    ]
    this.#processes = []
    this.#stopping = false
    this.#killed = false
    this.#emulator = await Emulator.start(argv, {
      PATH: process.env.PATH,
      ...portableLayer,
      SCRIPT_CONTROL: this.#control,
      ...(variant === 'clock'
        ? { AWS_LAMBDA_FUNCTION_TIMEOUT: '1' }
        : { AWS_LAMBDA_FUNCTION_TIMEOUT: '120' }),
      ...this.#mark,
    })
  }

  // the processes

  #arrived(scripted: ScriptedProcess): void {
    this.#processes.push(scripted)
    this.figures.processes++
    this.#step(`${scripted.name} ${scripted.pid} started`)
    void scripted.ended.then(() => this.#step(`${scripted.name} ${scripted.pid} ended`))
    const at = (context: StepContext): Promise<Next> => this.#at(context)
    if (this.#killed) return
    const spec = this.#extensions.find(({ name }) => name === scripted.name)
    const played =
      scripted.name === 'bootstrap'
        ? playRuntime(scripted, at, () => this.#plan?.streams ?? false)
        : playExtension(scripted, spec ?? { name: scripted.name, events: [] }, at, (id, kind) =>
            this.#subscribers.subscription(id, kind),
          )
    played.catch((error: Error) => this.#step(`a script failed: ${error.stack}`))
  }

  async #at(context: StepContext): Promise<Next> {
    this.#step(`${context.scripted.name} ${context.scripted.pid} @${context.point}`)
    if (context.point === 'registered') this.extensionIds.push(context.id)
    const injection = this.#injection
    if (injection === null || injection.point !== context.point || injection.left === 0) return 'on'
    if ((injection.who === 'runtime') !== context.scripted.runtime) return 'on'
    if (injection.skipped < injection.skip) {
      injection.skipped++
      return 'on'
    }
    injection.left--
    this.#sprung++
    this.figures.sprung++
    this.#step(`${injection.act} ${injection.amount} by ${context.scripted.name} ${context.scripted.pid}`)
    const signals = injection.act.startsWith('sig')
    if (signals) this.#signalling++
    try {
      return await acts[injection.act](context, this.#stage(injection.amount, context.scripted))
    } finally {
      if (signals) this.#signalling--
    }
  }

  #stage(amount: number, scripted: ScriptedProcess): Stage {
    return {
      amount,
      signalEmulator: (signal) => this.#signalEmulator(signal),
      allIn: () => this.#allIn(),
      breakBootstrap: (how) => this.#breakBootstrap(how),
      sleep: (ms) => Promise.race([Bun.sleep(ms), scripted.ended]),
    }
  }

  /** Every caller who still waits has been heard: one is running in each environment that is busy, the others queue. */
  async #allIn(): Promise<void> {
    await until('every request to be read', async () => {
      const waiting = this.#calls.filter((call) => !call.gone && call.answers.count === 0).length
      const health = await this.#emulator.health()
      const busy = health.environments.filter(({ free, phase }) => !free && phase !== 'cold').length
      return health.queued + busy >= waiting
    })
  }

  #breakBootstrap(how: number): void {
    this.#broken = true
    rmSync(this.#bootstrap, { force: true })
    if (how === 1) mkdirSync(this.#bootstrap)
    if (how === 2) writeFileSync(this.#bootstrap, 'not executable', { mode: 0o644 })
  }

  #mendBootstrap(): void {
    this.#broken = false
    rmSync(this.#bootstrap, { force: true, recursive: true })
    symlinkSync(this.#options.scripted, this.#bootstrap)
  }

  #layExtensions(extensions: readonly ExtensionSpec[]): void {
    this.#extensions = extensions
    for (const name of readdirSync(this.#extensionFolder)) rmSync(join(this.#extensionFolder, name))
    for (const { name } of extensions) symlinkSync(this.#options.scripted, join(this.#extensionFolder, name))
  }

  // faults

  async play(index: number): Promise<void> {
    const { variant, seed, number, only } = this.#options
    await this.perform(planFault(variant, index, new Random(seed, variant, number, index), only))
  }

  async perform(plan: Plan): Promise<void> {
    this.#plan = plan
    this.#steps = []
    this.#starvation.reset()
    this.#step(`fault ${plan.index}: ${plan.kind}`)
    count(this.figures.faults, plan.kind)
    try {
      await this.#play(plan)
    } catch (error) {
      throw new Failure(this.#account(error as Error))
    }
  }

  async #play(plan: Plan): Promise<void> {
    if (plan.extensions !== null) this.#layExtensions(plan.extensions)
    if (plan.cold) await this.#cool()
    if (plan.idle !== null) await this.#endIdle(plan)

    if (plan.broken === 'bootstrap') this.#breakBootstrap(plan.index % 3)
    if (plan.broken === 'extension') writeFileSync(join(this.#extensionFolder, 'plain'), 'not a program')
    if (plan.broken !== null) this.figures.sprung++
    this.#sprung = 0
    this.#restarted = false
    this.#injection =
      plan.injection === null ? null : { ...plan.injection, left: plan.injection.times, skipped: 0 }
    this.#calls = plan.load.map(({ manners, size, soon }) => new Call(this.#ports, manners, size, soon))
    const calls = this.#calls
    this.figures.invocations += calls.length
    const struck = this.#randomSignal(plan.randomSignal)
    const answers = await within(
      'every caller to be answered',
      Promise.all(calls.map(async (call) => ({ call, answer: await call.done }))),
    )
    await struck
    if (plan.injection?.point === 'shutdown' && this.#sprung === 0 && !this.#stopping) await this.#cool()
    const outcomes = answers.map(({ call, answer }) => ({
      call,
      // a page's visitor has no id of its own
      id: (answer !== null && header(answer, 'x-amzn-RequestId')) || call.id,
      outcome: outcomeOf(call, answer),
    }))
    for (const { call, outcome } of outcomes) {
      count(this.figures.answers, outcome.startsWith('wrong') ? 'wrong' : outcome)
      this.#step(`${call.manners} ${call.id}: ${outcome}`)
    }
    this.#judge(plan, outcomes)

    if (!this.#stopping) await this.#settle()
    this.#injection = null
    if (this.#stopping) await this.#restart()
    if (this.#broken) this.#mendBootstrap()
    rmSync(join(this.#extensionFolder, 'plain'), { force: true })
    await this.#checkGood()
    await this.#checkBooks(outcomes)
    for (const call of calls) {
      this.#check(call.answers.count <= 1, `${call.manners} ${call.id} got ${call.answers.count} answers`)
      // what came of a stream that breaks off is no answer
      const broken = mayBreakOff(plan) && call.answers.count === 0
      this.#check(
        call.gone || broken || call.answers.rest.byteLength === 0,
        `more bytes behind the answer to ${call.id}`,
      )
      call.close()
    }
    await this.#checkProcesses()
    this.figures.resident.push(this.#emulator.residentBytes())
    this.figures.descriptors.push(this.#emulator.descriptors())
  }

  async #randomSignal(randomSignal: RandomSignal | null): Promise<void> {
    if (randomSignal === null) return
    const { who, signal, after, which } = randomSignal
    await Bun.sleep(after)
    if (who === 'emulator') {
      this.figures.sprung++
      return this.#signalEmulator(signal)
    }
    const targets = this.#living().filter(
      ({ runtime, doomed }) => !doomed && (who === 'anyone' || runtime === (who === 'runtime')),
    )
    const target = targets[Math.floor(which * targets.length)]
    if (target === undefined) return
    this.#sprung++
    this.figures.sprung++
    this.#step(`${target.name} ${target.pid} is killed, ${after.toFixed(1)} ms after the callers`)
    target.kill()
  }

  #signalEmulator(signal: NodeJS.Signals): void {
    this.#step(`the emulator gets ${signal}`)
    this.#stopping = true
    this.#killed ||= signal === 'SIGKILL'
    this.#emulator.process.kill(signal)
  }

  /** In the variant whose functions have a second: half of that was taken from them by the machine. */
  get #starved(): boolean {
    return this.#options.variant === 'clock' && this.#starvation.milliseconds > 500
  }

  /** Nobody gets what is not theirs, and no more suffer than the fault can have hit. */
  #judge(plan: Plan, outcomes: readonly { call: Call; outcome: string }[]): void {
    const own: Readonly<Record<string, string>> = {
      event: '202',
      dry: '204',
      'too-large': '413 RequestEntityTooLargeException',
      'bad-context': '400 InvalidRequestContentException',
    }
    let hurt = 0
    let excused = 0
    const starved = this.#starved
    for (const { call, outcome } of outcomes) {
      this.#check(!outcome.startsWith('wrong'), `${call.manners} ${call.id}: ${outcome}`)
      this.#check(plan.broken === null || outcome !== 'ok', `${call.id} was answered by nobody: ${outcome}`)
      if (outcome === 'gone' || outcome === (own[call.manners] ?? 'ok')) continue
      const meant = plan.expect.each.includes('timeout') && hurt < this.#sprung
      if (starved && !meant && seenAs(call, plan, 'timeout').includes(outcome)) {
        excused++
        continue
      }
      hurt++
      const allowed = plan.expect.each.some((each) => seenAs(call, plan, each).includes(outcome))
      this.#check(allowed, `${call.manners} ${call.id}: ${outcome}, which ${plan.kind} does not lead to`)
    }
    this.figures.starved += excused
    const { injection, randomSignal } = plan
    if ((injection === null && randomSignal === null) || this.#stopping || injection?.act === 'is-removed')
      return
    // an init is tried again before a caller hears of it; one that is killed from outside may be past its init
    const most = plan.init && injection?.act !== 'killed' ? Math.floor(this.#sprung / 2) : this.#sprung
    this.#check(hurt <= most, `${hurt} callers were hurt by ${this.#sprung} times ${plan.kind}`)
    const plain = outcomes.every(({ call }) => !call.gone && !(call.manners in own))
    if (plan.expect.must && plain && excused === 0) {
      this.#check(hurt === this.#sprung, `${hurt} callers noticed ${this.#sprung} times ${plan.kind}`)
    }
  }

  /** The processes of all environments end, and the emulator has cleaned up behind them. */
  async #cool(): Promise<void> {
    await this.#quiet('every environment to be cold', ({ environments }) => {
      for (const scripted of this.#living()) if (scripted.runtime) scripted.kill()
      return environments.every(({ phase }) => phase === 'cold')
    })
  }

  async #endIdle(plan: Plan): Promise<void> {
    const doomed = this.#living().filter(
      ({ runtime }) => plan.idle === 'both die' || runtime === (plan.idle === 'runtime dies'),
    )
    for (const scripted of doomed) scripted.kill()
    if (doomed.length > 0) this.figures.sprung++
    if (plan.idleUntil === 'dead') {
      for (const { name, pid } of doomed) await until(`${name} ${pid} to be dead`, () => !alive(pid))
    }
    if (plan.idleUntil === 'noticed') await this.#settle()
  }

  *#watched(): Iterable<number> {
    if (this.#emulator !== undefined) yield this.#emulator.pid
    for (const { pid } of this.#living()) yield pid
  }

  #living(): ScriptedProcess[] {
    return this.#processes.filter((scripted) => !scripted.gone)
  }

  /**
   * Nothing is under way any more: no queue, no invocation, no start, no stop, and no death unnoticed. A process whose files
   * are closed is not dead yet: the emulator hears of it when it is, which is later on a busy machine.
   */
  async #settle(): Promise<void> {
    await this.#quiet('everything to come to rest', ({ queued, environments }) => {
      if (queued > 0 || this.#signalling > 0) return false
      if (this.#processes.some(({ doomed, gone, pid }) => (doomed || gone) && alive(pid))) return false
      return environments.every(({ phase, free, processes }) => {
        if (phase !== 'cold' && !free) return false
        return Object.values(processes).every(alive)
      })
    })
  }

  async #quiet(what: string, condition: (health: Health) => boolean): Promise<void> {
    const end = performance.now() + patience
    for (;;) {
      if (this.#stopping) return
      try {
        if (condition(await this.#emulator.health())) return
      } catch (error) {
        if (this.#stopping) return
        throw error
      }
      if (performance.now() > end) throw new Error(`waited ${patience} ms in vain: ${what}`)
      await Bun.sleep(1)
    }
  }

  async #restart(): Promise<void> {
    const before = performance.now()
    const emulator = this.#emulator
    const code = await emulator.exit()
    this.figures.slowestStop = Math.max(this.figures.slowestStop, performance.now() - before)
    this.figures.restarts++
    this.#restarted = true
    if (!this.#killed) {
      this.#check(code === 0, `the emulator ended with ${code}`)
      this.#check(emulator.ledger.open === 0, `${emulator.ledger.open} invocations without REPORT at the end`)
    }
    this.#checkComplaints()
    await this.#checkSurvivors()
    if (this.#broken) this.#mendBootstrap()
    await this.#start()
  }

  /**
   * Nobody outlives the emulator. When it was killed in the middle of starting a process, that one may not have been
   * guarded yet; nothing but the child itself could close that gap, so it is counted and let go.
   */
  async #checkSurvivors(): Promise<void> {
    const most = this.#killed ? 1 : 0
    await until('every process to end with the emulator', () => marked(this.#mark).length <= most)
    this.figures.checks++
    // the kernel kills the guarded ones while the emulator's descriptors close; they take a moment to be gone
    let left = marked(this.#mark)
    for (let round = 0; round < 100 && left.length > 0; round++) {
      await Bun.sleep(5)
      left = marked(this.#mark)
    }
    if (left.length === 0) return
    const newest = this.#processes.at(-1)
    this.#check(
      newest === undefined || (left[0] as number) >= newest.pid,
      `${left} outlived the emulator, not ${newest?.pid}`,
    )
    this.figures.escaped++
    for (const pid of left) kill(pid, 'SIGKILL')
    await until('the last process to end', () => marked(this.#mark).length === 0)
  }

  // checks

  #check(holds: boolean, otherwise: string): void {
    this.figures.checks++
    if (!holds) throw new Error(otherwise)
  }

  /** The next good invocation succeeds. */
  async #checkGood(): Promise<void> {
    const call = new Call(this.#ports, 'plain', 20, 0)
    this.figures.invocations++
    const answer = await within('an answer to a good invocation', call.done)
    const outcome = outcomeOf(call, answer)
    count(this.figures.answers, outcome)
    if (outcome === 'timeout' && this.#starved) {
      this.figures.starved++
      this.#starvation.reset()
      await this.#settle()
      return this.#checkGood()
    }
    this.#check(outcome === 'ok', `a good invocation came to: ${outcome}`)
    call.close()
    await this.#settle()
    this.#check(!this.#stopping, 'the emulator stops unasked')
  }

  async #checkBooks(
    outcomes: readonly { readonly call: Call; readonly id: string; readonly outcome: string }[],
  ): Promise<void> {
    const { ledger } = this.#emulator
    // what was accepted runs behind its 202, so it is reported like what was answered
    const ran = this.#restarted
      ? []
      : outcomes.filter(({ outcome }) => /^(ok|502|timeout|200|202|cut)/.test(outcome))
    const reported = (id: string): boolean => ledger.entries.get(id)?.state === 'reported'
    await until('START, END and REPORT of every invocation', () => {
      if (ledger.problems.length > 0) return true
      return ledger.open === 0 && ran.every(({ id }) => reported(id))
    })
    this.figures.checks++
    this.#check(ledger.problems.length === 0, ledger.problems.join('; '))
    for (const { call, id, outcome } of ran) {
      const { status, late } = ledger.entries.get(id) as Entry
      // what a function wrote before it answered stands before END, unless END came first by another's fault
      this.#check(!(late && outcome === 'ok'), `a line of ${id} stands behind its END`)
      if (outcome === '202') continue
      // no visitor is told of a timeout, so that one is as good as another failure
      if (call.manners === 'page' && outcome !== 'ok') {
        this.#check(status !== null, `${id}: ${outcome}, reported as a success`)
        continue
      }
      if (outcome === 'timeout') {
        this.#check(status === 'timeout', `${id} timed out, reported ${status}`)
      } else if (outcome !== 'ok') {
        this.#check(status === 'error', `${id}: ${outcome}, reported ${status}`)
      }
    }
    ledger.clear()
    const { problems } = this.#subscribers
    this.#check(problems.length === 0, problems.join('; '))
    this.#checkComplaints()
  }

  #checkComplaints(): void {
    const { complaints } = this.#emulator
    this.#check(complaints.length === 0, `the emulator said: ${complaints.join('\n')}`)
  }

  /** Whoever is no process of an environment any more is dead, and so is what it started. */
  async #checkProcesses(): Promise<void> {
    const known = new Set(
      (await this.#emulator.health()).environments.flatMap(({ processes }) => Object.values(processes)),
    )
    for (const { name, pid, sleepers } of this.#processes) {
      if (known.has(pid)) continue
      for (const one of [pid, ...sleepers]) {
        // the kernel takes its time after a SIGKILL
        await until(`${name} ${one} to be dead, which is of no environment any more`, () => !alive(one))
        this.figures.checks++
      }
    }
    this.#processes = this.#processes.filter(({ pid }) => known.has(pid))
  }

  /** What no other check sees: processes nobody knows of, zombies, what the emulator holds when it is cold. */
  async rest(): Promise<{ readonly resident: number; readonly descriptors: number }> {
    this.#plan = null
    this.#steps = []
    try {
      this.#injection = null
      this.#layExtensions([])
      await this.#cool()
      await this.#checkGood()
      await this.#cool()
      await until(
        'nobody but the emulator to be left',
        () => marked(this.#mark).join() === String(this.#emulator.pid),
      )
      await until('every zombie to be reaped', () => zombies(this.#emulator.pid) === 0)
      this.figures.checks += 2
    } catch (error) {
      throw new Failure(this.#account(error as Error))
    }
    return { resident: this.#emulator.residentBytes(), descriptors: this.#emulator.descriptors() }
  }

  #step(what: string): void {
    const line = `${performance.now().toFixed(1)} ${what}`
    this.#steps.push(line)
    if (this.#options.trace) console.log(`${this.#options.variant}.${this.#options.number} ${line}`)
  }

  #account(error: Error): string {
    const { variant, number, seed, only } = this.#options
    const some = only === undefined ? '' : ` --only '${only.source}'`
    const log = this.#emulator.stderr.slice(-15).join('\n  ')
    return [
      `${error.message}`,
      `  variant ${variant}.${number}, seed ${seed}, plan ${JSON.stringify(this.#plan)}`,
      `  ${this.#steps.slice(-120).join('\n  ')}`,
      `  the emulator's log:\n  ${log}`,
      `  again: bun test/faults/run.ts --seed ${seed} --variant ${variant}.${number} --from ${Math.max(0, (this.#plan?.index ?? 0) - 3)} --faults 4${some}`,
    ].join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#starvation[Symbol.dispose]()
    for (const call of this.#calls) call.close()
    for (const pid of marked(this.#mark)) kill(pid, 'SIGKILL')
    await within('the emulator to be gone', this.#emulator.process.exited)
    this.#server?.close()
    this.#subscribers[Symbol.dispose]()
    this.#folder[Symbol.dispose]()
  }
}

/** An answer may have begun when its fault comes. */
const mayBreakOff = ({ streams, injection }: Plan): boolean =>
  streams || (injection !== null && /stream|trailers/.test(injection.act))

/** How a caller of those manners may see what a fault leads to. */
function seenAs({ manners }: Call, plan: Plan, each: string): string[] {
  if (manners === 'page') {
    if (each === 'closed') return [each]
    // a stream that has begun is cut off, also by an emulator that is told to end at once
    if (each.startsWith('503')) return mayBreakOff(plan) ? [each, 'cut'] : [each]
    // chunks that are not declared to be a stream are one for a page
    const begins = mayBreakOff(plan) || plan.injection?.act === 'truncates-chunks'
    return begins ? ['502 page', 'cut'] : ['502 page']
  }
  // the last event of a stream says it, and so does an answer that is gathered
  const breaks =
    mayBreakOff(plan) && !manners.includes('stream') && manners !== 'lambda' && manners !== 'tail'
  return breaks ? [each, 'closed'] : [each]
}

export function count(map: Map<string, number>, key: string, by = 1): void {
  map.set(key, (map.get(key) ?? 0) + by)
}

function zombies(parent: number): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    const fields = stat(Number(name))
    return fields?.[0] === 'Z' && Number(fields[1]) === parent
  }).length
}
