/** The command line of `aws-lambda-rie invoke`, read into one request. */

import { parseArgs } from 'node:util'
import { closest, distance } from 'fastest-levenshtein'
import { examples } from '../events/examples.ts'

/** What the user got wrong; the program prints the message and ends with status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Where the event comes from: a text, or a file whose name `-` means standard input. */
export type EventSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }

export interface InvokeCommand {
  /** name or ARN of the function */
  readonly name: string
  readonly event: EventSource
  readonly mode: 'buffered' | 'stream' | 'async'
  /** the log of the invocation is asked for */
  readonly tail: boolean
  /** without a slash at its end */
  readonly endpoint: string
}

const defaultEndpoint = 'http://127.0.0.1:8080'

const options = {
  data: { type: 'string', short: 'd' },
  event: { type: 'string', short: 'e' },
  example: { type: 'string' },
  stream: { type: 'boolean' },
  async: { type: 'boolean' },
  tail: { type: 'boolean' },
  'endpoint-url': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

export const usage = `Usage: aws-lambda-rie invoke [NAME] [option]...

Sends one event to a running emulator and prints the answer of the function, and nothing else, on stdout. The log and
errors go to stderr. NAME is the name or ARN of the function (default: function).

  -d, --data EVENT      the event as text; @FILE reads a file, @- reads standard input (default: {})
  -e, --event FILE      reads the event from a file; - reads standard input
  --example SOURCE      sends an example event of ${Object.keys(examples).join(', ')}
  --stream              prints a streamed answer as it comes
  --async               queues the event and does not wait for the function (invocation type Event)
  --tail                prints the last 4 KB of the invocation's log on stderr
  --endpoint-url URL    address of the emulator (default: AWS_ENDPOINT_URL_LAMBDA, else ${defaultEndpoint})
  -h, --help

Exit status: 0 the function succeeded (with --async: the event was accepted); 1 it failed, or the emulator refused the
event; 2 the command line is wrong, or a file cannot be read; 3 nobody listens at the address.
`

/** Reads the words after `invoke`. Throws UsageError, and nothing else. */
export function parseRequest(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): InvokeCommand | 'help' {
  const { values, positionals } = read(words)
  if (values.help) return 'help'
  const [name = 'function', surplus] = positionals
  if (surplus !== undefined) {
    throw new UsageError(`one function at a time: ${JSON.stringify(surplus)} is a second name`)
  }
  if (name === '') throw new UsageError('the name of the function is empty')
  if (values.stream && values.async) throw new UsageError('--stream and --async exclude each other')
  if (values.tail && values.async) {
    throw new UsageError('--tail and --async exclude each other: the answer comes before the function runs')
  }
  return {
    name,
    event: eventOf(values),
    mode: values.stream ? 'stream' : values.async ? 'async' : 'buffered',
    tail: values.tail ?? false,
    endpoint: endpointOf(values['endpoint-url'], env),
  }
}

function read(words: readonly string[]) {
  try {
    const parsed = parseArgs({ args: [...words], allowPositionals: true, tokens: true, options })
    const given = parsed.tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []))
    const twice = given.find((one, index) => given.indexOf(one) !== index)
    if (twice !== undefined) throw new UsageError(`--${twice} was given twice`)
    return parsed
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(explain(error as NodeJS.ErrnoException))
  }
}

/** The message of `parseArgs`, with the nearest option where one is near. */
function explain({ code, message }: NodeJS.ErrnoException): string {
  const [, unknown] = /^Unknown option '(-[^']*)'/.exec(message) ?? []
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || unknown === undefined) return message
  const nearest = closest(
    unknown,
    Object.keys(options).map((name) => `--${name}`),
  )
  const hint = distance(unknown, nearest) <= 2 ? `; did you mean ${nearest}?` : '; --help lists them'
  return `unknown option ${unknown}${hint}`
}

type Values = ReturnType<typeof read>['values']

function eventOf({ data, event, example }: Values): EventSource {
  const given = [data, event, example].filter((one) => one !== undefined)
  if (given.length > 1) throw new UsageError('one event at a time: -d, -e and --example exclude each other')
  if (example !== undefined) {
    if (Object.hasOwn(examples, example)) return { kind: 'text', text: JSON.stringify(examples[example]) }
    const names = Object.keys(examples).join(', ')
    throw new UsageError(`--example is ${JSON.stringify(example)}; there are ${names}`)
  }
  const path = event ?? (data?.startsWith('@') ? data.slice(1) : undefined)
  if (path === undefined) return { kind: 'text', text: data ?? '{}' }
  if (path === '') throw new UsageError('the name of the event file is empty; - is standard input')
  return { kind: 'file', path }
}

/** The address of the emulator, without a slash at its end. Throws UsageError for what is no address. */
export function endpointOf(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  // an empty variable counts as absent, as for the emulator
  const given = flag ?? (env.AWS_ENDPOINT_URL_LAMBDA || defaultEndpoint)
  const name = flag === undefined ? 'AWS_ENDPOINT_URL_LAMBDA' : '--endpoint-url'
  const url = URL.canParse(given) ? new URL(given) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${name} is ${JSON.stringify(given)}; allowed is an address as ${defaultEndpoint}`)
  }
  return url.href.replace(/[?#].*$/, '').replace(/\/+$/, '')
}
