/**
 * What can go wrong, as data: one plan per fault, made of a seed and a number alone, so that it can be made again.
 * Each row says who does what at which point, how often that is tried, and what callers may get for it.
 */
import type { ActName } from './acts.ts'
import { type Load, load } from './caller.ts'
import type { Random } from './random.ts'
import { type RandomSignal, someSignal } from './random-signals.ts'
import type { ExtensionPoint, ExtensionSpec, RuntimePoint } from './scripts.ts'
import { subscriberKinds } from './subscribers.ts'

/** An emulator under its own conditions; several run beside each other. */
export type VariantName = 'one' | 'three' | 'signals' | 'clock'

/**
 * What callers may get beside their own payload. `each` is what the fault leads to for one caller per time that it
 * springs; `must` says that one of these is the only possible end for the invocation that is hit.
 */
export interface Expectation {
  readonly each: readonly string[]
  readonly must?: true
}

interface Row {
  readonly who: 'runtime' | 'extension'
  readonly points: readonly (RuntimePoint | ExtensionPoint)[]
  readonly act: ActName
  readonly weight: number
  readonly amount?: readonly [number, number] | readonly number[] | 'end'
  readonly variants?: readonly VariantName[]
  /** of the fault springing once; init is tried twice before a caller sees anything of it */
  readonly expect: Expectation
  /** while processes start */
  readonly init?: true
}

const unharmed: Expectation = { each: [] }
const runtimeDies: Expectation = { each: ['502 Runtime.ExitError'], must: true }
const runtimeMayDie: Expectation = { each: ['502 Runtime.ExitError'] }
const extensionMayDie: Expectation = { each: ['502 Extension.Crash', '502 Extension.ExitError'] }
const initDies: Expectation = {
  each: ['502 Runtime.ExitError', '502 Extension.Crash', '502 Extension.InitError', '502 Scripted.InitError'],
}
/** In the middle of an upload too it is the death that is told, and not that the upload broke off. */
const breaksOff: Expectation = runtimeDies
const cut: Expectation = { each: ['502 Runtime.TruncatedResponse'], must: true }
const tooLarge: Expectation = { each: ['200 Function.ResponseSizeTooLarge'], must: true }
const stopped: Expectation = { each: ['503 ServiceUnavailableException'] }
const timesOut: Expectation = { each: ['timeout'], must: true }
const mayTimeOut: Expectation = { each: ['timeout'] }

const signals = [1001, 1002, 1006, 1009, 1011, 1015]
const ends = [0, 1, 7, 255, ...signals]
const all: readonly RuntimePoint[] = ['before-next', 'polling', 'event', 'answered']
const clock = ['clock'] as const
const restarts = ['signals'] as const

const rows: readonly Row[] = [
  // runtimes that end
  {
    who: 'runtime',
    points: ['start', 'before-next'],
    act: 'die',
    weight: 10,
    amount: ends,
    init: true,
    expect: initDies,
  },
  {
    who: 'runtime',
    points: ['start', 'before-next'],
    act: 'killed',
    weight: 4,
    init: true,
    expect: initDies,
  },
  {
    who: 'runtime',
    points: ['start', 'before-next'],
    act: 'forks-and-dies',
    weight: 4,
    amount: ends,
    init: true,
    expect: initDies,
  },
  { who: 'runtime', points: ['polling'], act: 'die', weight: 8, amount: ends, expect: runtimeMayDie },
  { who: 'runtime', points: ['polling'], act: 'killed', weight: 5, expect: runtimeMayDie },
  {
    who: 'runtime',
    points: ['polling'],
    act: 'die-soon',
    weight: 5,
    amount: [0, 4000],
    expect: runtimeMayDie,
  },
  { who: 'runtime', points: ['event'], act: 'die', weight: 10, amount: ends, expect: runtimeDies },
  { who: 'runtime', points: ['event'], act: 'killed', weight: 4, expect: runtimeDies },
  { who: 'runtime', points: ['event'], act: 'forks-and-dies', weight: 4, amount: ends, expect: runtimeDies },
  { who: 'runtime', points: ['half'], act: 'die', weight: 8, amount: ends, expect: breaksOff },
  { who: 'runtime', points: ['half'], act: 'killed', weight: 4, expect: breaksOff },
  { who: 'runtime', points: ['half'], act: 'die-soon', weight: 3, amount: [0, 3000], expect: breaksOff },
  { who: 'runtime', points: ['sent'], act: 'die', weight: 12, amount: ends, expect: unharmed },
  { who: 'runtime', points: ['sent'], act: 'die-soon', weight: 8, amount: [0, 3000], expect: unharmed },
  { who: 'runtime', points: ['sent'], act: 'killed', weight: 4, expect: { each: breaksOff.each } },
  { who: 'runtime', points: ['answered'], act: 'die', weight: 8, amount: ends, expect: unharmed },
  { who: 'runtime', points: ['answered'], act: 'forks-and-dies', weight: 3, amount: ends, expect: unharmed },
  { who: 'runtime', points: ['answered'], act: 'killed', weight: 4, expect: unharmed },
  // errors that they tell of
  {
    who: 'runtime',
    points: ['before-next'],
    act: 'init-error-and-dies',
    weight: 6,
    amount: [0, 1],
    init: true,
    expect: initDies,
  },
  {
    who: 'runtime',
    points: ['before-next'],
    act: 'init-error-and-stays',
    weight: 4,
    init: true,
    expect: initDies,
  },
  {
    who: 'runtime',
    points: ['event', 'answered', 'polling'],
    act: 'late-init-error',
    weight: 2,
    expect: unharmed,
  },
  {
    who: 'runtime',
    points: ['event'],
    act: 'posts-error',
    weight: 5,
    expect: { each: ['200 Scripted.Error'], must: true },
  },
  // answers that are none
  { who: 'runtime', points: all, act: 'wrong-id', weight: 5, expect: unharmed },
  { who: 'runtime', points: ['answered', 'polling'], act: 'double-response', weight: 6, expect: unharmed },
  { who: 'runtime', points: ['event'], act: 'posts-oversize', weight: 1, expect: tooLarge },
  { who: 'runtime', points: ['event'], act: 'posts-oversize-chunked', weight: 1, expect: tooLarge },
  { who: 'runtime', points: ['event'], act: 'posts-oversize-error', weight: 0.5, expect: tooLarge },
  { who: 'runtime', points: ['event'], act: 'truncates', weight: 5, amount: [0, 1], expect: cut },
  { who: 'runtime', points: ['event'], act: 'truncates-chunks', weight: 5, amount: [0, 1], expect: cut },
  { who: 'runtime', points: ['half'], act: 'closes-and-polls', weight: 5, amount: [0, 2], expect: cut },
  { who: 'runtime', points: ['sent'], act: 'closes-and-polls', weight: 5, amount: [1, 2], expect: unharmed },
  { who: 'runtime', points: ['event'], act: 'bad-mode', weight: 3, expect: unharmed },
  { who: 'runtime', points: ['event'], act: 'streams', weight: 3, expect: unharmed },
  {
    who: 'runtime',
    points: ['event'],
    act: 'streams-slowly',
    weight: 3,
    amount: [0, 15],
    expect: unharmed,
  },
  {
    who: 'runtime',
    points: ['event'],
    act: 'streams-slowly',
    weight: 6,
    amount: [985, 1012],
    variants: clock,
    expect: { each: ['timeout', 'closed'] },
  },
  {
    who: 'runtime',
    points: ['event'],
    act: 'streams-garbage',
    weight: 10,
    amount: [0, 1_000_000],
    expect: {
      each: [
        'closed',
        '502 Runtime.TruncatedResponse',
        '200 Fuzz',
        '200 x…',
        '200 Function.ResponseStreamError',
      ],
    },
  },
  {
    who: 'runtime',
    points: ['event'],
    act: 'trailers-and-dies',
    weight: 5,
    amount: ends,
    // all of it was sent before the end, so it is the trailers that count
    expect: { each: ['closed', '200 Scripted.Error'], must: true },
  },
  {
    who: 'runtime',
    points: ['event'],
    act: 'trailers',
    weight: 3,
    // a person's answer breaks off after its first bytes, an SDK gets the document
    expect: { each: ['closed', '200 Scripted.Error'], must: true },
  },
  // polls and other calls
  {
    who: 'runtime',
    points: ['before-next', 'polling', 'event', 'answered'],
    act: 'closes',
    weight: 8,
    expect: unharmed,
  },
  {
    who: 'runtime',
    points: ['before-next', 'polling', 'event', 'answered'],
    act: 'resets',
    weight: 6,
    expect: unharmed,
  },
  { who: 'runtime', points: ['polling'], act: 'half-closes', weight: 4, expect: unharmed },
  { who: 'runtime', points: ['polling'], act: 'polls-twice', weight: 5, expect: unharmed },
  { who: 'runtime', points: ['event'], act: 'asks-again', weight: 4, expect: unharmed },
  { who: 'runtime', points: all, act: 'calls-nonsense', weight: 4, expect: unharmed },
  { who: 'runtime', points: all, act: 'talks-garbage', weight: 3, expect: unharmed },
  { who: 'runtime', points: ['before-next'], act: 'registers-inside', weight: 4, expect: unharmed },
  {
    who: 'runtime',
    points: ['start', ...all],
    act: 'floods',
    weight: 3,
    amount: [1, 2000],
    expect: unharmed,
  },
  {
    who: 'runtime',
    points: ['start', ...all],
    act: 'takes-time',
    weight: 3,
    amount: [1, 15],
    expect: unharmed,
  },
  {
    who: 'runtime',
    points: ['event'],
    act: 'is-removed',
    weight: 4,
    amount: [0, 2],
    expect: { each: ['502 Runtime.ExitError', '502 Runtime.InvalidEntrypoint'] },
  },
  // extensions
  {
    who: 'extension',
    points: ['start', 'before-register', 'registered'],
    act: 'die',
    weight: 8,
    amount: ends,
    init: true,
    expect: initDies,
  },
  {
    who: 'extension',
    points: ['start', 'before-register', 'registered'],
    act: 'killed',
    weight: 4,
    init: true,
    expect: initDies,
  },
  {
    who: 'extension',
    points: ['registered'],
    act: 'reports-and-dies',
    weight: 3,
    amount: ends,
    init: true,
    expect: initDies,
  },
  {
    who: 'extension',
    points: ['polling', 'event'],
    act: 'die',
    weight: 8,
    amount: ends,
    expect: extensionMayDie,
  },
  {
    who: 'extension',
    points: ['polling', 'event'],
    act: 'die-soon',
    weight: 6,
    amount: [0, 4000],
    expect: extensionMayDie,
  },
  { who: 'extension', points: ['polling', 'event'], act: 'killed', weight: 5, expect: extensionMayDie },
  {
    who: 'extension',
    points: ['polling', 'event'],
    act: 'forks-and-dies',
    weight: 3,
    amount: ends,
    expect: extensionMayDie,
  },
  {
    who: 'extension',
    points: ['event'],
    act: 'reports-and-dies',
    weight: 3,
    amount: ends,
    expect: extensionMayDie,
  },
  {
    who: 'extension',
    points: ['registered', 'polling', 'event'],
    act: 'closes',
    weight: 6,
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['registered', 'polling', 'event'],
    act: 'resets',
    weight: 4,
    expect: unharmed,
  },
  { who: 'extension', points: ['polling'], act: 'half-closes', weight: 2, expect: unharmed },
  { who: 'extension', points: ['polling'], act: 'polls-twice', weight: 4, expect: unharmed },
  { who: 'extension', points: ['registered', 'event'], act: 'registers-twice', weight: 3, expect: unharmed },
  { who: 'extension', points: ['registered', 'event'], act: 'calls-nonsense', weight: 3, expect: unharmed },
  { who: 'extension', points: ['registered', 'event'], act: 'talks-garbage', weight: 2, expect: unharmed },
  {
    who: 'extension',
    points: ['registered', 'event'],
    act: 'takes-time',
    weight: 3,
    amount: [1, 15],
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['shutdown'],
    act: 'die',
    weight: 4,
    amount: ends,
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['shutdown'],
    act: 'killed',
    weight: 3,
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['shutdown'],
    act: 'forks-and-dies',
    weight: 2,
    amount: ends,
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['shutdown'],
    act: 'closes',
    weight: 2,
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['shutdown'],
    act: 'polls-on',
    weight: 3,
    expect: unharmed,
  },
  // bodies of extensions that are none
  {
    who: 'extension',
    points: ['before-register'],
    act: 'registers-badly',
    weight: 5,
    amount: [0, 2],
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['registered', 'event'],
    act: 'reports-badly',
    weight: 3,
    amount: [0, 1],
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['shutdown'],
    act: 'die-soon',
    weight: 4,
    amount: [0, 3000],
    expect: unharmed,
  },
  // what costs time
  {
    who: 'runtime',
    points: ['event'],
    act: 'answers-late',
    weight: 5,
    amount: [1020, 1500],
    variants: clock,
    expect: timesOut,
  },
  { who: 'runtime', points: ['event', 'half'], act: 'stalls', weight: 6, variants: clock, expect: timesOut },
  { who: 'runtime', points: ['event', 'half'], act: 'freezes', weight: 4, variants: clock, expect: timesOut },
  { who: 'runtime', points: ['answered'], act: 'stalls', weight: 3, variants: clock, expect: unharmed },
  {
    who: 'runtime',
    points: ['start', 'before-next'],
    act: 'stalls',
    weight: 3,
    variants: clock,
    init: true,
    expect: mayTimeOut,
  },
  {
    who: 'runtime',
    points: ['event'],
    act: 'takes-time',
    weight: 14,
    amount: [985, 1012],
    variants: clock,
    expect: mayTimeOut,
  },
  {
    who: 'runtime',
    points: ['half'],
    act: 'takes-time',
    weight: 8,
    amount: [985, 1012],
    variants: clock,
    expect: mayTimeOut,
  },
  { who: 'runtime', points: ['start'], act: 'ignores-term', weight: 2, variants: clock, expect: unharmed },
  { who: 'extension', points: ['event'], act: 'stalls', weight: 4, variants: clock, expect: unharmed },
  {
    who: 'extension',
    points: ['event'],
    act: 'takes-time',
    weight: 5,
    amount: [985, 1012],
    variants: clock,
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['start', 'registered'],
    act: 'stalls',
    weight: 3,
    variants: clock,
    init: true,
    expect: mayTimeOut,
  },
  { who: 'extension', points: ['shutdown'], act: 'stalls', weight: 2, variants: clock, expect: unharmed },
  {
    who: 'extension',
    points: ['event', 'polling'],
    act: 'freezes',
    weight: 4,
    variants: clock,
    expect: unharmed,
  },
  { who: 'extension', points: ['shutdown'], act: 'freezes', weight: 2, variants: clock, expect: unharmed },
  {
    who: 'runtime',
    points: ['before-next'],
    act: 'stalls-inside',
    weight: 3,
    amount: [0, 1],
    variants: clock,
    expect: unharmed,
  },
  {
    who: 'extension',
    points: ['shutdown'],
    act: 'takes-time',
    weight: 3,
    amount: [1, 400],
    variants: clock,
    expect: unharmed,
  },
  // ends of the emulator
  {
    who: 'runtime',
    points: ['start', 'before-next', 'polling', 'event', 'half', 'sent', 'answered'],
    act: 'sigterm',
    weight: 12,
    variants: restarts,
    expect: stopped,
  },
  {
    who: 'runtime',
    points: ['start', 'before-next', 'polling', 'event', 'half', 'sent', 'answered'],
    act: 'sigint',
    weight: 6,
    variants: restarts,
    expect: stopped,
  },
  {
    who: 'runtime',
    points: ['start', 'before-next', 'polling', 'event', 'half', 'sent', 'answered'],
    act: 'sigterm-at-once',
    weight: 8,
    variants: restarts,
    expect: { each: [...stopped.each, 'closed'] },
  },
  {
    who: 'runtime',
    points: ['start', 'before-next', 'event', 'half', 'sent', 'answered'],
    act: 'sigterm-and-stalls',
    weight: 3,
    variants: restarts,
    expect: stopped,
  },
  {
    who: 'runtime',
    points: ['start', 'before-next', 'event', 'half', 'sent', 'answered'],
    act: 'sigterm-twice',
    weight: 8,
    amount: [0, 1],
    variants: restarts,
    expect: stopped,
  },
  {
    who: 'runtime',
    points: ['start', 'before-next', 'polling', 'event', 'half', 'sent', 'answered'],
    act: 'sigterm-and-dies',
    weight: 8,
    amount: ends,
    variants: restarts,
    expect: { each: [...stopped.each, ...initDies.each, ...breaksOff.each] },
  },
  {
    who: 'extension',
    points: ['start', 'registered', 'polling', 'event', 'shutdown'],
    act: 'sigterm',
    weight: 8,
    variants: restarts,
    expect: stopped,
  },
  {
    who: 'extension',
    points: ['start', 'registered', 'polling', 'event'],
    act: 'sigterm-and-dies',
    weight: 6,
    amount: ends,
    variants: restarts,
    expect: { each: [...stopped.each, ...initDies.each, ...extensionMayDie.each] },
  },
  {
    who: 'runtime',
    points: ['start', 'before-next', 'polling', 'event', 'half', 'answered'],
    act: 'emulator-killed',
    weight: 6,
    variants: restarts,
    expect: { each: ['closed'] },
  },
  {
    who: 'extension',
    points: ['start', 'registered', 'polling', 'event'],
    act: 'emulator-killed',
    weight: 4,
    variants: restarts,
    expect: { each: ['closed'] },
  },
]

export interface InjectionPoint {
  readonly who: 'runtime' | 'extension'
  readonly point: RuntimePoint | ExtensionPoint
  readonly act: ActName
  readonly amount: number
  /** springs this often, at the point's first occurrences after so many were passed */
  readonly times: number
  readonly skip: number
}

export interface Plan {
  readonly index: number
  readonly kind: string
  readonly injection: InjectionPoint | null
  /** at no point of a script */
  readonly randomSignal: RandomSignal | null
  /** processes are ended first, so that the fault meets a start */
  readonly cold: boolean
  /** how they are ended: this happens while nothing runs */
  readonly idle: 'runtime dies' | 'extension dies' | 'both die' | null
  /** a program that cannot be run while the callers come */
  readonly broken: 'bootstrap' | 'extension' | null
  /** how far that has come when callers come: the emulator knows, they are dead, or they have been sent the signal */
  readonly idleUntil: 'noticed' | 'dead' | 'struck'
  /** the extensions from the next start on */
  readonly extensions: readonly ExtensionSpec[] | null
  readonly load: readonly Load[]
  /** runtimes answer with streams */
  readonly streams: boolean
  readonly expect: Expectation
  readonly init: boolean
}

const eventSets = [['INVOKE'], ['SHUTDOWN'], ['INVOKE', 'SHUTDOWN'], ['INVOKE', 'SHUTDOWN'], []]

function someExtensions(random: Random, atLeast: number): ExtensionSpec[] {
  const count = Math.max(atLeast, random.pick([0, 0, 1, 1, 2, 3]))
  return Array.from({ length: count }, (_, n) => ({
    name: `ext${n}`,
    events: random.pick(eventSets),
    // one of them: what is told twice to one listener would be nobody's fault
    ...(n === 0 && random.chance(0.4) ? { subscriber: random.pick(subscriberKinds) } : {}),
  }))
}

const weights: Readonly<Record<VariantName, Readonly<Record<VariantName, number>>>> = {
  one: { one: 1, three: 0, signals: 0, clock: 0 },
  three: { one: 1, three: 0, signals: 0, clock: 0 },
  signals: { one: 0.05, three: 0, signals: 1, clock: 0 },
  clock: { one: 0.02, three: 0, signals: 0, clock: 1 },
}

/**
 * @param only a pattern that the kinds must match, to look at some of them closely; throws when a variant has none that
 * can be found
 */
export function planFault(variant: VariantName, index: number, random: Random, only?: RegExp): Plan {
  for (let tries = 0; tries < 20_000; tries++) {
    const plan = anyFault(variant, index, random)
    if (only === undefined || only.test(plan.kind)) return plan
  }
  throw new Error(
    `variant ${variant} has no kind of fault that matches ${only}; --variant chooses one that does`,
  )
}

function anyFault(variant: VariantName, index: number, random: Random): Plan {
  const callers = random.pick([1, 1, 1, 2, 3, 5])
  const people = load(random, callers)
  if (variant !== 'clock' && variant !== 'signals') {
    if (random.chance(0.12)) return idleFault(random, index, people)
    if (random.chance(0.03)) return launchFault(random, index, people)
    if (random.chance(0.12)) return signalFault(random, index, people)
  }
  if (variant === 'signals' && random.chance(0.2)) return signalFault(random, index, people, 'emulator')

  const table = Object.fromEntries(
    rows.map((row, at) => [at, row.weight * weights[variant][row.variants?.[0] ?? 'one']]),
  )
  const row = rows[Number(random.weighted(table))] as Row
  const point = random.pick(row.points)
  const early = row.who === 'runtime' ? ['start', 'before-next'] : ['start', 'before-register', 'registered']
  const init = row.init === true || early.includes(point)
  const cold = init || row.who === 'extension' || random.chance(0.35)
  const extensions = cold ? someExtensions(random, row.who === 'extension' ? 1 : 0) : null
  // whoever is to be caught at a point must come by it
  if (row.who === 'extension' && extensions?.[0] !== undefined) {
    const [first] = extensions
    if (point === 'event') extensions[0] = { ...first, events: ['INVOKE', 'SHUTDOWN'] }
    if (point === 'shutdown')
      extensions[0] = { ...first, events: random.pick([['SHUTDOWN'], ['INVOKE', 'SHUTDOWN']]) }
  }
  const injection: InjectionPoint = {
    who: row.who,
    point,
    act: row.act,
    amount: amountOf(row, random),
    times: row.init && random.chance(0.4) ? random.int(2, 3) : 1,
    skip: init || (callers > 1 && random.chance(0.3)) ? random.int(0, init ? 0 : 1) : 0,
  }
  // who counts chunks on its own account is not to meet callers who get every chunked answer as it comes
  const whole = row.act === 'posts-oversize-chunked'
  const streams = !whole && random.chance(0.35)
  return {
    index,
    kind: `${row.who} ${row.act} @${point}${streams ? ', streaming' : ''}`,
    injection,
    randomSignal: null,
    cold,
    idle: null,
    broken: null,
    idleUntil: 'noticed',
    extensions,
    load: whole ? people.map(gathered) : people,
    streams,
    expect: row.expect,
    init: row.init === true,
  }
}

const gathered = (one: Load): Load =>
  ['stream', 'slow-stream', 'page'].includes(one.manners) ? { ...one, manners: 'plain' } : one

function idleFault(random: Random, index: number, people: readonly Load[]): Plan {
  const idle = random.pick(['runtime dies', 'extension dies', 'both die'] as const)
  const idleUntil = random.pick(['noticed', 'noticed', 'dead', 'struck'] as const)
  const callers = { noticed: '', dead: ', callers right behind', struck: ', callers at once' }[idleUntil]
  return {
    index,
    kind: `idle: ${idle}${callers}`,
    injection: null,
    randomSignal: null,
    cold: false,
    idle,
    broken: null,
    idleUntil,
    extensions: random.chance(0.5) ? someExtensions(random, 1) : null,
    load: people,
    streams: random.chance(0.2),
    // one that has the signal and lives on for some microseconds may be handed an event
    expect: { each: idleUntil === 'struck' ? [...runtimeMayDie.each, ...extensionMayDie.each] : [] },
    init: false,
  }
}

function signalFault(
  random: Random,
  index: number,
  people: readonly Load[],
  who = random.pick(['runtime', 'extension', 'anyone'] as const) as RandomSignal['who'],
): Plan {
  const signal = who === 'emulator' ? random.pick(['SIGTERM', 'SIGTERM', 'SIGKILL'] as const) : 'SIGKILL'
  const cold = random.chance(0.6)
  return {
    index,
    kind: `at any moment: ${who} gets ${signal}`,
    injection: null,
    randomSignal: someSignal(random, who, signal),
    cold,
    idle: null,
    broken: null,
    idleUntil: 'noticed',
    extensions: cold ? someExtensions(random, who === 'extension' ? 1 : 0) : null,
    load: people,
    streams: random.chance(0.5),
    expect: {
      each:
        who === 'emulator'
          ? [...stopped.each, 'closed']
          : [...initDies.each, ...breaksOff.each, ...extensionMayDie.each],
    },
    init: false,
  }
}

function launchFault(random: Random, index: number, people: readonly Load[]): Plan {
  const broken = random.pick(['bootstrap', 'extension'] as const)
  return {
    index,
    kind: `${broken} cannot be run`,
    injection: null,
    randomSignal: null,
    cold: true,
    idle: null,
    broken,
    idleUntil: 'noticed',
    extensions: someExtensions(random, 0),
    load: people,
    streams: false,
    expect: {
      each: [broken === 'bootstrap' ? '502 Runtime.InvalidEntrypoint' : '502 Extension.LaunchError'],
    },
    init: true,
  }
}

function amountOf({ amount }: Row, random: Random): number {
  if (amount === undefined || amount === 'end') return 0
  if (amount.length === 2) return random.int(amount[0] as number, amount[1] as number)
  return random.pick(amount as readonly number[])
}
