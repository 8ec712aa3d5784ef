/**
 * What may stand in a file of functions. The types, the check and the JSON schema for editors (`dist/functions.schema.json`)
 * are made from it.
 */

import * as v from 'valibot'

const text = v.pipe(v.string(), v.nonEmpty('must not be empty'))
const count = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(least, `must be ${least} or more`),
    v.maxValue(most, `must be ${most} or less`),
  )
const seconds = (least: number) => count(least, 2_147_483)

const cors = v.strictObject({
  AllowCredentials: v.optional(v.boolean()),
  AllowHeaders: v.optional(v.array(text)),
  AllowMethods: v.optional(v.array(text)),
  AllowOrigins: v.optional(v.array(text)),
  ExposeHeaders: v.optional(v.array(text)),
  MaxAge: v.optional(count(0, 86_400)),
})

const functionUrl = v.pipe(
  v.strictObject({
    address: v.pipe(
      v.optional(text),
      v.description('where it listens, as 127.0.0.1:3001; port 0 takes a free one'),
    ),
    path: v.pipe(
      v.optional(
        v.pipe(text, v.regex(/^(\/[^/?#]+)+$/, 'must be a path as /orders, without a slash at its end')),
      ),
      v.description('where several share --function-url-address: the prefix of its paths'),
    ),
    invokeMode: v.optional(v.picklist(['BUFFERED', 'RESPONSE_STREAM'])),
    cors: v.optional(cors),
  }),
  v.check(
    ({ address, path }) => address === undefined || path === undefined,
    'has an address or a path, not both',
  ),
)

const destination = v.pipe(
  text,
  v.description('file:PATH, an http address, or the name or ARN of another function of this file'),
)

const asynchronous = v.strictObject({
  maxRetries: v.optional(count(0, 2)),
  maxAge: v.pipe(v.optional(count(1, 21_600)), v.description('seconds')),
  retryDelays: v.pipe(
    v.optional(
      v.pipe(
        v.array(
          v.pipe(v.number(), v.minValue(0, 'must be 0 or more'), v.maxValue(21_600, 'must be 21600 or less')),
        ),
        v.minLength(1, 'must have a delay'),
      ),
    ),
    v.description('seconds'),
  ),
  onSuccess: v.optional(destination),
  onFailure: v.optional(destination),
})

const durable = v.strictObject({
  executionTimeout: v.pipe(v.optional(count(1, 31_622_400)), v.description('seconds')),
  retentionDays: v.optional(count(1, 90)),
  retryDelays: v.pipe(
    v.optional(
      v.pipe(
        v.array(v.pipe(v.number(), v.minValue(0, 'must be 0 or more'))),
        v.minLength(1, 'must have a delay'),
      ),
    ),
    v.description('seconds'),
  ),
})

const oneFunction = v.strictObject({
  command: v.pipe(
    v.optional(v.pipe(v.array(v.string()), v.minLength(1, 'must name a program'))),
    v.description('the runtime: a program and its arguments'),
  ),
  handler: v.pipe(
    v.optional(text),
    v.description('file.export of a JavaScript or TypeScript function to serve, or _HANDLER of the command'),
  ),
  cwd: v.pipe(v.optional(text), v.description('the folder of the function; default: that of this file')),
  environment: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
  timeout: v.pipe(v.optional(seconds(1)), v.description('seconds')),
  memorySize: v.pipe(v.optional(count(1, 32_768)), v.description('MB, as reported; nothing enforces it')),
  version: v.optional(text),
  maxEnvironments: v.pipe(
    v.optional(count(0, 1000)),
    v.description('0 throttles every invocation, as a reserved concurrency of 0'),
  ),
  maxQueue: v.optional(count(0, 2_147_483_647)),
  initTimeout: v.pipe(v.optional(seconds(0)), v.description('seconds; 0 is no limit')),
  extensionsDir: v.optional(text),
  layers: v.pipe(
    v.optional(v.array(text)),
    v.description('folders of unpacked layers; the last one goes before the others'),
  ),
  functionUrl: v.optional(functionUrl),
  async: v.optional(asynchronous),
  durable: v.pipe(
    v.optional(v.union([v.boolean(), durable])),
    v.description('its invocations are durable executions'),
  ),
  logFormat: v.optional(v.picklist(['Text', 'JSON'])),
  logLevel: v.optional(v.picklist(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'])),
})

/** A name as the service takes it: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
export const functionNamePattern = /^[a-zA-Z0-9-_]{1,64}$/

export const functionsSchema = v.strictObject({
  $schema: v.optional(v.string()),
  functions: v.pipe(
    v.record(
      v.pipe(v.string(), v.regex(functionNamePattern, 'must be 1 to 64 letters, digits, - and _')),
      oneFunction,
    ),
    v.check((functions) => Object.keys(functions).length > 0, 'has no function'),
  ),
})

export type FunctionsFile = v.InferOutput<typeof functionsSchema>
export type FunctionEntry = v.InferOutput<typeof oneFunction>

/** What is wrong at one place. */
export interface SchemaMistake {
  readonly path: readonly (string | number)[]
  readonly text: string
  /** the keys that there are, where one is not known */
  readonly known?: readonly string[]
}

/** What of a file keeps to the schema, and what is wrong with the rest. */
export interface CheckedFunctions {
  readonly functions: Readonly<Record<string, FunctionEntry>>
  readonly mistakes: readonly SchemaMistake[]
}

export function checkFunctions(value: unknown): CheckedFunctions {
  const result = v.safeParse(functionsSchema, value)
  const lost = lostNames(value)
  if (result.success) return { functions: result.output.functions, mistakes: lost }
  // what is right is looked at further, so that all that is wrong is told at once
  const { functions = {} } = (value ?? {}) as { functions?: Readonly<Record<string, unknown>> }
  const right = Object.entries(functions ?? {}).flatMap(([name, entry]) => {
    const one = v.safeParse(oneFunction, entry)
    return one.success ? [[name, one.output] as const] : []
  })
  return { functions: Object.fromEntries(right), mistakes: [...lost, ...result.issues.map(mistakeOf)] }
}

/** Functions and variables with names that valibot leaves out of a record without a word. */
function lostNames(value: unknown): SchemaMistake[] {
  const { functions } = (value ?? {}) as FunctionsFile
  const lost: SchemaMistake[] = []
  function look(record: unknown, path: readonly string[]): void {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      if (typeof record === 'object' && record !== null && Object.hasOwn(record, name)) {
        lost.push({ path: [...path, name], text: 'cannot have this name here' })
      }
    }
  }
  look(functions, ['functions'])
  for (const [name, entry] of Object.entries(functions ?? {})) {
    look(entry?.environment, ['functions', name, 'environment'])
  }
  return lost
}

function mistakeOf(issue: v.BaseIssue<unknown>): SchemaMistake {
  const path = (issue.path ?? []).map(({ key }) => key as string | number)
  const unknown = issue.type === 'strict_object' && issue.expected === 'never'
  if (unknown) return { path, text: 'is not known', known: keysAt(path.slice(0, -1)) }
  if (issue.kind === 'validation') return { path, text: issue.message }
  const missing = issue.received === 'undefined'
  const expected = words(issue.expected ?? '')
  return { path, text: missing ? `is missing: ${expected}` : `must be ${expected}, and is ${issue.received}` }
}

/** Names of types for people. */
function words(expected: string): string {
  return expected
    .replace(/^\((.*)\)$/, '$1')
    .split(' | ')
    .map(
      (one) =>
        ({
          string: 'a text',
          number: 'a number',
          boolean: 'true or false',
          Array: 'a list',
          Object: 'an object',
        })[one] ?? one,
    )
    .join(' or ')
}

/** The keys that may stand there. */
function keysAt(path: readonly (string | number)[]): readonly string[] {
  const [, name, group, sub] = path
  if (path.length === 0) return ['functions']
  if (name === undefined || path.length === 1) return []
  if (group === undefined) return Object.keys(oneFunction.entries)
  if (sub === 'cors') return Object.keys(cors.entries)
  if (group === 'durable') return Object.keys(durable.entries)
  return Object.keys(group === 'functionUrl' ? functionUrl.pipe[0].entries : asynchronous.entries)
}
