/**
 * What a good runtime and a good extension do, with the points at which a injection may spring. A injection is a fault that
 * waits for its point: it acts on the process in that very moment, and says whether the script goes on.
 */
import { type Answer, chunked, header, message } from '../kit/answers.ts'
import { type Channel, Gone, type ScriptedProcess } from './scripted-process.ts'
import type { SubscriberKind } from './subscribers.ts'

export const runtimePath = '/2018-06-01/runtime'
export const extensionPath = '/2020-01-01/extension'
export const nextRequest: Buffer = message('GET', `${runtimePath}/invocation/next`)

export type RuntimePoint = 'start' | 'before-next' | 'polling' | 'event' | 'half' | 'sent' | 'answered'
export type ExtensionPoint = 'start' | 'before-register' | 'registered' | 'polling' | 'event' | 'shutdown'

export type Point = RuntimePoint | ExtensionPoint

/** Where a script is: what an act can reach. */
export interface StepContext {
  readonly scripted: ScriptedProcess
  readonly point: Point
  channel: Channel
  /** parked beside the channel that the script reads: it gets the next event */
  spare: Channel | null
  readonly event: Answer | null
  /** of the invocation, or of the extension */
  readonly id: string
  /** it has polled when it should not have, so that a refusal is none of its end */
  overeager: boolean
}

/** How a script goes on: as if nothing had happened, not at all, or with the next poll: its event has been dealt with. */
export type Next = 'on' | 'end' | 'answered'

/** Called at every point. */
export type At = (context: StepContext) => Promise<Next>

export const postResponse = (
  id: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
  call = 'response',
): Buffer => message('POST', `${runtimePath}/invocation/${id}/${call}`, body, headers)

export const streamHeaders = {
  'Lambda-Runtime-Function-Response-Mode': 'streaming',
  'Transfer-Encoding': 'chunked',
  'Content-Type': 'application/octet-stream',
} as const

/** The answer that echoes an event, in two halves: whole, or as a stream of about twenty pieces. */
function echo(id: string, body: Buffer, streams: boolean): readonly [Buffer, Buffer] {
  const middle = Math.ceil(body.byteLength / 2)
  if (!streams) {
    const response = postResponse(id, body)
    const half = response.byteLength - middle
    return [response.subarray(0, half), response.subarray(half)]
  }
  const size = Math.ceil(body.byteLength / 20)
  const begin = chunked(body.subarray(0, middle), size, '')
  return [Buffer.concat([postResponse(id, '', streamHeaders), begin]), chunked(body.subarray(middle), size)]
}

/** `streams` says of each answer whether it is one. */
export async function playRuntime(
  scripted: ScriptedProcess,
  at: At,
  streams: () => boolean = () => false,
): Promise<StepContext> {
  let context: StepContext = {
    scripted,
    point: 'start',
    channel: undefined as unknown as Channel,
    spare: null,
    event: null,
    id: '',
    overeager: false,
  }
  const reach = async (point: Point, more: Partial<StepContext> = {}): Promise<Next> => {
    context = Object.assign(context, more, { point })
    return at(context)
  }
  try {
    if ((await reach('start')) === 'end') return context
    context.channel = scripted.open()
    if ((await reach('before-next')) === 'end') return context
    for (;;) {
      if (context.spare !== null) {
        context.channel.close()
        context.channel = context.spare
        context.spare = null
      } else context.channel.send(nextRequest)
      if ((await reach('polling')) === 'end') return context
      const event = await context.channel.answer()
      if (event.status !== 200) {
        // refused: the environment has stopped, or is about to
        scripted.exit(3)
        return context
      }
      const id = header(event, 'Lambda-Runtime-Aws-Request-Id') ?? ''
      let course = await reach('event', { event, id })
      if (course === 'end') return context
      if (course === 'answered') continue
      const [begin, rest] = echo(id, event.body, streams())
      scripted.print(`line ${id}\n`)
      context.channel.send(begin)
      course = await reach('half')
      if (course === 'end') return context
      if (course === 'answered') continue
      context.channel.send(rest)
      course = await reach('sent')
      if (course === 'end') return context
      if (course === 'answered') continue
      await context.channel.answer()
      if ((await reach('answered')) === 'end') return context
    }
  } catch (error) {
    if (error instanceof Gone) return context
    throw error
  }
}

export interface ExtensionSpec {
  readonly name: string
  readonly events: readonly string[]
  /** who gets its telemetry */
  readonly subscriber?: SubscriberKind
}

export const registration = ({ name, events }: ExtensionSpec): Buffer =>
  message('POST', `${extensionPath}/register`, JSON.stringify({ events }), { 'Lambda-Extension-Name': name })

export const eventRequest = (id: string): Buffer =>
  message('GET', `${extensionPath}/event/next`, null, { 'Lambda-Extension-Identifier': id })

export async function playExtension(
  scripted: ScriptedProcess,
  spec: ExtensionSpec,
  at: At,
  subscription: (id: string, kind: SubscriberKind) => Buffer,
): Promise<StepContext> {
  let context: StepContext = {
    scripted,
    point: 'start',
    channel: undefined as unknown as Channel,
    spare: null,
    event: null,
    id: '',
    overeager: false,
  }
  const reach = async (point: Point, more: Partial<StepContext> = {}): Promise<Next> => {
    context = Object.assign(context, more, { point })
    return at(context)
  }
  try {
    if ((await reach('start')) === 'end') return context
    context.channel = scripted.open()
    if ((await reach('before-register')) === 'end') return context
    const registered = await context.channel.ask(registration(spec))
    const id = header(registered, 'Lambda-Extension-Identifier') ?? ''
    if (registered.status !== 200) {
      scripted.exit(4)
      return context
    }
    if ((await reach('registered', { id })) === 'end') return context
    // refused when init is over already
    if (spec.subscriber !== undefined) await context.channel.ask(subscription(id, spec.subscriber))
    for (;;) {
      if (context.spare !== null) {
        context.channel.close()
        context.channel = context.spare
        context.spare = null
      } else context.channel.send(eventRequest(id))
      if ((await reach('polling')) === 'end') return context
      const event = await context.channel.answer()
      if (event.status !== 200 && context.overeager) {
        context.overeager = false
        continue
      }
      if (event.status !== 200) {
        scripted.exit(3)
        return context
      }
      const type = (JSON.parse(event.body.toString()) as { eventType: string }).eventType
      if ((await reach(type === 'SHUTDOWN' ? 'shutdown' : 'event', { event })) === 'end') return context
      if (type === 'SHUTDOWN') {
        scripted.exit(0)
        return context
      }
    }
  } catch (error) {
    if (error instanceof Gone) return context
    throw error
  }
}
