/** Those who invoke: with good manners or without, and with a request id of their own, so that its log is found. */
import { connect, type Socket } from 'node:net'
import { type Answer, Answers, chunked, header, message } from '../kit/answers.ts'
import type { Random } from './random.ts'

export const invokePath = '/2015-03-31/functions/function/invocations'

export type Manners = keyof typeof manners

/** Weight of each in a random load. */
export const manners = {
  plain: 60,
  chunked: 4,
  piecemeal: 4,
  expect: 2,
  tail: 4,
  lambda: 6,
  large: 2,
  event: 4,
  dry: 1,
  'too-large': 0.3,
  'bad-context': 1,
  'half-close': 1,
  'gone-connected': 2,
  'gone-in-head': 3,
  'gone-in-body': 3,
  'gone-sent': 4,
  'gone-soon': 6,
  'reset-sent': 2,
  'reset-soon': 3,
} as const

export class Call {
  readonly id: string = crypto.randomUUID()
  readonly manners: Manners
  readonly payload: Buffer
  readonly answers: Answers = new Answers()
  /** settles when nothing more is to be expected */
  readonly done: Promise<Answer | null>
  /** it went away on purpose, or does not ask for an answer of the function */
  readonly gone: boolean
  /** everything that it had to say has been handed to the kernel */
  sent = false
  readonly #socket: Socket

  constructor(port: number, kind: Manners, size: number, soon: number) {
    this.manners = kind
    // one that closes its sending side counts as gone: the listener cannot tell it from one that closes both
    this.gone = kind.startsWith('gone') || kind.startsWith('reset') || kind === 'half-close'
    const bytes = kind === 'large' ? 3_000_000 : kind === 'too-large' ? 6_291_457 : size
    this.payload = Buffer.from(JSON.stringify({ call: this.id, pad: 'x'.repeat(bytes) }))
    this.#socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const socket = this.#socket
    const { promise, resolve } = Promise.withResolvers<void>()
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.answers.push(chunk))
    socket.on('end', () => this.answers.end())
    socket.on('error', () => {})
    socket.on('close', () => {
      this.answers.end()
      resolve()
    })
    socket.on('connect', () => {
      this.#speak(kind, soon)
    })
    this.done = this.gone && kind !== 'half-close' ? promise.then(() => null) : this.answers.next()
  }

  #speak(kind: Manners, soon: number): void {
    const socket = this.#socket
    const headers: Record<string, string> = { 'X-Amzn-RequestId': this.id }
    if (kind === 'tail') headers['X-Amz-Log-Type'] = 'Tail'
    if (kind === 'lambda') headers['amz-sdk-invocation-id'] = this.id
    if (kind === 'event') headers['X-Amz-Invocation-Type'] = 'Event'
    if (kind === 'dry') headers['X-Amz-Invocation-Type'] = 'DryRun'
    if (kind === 'bad-context') headers['X-Amz-Client-Context'] = 'no base64!'
    if (kind === 'expect') headers.Expect = '100-continue'
    const whole = message('POST', invokePath, this.payload, headers)
    const head = whole.byteLength - this.payload.byteLength
    switch (kind) {
      case 'chunked':
        socket.write(message('POST', invokePath, null, { ...headers, 'Transfer-Encoding': 'chunked' }))
        socket.write(chunked(this.payload, 1000))
        break
      case 'piecemeal':
        socket.write(whole.subarray(0, 30))
        setImmediate(() => {
          socket.write(whole.subarray(30, head + 5))
          setImmediate(() => socket.write(whole.subarray(head + 5)))
        })
        break
      case 'gone-connected':
        socket.destroy()
        break
      case 'gone-in-head':
        socket.write(whole.subarray(0, head - 7), () => socket.destroy())
        break
      case 'gone-in-body':
        socket.write(whole.subarray(0, head + 9), () => socket.destroy())
        break
      case 'gone-sent':
        socket.write(whole, () => socket.destroy())
        break
      case 'reset-sent':
        socket.write(whole, () => socket.resetAndDestroy())
        break
      case 'gone-soon':
        socket.write(whole, () => setTimeout(() => socket.destroy(), soon))
        break
      case 'reset-soon':
        socket.write(whole, () => setTimeout(() => socket.resetAndDestroy(), soon))
        break
      case 'half-close':
        socket.end(whole)
        break
      default:
        socket.write(whole)
    }
    this.sent = true
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** A load of callers, as data. */
export interface Load {
  readonly manners: Manners
  readonly size: number
  readonly soon: number
}

export function load(random: Random, count: number): Load[] {
  return Array.from({ length: count }, () => ({
    manners: random.weighted(manners),
    size: random.chance(0.1) ? random.int(1000, 200_000) : random.int(0, 300),
    soon: random.int(0, 8),
  }))
}

/**
 * What became of a call, in a word or two: `ok` is its own payload and nothing else, `wrong` is what must never be,
 * `closed` is a connection that ended without an answer.
 */
export function outcomeOf(call: Call, answer: Answer | null): string {
  if (answer === null) return call.gone ? 'gone' : 'closed'
  const { status, body } = answer
  const failed = header(answer, 'X-Amz-Function-Error') !== null
  if (header(answer, 'x-amzn-RequestId') !== call.id)
    return `wrong: answered under another id than ${call.id}`
  if (status === 202 || status === 204) return String(status)
  if (status === 200 && !failed) {
    return body.equals(call.payload) ? 'ok' : `wrong: ${body.toString('latin1', 0, 200)}`
  }
  const text = body.toString()
  if (text.startsWith('Task timed out')) return 'timeout'
  let type: string
  try {
    const document = JSON.parse(text) as Record<string, string>
    type = document.errorType ?? header(answer, 'x-amzn-ErrorType') ?? '?'
  } catch {
    return `wrong: ${status} ${text.slice(0, 200)}`
  }
  if (type === 'Sandbox.Timedout') return 'timeout'
  // the service answers 200 where the reference answers 502
  const platform = /^(Runtime\.|Extension\.|Scripted\.InitError)/.test(type)
  return `${call.manners === 'lambda' && platform ? 502 : status} ${type}`
}
