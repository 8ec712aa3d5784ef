/**
 * An extension that subscribes to every record and throws them away; it is told of no invocation. With SUBSCRIBER_COUNTS
 * it keeps the ids, and at its end writes into that file how often which record came.
 */
import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const file = process.env.SUBSCRIBER_COUNTS
const seen = new Map<string, Set<string>>()
let doubled = 0

function count(records: readonly { type: string; record: { requestId?: string } }[]): void {
  for (const { type, record } of records) {
    const id = record.requestId
    if (id === undefined) continue
    const ids = seen.get(type) ?? new Set()
    seen.set(type, ids)
    if (ids.has(id)) doubled++
    ids.add(id)
  }
}

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}`
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    if (file === undefined) await request.arrayBuffer()
    else count((await request.json()) as Parameters<typeof count>[0])
    return new Response('')
  },
})
const registration = await fetch(`${api}/2020-01-01/extension/register`, {
  method: 'POST',
  headers: { 'Lambda-Extension-Name': basename(process.argv[2] as string) },
  body: '{"events":["SHUTDOWN"]}',
})
const headers = {
  'Lambda-Extension-Identifier': registration.headers.get('Lambda-Extension-Identifier') as string,
}
const answer = await fetch(`${api}/2022-07-01/telemetry`, {
  method: 'PUT',
  headers,
  body: JSON.stringify({
    schemaVersion: '2022-12-13',
    types: ['platform', 'function', 'extension'],
    destination: { protocol: 'HTTP', URI: `http://sandbox:${server.port}` },
  }),
})
if (!answer.ok) throw new Error(await answer.text())
// SHUTDOWN may be long in coming, and fetch gives up after some minutes of its own
await fetch(`${api}/2020-01-01/extension/event/next`, { headers, timeout: false })
if (file !== undefined) {
  const counts = Object.fromEntries([...seen].map(([type, ids]) => [type, ids.size]))
  writeFileSync(file, JSON.stringify({ doubled, ...counts }))
}
process.exit()
