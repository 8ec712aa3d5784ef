/** What a trap does to the process that sprang it, and how the script of that process goes on. */
import { kill } from '../harness.ts'
import { type Answer, chunked, message } from './http.ts'
import {
  type Course,
  eventRequest,
  extensionPath,
  nextRequest,
  postResponse,
  runtimePath,
  type Scene,
} from './scripts.ts'

const on = 'on' as const
const end = 'end' as const

/** What an act may ask of the world around it. */
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

export type Act = (scene: Scene, stage: Stage) => Course | Promise<Course>

const oversize = 6 * 1024 * 1024 + 101
const die: Act = ({ puppet }, { amount }) => {
  if (amount >= 1000) puppet.raise(amount - 1000)
  else puppet.exit(amount)
  return end
}

const reopen = (scene: Scene): void => {
  scene.channel = scene.puppet.open()
}

/** Polls again on a new connection if the script waits for an event on the one that is gone. */
const again = (scene: Scene): void => {
  reopen(scene)
  if (scene.point !== 'polling') return
  scene.channel.send(isRuntime(scene) ? nextRequest : eventRequest(scene.id))
}

const isRuntime = ({ puppet }: Scene): boolean => puppet.runtime
const wrongId = '00000000-0000-4000-8000-000000000000'
const body = (scene: Scene): Buffer => scene.event?.body ?? Buffer.from('{}')

/** Says something on a connection of its own and takes the answer. */
const aside = async (scene: Scene, ...requests: Buffer[]): Promise<void> => {
  const channel = scene.puppet.open()
  for (const request of requests) await channel.ask(request)
  channel.close()
}

const reportOf = (call: 'init' | 'exit', id: string): Buffer =>
  message('POST', `${extensionPath}/${call}/error`, '{}', {
    'Lambda-Extension-Identifier': id,
    'Lambda-Extension-Function-Error-Type': 'Puppet.Sick',
  })

/** An extension in the runtime's process, and how it asks for its next event. */
async function registerInside(
  scene: Scene,
): Promise<{ readonly id: string; readonly ask: () => Promise<Answer> }> {
  const channel = scene.puppet.open()
  const headers = { 'Lambda-Extension-Name': 'inside' }
  const registered = await channel.ask(
    message('POST', `${extensionPath}/register`, '{"events":["INVOKE"]}', headers),
  )
  const id = registered.head.match(/Lambda-Extension-Identifier: (\S+)/i)?.[1] ?? ''
  return { id, ask: () => channel.ask(eventRequest(id)) }
}

/** Its event has been dealt with: the script goes on with a poll on a new connection. */
const pollAndGoOn = (scene: Scene): Course => {
  scene.spare = scene.puppet.open()
  scene.spare.send(nextRequest)
  return 'answered'
}

/** Keeps the names and gives every act its type. */
const table = <K extends string>(all: Record<K, Act>): Record<K, Act> => all

export const acts = table({
  /** with its own last breath: right behind what it sent, in one piece */
  die,
  /** a little later, while whatever was sent is under way */
  'die-soon': (scene, stage) => {
    scene.puppet.wait(stage.amount)
    scene.puppet.raise(9)
    return end
  },
  /** by somebody else, at no particular moment of its own */
  killed({ puppet }) {
    puppet.kill()
    return end
  },
  async 'forks-and-dies'(scene, stage) {
    await scene.puppet.fork()
    return die(scene, stage)
  },
  /** its poll, or whatever is under way, is cut off; it goes on with a new connection */
  closes(scene) {
    scene.channel.close()
    again(scene)
    return on
  },
  resets(scene) {
    scene.channel.reset()
    again(scene)
    return on
  },
  'half-closes'(scene) {
    scene.channel.halfClose()
    again(scene)
    return on
  },
  async 'polls-twice'(scene) {
    const first = scene.channel
    const second = scene.puppet.open()
    second.send(isRuntime(scene) ? nextRequest : eventRequest(scene.id))
    // either poll may be seen first; a runtime may poll as often as it likes, one of an extension's is refused
    await Promise.race([first.answers.ready(), second.answers.ready()])
    const [early, late] = first.answers.waiting ? [first, second] : [second, first]
    scene.channel = early
    if (isRuntime(scene)) {
      scene.spare = late
      return on
    }
    scene.overeager = true
    const refused = (await early.answers.peek())?.status !== 200
    // if an event came between the two, they were polls one after the other, or the second one was refused
    if (refused) scene.channel = late
    else scene.spare = late
    return on
  },
  /** in the middle of an upload, or right behind it */
  'closes-and-polls'(scene, { amount }) {
    if (amount % 3 === 0) scene.channel.reset()
    else if (amount % 3 === 1) scene.channel.halfClose()
    else scene.channel.close()
    return pollAndGoOn(scene)
  },
  /** the event got lost, so it asks again */
  async 'asks-again'(scene) {
    await scene.channel.ask(nextRequest)
    return on
  },
  async 'wrong-id'(scene) {
    await aside(scene, postResponse(wrongId, body(scene)), postResponse(wrongId, '{}', {}, 'error'))
    return on
  },
  async 'double-response'(scene) {
    await aside(
      scene,
      postResponse(scene.id || wrongId, '"double"'),
      postResponse(scene.id, '{}', {}, 'error'),
    )
    return on
  },
  async 'posts-error'(scene) {
    const document = JSON.stringify({ errorType: 'Puppet.Error', errorMessage: 'as planned' })
    await aside(scene, postResponse(scene.id, document, {}, 'error'))
    return pollAndGoOn(scene)
  },
  async 'posts-oversize'(scene) {
    await aside(scene, postResponse(scene.id, Buffer.alloc(oversize, 'x')))
    return pollAndGoOn(scene)
  },
  async 'posts-oversize-chunked'(scene) {
    const head = postResponse(scene.id, '', { 'Transfer-Encoding': 'chunked' })
    await aside(scene, Buffer.concat([head, chunked(Buffer.alloc(oversize, 'x'), 500_000)]))
    return pollAndGoOn(scene)
  },
  async 'posts-oversize-error'(scene) {
    await aside(scene, postResponse(scene.id, Buffer.alloc(oversize, 'x'), {}, 'error'))
    return pollAndGoOn(scene)
  },
  truncates(scene, { amount }) {
    const channel = scene.puppet.open()
    channel.send(postResponse(scene.id, '"half', { 'Content-Length': '1000' }))
    if (amount % 2 === 0) channel.close()
    else channel.reset()
    return pollAndGoOn(scene)
  },
  'truncates-chunks'(scene, { amount }) {
    const channel = scene.puppet.open()
    channel.send(postResponse(scene.id, '', { 'Transfer-Encoding': 'chunked' }))
    channel.send(chunked(Buffer.from('"half'), 3, ''))
    if (amount % 2 === 0) channel.close()
    else channel.reset()
    return pollAndGoOn(scene)
  },
  async 'bad-mode'(scene) {
    const headers = { 'Lambda-Runtime-Function-Response-Mode': 'sideways' }
    await aside(scene, postResponse(scene.id, '"no"', headers))
    return on
  },
  async streams(scene) {
    const headers = {
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      'Content-Type': 'application/octet-stream',
    }
    const head = postResponse(scene.id, '', headers)
    await aside(scene, Buffer.concat([head, chunked(body(scene), 77)]))
    return pollAndGoOn(scene)
  },
  async trailers(scene) {
    const headers = {
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      Trailer: 'Lambda-Runtime-Function-Error-Type',
    }
    const channel = scene.puppet.open()
    const tail = '0\r\nLambda-Runtime-Function-Error-Type: Puppet.Error\r\n\r\n'
    channel.send(
      Buffer.concat([postResponse(scene.id, '', headers), chunked(Buffer.from('"broken'), 3, tail)]),
    )
    await channel.answers.next()
    return pollAndGoOn(scene)
  },
  async 'init-error-and-dies'(scene, stage) {
    const document = JSON.stringify({ errorType: 'Puppet.InitError', errorMessage: 'as planned' })
    scene.channel.send(message('POST', `${runtimePath}/init/error`, document))
    if (stage.amount % 2 === 0) await scene.channel.answer()
    scene.puppet.exit(1)
    return end
  },
  async 'init-error-and-stays'(scene) {
    const document = JSON.stringify({ errorType: 'Puppet.InitError', errorMessage: 'as planned' })
    await scene.channel.ask(message('POST', `${runtimePath}/init/error`, document))
    return end
  },
  async 'late-init-error'(scene) {
    await aside(scene, message('POST', `${runtimePath}/init/error`, '{}'))
    return on
  },
  async 'calls-nonsense'(scene) {
    await aside(
      scene,
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
  async 'talks-garbage'(scene) {
    const channel = scene.puppet.open()
    channel.send('\x00\x01garbage \r\n\r\n')
    await channel.answers.next()
    channel.close()
    return on
  },
  /** an internal extension, which lives in the runtime's process; asks for INVOKE and then for every event */
  async 'registers-inside'(scene) {
    const inside = await registerInside(scene)
    const serve = async (): Promise<void> => {
      while ((await inside.ask()).status === 200);
    }
    serve().catch(() => {})
    return on
  },
  /** one that takes an event and is not heard of again, or tells of an error and stays */
  async 'stalls-inside'(scene, { amount }) {
    const inside = await registerInside(scene)
    const serve = async (): Promise<void> => {
      await inside.ask()
      if (amount === 1) await aside(scene, reportOf('exit', inside.id))
    }
    serve().catch(() => {})
    return on
  },
  floods(scene, { amount }) {
    scene.puppet.print(`${'flood '.repeat(amount)}\n`.repeat(20))
    scene.puppet.print('no end of line')
    return on
  },
  /** an extension says what is wrong with it, and ends */
  async 'reports-and-dies'(scene, stage) {
    await aside(scene, reportOf(scene.point === 'registered' ? 'init' : 'exit', scene.id))
    return die(scene, stage)
  },
  /** registrations that break off or are too large; what follows is as it should be */
  async 'registers-badly'(scene, { amount }) {
    const headers = { 'Lambda-Extension-Name': scene.puppet.name }
    const register = (body: string | Buffer, more: Record<string, string> = {}): Buffer =>
      message('POST', `${extensionPath}/register`, body, { ...headers, ...more })
    if (amount === 2) {
      await aside(scene, register(Buffer.alloc(oversize, ' ')))
      return on
    }
    const channel = scene.puppet.open()
    channel.send(register('{"events":["INVOKE"', { 'Content-Length': '500' }))
    if (amount === 0) channel.close()
    else channel.reset()
    return on
  },
  /** a report that breaks off, without the header that it needs; or one of megabytes that is refused */
  async 'reports-badly'(scene, { amount }) {
    const headers = { 'Lambda-Extension-Identifier': scene.id }
    if (amount === 1) {
      const call = message('POST', `${extensionPath}/init/error`, Buffer.alloc(oversize, 'x'), headers)
      await aside(scene, call)
      return on
    }
    const channel = scene.puppet.open()
    channel.send(message('POST', `${extensionPath}/exit/error`, '{', { ...headers, 'Content-Length': '500' }))
    channel.close()
    return on
  },
  async 'registers-twice'(scene) {
    const headers = { 'Lambda-Extension-Name': scene.puppet.name }
    await aside(
      scene,
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
  async 'answers-late'(scene, stage) {
    scene.puppet.ignoreTerm()
    await stage.sleep(stage.amount)
    return on
  },
  /** as an extension of the Rust crate: it polls again after its SHUTDOWN and never ends by itself */
  'polls-on'(scene) {
    scene.channel.send(eventRequest(scene.id))
    return end
  },
  /** nothing more is ever heard of it */
  stalls: () => end,
  freezes({ puppet }) {
    puppet.flush()
    kill(puppet.pid, 'SIGSTOP')
    return end
  },
  'ignores-term'({ puppet }) {
    puppet.ignoreTerm()
    return on
  },
  /** the program is taken away, and then the process ends */
  'is-removed': (scene, stage) => {
    stage.breakBootstrap(stage.amount)
    scene.puppet.raise(9)
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
  async 'sigterm-and-dies'(scene, stage) {
    await stage.allIn()
    stage.signalEmulator('SIGTERM')
    return die(scene, stage)
  },
  'emulator-killed': (_scene, stage) => {
    stage.signalEmulator('SIGKILL')
    return end
  },
})

export type ActName = keyof typeof acts
