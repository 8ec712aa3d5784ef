import { expect, test } from 'bun:test'
import { streamError } from '../../src/api/trailers.ts'
import { textOf } from '../http/fake.ts'

const type = 'Lambda-Runtime-Function-Error-Type'
const body = 'lambda-runtime-function-error-body'
const base64 = (text: string): string => Buffer.from(text).toString('base64')

test.each([
  ['none', []],
  ['others', ['X-Digest', 'sha-256=x']],
  ['empty ones', [type, '', body, '']],
])('%s are no error', (_, trailers) => {
  expect(streamError(trailers)).toBeNull()
})

test('those that cannot be read are an error that nobody knows', () => {
  expect(streamError(null)).toEqual({ errorType: null, document: null })
})

test.each([
  ['{"errorType":"é"}', base64('{"errorType":"é"}')],
  ['{"a":1}', base64('{"a":1}').replace(/=+$/, '')],
  ['null', base64('null')],
])('the document %s is handed on as it is', (document, sent) => {
  const error = streamError([type, 'Function.Oops', body, sent])
  expect(error?.errorType).toBe('Function.Oops')
  expect(textOf(error?.document as never)).toBe(document)
})

test.each(['{}', '%%%', base64('{'), base64('\xff'), 'e30=e30='])(
  '%s is no document: one is made',
  (sent) => {
    const error = streamError([type, 'MyError', body, sent])
    expect(error?.errorType).toBe('Runtime.Unknown')
    expect(JSON.parse(textOf(error?.document as never))).toEqual({
      errorType: 'MyError',
      errorMessage: 'The response stream ended in an error whose document is not base64 of JSON',
    })
  },
)
