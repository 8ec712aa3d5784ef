/**
 * `POST /2015-03-31/functions/{name}/invocations`: one request of a caller becomes an invocation, and its outcome the
 * answer. The caller may go away meanwhile; that changes nothing.
 */

import { maxAsyncRequestBytes, maxRequestBytes, type Outcome, type Payload } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { Invocation } from '../engine/invocation.ts'
import type { Pool } from '../engine/pool.ts'
import { readBody } from './body.ts'
import { contentProblem } from './content.ts'
import { type Answer, invalidContent, render, requestTooLarge, type SpokenDialect } from './dialect.ts'
import * as facts from './request.ts'

export interface InvokeOptions {
  readonly dialect: 'auto' | SpokenDialect
  readonly functionTimeoutMs: number
  readonly functionVersion: string
  /** `arn:aws:lambda:REGION:ACCOUNT:function:NAME` */
  readonly functionArn: string
  readonly epoch: () => number
}

/** `segment` names the function as it stands in the path; null for the usual path, which has no qualifier. */
export function invoke(
  pool: Pool,
  options: InvokeOptions,
  request: Request,
  segment: string | null,
): Promise<Response> {
  const { headers } = request
  const dialect = facts.dialectOf(headers, options.dialect)
  const inFlight = (other: RequestId): boolean => pool.has(other)
  let id = facts.requestId(headers, inFlight)
  const refuse = (answer: Answer): Promise<Response> => Promise.resolve(respond(answer, id, null, null))

  let qualifier: string | null = null
  if (segment !== null) {
    const query = request.url.indexOf('?')
    const asked = query < 0 ? null : new URLSearchParams(request.url.slice(query)).get('Qualifier')
    const target = facts.parseTarget(segment, asked)
    if ('status' in target) return refuse(target)
    qualifier = target.qualifier
  }
  const type = facts.invocationType(headers)
  if (typeof type === 'object') return refuse(type)
  const tail = facts.wantsTail(headers)
  if (typeof tail === 'object') return refuse(tail)
  const tenant = facts.tenantId(headers)
  if (tenant !== null && typeof tenant === 'object') return refuse(tenant)
  const clientContext = facts.clientContext(headers, dialect)
  if (clientContext !== null && typeof clientContext === 'object') return refuse(clientContext)

  let trace = facts.traceId(headers, id, options.epoch())
  const seconds = options.functionTimeoutMs / 1000
  const version = facts.executedVersion(qualifier, options.functionVersion)
  const synchronous = type !== 'Event'
  const limit = synchronous ? maxRequestBytes : maxAsyncRequestBytes
  const answeredTrace = (): string | null =>
    dialect === 'lambda' ? facts.answeredTrace(trace, synchronous) : null
  return new Promise((resolve) => {
    const answer = (outcome: Outcome, log: Uint8Array | null): void => {
      const rendered = render(outcome, { dialect, id, timeoutSeconds: seconds })
      resolve(respond(rendered, id, version, log, answeredTrace()))
    }
    const run = (payload: Payload): void => {
      if (type === 'DryRun') {
        resolve(respond({ ...noContent, status: 204 }, id, null, null))
        return
      }
      // another request may have come with the same id while this body was read
      if (pool.has(id)) {
        id = facts.requestId(headers, inFlight)
        trace = facts.traceId(headers, id, options.epoch())
      }
      const invocation = new Call(
        id,
        payload,
        qualifier === null ? options.functionArn : `${options.functionArn}:${qualifier}`,
        trace,
        clientContext,
        tenant,
        tail && synchronous,
        pool,
        // whoever sends an Event is told if it is not taken, and of nothing that comes after the 202 below
        synchronous ? answer : (outcome) => isRefusal(outcome) && answer(outcome, null),
      )
      pool.invoke(invocation)
      if (!synchronous) resolve(respond({ ...noContent, status: 202 }, id, null, null, answeredTrace()))
    }
    readBody(request, limit, (body) => {
      if (body === 'too-large') {
        resolve(respond(requestTooLarge(limit), id, null, null))
      } else if (body === 'broken') {
        // nobody is there to read it, but every request is answered
        resolve(respond(invalidContent('The request body ended before it was complete.'), id, null, null))
      } else if (dialect === 'lambda') {
        checkJson(body as Blob).then((problem) => {
          if (problem === null) run(body)
          else resolve(respond(problem, id, null, null))
        })
      } else {
        run(body)
      }
    })
  })
}

const isRefusal = ({ kind }: Outcome): boolean => kind === 'throttled' || kind === 'shutdown'

/** One caller's invocation. The answer waits for REPORT only if the caller asked for the log. */
class Call implements Invocation {
  readonly id: Invocation['id']
  readonly payload: Payload
  readonly arn: string
  readonly traceId: string
  readonly clientContext: string | null
  readonly tenant: string | null
  readonly tail: boolean
  startedAt = 0
  deadline = 0
  readonly #pool: Pool
  readonly #answer: (outcome: Outcome, log: Uint8Array | null) => void
  #outcome: Outcome | null = null

  constructor(
    id: Invocation['id'],
    payload: Payload,
    arn: string,
    traceId: string,
    clientContext: string | null,
    tenant: string | null,
    tail: boolean,
    pool: Pool,
    answer: (outcome: Outcome, log: Uint8Array | null) => void,
  ) {
    this.id = id
    this.payload = payload
    this.arn = arn
    this.traceId = traceId
    this.clientContext = clientContext
    this.tenant = tenant
    this.tail = tail
    this.#pool = pool
    this.#answer = answer
  }

  settle(outcome: Outcome): void {
    const neverRan = outcome.kind === 'throttled' || (outcome.kind === 'shutdown' && this.startedAt === 0)
    if (neverRan) this.#pool.forget(this.id)
    if (this.tail && !neverRan) this.#outcome = outcome
    else this.#answer(outcome, null)
  }

  over(log: Uint8Array | null): void {
    this.#pool.forget(this.id)
    if (this.#outcome !== null) this.#answer(this.#outcome, log)
  }
}

const noContent: Answer = { status: 204, body: null, contentType: '', functionError: false }

/** The words of the service, and what is wrong where. */
async function checkJson(body: Blob): Promise<Answer | null> {
  const why = contentProblem(new Uint8Array(await body.arrayBuffer()))
  return why === null
    ? null
    : invalidContent(`Could not parse request body into json: Could not parse payload into json: ${why}`)
}

/** Filled anew for each plain success: a Response copies its headers, and copying costs half of making them anew. */
const plainHeaders = new Headers({ 'Content-Type': 'application/json' })
/** of the answer before, which is nearly always that of the next one */
let lastVersion = ''

/** `version` and `trace` are null where the service, or the reference, sends none. */
function respond(
  answer: Answer,
  id: string,
  version: string | null,
  log: Uint8Array | null,
  trace: string | null = null,
): Response {
  const { status, contentType, functionError } = answer
  if (
    status === 200 &&
    contentType === 'application/json' &&
    version !== null &&
    !functionError &&
    log === null &&
    trace === null
  ) {
    plainHeaders.set('x-amzn-RequestId', id)
    if (version !== lastVersion) {
      lastVersion = version
      plainHeaders.set('X-Amz-Executed-Version', version)
    }
    return new Response(answer.body, { headers: plainHeaders })
  }
  const headers: Record<string, string> = { 'x-amzn-RequestId': id }
  if (contentType !== '') headers['Content-Type'] = contentType
  if (version !== null) headers['X-Amz-Executed-Version'] = version
  if (functionError) headers['X-Amz-Function-Error'] = 'Unhandled'
  if (log !== null) headers['X-Amz-Log-Result'] = Buffer.from(log).toString('base64')
  if (trace !== null) headers['X-Amzn-Trace-Id'] = trace
  if (answer.headers !== undefined) Object.assign(headers, answer.headers)
  return new Response(answer.body, { status, headers })
}
