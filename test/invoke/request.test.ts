import { describe, expect, test } from 'bun:test'
import { parseRequest, UsageError } from '../../src/invoke/request.ts'

const parse = (words: string[], env: Record<string, string> = {}) => parseRequest(words, env)

test('nothing asks the default function with an empty object', () => {
  expect(parse([])).toEqual({
    name: 'function',
    event: { kind: 'text', text: '{}' },
    mode: 'buffered',
    tail: false,
    endpoint: 'http://127.0.0.1:8080',
  })
})

describe('the event', () => {
  test.each([
    [['-d', '{"a":1}'], { kind: 'text', text: '{"a":1}' }],
    [['--data={"a":1}'], { kind: 'text', text: '{"a":1}' }],
    [['-d', ''], { kind: 'text', text: '' }],
    [['-d', '@event.json'], { kind: 'file', path: 'event.json' }],
    [['-d', '@-'], { kind: 'file', path: '-' }],
    [['-e', 'event.json'], { kind: 'file', path: 'event.json' }],
    [['-e', '@odd'], { kind: 'file', path: '@odd' }],
    [['--event', '-'], { kind: 'file', path: '-' }],
  ] as const)('%j', (words, event) => {
    expect(parse([...words])).toMatchObject({ event })
  })

  test('is an example by its name', () => {
    const request = parse(['--example', 'http-api'])
    if (request === 'help' || request.event.kind !== 'text') throw new Error('no text')
    expect(JSON.parse(request.event.text)).toMatchObject({ version: '2.0', routeKey: 'POST /hello' })
  })
})

describe('the address', () => {
  test('flag beats variable beats default; an empty variable counts as absent', () => {
    const env = { AWS_ENDPOINT_URL_LAMBDA: 'http://10.0.0.1:81/' }
    expect(parse([], env)).toMatchObject({ endpoint: 'http://10.0.0.1:81' })
    expect(parse(['--endpoint-url', 'http://[::1]:9000/base/'], env)).toMatchObject({
      endpoint: 'http://[::1]:9000/base',
    })
    expect(parse([], { AWS_ENDPOINT_URL_LAMBDA: '' })).toMatchObject({ endpoint: 'http://127.0.0.1:8080' })
  })
})

describe('what is wrong is named', () => {
  test.each([
    [['--exmaple', 's3'], 'unknown option --exmaple; did you mean --example?'],
    [['--payload', '{}'], 'unknown option --payload; --help lists them'],
    [['-d'], "Option '-d, --data <value>' argument missing"],
    [['a', 'b'], 'one function at a time: "b" is a second name'],
    [[''], 'the name of the function is empty'],
    [['-d', '1', '-d', '2'], '--data was given twice'],
    [['-d', '1', '-e', 'f'], 'one event at a time: -d, -e and --example exclude each other'],
    [['-d', '@'], 'the name of the event file is empty; - is standard input'],
    [['--stream', '--async'], '--stream and --async exclude each other'],
    [
      ['--tail', '--async'],
      '--tail and --async exclude each other: the answer comes before the function runs',
    ],
    [
      ['--example', 'kinesis'],
      '--example is "kinesis"; there are s3, sqs, sns, eventbridge, dynamodb, alb, apigateway, http-api, function-url',
    ],
    [
      ['--endpoint-url', 'localhost:8080'],
      '--endpoint-url is "localhost:8080"; allowed is an address as http://127.0.0.1:8080',
    ],
  ] as const)('%j', (words, message) => {
    expect(() => parse([...words])).toThrow(new UsageError(message))
  })

  test('in the variable too', () => {
    expect(() => parse([], { AWS_ENDPOINT_URL_LAMBDA: 'nonsense' })).toThrow(/^AWS_ENDPOINT_URL_LAMBDA is/)
  })
})

test('--help wins', () => {
  expect(parse(['a', '--help'])).toBe('help')
})
