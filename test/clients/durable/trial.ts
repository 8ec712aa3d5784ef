/** One emulator with a durable function, and its runs as a case sees them. */
import { ok } from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../harness.ts'
import { type Launched, launch } from '../../kit/launch.ts'
import { type Launch, outputOf, run } from '../client.ts'
import { pythonFolder } from './sdk.ts'

// biome-ignore lint/suspicious/noExplicitAny: what a case expects of it, the case says
type Json = any

export class Run {
  readonly arn: string
  readonly status: number
  readonly functionError: string | null
  readonly body: Json
  readonly #url: string

  constructor(url: string, answer: Response, text: string) {
    this.#url = url
    this.status = answer.status
    this.functionError = answer.headers.get('x-amz-function-error')
    this.arn = answer.headers.get('x-amz-durable-execution-arn') ?? ''
    this.body = text === '' ? undefined : JSON.parse(text)
    ok(this.arn, `no run: ${answer.status} ${text}`)
  }

  async get(path = ''): Promise<Json> {
    const answer = await fetch(
      `${this.#url}/2025-12-01/durable-executions/${encodeURIComponent(this.arn)}${path}`,
    )
    return await answer.json()
  }

  async history(): Promise<Json[]> {
    return (await this.get('/history?MaxItems=1000')).Events
  }

  async types(): Promise<string[]> {
    return (await this.history()).map(({ EventType }) => EventType)
  }

  /** What its history says of attempts. */
  async retries(): Promise<[string, Json][]> {
    return (await this.history()).flatMap((event): [string, Json][] => {
      const { RetryDetails } = event[`${event.EventType}Details`] ?? {}
      return RetryDetails === undefined ? [] : [[event.EventType, RetryDetails]]
    })
  }

  ends(): Promise<Json> {
    return until('the run to end', async () => {
      const run = await this.get()
      return run.Status !== 'RUNNING' && run
    })
  }
}

export class Trial implements AsyncDisposable {
  readonly #emulator: Launched
  readonly #folder: string
  readonly #url: string
  readonly #throttled: string[]
  readonly #proxy: ReturnType<typeof Bun.serve>
  #left = 0

  private constructor(
    emulator: Launched,
    folder: string,
    url: string,
    proxy: ReturnType<typeof Bun.serve>,
    throttled: string[],
  ) {
    this.#emulator = emulator
    this.#folder = folder
    this.#url = url
    this.#proxy = proxy
    this.#throttled = throttled
  }

  static async start(program: readonly string[], { command, cwd, env }: Launch): Promise<Trial> {
    const folder = await mkdtemp(join(tmpdir(), 'rie-durable-'))
    const throttled: string[] = []
    let trial: Trial | undefined
    let target = ''
    // between the handler and the emulator, so that a case can have its calls refused
    const proxy = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      idleTimeout: 120,
      async fetch(request) {
        const { pathname, search } = new URL(request.url)
        const body = await request.bytes()
        if (trial?.throttles(pathname)) {
          throttled.push(JSON.parse(new TextDecoder().decode(body)).ClientToken)
          const document = '{"Type":"User","message":"Rate Exceeded.","Reason":"CallerRateLimitExceeded"}'
          const headers = {
            'x-amzn-errortype': 'TooManyRequestsException',
            'Retry-After': '1',
            'Content-Type': 'application/json',
          }
          return new Response(document, { status: 429, headers })
        }
        const init = { method: request.method, headers: request.headers, timeout: false }
        return await fetch(`${target}${pathname}${search}`, {
          ...init,
          ...(body.length > 0 ? { body } : {}),
        } as RequestInit)
      },
    })
    const emulator = launch({
      program,
      flags: ['--durable', '--durable-retry-delays', '0,0,0,0', '--task-root', cwd],
      command,
      cwd,
      env: {
        HOME: process.env.HOME,
        LANG: 'C.UTF-8',
        MARKS: `${folder}/marks`,
        AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${proxy.port}`,
        ...env,
      },
    })
    const { gateway } = await emulator.listening()
    target = `http://${gateway.host}:${gateway.port}`
    trial = new Trial(emulator, folder, target, proxy, throttled)
    return trial
  }

  /** Whether this call is to be refused. */
  throttles(path: string): boolean {
    if (this.#left === 0 || !path.endsWith('/checkpoint')) return false
    this.#left--
    return true
  }

  throttled(): readonly string[] {
    return this.#throttled
  }

  async #invoke(event: object, headers: Record<string, string>): Promise<Run> {
    const answer = await fetch(`${this.#url}/2015-03-31/functions/function/invocations`, {
      method: 'POST',
      headers,
      body: JSON.stringify(event),
      timeout: false,
    } as RequestInit)
    return new Run(this.#url, answer, await answer.text())
  }

  async call(event: object, { throttle = 0 } = {}): Promise<Run> {
    this.#left = throttle
    return await this.#invoke(event, {})
  }

  begin(event: object): Promise<Run> {
    return this.#invoke(event, { 'X-Amz-Invocation-Type': 'Event' })
  }

  marks(): string[] {
    const path = `${this.#folder}/marks`
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
  }

  /** The first group of the first mark that matches. */
  marked(pattern: RegExp): Promise<string> {
    return until(`a mark ${pattern}`, () => this.marks().flatMap((mark) => pattern.exec(mark)?.[1] ?? [])[0])
  }

  async complete(id: string, verb: string, body: string): Promise<void> {
    const path = `durable-execution-callbacks/${encodeURIComponent(id)}/${verb}`
    const answer = await fetch(`${this.#url}/2025-12-01/${path}`, { method: 'POST', body })
    ok(answer.ok, await answer.text())
  }

  /** Completes a callback by boto3, and looks at what else boto3 makes of the API. */
  async boto3(id: string): Promise<void> {
    const folder = await pythonFolder()
    await run([join(folder, 'venv/bin/python'), 'caller.py', this.#url, id, 'test_function'], { cwd: folder })
  }

  /** What a command of the AWS CLI answers. */
  async commandLine(command: string, words: Readonly<Record<string, string>>): Promise<Json> {
    const folder = await pythonFolder()
    const flags = Object.entries(words).flatMap(([name, value]) => [`--${name}`, value])
    const env = {
      AWS_ENDPOINT_URL_LAMBDA: this.#url,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_MAX_ATTEMPTS: '1',
    }
    const said = await outputOf(
      [join(folder, 'venv/bin/aws'), '--output', 'json', 'lambda', command, ...flags],
      {
        cwd: folder,
        env,
      },
    )
    return said.trim() === '' ? undefined : JSON.parse(said)
  }

  async list(): Promise<string[]> {
    const answer = await fetch(`${this.#url}/2025-12-01/functions/test_function/durable-executions`)
    const { DurableExecutions } = (await answer.json()) as Json
    return DurableExecutions.map(({ DurableExecutionArn }: Json) => DurableExecutionArn)
  }

  async control(arn: string, verb: string, body = '{}'): Promise<void> {
    const answer = await fetch(
      `${this.#url}/2025-12-01/durable-executions/${encodeURIComponent(arn)}/${verb}`,
      {
        method: 'POST',
        body,
      },
    )
    ok(answer.ok, await answer.text())
  }

  get log(): string {
    return this.#emulator.stderr.text + this.#emulator.stdout.text
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#emulator[Symbol.asyncDispose]()
    await this.#proxy.stop(true)
    await rm(this.#folder, { recursive: true, force: true })
  }
}
