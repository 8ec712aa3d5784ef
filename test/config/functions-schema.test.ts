import { expect, test } from 'bun:test'
import { Ajv } from 'ajv'
import { functionsJsonSchema } from '../../src/build/schema.ts'
import { checkFunctions } from '../../src/config/functions-schema.ts'

const accepts = new Ajv({ strict: false }).compile(JSON.parse(functionsJsonSchema()))

const one = { handler: 'index.handler' }
test.each([
  [true, { functions: { a: one } }],
  [
    true,
    {
      $schema: './functions.schema.json',
      functions: { a: { command: ['x'], environment: { A: 1, B: true } } },
    },
  ],
  [true, { functions: { a: { ...one, functionUrl: { path: '/a/b' }, async: { retryDelays: [0, 0.5] } } } }],
  [false, {}],
  [false, []],
  [false, null],
  [false, { functions: [] }],
  [false, { functions: { a: null } }],
  [false, { functions: { a: { ...one, timeout: '3' } } }],
  [false, { functions: { a: { ...one, unknown: 1 } } }],
  [false, { functions: { a: { ...one, functionUrl: { path: 'a' } } } }],
  [false, { functions: { a: { ...one, async: { maxRetries: 3 } } } }],
  [true, { functions: { a: { ...one, durable: true }, b: { ...one, durable: { retentionDays: 90 } } } }],
  [false, { functions: { a: { ...one, durable: { retentionDays: 91 } } } }],
  [false, { functions: { a: { ...one, durable: { timeout: 1 } } } }],
  [false, { functions: { a: { ...one, logLevel: 'debug' } } }],
  [false, { functions: { 'a b': one } }],
] as const)('editors and the emulator agree: %p for %j', (good, value) => {
  expect([accepts(value), checkFunctions(value).mistakes.length === 0]).toEqual([good, good])
})
