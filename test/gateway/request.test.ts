import { describe, expect, test } from 'bun:test'
import type { RequestId } from '../../src/core/ids.ts'
import {
  dialectOf,
  executedVersion,
  invocationType,
  newRequestId,
  operationOf,
  ownRequestId,
  parseTarget,
  tenantId,
  wantsTail,
} from '../../src/gateway/request.ts'
import type { Sent } from '../../src/http/exchange.ts'

const headers = (name: string, value: string): Sent => ({
  header: (asked) => (asked === name.toLowerCase() ? value : null),
})
const none: Sent = { header: () => null }
const invalid = (message: string) => ({
  status: 400,
  body: JSON.stringify({ Type: 'User', message }),
  contentType: 'application/json',
  functionError: false,
  headers: { 'x-amzn-ErrorType': 'InvalidParameterValueException' },
})

test.each([
  ['/2015-03-31/functions/function/invocations', 'Invoke', 'function'],
  ['/2015-03-31/functions/arn%3Aaws%3Alambda/invocations', 'Invoke', 'arn%3Aaws%3Alambda'],
  ['/2015-03-31/functions/a:b/invocations', 'Invoke', 'a:b'],
  ['/2021-11-15/functions/f/response-streaming-invocations', 'InvokeWithResponseStream', 'f'],
  ['/2014-11-13/functions/f/invoke-async', 'InvokeAsync', 'f'],
  ['/2014-11-13/functions/f/invoke-async/', 'InvokeAsync', 'f'],
  ['/2015-03-31/functions//invocations', null, ''],
  ['/2015-03-31/functions/invocations', null, ''],
  ['/2015-03-31/functions/a/b/invocations', null, ''],
  ['/2015-03-31/functions/function/invocations/', null, ''],
  ['/2015-03-31/functions/function/invoke-async', null, ''],
  ['/2014-11-13/functions/function/invocations', null, ''],
  ['/2014-11-13/functions//invoke-async/', null, ''],
  ['//2015-03-31/functions/function/invocations', null, ''],
  ['/', null, ''],
] as const)('%s asks for %p of %p', (path, operation, segment) => {
  expect(operationOf(path)).toEqual([operation, segment])
})

describe('the target of an invocation', () => {
  const good: [segment: string, query: string | null, name: string, qualifier: string | null][] = [
    ['function', null, 'function', null],
    ['my_Function-1.x', null, 'my_Function-1.x', null],
    ['function', 'prod', 'function', 'prod'],
    ['function:prod', null, 'function', 'prod'],
    ['function:prod', 'prod', 'function', 'prod'],
    ['function:prod', '', 'function', 'prod'],
    ['function:$LATEST', null, 'function', '$LATEST'],
    ['function:$LATEST.PUBLISHED', null, 'function', '$LATEST.PUBLISHED'],
    ['function%3A%24LATEST', null, 'function', '$LATEST'],
    ['function', '', 'function', null],
    ['function', '$LATEST', 'function', '$LATEST'],
    ['function', 'a'.repeat(128), 'function', 'a'.repeat(128)],
    ['function:name:live', null, 'name', 'live'],
    ['123456789012:function', null, 'function', null],
    ['123456789012:function:name', null, 'name', null],
    ['123456789012:function:name:7', null, 'name', '7'],
    ['arn:aws:lambda:us-east-1:123456789012:function:name', null, 'name', null],
    ['arn:aws:lambda:us-east-1:123456789012:function:name:live', null, 'name', 'live'],
    ['arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aname%3Alive', null, 'name', 'live'],
    ['arn%3aaws%3alambda%3aus-east-1%3a123456789012%3afunction%3aname', null, 'name', null],
    ['arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:name', null, 'name', null],
    ['arn:aws-cn:lambda:cn-north-1:123456789012:function:name', null, 'name', null],
    ['arn:aws-iso-b:lambda:us-isob-east-1:123456789012:function:name', null, 'name', null],
    ['arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:name', null, 'name', null],
    ['a'.repeat(256), null, 'a'.repeat(256), null],
  ]
  test.each(good)('%s with %p', (segment, query, name, qualifier) => {
    expect(parseTarget(segment, query)).toEqual({ name, qualifier })
  })

  const bad = [
    'a'.repeat(257),
    'with%20space',
    'name:',
    'name:$PREVIOUS',
    'name:a:b',
    'arn:aws:s3:us-east-1:123456789012:function:name',
    '%',
    '%E0%A4',
    'n%2Fame',
    'ä',
  ]
  test.each(bad)('%s is refused', (segment) => {
    let shown = segment
    try {
      shown = decodeURIComponent(segment)
    } catch {}
    expect(parseTarget(segment, null)).toEqual(
      invalid(
        `'${shown}' is not a function name, partial ARN or ARN; any valid name such as 'function' is served`,
      ),
    )
  })
})

test.each(['日', 'a b', 'a\nb', '$OLDEST', 'a'.repeat(129)])('the qualifier %j is refused', (qualifier) => {
  expect(parseTarget('function', qualifier)).toEqual(
    invalid(`Qualifier '${qualifier.slice(0, 64)}' must be $LATEST, a version or the name of an alias`),
  )
})

test('two qualifiers that differ are refused', () => {
  expect(parseTarget('function:prod', 'other')).toEqual(
    invalid('The derived qualifier from the function name does not match the specified qualifier.'),
  )
})

test('the version that runs is the one that was asked for; an alias stands for the configured one', () => {
  const versions = [null, '7', '$LATEST', 'prod', '7a', '$LATEST.PUBLISHED']
  expect(versions.map((qualifier) => executedVersion(qualifier, '12'))).toEqual([
    '12',
    '7',
    '$LATEST',
    '12',
    '12',
    '12',
  ])
})

test('a signature or an SDK speaks the dialect of the service', () => {
  const signed = headers('authorization', 'AWS4-HMAC-SHA256 Credential=x')
  const rows = [
    [none, 'auto'],
    [signed, 'auto'],
    [headers('authorization', 'Bearer x'), 'auto'],
    [headers('amz-sdk-invocation-id', ''), 'auto'],
    [headers('AMZ-SDK-Invocation-Id', 'x'), 'auto'],
    [signed, 'rie'],
    [none, 'lambda'],
  ] as const
  expect(rows.map(([sent, forced]) => dialectOf(sent, forced))).toEqual([
    'rie',
    'lambda',
    'rie',
    'lambda',
    'lambda',
    'rie',
    'lambda',
  ])
})

describe('the request id', () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  const sent = '6F9B2E5C-AAAA-1000-8000-00000000ABCD'

  test('is the one that was sent, in lower case', () => {
    expect(ownRequestId(headers('X-Amzn-RequestId', sent))).toBe(sent.toLowerCase() as RequestId)
  })

  test('is none of the caller where it sent none, or no UUID', () => {
    expect(ownRequestId(none)).toBeNull()
    for (const no of ['x', `${sent}0`, '']) expect(ownRequestId(headers('x-amzn-requestid', no))).toBeNull()
  })

  test('is a new one each time', () => {
    const made = Array.from({ length: 100 }, newRequestId)
    for (const id of made) expect(id).toMatch(uuid)
    expect(new Set(made).size).toBe(100)
  })
})

describe('the tenant', () => {
  test('is what was sent, if it may be one', () => {
    const sent = ['aZ09._:/=+-@ x', 'a', 'a'.repeat(256)]
    expect(sent.map((one) => tenantId(headers('x-amz-tenant-id', one)))).toEqual(sent)
    expect([tenantId(none), tenantId(headers('x-amz-tenant-id', ''))]).toEqual([null, null])
  })

  test('is refused if not', () => {
    for (const sent of ['a'.repeat(257), 'ä', 'a,b', 'a;b']) {
      expect(tenantId(headers('x-amz-tenant-id', sent))).toEqual(
        invalid(
          `X-Amz-Tenant-Id '${sent.slice(0, 64)}' must be 1 to 256 characters of letters, digits and . _ : / = + - @ and space`,
        ),
      )
    }
  })
})

test('the invocation type', () => {
  const of = (sent: string) => invocationType(headers('x-amz-invocation-type', sent))
  expect([
    invocationType(none),
    of(''),
    of('RequestResponse'),
    of('Event'),
    of('DryRun'),
    of('event'),
  ]).toEqual([
    'RequestResponse',
    'RequestResponse',
    'RequestResponse',
    'Event',
    'DryRun',
    invalid("X-Amz-Invocation-Type 'event' must be RequestResponse, Event or DryRun") as never,
  ])
})

test('the log type', () => {
  const of = (sent: string) => wantsTail(headers('x-amz-log-type', sent))
  expect([wantsTail(none), of(''), of('None'), of('Tail'), of('tail')]).toEqual([
    false,
    false,
    false,
    true,
    invalid("X-Amz-Log-Type 'tail' must be None or Tail") as never,
  ])
})
