import { expect, test } from 'bun:test'
import { resolve } from '../../src/gateway/resolve.ts'
import type { NamedFunctions } from '../../src/gateway/served.ts'
import { FakePool } from './fakes.ts'

const orders = new FakePool().served
const functions: NamedFunctions = {
  only: null,
  all: [orders],
  find: (name) => (name === 'orders' ? orders : null),
  arnOf: (name) => `arn:aws:lambda:us-east-1:012345678912:function:${name}`,
}

test.each([
  'orders',
  'orders:7',
  'orders%3A%24LATEST',
  '999999999999:function:orders',
  'arn%3Aaws%3Alambda%3Aeu-west-1%3A999999999999%3Afunction%3Aorders%3Alive',
])('%s is the function of that name', (segment) => {
  expect(resolve(functions, segment)).toBe(orders)
})

test.each([
  ['function', 404, 'function:function:$LATEST'],
  ['Orders', 404, 'function:Orders:$LATEST'],
  ['other:live', 404, 'function:other:live'],
  ['a%20b', 400, "'a b' is not a function name"],
])('%s is answered with %p', (segment, status, says) => {
  const answer = resolve(functions, segment)
  expect(answer).toMatchObject({ status, body: expect.stringContaining(says) })
})
