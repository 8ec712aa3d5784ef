/**
 * What is asked of each client's function, and what must come back. Every case gets an emulator of its own. The
 * expectations are ours; `handlersOnly` leaves out what the reference is known to do otherwise, so that it can say
 * whether a function is written right.
 */
import { match, ok, deepStrictEqual as same } from 'node:assert/strict'
import { until } from '../harness.ts'
import { clientExtensions } from './clients.ts'
import type { Emulator, StartOptions } from './emulator.ts'
import { afterPrelude, failure, instance, json, nextSucceeds, success, type Trial } from './trial.ts'

export interface Case {
  readonly name: string
  /** The column's title. */
  readonly title: string
  run(trial: Trial): Promise<void>
}

/** The service's limits: an event of 6 MiB, an answer of 6 MiB and 100 bytes. */
const eventLimit = 6 * 1024 * 1024
const answerLimit = eventLimit + 100

/** Every line of an invocation stands between its START and its END, those of both streams in the order of the writes. */
function inOrder(output: string, invocations: number, lines: number): void {
  const all = output.split('\n').filter((line) => /^(START|out|err|END|REPORT) /.test(line))
  let at = 0
  for (let n = 0; n < invocations; n++) {
    const id = /^START RequestId: (\S+)/.exec(all[at] ?? '')?.[1]
    const printed = Array.from({ length: lines }, (_, line) => [
      `out ${n} ${line}`,
      `err ${n} ${line}`,
    ]).flat()
    const end = at + 1 + printed.length
    same(all.slice(at + 1, end + 1), [...printed, `END RequestId: ${id}`])
    ok(all[end + 1]?.startsWith(`REPORT RequestId: ${id}\t`), `no REPORT of invocation ${n}`)
    at = end + 2
  }
  same(all.length, at)
}

/** The function that streams, with a Function URL that streams too; the reference has none. */
const streamed = ({ handlersOnly }: Trial): StartOptions =>
  handlersOnly ? { streaming: true } : { streaming: true, functionUrl: 'RESPONSE_STREAM' }

/** The document of the error that the function's stream ended with. */
function broken({ client }: Trial, { errorType, errorMessage }: Record<string, unknown>): void {
  same(errorMessage, 'broken')
  match(
    String(errorType),
    client.thrown.errorType instanceof RegExp
      ? client.thrown.errorType
      : new RegExp(`^${client.thrown.errorType}$`),
  )
}

/** So many invocations have been reported as errors, with the type. */
async function reported(emulator: Emulator, times: number): Promise<void> {
  const lines = () => emulator.output().match(/^REPORT .* Status: error Error Type: .+$/gm) ?? []
  await until(`${times} reports of an error`, () => lines().length >= times)
  same(lines().length, times)
}

/** The emulator's own log says what no visitor of a page is told. */
async function told(emulator: Emulator, what: string): Promise<void> {
  await until(`'${what}' in the log`, () =>
    emulator
      .output()
      .split('\n')
      .some((line) => line.includes(what) && line.includes('broken')),
  )
}

export const runtimeCases: readonly Case[] = [
  {
    name: 'echo',
    title: 'echo',
    async run(trial) {
      await using emulator = await trial.start()
      const event = { do: 'echo', list: [1, 2.5, true, null], nested: { text: 'hello' } }
      const answer = await emulator.invoke(event, { 'Content-Type': 'application/json' })
      same(success(answer), event)
      if (!trial.handlersOnly) ok(answer.headers.get('x-amzn-requestid'), 'no request id')
    },
  },
  {
    name: 'utf-8',
    title: 'UTF-8',
    async run(trial) {
      await using emulator = await trial.start()
      const event = { do: 'echo', text: 'Größe, žluťoučký kůň, 日本, 🦀' }
      same(success(await emulator.invoke(event)), event)
    },
  },
  {
    name: 'six-megabytes',
    title: '6 MiB',
    async run(trial) {
      await using emulator = await trial.start()
      const empty = JSON.stringify({ do: 'echo', text: '' })
      const event = { do: 'echo', text: 'x'.repeat(eventLimit - empty.length) }
      const answer = success(await emulator.invoke(event)) as typeof event
      ok(answer.text === event.text, `${answer.text?.length} characters came back`)
    },
  },
  {
    name: 'exception',
    title: 'exception',
    async run(trial) {
      await using emulator = await trial.start()
      const { errorType, stack } = trial.client.thrown
      const before = await instance(emulator)
      const document = failure(trial, await emulator.invoke({ do: 'throw', message: 'no such fruit' }))
      same(document.errorMessage, 'no such fruit')
      if (errorType instanceof RegExp) match(String(document.errorType), errorType)
      else same(document.errorType, errorType)
      const frames = stack ? document[stack] : undefined
      if (stack) ok(Array.isArray(frames) && frames.length > 0, `no ${stack}`)
      same(await instance(emulator), before)
    },
  },
  {
    name: 'panic',
    title: 'panic',
    async run(trial) {
      await using emulator = await trial.start()
      const answer = await emulator.invoke({ do: 'panic' })
      if (!trial.handlersOnly) same(answer.headers.get('x-amz-function-error'), 'Unhandled')
      const document = json(answer)
      ok(document.errorType && document.errorMessage, answer.text.slice(0, 300))
      await nextSucceeds(emulator)
    },
  },
  {
    name: 'exit',
    title: 'exit',
    async run(trial) {
      await using emulator = await trial.start()
      const before = await instance(emulator)
      const answer = await emulator.invoke({ do: 'exit', code: 3 })
      if (!trial.handlersOnly) {
        const document = failure(trial, answer, 502)
        const id = answer.headers.get('x-amzn-requestid')
        same(document, {
          errorType: 'Runtime.ExitError',
          errorMessage: `RequestId: ${id} Error: Runtime exited with error: exit status 3`,
        })
      }
      ok((await instance(emulator)) !== before, 'the same process answers')
    },
  },
  {
    name: 'timeout',
    title: 'timeout',
    async run(trial) {
      await using emulator = await trial.start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '4' } })
      // The reference counts the start of a slow runtime as well.
      if (trial.handlersOnly) await emulator.invoke({ do: 'echo' })
      const answer = await emulator.invoke({ do: 'sleep', ms: 20_000 })
      same(answer.text, 'Task timed out after 4.00 seconds')
      if (!trial.handlersOnly) same(answer.headers.get('x-amz-function-error'), 'Unhandled')
      await nextSucceeds(emulator)
    },
  },
  {
    name: 'environment',
    title: 'environment',
    async run(trial) {
      await using emulator = await trial.start({ env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256' } })
      const expected = {
        GREETING: 'a=b, c',
        EMPTY: '',
        AWS_LAMBDA_FUNCTION_NAME: 'test_function',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
        ...(trial.handlersOnly
          ? {}
          : { AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: 'us-east-1', TZ: ':UTC' }),
      }
      const names = [...Object.keys(expected), 'NOT_THERE']
      const values = success(await emulator.invoke({ do: 'environment', names })) as Record<string, unknown>
      // Java leaves out what is null.
      same({ NOT_THERE: null, ...values }, { ...expected, NOT_THERE: null })
    },
  },
  {
    name: 'context',
    title: 'request id, ARN, remaining time',
    async run(trial) {
      await using emulator = await trial.start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '60' } })
      await emulator.invoke({ do: 'echo' })
      const answer = await emulator.invoke({ do: 'context' })
      const known = success(answer) as { requestId: string; arn: string; remaining: number }
      if (!trial.handlersOnly) same(known.requestId, answer.headers.get('x-amzn-requestid'))
      ok(/^arn:aws:lambda:us-east-1:\d{12}:function:test_function$/.test(known.arn), known.arn)
      ok(known.remaining > 30_000 && known.remaining <= 60_000, `${known.remaining} ms remain`)
    },
  },
  {
    name: 'client-context',
    title: 'client context',
    async run(trial) {
      await using emulator = await trial.start()
      const custom = { fruit: trial.handlersOnly ? 'quince' : 'Äpfel' }
      const header = Buffer.from(JSON.stringify({ custom, env: { locale: 'cs' } })).toString('base64')
      const answer = await emulator.invoke({ do: 'context' }, { 'X-Amz-Client-Context': header })
      same((success(answer) as { custom: unknown }).custom, custom)
    },
  },
  {
    name: 'trace',
    title: 'trace id',
    async run(trial) {
      await using emulator = await trial.start()
      const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
      const given = success(await emulator.invoke({ do: 'context' }, { 'X-Amzn-Trace-Id': trace }))
      same((given as { trace: unknown }).trace, trace)
      if (trial.handlersOnly) return
      const made = success(await emulator.invoke({ do: 'context' })) as { trace: string }
      ok(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}/.test(made.trace), `made up: ${made.trace}`)
    },
  },
  {
    name: 'in-a-row',
    title: '200 in a row',
    async run(trial) {
      await using emulator = await trial.start()
      const before = await instance(emulator)
      for (let n = 0; n < 200; n++) same(success(await emulator.invoke({ do: 'echo', n })), { do: 'echo', n })
      same(await instance(emulator), before)
    },
  },
  {
    name: 'prints',
    title: '1 000 that print',
    async run(trial) {
      await using emulator = await trial.start()
      const invocations = 1000
      const lines = 4
      for (let n = 0; n < invocations; n++) {
        const event = { do: 'print', n, lines }
        same(success(await emulator.invoke(event)), event)
      }
      if (trial.handlersOnly) return
      inOrder(await emulator.stop(), invocations, lines)
    },
  },
  {
    name: 'too-large',
    title: 'answer over the limit',
    async run(trial) {
      await using emulator = await trial.start()
      const answer = await emulator.invoke({ do: 'large', bytes: answerLimit })
      const document = failure(trial, answer)
      same(document.errorType, 'Function.ResponseSizeTooLarge')
      match(
        String(document.errorMessage),
        /^Response payload size (\(\d+ bytes\) )?exceeded maximum allowed payload size \(6291556 bytes\)\.$/,
      )
      await nextSucceeds(emulator)
    },
  },
  {
    name: 'stream',
    title: 'streamed answer',
    async run(trial) {
      await using emulator = await trial.start(streamed(trial))
      const event = { do: 'stream', parts: ['one, ', 'two, ', 'three'] }
      const answer = await emulator.invoke(event)
      same(afterPrelude(answer), 'one, two, three')
      same([answer.status, answer.headers.get('x-amz-function-error')], [200, null])
      if (!trial.handlersOnly) {
        const { text, end } = await emulator.stream(event)
        same([afterPrelude({ text }), end], ['one, two, three', {}])
        // a Function URL takes the prelude for itself
        const page = await emulator.page(event)
        same([page.status, page.text], [200, 'one, two, three'])
      }
      await nextSucceeds(emulator)
    },
  },
  {
    name: 'stream-error',
    title: 'stream that fails',
    async run(trial) {
      await using emulator = await trial.start(streamed(trial))
      const event = { do: 'stream', parts: ['one, '], fail: 'broken' }
      if (trial.handlersOnly) {
        const answer = await emulator.invoke(event)
        ok(afterPrelude(answer).startsWith('one, '), answer.text.slice(0, 300))
        return await nextSucceeds(emulator)
      }
      // a person's answer breaks off where it has begun, and is the document where it was gathered
      const answer = await emulator.invoke(event).catch(() => null)
      if (answer !== null) {
        same([answer.status, answer.headers.get('x-amz-function-error')], [200, 'Unhandled'])
        broken(trial, JSON.parse(answer.text))
      }
      await reported(emulator, 1)
      // as it comes, by chunks that need not be declared
      const { text, end } = await emulator.stream(event)
      same(afterPrelude({ text }), 'one, ')
      broken(trial, JSON.parse(end.ErrorDetails ?? '{}'))
      same(end.ErrorCode, JSON.parse(end.ErrorDetails ?? '{}').errorType)
      await reported(emulator, 2)
      // a page ends as if it were whole; the log tells, and has the document
      const page = await emulator.page(event)
      same([page.status, page.text], [200, 'one, '])
      await reported(emulator, 3)
      await told(emulator, 'a stream of the Function URL ended early')
      await nextSucceeds(emulator)
    },
  },
  {
    name: 'stream-refused',
    title: 'stream that fails before it begins',
    async run(trial) {
      await using emulator = await trial.start(streamed(trial))
      const event = { do: 'stream', parts: [], fail: 'broken' }
      broken(trial, failure(trial, await emulator.invoke(event)))
      if (trial.handlersOnly) return
      const { text, end } = await emulator.stream(event)
      same(text, '')
      broken(trial, JSON.parse(end.ErrorDetails ?? '{}'))
      same(end.ErrorCode, JSON.parse(end.ErrorDetails ?? '{}').errorType)
      const page = await emulator.page(event)
      same([page.status, page.text], [502, 'Internal Server Error'])
      await told(emulator, 'the Function URL answered 502')
      await reported(emulator, 3)
      await nextSucceeds(emulator)
    },
  },
  {
    name: 'empty',
    title: 'empty event',
    async run(trial) {
      await using emulator = await trial.start()
      same(success(await emulator.invoke(undefined)), {})
    },
  },
  {
    name: 'two',
    title: 'two environments',
    async run(trial) {
      await using emulator = await trial.start({ flags: ['--max-environments', '2'] })
      // longer than one of them may start later than the other
      const sleep = { do: 'sleep', ms: 5000 }
      const both = await Promise.all([emulator.invoke(sleep), emulator.invoke(sleep)])
      const [one, other] = both.map((answer) => (success(answer) as { instance: number }).instance)
      ok(one !== other, 'both ran in one process')
    },
  },
  {
    name: 'sixteen',
    title: '16 at a time (Managed Instances)',
    async run(trial) {
      if (trial.handlersOnly) return
      const env = { AWS_LAMBDA_MAX_CONCURRENCY: '16', AWS_LAMBDA_NODEJS_WORKER_COUNT: '16' }
      await using emulator = await trial.start({ env })
      // one after the other first: a client may answer init with its first worker
      for (let n = 0; n < 16; n++) success(await emulator.invoke({ do: 'echo', n }))
      const slow = Array.from({ length: 16 }, (_, n) => emulator.invoke({ do: 'log', n, ms: 6000 }))
      const state = async () => await (await fetch(`${emulator.url}/_rie/state`)).json()
      await until('16 in flight', async () => {
        const { environments } = (await state()) as { environments: { invocations: string[] }[] }
        return environments.length === 1 && environments[0]?.invocations.length === 16
      })
      const answers = (await Promise.all(slow)).map((answer) => success(answer) as Record<string, unknown>)
      same(
        answers.map(({ n }) => n),
        Array.from({ length: 16 }, (_, n) => n),
      )
      same(new Set(answers.map(({ requestId }) => requestId)).size, 16)
      // each record of the function's logger is whole, and names its invocation
      for (const { n, requestId } of answers) {
        const logged = () =>
          emulator
            .output()
            .split('\n')
            .find((line) => line.startsWith('{') && line.includes(`"log ${n}"`))
        await until(`log ${n}`, () => logged() !== undefined)
        const record = JSON.parse(logged() as string) as Record<string, unknown>
        same([record.requestId ?? record.AWSRequestId, record.message], [requestId, `log ${n}`])
      }
    },
  },
  {
    name: 'snapstart',
    title: 'SnapStart',
    async run(trial) {
      if (trial.handlersOnly) return
      await using emulator = await trial.start({ flags: ['--enable-init-caching'] })
      const hooks = { hooks: ['before the snapshot', 'after the restore'] }
      same(success(await emulator.invoke({ do: 'hooks' })), hooks)
      await until('REPORT', () => /^REPORT /m.test(emulator.output()))
      match(emulator.output(), /^RESTORE_REPORT [\s\S]*^REPORT .*\tRestore Duration: /m)
    },
  },
  ...clientExtensions.map(
    ({ name, title, prepare }): Case => ({
      name: `extension-${name}`,
      title: `with an extension (${title})`,
      async run(trial) {
        await using emulator = await trial.start({ extension: await prepare() })
        for (let n = 0; n < 3; n++) {
          const answer = await emulator.invoke({ do: 'context' })
          const { requestId } = success(answer) as { requestId: string }
          const told = `extension: INVOKE ${requestId}`
          await until(`'${told}'`, () => emulator.output().includes(told))
        }
        const output = await emulator.stop()
        ok(/extension: SHUTDOWN spindown/i.test(output), 'not told of the shutdown')
        ok(!output.includes('extension: signal'), 'an extension got a signal')
        if (trial.handlersOnly) return
        const ready = new RegExp(
          `^EXTENSION\\tName: ${name}\\tState: Ready\\tEvents: \\[INVOKE,SHUTDOWN\\]$`,
          'm',
        )
        match(output, ready)
      },
    }),
  ),
]
