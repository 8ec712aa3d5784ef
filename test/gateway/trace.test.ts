import { describe, expect, test } from 'bun:test'
import type { RequestId } from '../../src/core/ids.ts'
import { newRequestId } from '../../src/gateway/request.ts'
import { answeredTrace, traceId } from '../../src/gateway/trace.ts'
import type { Sent } from '../../src/http/exchange.ts'

const headers = (name: string, value: string): Sent => ({
  header: (asked) => (asked === name.toLowerCase() ? value : null),
})
const none: Sent = { header: () => null }

describe('the trace id', () => {
  const id = '6f9b2e5c-aaaa-4000-8000-00000000abcd' as RequestId

  const sent = (trace: string) => traceId(headers('x-amzn-trace-id', trace), id, 0)
  const parent = 'Parent=800000000000abcd'

  test.each([
    ['a whole one', 'Root=x;Parent=y;Sampled=1', 'Root=x;Parent=y;Sampled=1'],
    [
      'a whole one in another order, with blanks',
      'Sampled=0; parent=y; root=x',
      'Sampled=0; parent=y; root=x',
    ],
    ['a Root alone', 'Root=x', `Root=x;${parent};Sampled=0`],
    ["a load balancer's", 'Self=1-a;Root=x', `Self=1-a;Root=x;${parent};Sampled=0`],
    ['one without Parent', 'Root=x;Sampled=1;Lineage=a:0', `Root=x;Sampled=1;Lineage=a:0;${parent}`],
    ['one without Sampled', 'Root=x;Parent=y', 'Root=x;Parent=y;Sampled=0'],
    ['one that leaves the decision open', 'Root=x;Sampled=?', `Root=x;Sampled=?;${parent}`],
    ['one without a Root', 'Parent=y', 'Parent=y'],
    ['a word', 'whatever', 'whatever'],
    [
      'one with names that only look so',
      'Root=x;Grandparent=y;Unsampled=1',
      `Root=x;Grandparent=y;Unsampled=1;${parent};Sampled=0`,
    ],
  ])('keeps what was sent, and completes it by what it lacks: %s', (_, given, told) => {
    expect(sent(given)).toBe(told)
  })

  test('is a new one where what was sent is not ASCII', () => {
    for (const sent of ['Root=\u00e9', 'Root=\u007f', 'Root=a\tb']) {
      expect(traceId(headers('x-amzn-trace-id', sent), id, 5000)).toStartWith('Root=1-00000005-')
    }
  })

  test('is answered in lower case, and without a parent where nobody waits', () => {
    const sent = 'Root=1-5759e988-BD862e;Parent=53995C;Sampled=1'
    expect(answeredTrace(sent, true)).toBe('root=1-5759e988-BD862e;parent=53995C;sampled=1')
    expect(answeredTrace(sent, false)).toBe('root=1-5759e988-BD862e;sampled=1')
    expect(answeredTrace('whatever', true)).toBe('whatever')
  })

  test('in the form of the service is answered as any other is', () => {
    const usual = 'Root=1-5759E988-bd862e3fe1be46a994272793;Parent=53995C3f42cd8ad8;Sampled=1'
    const answered = 'root=1-5759E988-bd862e3fe1be46a994272793;parent=53995C3f42cd8ad8;sampled=1'
    expect(answeredTrace(usual, true)).toBe(answered)
    expect(answeredTrace(usual, false)).toBe(answered.replace(/;parent=[^;]+/, ''))
    for (const more of [';Lineage=A:1', ';']) {
      expect(answeredTrace(usual + more, true)).toBe(answered + more.replace('L', 'l'))
    }
    const inside = usual.replace('-bd862e', '-;Abc=e')
    expect(answeredTrace(inside, true)).toBe(answered.replace('-bd862e', '-;abc=e'))
  })

  test('is a new one in the form of the service, not sampled', () => {
    const made = traceId(none, id, 1_700_000_000_000)
    expect(made).toMatch(/^Root=1-6553f100-[0-9a-f]{12}00000000abcd;Parent=800000000000abcd;Sampled=0$/)
    // of another request, and of another second
    const others = [1_700_000_000_500, 1_700_000_001_000].map((epoch) => traceId(none, newRequestId(), epoch))
    expect(new Set([made, ...others].map((trace) => trace.slice(0, 35))).size).toBe(3)
    expect(traceId(headers('x-amzn-trace-id', ''), id, 5000)).toStartWith('Root=1-00000005-')
  })
})
