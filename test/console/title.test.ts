import { expect, test } from 'bun:test'
import { titleOf } from '../../src/console/title.ts'
import { examples } from '../../src/events/examples.ts'

test('an event of a known source is called by what people know it by', () => {
  const titles = Object.entries(examples).map(([name, event]) => [name, titleOf(JSON.stringify(event))])
  expect(Object.fromEntries(titles)).toEqual({
    s3: 'S3 ObjectCreated:Put my-bucket/photos/cat.jpg',
    sqs: 'SQS my-queue: 1 message',
    sns: 'SNS my-topic',
    eventbridge: 'EventBridge my.shop: Order Placed',
    dynamodb: 'DynamoDB MODIFY orders',
    alb: 'GET /hello?name=world',
    apigateway: 'POST /hello?name=world',
    'http-api': 'POST /hello?name=world',
    'function-url': 'POST /hello?name=world',
  })
})

test('several records are counted', () => {
  const record = { eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:us-east-1:123:orders' }
  expect(titleOf(JSON.stringify({ Records: [record, record] }))).toBe('SQS orders: 2 messages')
})

test('any other event is called by its beginning, on one line', () => {
  expect(titleOf('{\n  "a": 1\n}')).toBe('{"a":1}')
  expect(titleOf('{\n  "cut":')).toBe('{ "cut":')
  expect(titleOf('x'.repeat(500))).toBe('x'.repeat(100))
  expect(titleOf('')).toBe('')
  for (const odd of [
    'null',
    '{"Records":[]}',
    '{"Records":[null]}',
    '{"Records":[{"eventSource":"aws:s3"}]}',
    '{"Records":[{"eventSource":"aws:sqs","eventSourceARN":7}]}',
    '{"httpMethod":"GET"}',
    '{"requestContext":{"http":7}}',
  ])
    expect(titleOf(odd)).toBe(odd)
})
