/** The command line of `aws-lambda-rie durable`, read into one call of the API of durable executions. */

import { parseArgs } from 'node:util'
import { type EventSource, endpointOf, UsageError } from './request.ts'

export interface DurableCommand {
  readonly verb: keyof typeof verbs
  /** ARN or name of an execution, id of a callback, or name of a function; by the verb */
  readonly subject: string
  /** of the executions, where one is named without its ARN */
  readonly functionName: string
  readonly status: string | null
  readonly reason: string | null
  /** of the request; null: none */
  readonly data: EventSource | null
  /** documents as they come */
  readonly json: boolean
  /** without a slash at its end */
  readonly endpoint: string
}

/** What each verb is said of, and whether it may have data. */
const verbs = {
  list: { subject: 'function', data: false },
  get: { subject: 'execution', data: false },
  history: { subject: 'execution', data: false },
  stop: { subject: 'execution', data: true },
  pause: { subject: 'execution', data: false },
  resume: { subject: 'execution', data: false },
  delete: { subject: 'execution', data: false },
  succeed: { subject: 'callback', data: true },
  fail: { subject: 'callback', data: true },
  heartbeat: { subject: 'callback', data: false },
} as const

const options = {
  data: { type: 'string', short: 'd' },
  function: { type: 'string' },
  status: { type: 'string' },
  reason: { type: 'string' },
  json: { type: 'boolean' },
  'endpoint-url': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

export const durableUsage = `Usage: aws-lambda-rie durable VERB [SUBJECT] [option]...

Looks at the durable executions of a running emulator, and controls them. EXECUTION is an ARN, or a name (of the last
execution of that name); CALLBACK is the id that the function was given.

  list [FUNCTION]       executions, the newest first; --status RUNNING shows those that have not ended
  get EXECUTION         one execution, as JSON
  history EXECUTION     what it went through
  stop EXECUTION        ends it; -d '{"ErrorMessage":"why"}' says why
  pause EXECUTION       invokes it no more until it is resumed; --reason says why
  resume EXECUTION
  delete EXECUTION      forgets one that has ended
  succeed CALLBACK      completes a callback; -d is its result
  fail CALLBACK         -d '{"ErrorMessage":"why"}'
  heartbeat CALLBACK

  -d, --data TEXT       @FILE reads a file, @- reads standard input
  --function NAME       whose executions are meant by name (default: function)
  --status STATUS       of list
  --reason TEXT         of pause and resume
  --json                documents as they come, in place of tables
  --endpoint-url URL    address of the emulator (default: AWS_ENDPOINT_URL_LAMBDA, else http://127.0.0.1:8080)
  -h, --help

Exit status: 0 done; 1 the emulator refused it, or there is no such execution; 2 the command line is wrong, or a file
cannot be read; 3 nobody listens at the address.
`

/** Reads the words after `durable`. Throws UsageError, and nothing else. */
export function parseDurable(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DurableCommand | 'help' {
  const { values, positionals } = read(words)
  if (values.help) return 'help'
  const [verb, subject = '', surplus] = positionals
  if (verb === undefined) throw new UsageError(`what is to be done? ${Object.keys(verbs).join(', ')}`)
  if (!Object.hasOwn(verbs, verb)) {
    throw new UsageError(`${JSON.stringify(verb)} is none of ${Object.keys(verbs).join(', ')}`)
  }
  const known = verb as DurableCommand['verb']
  const { subject: of, data } = verbs[known]
  if (surplus !== undefined)
    throw new UsageError(`one ${of} at a time: ${JSON.stringify(surplus)} is a second one`)
  if (subject === '' && of !== 'function') throw new UsageError(`${verb} needs the ${of}; --help says more`)
  if (values.data !== undefined && !data) throw new UsageError(`${verb} has no data`)
  if (values.status !== undefined && verb !== 'list') throw new UsageError('--status is for list')
  return {
    verb: known,
    subject: subject === '' ? (values.function ?? 'function') : subject,
    functionName: values.function ?? 'function',
    status: values.status ?? null,
    reason: values.reason ?? null,
    data: sourceOf(values.data),
    json: values.json ?? false,
    endpoint: endpointOf(values['endpoint-url'], env),
  }
}

function read(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], allowPositionals: true, options })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function sourceOf(data: string | undefined): EventSource | null {
  if (data === undefined) return null
  if (!data.startsWith('@')) return { kind: 'text', text: data }
  if (data === '@') throw new UsageError('the name of the file is empty; @- is standard input')
  return { kind: 'file', path: data.slice(1) }
}
