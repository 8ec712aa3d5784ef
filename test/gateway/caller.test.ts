import { describe, expect, test } from 'bun:test'
import { clientContext, cognitoIdentity } from '../../src/gateway/caller.ts'
import type { Sent } from '../../src/http/exchange.ts'

const headers = (name: string, value: string): Sent => ({
  header: (asked) => (asked === name.toLowerCase() ? value : null),
})
const none: Sent = { header: () => null }

describe('the client context', () => {
  const of = (text: string | Uint8Array) =>
    headers('x-amz-client-context', Buffer.from(text).toString('base64'))
  const bad = (why: string) => ({
    status: 400,
    body: JSON.stringify({
      Type: 'User',
      message: `X-Amz-Client-Context must be base64 of a JSON object: ${why}`,
    }),
    contentType: 'application/json',
    functionError: false,
    headers: { 'x-amzn-ErrorType': 'InvalidRequestContentException' },
  })

  test('is null where there is none', () => {
    expect(clientContext(none, 'rie')).toBeNull()
    expect(clientContext(headers('x-amz-client-context', ''), 'lambda')).toBeNull()
  })

  const good: [name: string, text: string, header: string][] = [
    ['as it is', '{"custom":{"a":[1, 2]}}', '{"custom":{"a":[1, 2]}}'],
    ['empty', '{}', '{}'],
    ['on several lines', ' {\r\n\t"a": 1\n}\n', '{   "a": 1 }'],
    ['with an escape that stays', '{"a":"\\n\\u00e9"}', '{"a":"\\n\\u00e9"}'],
    ['with letters beyond ASCII', '{"é":"ü"}', '{"\\u00e9":"\\u00fc"}'],
    ['beyond the basic plane', '{"a":"😀"}', '{"a":"\\ud83d\\ude00"}'],
    ['with separators and a delete', '{"a":"\u2028\u007f\u0080"}', '{"a":"\\u2028\\u007f\\u0080"}'],
    ['with a byte order mark', '\ufeff{"a":1}', '{"a":1}'],
  ]
  test.each(good)('is ASCII JSON: %s', (_, text, header) => {
    expect(clientContext(of(text), 'rie')).toBe(header)
    expect(clientContext(of(text), 'lambda')).toBe(header)
    expect(JSON.parse(header)).toEqual(JSON.parse(text.replace('\ufeff', '')))
    expect(header).toMatch(/^[ -~]*$/)
  })

  test('is refused when it is not base64', () => {
    for (const sent of ['{"a":1}', 'e30', 'e30=e30=', 'e3\u00a0=', 'e30-', `${'x'.repeat(65)}`]) {
      expect(clientContext(headers('x-amz-client-context', sent), 'rie')).toEqual(
        bad(`'${sent.slice(0, 64)}' is not base64`),
      )
    }
  })

  test('is refused when it is no object', () => {
    for (const text of ['[]', 'null', '1', '"x"']) {
      expect(clientContext(of(text), 'lambda')).toEqual(bad('it is no object'))
    }
    for (const text of ['', '{', 'x', new Uint8Array([0x7b, 0xff, 0x7d])]) {
      const answer = clientContext(of(text), 'lambda')
      if (text === '') expect(answer).toBeNull()
      else expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('JSON object: ') })
    }
  })

  test('has a limit where the service has one', () => {
    const fits = of(`{"a":"${'x'.repeat(2677)}"}`)
    expect(fits.header('x-amz-client-context')).toHaveLength(3580)
    expect(clientContext(fits, 'lambda')).toStartWith('{"a":"x')
    const more = of(`{"a":"${'x'.repeat(2680)}"}`)
    expect(clientContext(more, 'rie')).toStartWith('{"a":"x')
    expect(clientContext(more, 'lambda')).toMatchObject({
      status: 400,
      body: '{"Type":"User","message":"X-Amz-Client-Context is 3584 characters long; at most 3583 are allowed"}',
    })
  })
})

describe('the identity of Cognito', () => {
  const told = (sent: string) => cognitoIdentity(headers('X-Amz-Cognito-Identity', sent))
  const bytes = (text: string) => Buffer.from(text).toString('latin1')

  test.each([
    ['{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}', 'i', 'p'],
    ['{"cognitoIdentityPoolId":"p"}', '', 'p'],
    ['{ "COGNITOIDENTITYID" : "i", "more": {"a":[1]} }', 'i', ''],
    ['{"cognitoIdentityId":"i","cognitoIdentityPoolId":null}', 'i', ''],
    ['{"cognitoIdentityId":"a","cognitoIdentityId":"i"}', 'i', ''],
    ['{"cognitoIdentityId":"\\u00fc\\n"}', 'ü\n', ''],
    [bytes('{"cognitoIdentityId":"ü😀"}'), 'ü😀', ''],
  ])('is told with both of its fields, in ASCII: %s', (sent, cognitoIdentityId, cognitoIdentityPoolId) => {
    const header = told(sent) as string
    expect(header).toMatch(/^[ -~]+$/)
    expect(JSON.parse(header)).toEqual({ cognitoIdentityId, cognitoIdentityPoolId })
  })

  test('is null where there is none', () => {
    expect(cognitoIdentity(none)).toBeNull()
    for (const sent of ['', '{}', '{"cognitoIdentityId":""}', '{"other":"x"}']) expect(told(sent)).toBeNull()
  })

  test.each([
    'junk',
    '{',
    '[]',
    'null',
    '1',
    '"x"',
    '{} {}',
    '{"cognitoIdentityId":1}',
    '{"cognitoIdentityPoolId":["p"]}',
    '\xff',
  ])('is refused, and the header named: %s', (sent) => {
    expect(told(sent)).toMatchObject({
      status: 400,
      body: expect.stringContaining('X-Amz-Cognito-Identity must'),
      headers: { 'x-amzn-ErrorType': 'InvalidRequestContentException' },
    })
  })
})
