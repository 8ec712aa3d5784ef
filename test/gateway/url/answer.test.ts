import { describe, expect, test } from 'bun:test'
import { urlAnswer, wholeAnswer } from '../../../src/gateway/url/answer.ts'

const json = ['Content-Type', 'application/json']

function answerOf(text: string | Uint8Array): { status: number; fields: string[]; body: string } {
  const answer = urlAnswer(typeof text === 'string' ? new TextEncoder().encode(text) : text)
  if ('invalid' in answer) throw new Error(answer.invalid)
  return { status: answer.status, fields: answer.fields, body: textOf(answer.body) }
}

function textOf(body: string | Uint8Array): string {
  return typeof body === 'string' ? body : new TextDecoder().decode(body)
}

function reasonOf(text: string | Uint8Array): string {
  const answer = urlAnswer(typeof text === 'string' ? new TextEncoder().encode(text) : text)
  return 'invalid' in answer ? answer.invalid : `valid: ${JSON.stringify(answer)}`
}

describe('a value without a status code is the body', () => {
  test.each([
    ['{"a": [1, {"b" : null}],\n\t"c": "x y"}', '{"a":[1,{"b":null}],"c":"x y"}'],
    ['{"message":"hi"}', '{"message":"hi"}'],
    ['{ }', '{}'],
    ['[1, 2]', '[1,2]'],
    ['"hello"', 'hello'],
    ['  "a \\"quoted\\" \\u00e9 text"  ', 'a "quoted" é text'],
    ['""', ''],
    ['42', '42'],
    [' true ', 'true'],
    ['null', 'null'],
    ['{"body":"only a body","headers":{"a":"b"}}', '{"body":"only a body","headers":{"a":"b"}}'],
    ['{"a\\\\": "\\\\\\" ", "b": " "}', '{"a\\\\":"\\\\\\" ","b":" "}'],
  ])('%s', (text, body) => {
    expect(answerOf(text)).toEqual({ status: 200, fields: json, body })
  })

  test('whose numbers keep all their digits', () => {
    const text = '{"id": 12345678901234567890, "price": 1.10, "big": 1e400}'
    expect(answerOf(text).body).toBe('{"id":12345678901234567890,"price":1.10,"big":1e400}')
    expect(answerOf('[12345678901234567890]').body).toBe('[12345678901234567890]')
    expect(answerOf('1.000').body).toBe('1.000')
  })
})

describe('a status code', () => {
  test.each([
    ['200', 200],
    ['"418"', 418],
    ['599', 599],
    ['204', 204],
    ['201.0', 201],
  ])('%s', (code, status) => {
    expect(answerOf(`{"statusCode":${code}}`)).toEqual({ status, fields: json, body: '' })
  })

  test.each(['199', '600', '0', '-200', '200.5', '"2000"', '" 200"', '"ok"', 'null', 'true', '[200]', '{}'])(
    '%s is none',
    (code) => {
      expect(reasonOf(`{"statusCode":${code}}`)).toBe(
        `statusCode is ${code}; allowed is a whole number from 200 to 599`,
      )
    },
  )
})

describe('headers', () => {
  const fieldsOf = (headers: string) => answerOf(`{"statusCode":200,"headers":${headers}}`).fields

  test('are sent as the function spells them', () => {
    expect(fieldsOf('{"X-One":"1","content-type":"text/html"}')).toEqual([
      'X-One',
      '1',
      'content-type',
      'text/html',
    ])
  })

  test('without a content type get that of JSON', () => {
    expect(fieldsOf('{"x":"y"}')).toEqual(['x', 'y', ...json])
    expect(fieldsOf('null')).toEqual(json)
    expect(fieldsOf('{}')).toEqual(json)
  })

  test('may be numbers and booleans, which become text with all their digits', () => {
    const headers = '{"n":7,"big":12345678901234567890,"f":1.50,"e":1E3,"t":true,"neg":-0,"deep":1}'
    expect(fieldsOf(headers)).toEqual([
      ...[
        'n',
        '7',
        'big',
        '12345678901234567890',
        'f',
        '1.50',
        'e',
        '1E3',
        't',
        'true',
        'neg',
        '-0',
        'deep',
        '1',
      ],
      ...json,
    ])
  })

  test('that belong to the connection or to the emulator are ours', () => {
    const headers =
      '{"Content-Length":"7","transfer-encoding":"chunked","Connection":"close","Date":"then","X-Amzn-RequestId":"mine","x-amzn-trace-id":"mine"}'
    expect(fieldsOf(headers)).toEqual(json)
  })

  test('may have Latin-1 values', () => {
    expect(fieldsOf('{"x":"Ren\\u00e9\\t!"}')).toEqual(['x', 'René\t!', ...json])
  })

  test('may be many', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`x-${at}`, 'v']))
    expect(fieldsOf(JSON.stringify(many))).toHaveLength(10_002)
  })

  test.each([
    ['[]', 'headers is []; allowed is an object of names and values'],
    ['"a: b"', 'headers is "a: b"; allowed is an object of names and values'],
    ['7', 'headers is 7; allowed is an object of names and values'],
    ['{"a":["b"]}', 'header "a" is ["b"]; allowed is a text, a number or a boolean'],
    ['{"a":null}', 'header "a" is null; allowed is a text, a number or a boolean'],
    ['{"a b":"c"}', '"a b" is no name of a header'],
    ['{"":"c"}', '"" is no name of a header'],
    ['{"a\\r\\nb":"c"}', '"a\\r\\nb" is no name of a header'],
    ['{"a":"b\\r\\nX: y"}', 'header a is "b\\r\\nX: y", which has characters that no header can have'],
    ['{"a":"\\u20ac"}', 'header a is "€", which has characters that no header can have'],
  ])('%s are none', (headers, reason) => {
    expect(reasonOf(`{"statusCode":200,"headers":${headers}}`)).toBe(reason)
  })
})

describe('cookies', () => {
  test('are a header each', () => {
    expect(answerOf('{"statusCode":200,"cookies":["a=1; Path=/","b=2"]}').fields).toEqual([
      'Set-Cookie',
      'a=1; Path=/',
      'Set-Cookie',
      'b=2',
      ...json,
    ])
    expect(answerOf('{"statusCode":200,"cookies":null}').fields).toEqual(json)
  })

  test.each([
    ['"a=1"', 'cookies is "a=1"; allowed is a list of texts'],
    ['{}', 'cookies is {}; allowed is a list of texts'],
    ['[1]', 'cookie 1 is no text that can stand in a header'],
    ['["a=1\\n"]', 'cookie "a=1\\n" is no text that can stand in a header'],
  ])('%s are none', (cookies, reason) => {
    expect(reasonOf(`{"statusCode":200,"cookies":${cookies}}`)).toBe(reason)
  })
})

describe('a body', () => {
  const bodyOf = (rest: string) => urlAnswer(new TextEncoder().encode(`{"statusCode":200,${rest}}`))
  const bytesOf = (rest: string) => {
    const answer = bodyOf(rest)
    return 'invalid' in answer ? answer.invalid : Buffer.from(answer.body as Uint8Array).toString('hex')
  }

  test.each([
    ['"body":"h\\u00e9"', '68c3a9'],
    ['"body":"aGk=","isBase64Encoded":true', '6869'],
    ['"body":"aGk","isBase64Encoded":true', '6869'],
    ['"body":"aG\\nk=\\r\\n","isBase64Encoded":true', '6869'],
    ['"body":"/+8=","isBase64Encoded":true', 'ffef'],
    ['"body":"aGk=","isBase64Encoded":false', '61476b3d'],
    ['"body":"aGk=","isBase64Encoded":null', '61476b3d'],
    ['"body":null,"isBase64Encoded":true', ''],
    ['"body":""', ''],
    ['"isBase64Encoded":true', ''],
  ])('%s', (rest, hex) => {
    expect(bytesOf(rest)).toBe(hex)
  })

  test.each([
    ['"body":{"a":1}', 'body is {"a":1}; allowed is a text, for example one made by JSON.stringify'],
    ['"body":7', 'body is 7; allowed is a text, for example one made by JSON.stringify'],
    ['"body":false', 'body is false; allowed is a text, for example one made by JSON.stringify'],
    ['"body":"a","isBase64Encoded":"true"', 'isBase64Encoded is "true"; allowed is true or false'],
    ['"body":"a","isBase64Encoded":true', 'body is no base64, although isBase64Encoded is true'],
    ['"body":"a b=","isBase64Encoded":true', 'body is no base64, although isBase64Encoded is true'],
    ['"body":"a-_=","isBase64Encoded":true', 'body is no base64, although isBase64Encoded is true'],
    ['"body":"a===","isBase64Encoded":true', 'body is no base64, although isBase64Encoded is true'],
  ])('%s is none', (rest, reason) => {
    expect(bytesOf(rest)).toBe(reason)
  })

  test('of 6 MB goes through', () => {
    const body = 'x'.repeat(6_000_000)
    expect(answerOf(JSON.stringify({ statusCode: 200, body })).body).toBe(body)
  })
})

describe('what is no JSON is no answer', () => {
  test.each([
    ['', 'the answer is no JSON: unexpected end'],
    ['  ', 'the answer is no JSON: unexpected end'],
    ['hello', "the answer is no JSON: unexpected 'h' at offset 0"],
    ['{"statusCode":200', 'the answer is no JSON: unexpected end'],
    ['"a', 'the answer is no JSON: unexpected end'],
    ['[1,]', "the answer is no JSON: unexpected ']' at offset 3"],
    ['{} {}', "the answer is no JSON: unexpected '{' at offset 3"],
    ['NaN', "the answer is no JSON: unexpected 'N' at offset 0"],
  ])('"%s"', (text, reason) => {
    expect(reasonOf(text)).toBe(reason)
  })

  test('nor are bytes that are no UTF-8', () => {
    expect(reasonOf(Uint8Array.of(0x22, 0xff, 0x22))).toBe('the answer is no JSON: invalid UTF-8')
  })
})

describe('what the runtime posted', () => {
  const answer = (payload: string, contentType: string | null, mode: 'BUFFERED' | 'RESPONSE_STREAM') => {
    const whole = wholeAnswer(new TextEncoder().encode(payload), contentType, mode)
    return 'invalid' in whole ? whole.invalid : { ...whole, body: textOf(whole.body) }
  }
  const status = '{"statusCode":201,"body":"made"}'
  const prelude = 'application/vnd.awslambda.http-integration-response'
  const zeros = '\0'.repeat(8)

  test('in one piece is mapped in BUFFERED, and goes out as it is in RESPONSE_STREAM', () => {
    expect(answer(status, null, 'BUFFERED')).toMatchObject({ status: 201, body: 'made' })
    expect(answer(status, null, 'RESPONSE_STREAM')).toEqual({
      status: 200,
      fields: json,
      body: status,
    })
    expect(answer('no JSON', null, 'RESPONSE_STREAM')).toMatchObject({ status: 200, body: 'no JSON' })
  })

  test('as a stream with a prelude says what it is, in both modes', () => {
    for (const mode of ['BUFFERED', 'RESPONSE_STREAM'] as const) {
      const made = answer(`{"statusCode":201,"headers":{"x":"y"}}${zeros}made`, prelude, mode)
      expect(made).toMatchObject({ status: 201, body: 'made' })
      expect(answer('', prelude, mode)).toMatchObject({ status: 200, body: '' })
      expect(answer('{}', prelude, mode)).toMatch(/^behind the JSON of the prelude are 0 zero bytes/)
    }
  })

  test('as a stream of JSON is mapped in BUFFERED; other streams go out as they are', () => {
    expect(answer(status, 'application/json; charset=utf-8', 'BUFFERED')).toMatchObject({ status: 201 })
    expect(answer(status, 'application/json', 'RESPONSE_STREAM')).toMatchObject({ status: 200, body: status })
    for (const mode of ['BUFFERED', 'RESPONSE_STREAM'] as const) {
      const event = { status: 200, fields: ['Content-Type', 'text/event-stream'], body: 'data: 1' }
      expect(answer('data: 1', 'text/event-stream', mode)).toEqual(event)
    }
  })
})
