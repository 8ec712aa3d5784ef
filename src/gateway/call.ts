/** One request of a caller that was found to be an invocation, from its body to its answer. */

import type { Outcome, Payload } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { Invocation } from '../engine/invocation.ts'
import type { Pool } from '../engine/pool.ts'
import { type Body, emptyObject } from './body.ts'
import { contentProblem } from './content.ts'
import { type Answer, invalidContent, render, requestTooLarge, type SpokenDialect } from './dialect.ts'
import { type Asked, answeredTrace, executedVersion, newRequestId, traceId } from './request.ts'
import { type Extras, nothing, respond, respondPlainly } from './respond.ts'

export interface InvokeOptions {
  readonly dialect: 'auto' | SpokenDialect
  readonly functionTimeoutMs: number
  readonly functionVersion: string
  /** `arn:aws:lambda:REGION:ACCOUNT:function:NAME` */
  readonly functionArn: string
  readonly epoch: () => number
}

export class Call implements Invocation {
  id: RequestId
  payload: Payload = emptyObject
  readonly arn: string
  traceId = ''
  readonly clientContext: string | null
  readonly tenant: string | null
  /** the answer waits for REPORT only if the caller asked for the log */
  readonly tail: boolean
  startedAt = 0
  deadline = 0
  readonly #pool: Pool
  readonly #options: InvokeOptions
  readonly #headers: Headers
  readonly #asked: Asked
  readonly #own: boolean
  readonly #resolve: (response: Response) => void
  #outcome: Outcome | null = null

  /** `own` says that the id is the caller's. */
  constructor(
    pool: Pool,
    options: InvokeOptions,
    headers: Headers,
    asked: Asked,
    id: RequestId,
    own: boolean,
    resolve: (response: Response) => void,
  ) {
    const { qualifier } = asked
    this.id = id
    this.arn = qualifier === null ? options.functionArn : `${options.functionArn}:${qualifier}`
    this.clientContext = asked.clientContext
    this.tenant = asked.tenant
    this.tail = asked.tail && asked.type !== 'Event'
    this.#pool = pool
    this.#options = options
    this.#headers = headers
    this.#asked = asked
    this.#own = own
    this.#resolve = resolve
  }

  /** Runs with that body, or says what is wrong with it. */
  begin(body: Body, limit: number): void {
    if (body === 'too-large') {
      this.#respond(requestTooLarge(limit))
    } else if (body === 'broken') {
      // nobody is there to read it, but every request is answered
      this.#respond(invalidContent('The request body ended before it was complete.'))
    } else if (this.#asked.dialect === 'lambda') {
      checkJson(body as Blob).then((problem) => (problem === null ? this.#run(body) : this.#respond(problem)))
    } else {
      this.#run(body)
    }
  }

  settle(outcome: Outcome): void {
    // whoever sends an Event is told if it is not taken, and of nothing that comes after its 202
    if (this.#asked.type === 'Event') {
      if (isRefusal(outcome)) this.#answer(outcome, null)
      return
    }
    const neverRan = outcome.kind === 'throttled' || (outcome.kind === 'shutdown' && this.startedAt === 0)
    if (this.tail && !neverRan) this.#outcome = outcome
    else this.#answer(outcome, null)
  }

  over(log: Uint8Array | null): void {
    if (this.#outcome !== null) this.#answer(this.#outcome, log)
  }

  #run(payload: Payload): void {
    const { type } = this.#asked
    if (type === 'DryRun') {
      this.#respond(noContent)
      return
    }
    // another request may have come with the same id while this body was read
    if (this.#own && this.#pool.has(this.id)) this.id = newRequestId()
    this.payload = payload
    this.traceId = traceId(this.#headers, this.id, this.#options.epoch())
    this.#pool.invoke(this)
    if (type === 'Event') this.#respond(accepted, { ...nothing, trace: this.#answeredTrace() })
  }

  #answer(outcome: Outcome, log: Uint8Array | null): void {
    const { dialect, qualifier } = this.#asked
    const version = executedVersion(qualifier, this.#options.functionVersion)
    if (outcome.kind === 'response' && outcome.contentType === null && dialect === 'rie' && log === null) {
      this.#resolve(respondPlainly(outcome.payload as Blob, this.id, version))
      return
    }
    const timeoutSeconds = this.#options.functionTimeoutMs / 1000
    const answer = render(outcome, { dialect, id: this.id, timeoutSeconds })
    this.#respond(answer, { version, log, trace: this.#answeredTrace() })
  }

  #answeredTrace(): string | null {
    const { dialect, type } = this.#asked
    return dialect === 'lambda' ? answeredTrace(this.traceId, type !== 'Event') : null
  }

  #respond(answer: Answer, extras?: Extras): void {
    this.#resolve(respond(answer, this.id, extras))
  }
}

const isRefusal = ({ kind }: Outcome): boolean => kind === 'throttled' || kind === 'shutdown'

const noContent: Answer = { status: 204, body: null, contentType: '', functionError: false }
const accepted: Answer = { ...noContent, status: 202 }

/** The words of the service, and what is wrong where. */
async function checkJson(body: Blob): Promise<Answer | null> {
  const why = contentProblem(new Uint8Array(await body.arrayBuffer()))
  return why === null
    ? null
    : invalidContent(`Could not parse request body into json: Could not parse payload into json: ${why}`)
}
