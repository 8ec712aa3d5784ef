/** What a injection does to the process that sprang it, and how the script of that process goes on. */
import { trailers } from '../fuzz/generate.ts'
import { kill } from '../harness.ts'
import { type Answer, chunked, message } from '../kit/answers.ts'
import { Random } from './random.ts'
import {
  eventRequest,
  extensionPath,
  type Next,
  nextRequest,
  postResponse,
  runtimePath,
  type StepContext,
  streamHeaders,
} from './scripts.ts'

const on = 'on' as const
const end = 'end' as const

/** What an act may ask of the faultRun around it. */
export interface Stage {
  /** a number that the plan chose: an exit code, a signal, microseconds, … */
  readonly amount: number
  signalEmulator(signal: NodeJS.Signals): void
  /** until every caller's request is known to the emulator */
  allIn(): Promise<void>
  breakBootstrap(how: number): void
  /** waits, unless the process ends before */
  sleep(ms: number): Promise<void>
}

export type Act = (context: StepContext, stage: Stage) => Next | Promise<Next>

const oversize = 6 * 1024 * 1024 + 101
const die: Act = ({ scripted }, { amount }) => {
  if (amount >= 1000) scripted.raise(amount - 1000)
  else scripted.exit(amount)
  return end
}

const reopen = (context: StepContext): void => {
  context.channel = context.scripted.open()
}

/** Polls again on a new connection if the script waits for an event on the one that is gone. */
const again = (context: StepContext): void => {
  reopen(context)
  if (context.point !== 'polling') return
  context.channel.send(isRuntime(context) ? nextRequest : eventRequest(context.id))
}

const isRuntime = ({ scripted }: StepContext): boolean => scripted.runtime
const wrongId = '00000000-0000-4000-8000-000000000000'
const body = (context: StepContext): Buffer => context.event?.body ?? Buffer.from('{}')

/** Says something on a connection of its own and takes the answer. */
const aside = async (context: StepContext, ...requests: Buffer[]): Promise<void> => {
  const channel = context.scripted.open()
  for (const request of requests) await channel.ask(request)
  channel.close()
}

const reportOf = (call: 'init' | 'exit', id: string): Buffer =>
  message('POST', `${extensionPath}/${call}/error`, '{}', {
    'Lambda-Extension-Identifier': id,
    'Lambda-Extension-Function-Error-Type': 'Scripted.Sick',
  })

/** An extension in the runtime's process, and how it asks for its next event. */
async function registerInside(
  context: StepContext,
): Promise<{ readonly id: string; readonly ask: () => Promise<Answer> }> {
  const channel = context.scripted.open()
  const headers = { 'Lambda-Extension-Name': 'inside' }
  const registered = await channel.ask(
    message('POST', `${extensionPath}/register`, '{"events":["INVOKE"]}', headers),
  )
  const id = registered.head.match(/Lambda-Extension-Identifier: (\S+)/i)?.[1] ?? ''
  return { id, ask: () => channel.ask(eventRequest(id)) }
}

/** Its event has been dealt with: the script goes on with a poll on a new connection. */
const pollAndGoOn = (context: StepContext): Next => {
  context.spare = context.scripted.open()
  context.spare.send(nextRequest)
  return 'answered'
}

const noChunks = [
  'zz\r\n',
  '-1\r\n',
  'ffffffffffffffff\r\n{}',
  '\r\n\r\n',
  '5\r\n{}\r\n0\r\n\r\n',
  '\0'.repeat(30),
  'GET / HTTP/1.1\r\n\r\n',
]

/** A stream that ends in trailers of an error. */
function failingStream(context: StepContext): Buffer {
  const headers = { ...streamHeaders, Trailer: 'Lambda-Runtime-Function-Error-Type' }
  const tail = '0\r\nLambda-Runtime-Function-Error-Type: Scripted.Error\r\n\r\n'
  return Buffer.concat([postResponse(context.id, '', headers), chunked(Buffer.from('"broken'), 3, tail)])
}

/** Keeps the names and gives every act its type. */
const table = <K extends string>(all: Record<K, Act>): Record<K, Act> => all

export const acts = table({
  /** with its own last breath: right behind what it sent, in one piece */
  die,
  /** a little later, while whatever was sent is under way */
  'die-soon': (context, stage) => {
    context.scripted.wait(stage.amount)
    context.scripted.raise(9)
    return end
  },
  /** by somebody else, at no particular moment of its own */
  killed({ scripted }) {
    scripted.kill()
    return end
  },
  async 'forks-and-dies'(context, stage) {
    await context.scripted.fork()
    return die(context, stage)
  },
  /** its poll, or whatever is under way, is cut off; it goes on with a new connection */
  closes(context) {
    context.channel.close()
    again(context)
    return on
  },
  resets(context) {
    context.channel.reset()
    again(context)
    return on
  },
  'half-closes'(context) {
    context.channel.halfClose()
    again(context)
    return on
  },
  async 'polls-twice'(context) {
    const first = context.channel
    const second = context.scripted.open()
    second.send(isRuntime(context) ? nextRequest : eventRequest(context.id))
    // either poll may be seen first; a runtime may poll as often as it likes, one of an extension's is refused
    await Promise.race([first.answers.ready(), second.answers.ready()])
    const [early, late] = first.answers.waiting ? [first, second] : [second, first]
    context.channel = early
    if (isRuntime(context)) {
      context.spare = late
      return on
    }
    context.overeager = true
    const refused = (await early.answers.peek())?.status !== 200
    // if an event came between the two, they were polls one after the other, or the second one was refused
    if (refused) context.channel = late
    else context.spare = late
    return on
  },
  /** in the middle of an upload, or right behind it */
  'closes-and-polls'(context, { amount }) {
    if (amount % 3 === 0) context.channel.reset()
    else if (amount % 3 === 1) context.channel.halfClose()
    else context.channel.close()
    return pollAndGoOn(context)
  },
  /** the event got lost, so it asks again */
  async 'asks-again'(context) {
    await context.channel.ask(nextRequest)
    return on
  },
  async 'wrong-id'(context) {
    await aside(context, postResponse(wrongId, body(context)), postResponse(wrongId, '{}', {}, 'error'))
    return on
  },
  async 'double-response'(context) {
    await aside(
      context,
      postResponse(context.id || wrongId, '"double"'),
      postResponse(context.id, '{}', {}, 'error'),
    )
    return on
  },
  async 'posts-error'(context) {
    const document = JSON.stringify({ errorType: 'Scripted.Error', errorMessage: 'as planned' })
    await aside(context, postResponse(context.id, document, {}, 'error'))
    return pollAndGoOn(context)
  },
  async 'posts-oversize'(context) {
    await aside(context, postResponse(context.id, Buffer.alloc(oversize, 'x')))
    return pollAndGoOn(context)
  },
  async 'posts-oversize-chunked'(context) {
    const head = postResponse(context.id, '', { 'Transfer-Encoding': 'chunked' })
    await aside(context, Buffer.concat([head, chunked(Buffer.alloc(oversize, 'x'), 500_000)]))
    return pollAndGoOn(context)
  },
  async 'posts-oversize-error'(context) {
    await aside(context, postResponse(context.id, Buffer.alloc(oversize, 'x'), {}, 'error'))
    return pollAndGoOn(context)
  },
  truncates(context, { amount }) {
    const channel = context.scripted.open()
    channel.send(postResponse(context.id, '"half', { 'Content-Length': '1000' }))
    if (amount % 2 === 0) channel.close()
    else channel.reset()
    return pollAndGoOn(context)
  },
  'truncates-chunks'(context, { amount }) {
    const channel = context.scripted.open()
    channel.send(postResponse(context.id, '', { 'Transfer-Encoding': 'chunked' }))
    channel.send(chunked(Buffer.from('"half'), 3, ''))
    if (amount % 2 === 0) channel.close()
    else channel.reset()
    return pollAndGoOn(context)
  },
  async 'bad-mode'(context) {
    const headers = { 'Lambda-Runtime-Function-Response-Mode': 'sideways' }
    await aside(context, postResponse(context.id, '"no"', headers))
    return on
  },
  async streams(context) {
    const head = postResponse(context.id, '', streamHeaders)
    await aside(context, Buffer.concat([head, chunked(body(context), 77)]))
    return pollAndGoOn(context)
  },
  /** a stream that says nothing for a while, and then goes on byte by byte */
  async 'streams-slowly'(context, stage) {
    const channel = context.scripted.open()
    const content = body(context)
    channel.send(postResponse(context.id, '', streamHeaders))
    channel.send(chunked(content.subarray(0, 10), 10, ''))
    await stage.sleep(stage.amount)
    channel.send(chunked(content.subarray(10, 40), 1, ''))
    channel.send(chunked(content.subarray(40), 10_000))
    await channel.answer()
    channel.close()
    return pollAndGoOn(context)
  },
  /** all of a stream, and then trailers of any kind; or chunks that are none in the middle of it */
  async 'streams-garbage'(context, { amount }) {
    const random = new Random('garbage', amount)
    const channel = context.scripted.open()
    const content = body(context)
    channel.send(
      postResponse(context.id, '', { ...streamHeaders, Trailer: 'Lambda-Runtime-Function-Error-Type' }),
    )
    if (random.chance(0.7)) channel.send(chunked(content, 5000, `0\r\n${trailers(random)}`))
    else
      channel.send(
        Buffer.concat([chunked(content.subarray(0, 20), 7, ''), Buffer.from(random.pick(noChunks))]),
      )
    await Promise.race([channel.answers.next(), Bun.sleep(20)])
    channel.close()
    return pollAndGoOn(context)
  },
  async trailers(context) {
    const channel = context.scripted.open()
    channel.send(failingStream(context))
    await channel.answers.next()
    return pollAndGoOn(context)
  },
  /** its last breath is right behind the trailers, in one piece with them */
  'trailers-and-dies'(context, stage) {
    const channel = context.scripted.open()
    channel.send(failingStream(context))
    return die(context, stage)
  },
  async 'init-error-and-dies'(context, stage) {
    const document = JSON.stringify({ errorType: 'Scripted.InitError', errorMessage: 'as planned' })
    context.channel.send(message('POST', `${runtimePath}/init/error`, document))
    if (stage.amount % 2 === 0) await context.channel.answer()
    context.scripted.exit(1)
    return end
  },
  async 'init-error-and-stays'(context) {
    const document = JSON.stringify({ errorType: 'Scripted.InitError', errorMessage: 'as planned' })
    await context.channel.ask(message('POST', `${runtimePath}/init/error`, document))
    return end
  },
  async 'late-init-error'(context) {
    await aside(context, message('POST', `${runtimePath}/init/error`, '{}'))
    return on
  },
  async 'calls-nonsense'(context) {
    await aside(
      context,
      message('GET', '/nowhere'),
      message('DELETE', `${runtimePath}/invocation/next`),
      message('PUT', `${runtimePath}/invocation/${wrongId}/response`, 'x'),
      message('POST', `${extensionPath}/register`, 'no json', { 'Lambda-Extension-Name': 'nobody' }),
      eventRequest(wrongId),
      eventRequest('not-a-uuid'),
      message('POST', `${extensionPath}/exit/error`, '{}', { 'Lambda-Extension-Identifier': wrongId }),
      message('PUT', '/2022-07-01/telemetry', '{}'),
    )
    return on
  },
  async 'talks-garbage'(context) {
    const channel = context.scripted.open()
    channel.send('\x00\x01garbage \r\n\r\n')
    await channel.answers.next()
    channel.close()
    return on
  },
  /** an internal extension, which lives in the runtime's process; asks for INVOKE and then for every event */
  async 'registers-inside'(context) {
    const inside = await registerInside(context)
    const serve = async (): Promise<void> => {
      while ((await inside.ask()).status === 200);
    }
    serve().catch(() => {})
    return on
  },
  /** one that takes an event and is not heard of again, or tells of an error and stays */
  async 'stalls-inside'(context, { amount }) {
    const inside = await registerInside(context)
    const serve = async (): Promise<void> => {
      await inside.ask()
      if (amount === 1) await aside(context, reportOf('exit', inside.id))
    }
    serve().catch(() => {})
    return on
  },
  floods(context, { amount }) {
    context.scripted.print(`${'flood '.repeat(amount)}\n`.repeat(20))
    context.scripted.print('no end of line')
    return on
  },
  /** an extension says what is wrong with it, and ends */
  async 'reports-and-dies'(context, stage) {
    await aside(context, reportOf(context.point === 'registered' ? 'init' : 'exit', context.id))
    return die(context, stage)
  },
  /** registrations that break off or are too large; what follows is as it should be */
  async 'registers-badly'(context, { amount }) {
    const headers = { 'Lambda-Extension-Name': context.scripted.name }
    const register = (body: string | Buffer, more: Record<string, string> = {}): Buffer =>
      message('POST', `${extensionPath}/register`, body, { ...headers, ...more })
    if (amount === 2) {
      await aside(context, register(Buffer.alloc(oversize, ' ')))
      return on
    }
    const channel = context.scripted.open()
    channel.send(register('{"events":["INVOKE"', { 'Content-Length': '500' }))
    if (amount === 0) channel.close()
    else channel.reset()
    return on
  },
  /** a report that breaks off, without the header that it needs; or one of megabytes that is refused */
  async 'reports-badly'(context, { amount }) {
    const headers = { 'Lambda-Extension-Identifier': context.id }
    if (amount === 1) {
      const call = message('POST', `${extensionPath}/init/error`, Buffer.alloc(oversize, 'x'), headers)
      await aside(context, call)
      return on
    }
    const channel = context.scripted.open()
    channel.send(message('POST', `${extensionPath}/exit/error`, '{', { ...headers, 'Content-Length': '500' }))
    channel.close()
    return on
  },
  async 'registers-twice'(context) {
    const headers = { 'Lambda-Extension-Name': context.scripted.name }
    await aside(
      context,
      message('POST', `${extensionPath}/register`, '{"events":["INVOKE"]}', headers),
      message('POST', `${extensionPath}/register`, '{"events":["LUNCH"]}', headers),
      message('POST', `${extensionPath}/register`, '{', headers),
    )
    return on
  },
  /** a moment of thought */
  async 'takes-time'(_scene, stage) {
    await stage.sleep(stage.amount)
    return on
  },
  /** told to end, it goes on, and says what nobody waits for any more */
  async 'answers-late'(context, stage) {
    context.scripted.ignoreTerm()
    await stage.sleep(stage.amount)
    return on
  },
  /** as an extension of the Rust crate: it polls again after its SHUTDOWN and never ends by itself */
  'polls-on'(context) {
    context.channel.send(eventRequest(context.id))
    return end
  },
  /** nothing more is ever heard of it */
  stalls: () => end,
  freezes({ scripted }) {
    scripted.flush()
    kill(scripted.pid, 'SIGSTOP')
    return end
  },
  'ignores-term'({ scripted }) {
    scripted.ignoreTerm()
    return on
  },
  /** the program is taken away, and then the process ends */
  'is-removed': (context, stage) => {
    stage.breakBootstrap(stage.amount)
    context.scripted.raise(9)
    return end
  },
  async sigterm(_scene, stage) {
    await stage.allIn()
    stage.signalEmulator('SIGTERM')
    return on
  },
  async sigint(_scene, stage) {
    await stage.allIn()
    stage.signalEmulator('SIGINT')
    return on
  },
  'sigterm-at-once': (_scene, stage) => {
    stage.signalEmulator('SIGTERM')
    return on
  },
  async 'sigterm-and-stalls'(_scene, stage) {
    await stage.allIn()
    stage.signalEmulator('SIGTERM')
    return end
  },
  async 'sigterm-twice'(_scene, stage) {
    await stage.allIn()
    stage.signalEmulator('SIGTERM')
    stage.signalEmulator('SIGINT')
    return stage.amount % 2 === 0 ? end : on
  },
  async 'sigterm-and-dies'(context, stage) {
    await stage.allIn()
    stage.signalEmulator('SIGTERM')
    return die(context, stage)
  },
  'emulator-killed': (_scene, stage) => {
    stage.signalEmulator('SIGKILL')
    return end
  },
})

export type ActName = keyof typeof acts
