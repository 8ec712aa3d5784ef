/** Broken requests and odd answers at the Function URL: whatever comes, it goes on serving, and nothing is a bug. */
import { expect, test } from 'bun:test'
import type { Outcome } from '../../../src/core/failure.ts'
import type { Invocation } from '../../../src/engine/invocation.ts'
import { openFunctionUrl } from '../../../src/gateway/url/server.ts'
import { encoded } from '../../../src/http/collect.ts'
import { listen } from '../../../src/http/listen.ts'
import { Random } from '../../faults/random.ts'
import { type Shot, shoot } from '../../fuzz/generate.ts'
import { stand } from '../../http/stand.ts'
import { commitSeed } from '../../kit/seed.ts'
import { answer, FakePool } from '../fakes.ts'

const shots = 400
const prelude = 'application/vnd.awslambda.http-integration-response'
const zeros = '\0'.repeat(8)

/** What functions answer with, good and bad. */
const bodies = [
  '"ok"',
  '{"statusCode":201,"headers":{"x":1},"cookies":["a=b"],"body":"b"}',
  '{"statusCode":"x"}',
  '{"statusCode":200,"headers":{"a\\r\\n":"b"}}',
  '[1, {"a": 2}]',
  '',
  'no JSON',
  `{"statusCode":202}${zeros}body`,
  `${zeros}`,
  `{"headers":{"${'x'.repeat(3000)}":"y"}}${zeros}`,
]

/** A function that answers at once, in one piece or as a stream that is cut anywhere, or fails. */
function behave(random: Random, invocation: Invocation): void {
  invocation.startedAt = 1
  const text = random.pick(bodies)
  const type = random.pick([prelude, 'text/plain', 'application/json'])
  const failures: readonly Outcome[] = [
    { kind: 'timeout' },
    { kind: 'oversize', bytes: 9_000_000 },
    { kind: 'fault', fault: { errorType: 'Runtime.ExitError', text: 'gone' } },
    { kind: 'broken-stream', payload: null, contentType: type, errorType: null, document: encoded('{}') },
  ]
  const streams = invocation.streams === 'chunked' && random.chance(0.6) && text !== ''
  if (streams) {
    invocation.begin?.(type)
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) {
      const end = at + random.int(1, bytes.length)
      invocation.receiver?.write(bytes.subarray(at, end))
      at = end
    }
  }
  const whole: Outcome = {
    kind: 'response',
    payload: streams ? encoded('') : encoded(text),
    contentType: streams || random.chance(0.3) ? type : null,
  }
  answer(invocation, random.chance(0.25) ? random.pick(failures) : whole)
}

/** The next shot that is not meant for the Runtime API; every path is the function's. */
function next(random: Random): Shot {
  for (;;) {
    const shot = shoot(random, { extensions: [], invocations: [] })
    if (shot.door !== 'api') return shot
  }
}

for (const seed of ['20261129', commitSeed]) {
  for (const invokeMode of ['BUFFERED', 'RESPONSE_STREAM'] as const) {
    test(`survives broken requests and odd answers, ${invokeMode}, seed ${seed}`, async () => {
      const random = new Random(seed, invokeMode)
      const pool = new FakePool()
      const bugs: unknown[] = []
      pool.run = (invocation) => behave(random, invocation)
      const listener = openFunctionUrl(
        pool.served,
        { hostname: '127.0.0.1', port: 0 },
        {
          invokeMode,
          cors: null,
          region: 'us-east-1',
          epoch: () => 1_700_000_000_000,
          log: { warn() {}, error: (fields) => bugs.push(fields) },
        },
      )
      await using crowd = stand(listen)
      for (let count = 0; count < shots; count++) {
        const { pieces, ending, due } = next(random)
        const peer = await crowd.connect('127.0.0.1', listener.port)
        for (const piece of pieces) {
          peer.send(piece)
          await new Promise((resolve) => setImmediate(resolve))
        }
        // what is sound is answered, each request once
        const answers = /HTTP\/1\.[01] (?!100)\d{3} /g
        if (due > 0) await peer.until(new RegExp(`(?:${answers.source}[\\s\\S]*?){${due}}`))
        if (ending === 'resets') peer.reset()
        else peer.leave()
        expect([...peer.received.matchAll(/^HTTP\/1\.[01] 500/gm)]).toEqual([])
      }
      expect(bugs).toEqual([])
      for (const { payload } of pool.invocations) {
        const event = JSON.parse(Buffer.concat(payload.chunks).toString())
        expect([event.version, event.requestContext.accountId]).toEqual(['2.0', 'anonymous'])
      }
      expect(pool.invocations.length).toBeGreaterThan(shots / 4)
      pool.run = (invocation) =>
        answer(invocation, { kind: 'response', payload: encoded('"ok"'), contentType: null })
      const good = await fetch(`http://127.0.0.1:${listener.port}/after`)
      expect([good.status, await good.text()]).toEqual([200, invokeMode === 'BUFFERED' ? 'ok' : '"ok"'])
      await listener.stop()
    }, 60_000)
  }
}
