/** Those who invoke: with good manners or without, and with a request id of their own, so that its log is found. */
import { connect, type Socket } from 'node:net'
import { type Answer, Answers, chunked, header, message } from '../kit/answers.ts'
import { readStream } from '../kit/eventstream.ts'
import type { Random } from './random.ts'

export const invokePath = '/2015-03-31/functions/function/invocations'
const streamPath = '/2021-11-15/functions/function/response-streaming-invocations'

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
  /** InvokeWithResponseStream */
  stream: 8,
  /** the Function URL */
  page: 8,
  /** megabytes, of which nothing is read for a while */
  slow: 2,
  'slow-stream': 2,
  /** away when the first bytes of an answer of megabytes are there */
  'gone-in-answer': 2,
  'reset-in-answer': 2,
} as const

const large: readonly Manners[] = ['large', 'slow', 'slow-stream', 'gone-in-answer', 'reset-in-answer']

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

  constructor(ports: Ports, kind: Manners, size: number, soon: number) {
    this.manners = kind
    // one that closes its sending side counts as gone: the listener cannot tell it from one that closes both
    this.gone = kind.startsWith('gone') || kind.startsWith('reset') || kind === 'half-close'
    const bytes = large.includes(kind) ? 3_000_000 : kind === 'too-large' ? 6_291_457 : size
    this.payload = Buffer.from(JSON.stringify({ call: this.id, pad: 'x'.repeat(bytes) }))
    const port = kind === 'page' ? ports.page : ports.gateway
    this.#socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const socket = this.#socket
    const { promise, resolve } = Promise.withResolvers<void>()
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      if (kind === 'gone-in-answer') socket.destroy()
      else if (kind === 'reset-in-answer') socket.resetAndDestroy()
      else this.answers.push(chunk)
    })
    socket.on('end', () => {
      this.answers.end()
      // its side is still open: one that waited for the first bytes to go away would wait for ever
      if (this.gone && kind !== 'half-close') socket.destroy()
    })
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
    if (kind === 'page') headers['Content-Type'] = 'application/json'
    const path = kind === 'page' ? '/a/page?of=it' : kind.includes('stream') ? streamPath : invokePath
    const whole = message('POST', path, this.payload, headers)
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
      case 'slow':
      case 'slow-stream':
        socket.write(whole)
        socket.pause()
        setTimeout(() => socket.resume(), soon * 8)
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

/** Where an emulator is called. */
export interface Ports {
  readonly gateway: number
  /** of the Function URL */
  readonly page: number
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
 * `closed` is a connection that ended without a whole answer, `cut` a page that ended early.
 */
export function outcomeOf(call: Call, answer: Answer | null): string {
  if (answer === null) return call.gone ? 'gone' : 'closed'
  const { status, body } = answer
  if (call.manners === 'page' && status !== 503) return pageOf(call, answer)
  const failed = header(answer, 'X-Amz-Function-Error') !== null
  if (header(answer, 'x-amzn-RequestId') !== call.id)
    if (call.manners !== 'page') return `wrong: answered under another id than ${call.id}`
  if (status === 202 || status === 204) return String(status)
  if (status === 200 && call.manners.includes('stream')) return streamOf(call, body)
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
  // the service answers 200 where the reference answers 502
  return call.manners === 'lambda'
    ? ofService(status, type)
    : type === 'Sandbox.Timedout'
      ? 'timeout'
      : `${status} ${type}`
}

/** As a person's answer has it. */
function ofService(status: number, type: string): string {
  if (type === 'Sandbox.Timedout') return 'timeout'
  if (type === 'ServiceUnavailableException') return `503 ${type}`
  return `${/^(Runtime\.|Extension\.|Scripted\.InitError)/.test(type) ? 502 : status} ${type}`
}

function streamOf(call: Call, body: Buffer): string {
  let read: ReturnType<typeof readStream>
  try {
    read = readStream(body)
  } catch (error) {
    return `wrong: no event stream: ${(error as Error).message}`
  }
  const { ErrorCode } = read.end
  // a type is handed on as it is, however long
  if (ErrorCode !== undefined) return ofService(200, ErrorCode.replace(/^x+$/, 'x…'))
  return read.bytes.equals(call.payload) ? 'ok' : `wrong: ${read.bytes.toString('latin1', 0, 200)}`
}

/** The runtime answers a page with its event, in which the payload is the body. */
function pageOf({ payload }: Call, { status, body }: Answer): string {
  const text = body.toString()
  if (status === 502) return text === 'Internal Server Error' ? '502 page' : `wrong: ${text.slice(0, 200)}`
  if (status !== 200) return `wrong: ${status} ${text.slice(0, 200)}`
  let sent: unknown
  try {
    sent = (JSON.parse(text) as { body: unknown }).body
  } catch {
    return 'cut'
  }
  return sent === payload.toString() ? 'ok' : `wrong: ${text.slice(0, 200)}`
}
