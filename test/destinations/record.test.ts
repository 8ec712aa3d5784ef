import { expect, test } from 'bun:test'
import { recordOf } from '../../src/destinations/record.ts'
import type { EndedEvent } from '../../src/engine/async-events.ts'
import { encoded } from '../../src/http/collect.ts'

const arn = 'arn:aws:lambda:us-east-1:012345678912:function:f'
const ended = (payload: string, over: Partial<EndedEvent> = {}, qualifier = ''): EndedEvent => ({
  request: {
    id: 'c2a6f2ae-7dbb-4d22-8782-d0485c9877e2' as never,
    payload: encoded(payload),
    arn: arn + qualifier,
    traceId: 'Root=1',
    clientContext: null,
    cognitoIdentity: null,
    tenant: null,
  },
  condition: 'Success',
  tries: 1,
  outcome: null,
  ...over,
})
const epoch = Date.UTC(2026, 10, 29, 1, 2, 3, 45)

test('is that of the service', () => {
  const answer = { status: 200, functionError: true, body: '{"errorType":"E"}' }
  const event = ended('{"a":1}', { condition: 'RetriesExhausted', tries: 3 })
  expect(recordOf(event, { epoch, version: '$LATEST', answer })).toBe(
    '{"version":"1.0","timestamp":"2026-11-29T01:02:03.045Z",' +
      '"requestContext":{"requestId":"c2a6f2ae-7dbb-4d22-8782-d0485c9877e2",' +
      `"functionArn":"${arn}:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},` +
      '"requestPayload":{"a":1},' +
      '"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},' +
      '"responsePayload":{"errorType":"E"}}',
  )
})

test('keeps the digits of all numbers, and is one line', () => {
  const answer = {
    status: 200,
    functionError: false,
    body: encoded('{\n  "id": 12345678901234567890,\r\n  "x": 1e400\n}\n'),
  }
  const record = recordOf(ended('[1.10,\n -0,"a\\nb"]'), { epoch, version: '7', answer })
  expect(record).toContain('"requestPayload":[1.10,-0,"a\\nb"],')
  expect(record).toEndWith('"responsePayload":{"id": 12345678901234567890,"x": 1e400}}')
  expect(JSON.parse(record).requestPayload).toEqual([1.1, -0, 'a\nb'])
})

test('has text where there is no JSON, and the qualifier that was asked for', () => {
  const answer = { status: 200, functionError: false, body: encoded('no json') }
  expect(JSON.parse(recordOf(ended('{"a', {}, ':live'), { epoch, version: '7', answer }))).toMatchObject({
    requestContext: { functionArn: `${arn}:live` },
    requestPayload: '{"a',
    responseContext: { statusCode: 200, executedVersion: '7' },
    responsePayload: 'no json',
  })
})

test('of an event that never ran has no response', () => {
  const event = ended('null', { condition: 'EventAgeExceeded', tries: 0 })
  const record = JSON.parse(recordOf(event, { epoch, version: '$LATEST', answer: null }))
  expect(Object.keys(record)).toEqual(['version', 'timestamp', 'requestContext', 'requestPayload'])
  expect(record).toMatchObject({
    requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 0 },
    requestPayload: null,
  })
})
