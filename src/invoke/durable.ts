/** `aws-lambda-rie durable`: looks at the durable executions of a running emulator and controls them, by HTTP. */

import { type DurableCommand, durableUsage, parseDurable } from './durable-command.ts'
import { executionTable, historyTable } from './durable-table.ts'
import { asProgram, avoidProxies } from './main.ts'
import { print, printError } from './print.ts'
import { explain } from './send.ts'
import { readEvent } from './source.ts'
import type { Streams } from './streams.ts'

type Json = Readonly<Record<string, unknown>>

/** Makes one call; `words` are those after `durable`. Returns the exit status that the usage text describes. */
export function durable(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  streams: Streams = process,
): Promise<number> {
  return asProgram('durable', streams, async () => {
    const command = parseDurable(words, env)
    if (command === 'help') {
      await print(streams.stdout, durableUsage)
      return 0
    }
    const data = command.data === null ? undefined : await readEvent(command.data)
    avoidProxies(env)
    try {
      return await perform(command, data, streams)
    } catch (error) {
      return await explain(error as NodeJS.ErrnoException, command.endpoint, streams.stderr, 'durable')
    }
  })
}

/** What the emulator refused. */
class Refused {
  readonly status: number
  readonly text: string
  constructor(status: number, text: string) {
    this.status = status
    this.text = text
  }
}

async function perform(
  command: DurableCommand,
  data: string | Uint8Array<ArrayBuffer> | undefined,
  { stdout, stderr }: Streams,
): Promise<number> {
  try {
    const shown = await answerOf(command, data)
    if (shown !== '') await print(stdout, shown)
    return 0
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    await printError(error.status, error.text, stderr)
    return 1
  }
}

async function answerOf(
  command: DurableCommand,
  data: string | Uint8Array<ArrayBuffer> | undefined,
): Promise<string> {
  const { verb, subject, json, reason } = command
  switch (verb) {
    case 'list': {
      const executions = await listed(
        command,
        subject,
        command.status === null ? {} : { Statuses: command.status },
      )
      return json ? pretty({ DurableExecutions: executions }) : executionTable(executions)
    }
    case 'get':
      return pretty(await call(command, 'GET', await pathOf(command)))
    case 'history': {
      const events = await pages(command, `${await pathOf(command)}/history`, {}, 'Events')
      return json ? pretty({ Events: events }) : historyTable(events)
    }
    case 'stop':
      await call(command, 'POST', `${await pathOf(command)}/stop`, data)
      return ''
    case 'pause':
    case 'resume': {
      const body = JSON.stringify(reason === null ? {} : { Reason: reason })
      await call(command, 'POST', `${await pathOf(command)}/${verb}`, body)
      return ''
    }
    case 'delete':
      await call(command, 'DELETE', await pathOf(command))
      return ''
    case 'succeed':
    case 'fail':
    case 'heartbeat':
      await call(command, 'POST', `/durable-execution-callbacks/${encodeURIComponent(subject)}/${verb}`, data)
      return ''
  }
}

const pretty = (document: object): string => `${JSON.stringify(document, null, 2)}\n`

/** The path of an execution that is named by its ARN, or by its name. */
async function pathOf(command: DurableCommand): Promise<string> {
  const { subject, functionName } = command
  if (subject.startsWith('arn:')) return `/durable-executions/${encodeURIComponent(subject)}`
  const [newest] = await listed(command, functionName, { DurableExecutionName: subject })
  if (newest === undefined) {
    const message = `there is no durable execution ${JSON.stringify(subject)} of ${functionName}`
    throw new Refused(404, JSON.stringify({ Type: 'User', Message: message }))
  }
  return `/durable-executions/${encodeURIComponent(String(newest.DurableExecutionArn))}`
}

const listed = (
  command: DurableCommand,
  name: string,
  query: Readonly<Record<string, string>>,
): Promise<Json[]> =>
  pages(command, `/functions/${encodeURIComponent(name)}/durable-executions`, query, 'DurableExecutions')

/** All items of a list, which comes in pages. */
async function pages(
  command: DurableCommand,
  path: string,
  query: Readonly<Record<string, string>>,
  member: string,
): Promise<Json[]> {
  const items: Json[] = []
  let marker = ''
  do {
    const words = new URLSearchParams({
      ...query,
      MaxItems: '1000',
      ...(marker === '' ? {} : { Marker: marker }),
    })
    const page = await call(command, 'GET', `${path}?${words}`)
    items.push(...((page[member] ?? []) as Json[]))
    marker = typeof page.NextMarker === 'string' ? page.NextMarker : ''
  } while (marker !== '')
  return items
}

async function call(
  { endpoint }: DurableCommand,
  method: string,
  path: string,
  body?: string | Uint8Array<ArrayBuffer>,
): Promise<Json> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${endpoint}/2025-12-01${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Refused(answer.status, text)
  return JSON.parse(text) as Json
}
