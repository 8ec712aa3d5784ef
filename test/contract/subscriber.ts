/** A subscriber as a case plays it: it listens, keeps what it gets, and holds every record to its schema. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import type { Answer } from '../kit/wire.ts'
import { flaw } from '../telemetry/schemas.ts'
import type { Actor } from './actor.ts'
import type { Emulator } from './emulator.ts'

export const telemetryPath = '/2022-07-01/telemetry'
export const logsPath = '/2020-08-15/logs'

export interface Received {
  readonly time: string
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: what a case expects of it, the case says
  readonly record: any
}

interface Delivery {
  readonly method: string
  readonly path: string
  readonly contentType: string | null
  readonly records: readonly Received[]
}

/** `answer` says what a delivery is answered, 200 by default. */
export class Subscriber implements AsyncDisposable {
  readonly deliveries: Delivery[] = []
  readonly #server: Bun.Server<undefined>
  #form = ''

  constructor(answer: (delivery: Delivery) => Response | Promise<Response> = () => new Response('')) {
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => {
        const { method, url, headers } = request
        const records = (await request.json()) as Received[]
        const { pathname, search } = new URL(url)
        const delivery = {
          method,
          path: pathname + search,
          contentType: headers.get('content-type'),
          records,
        }
        const said = await answer(delivery)
        if (said.ok) this.deliveries.push(delivery)
        return said
      },
    })
  }

  get port(): number {
    return this.#server.port as number
  }

  /** What was taken, in order. */
  get records(): Received[] {
    const all = this.deliveries.flatMap(({ records }) => records)
    for (const one of all) expect(flaw(this.#form, one)).toBeNull()
    return all
  }

  of(type: string): Received[] {
    return this.records.filter((one) => one.type === type)
  }

  /** The n-th record of a type. */
  async one(type: string, n = 1): Promise<Received> {
    return await until(`record ${n} of type ${type}`, () => this.of(type)[n - 1])
  }

  /** A subscription to this, as soon as may be. */
  body(over: object = {}): Record<string, unknown> {
    return {
      schemaVersion: '2022-12-13',
      types: ['platform', 'function', 'extension'],
      destination: { protocol: 'HTTP', URI: `http://sandbox.localdomain:${this.port}` },
      buffering: { timeoutMs: 25 },
      ...over,
    }
  }

  /** Subscribes for an extension, which has to work. */
  async subscribe(
    rie: Emulator,
    actor: Actor,
    over: object = {},
    path: string = telemetryPath,
    form?: string,
  ): Promise<void> {
    const body = this.body({ ...(path === logsPath && { schemaVersion: '2021-03-18' }), ...over })
    const { schemaVersion = '2020-08-15' } = body
    this.#form = form ?? `${path === logsPath ? 'logs' : 'telemetry'} ${schemaVersion}`
    const answer = await subscribe(rie, actor.id, body, path)
    expect([answer.status, answer.text]).toEqual([200, '"OK"'])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true)
  }
}

/** Any subscription at all. */
export function subscribe(
  rie: Emulator,
  id: string | null,
  body: unknown,
  path: string = telemetryPath,
): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return rie.call('PUT', path, text, id === null ? {} : { 'Lambda-Extension-Identifier': id })
}
