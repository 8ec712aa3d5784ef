/** What only shows from outside: signals, exit codes, a Runtime API address that is asked for, log lines as written. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { patience, tempDir } from '../harness.ts'
import { freePort } from '../kit/launch.ts'
import { program, queued } from './program.ts'

setDefaultTimeout(4 * patience)

test('on SIGTERM what runs is finished, what waits is refused, and the exit code is 0', async () => {
  await using rie = await program('--max-environments', '2', '--max-queue', '5')
  const running = [
    rie.invoke({ name: 'one', barrier: 2, hold: 'go' }),
    rie.invoke({ name: 'two', barrier: 2, hold: 'go' }),
  ]
  await rie.stdout.until(/inside one.*inside two|inside two.*inside one/s)
  const waiting = []
  for (let count = 1; count <= 5; count++) {
    waiting.push(rie.invoke({ name: `n${count}` }))
    await queued(rie, count)
  }
  expect((await rie.invoke({})).status).toBe(429)
  rie.signal('SIGTERM')
  for (const refused of await Promise.all(waiting)) {
    expect(refused.status).toBe(503)
    expect(refused.headers.get('x-amzn-errortype')).toBe('ServiceUnavailableException')
    expect(await refused.json()).toEqual({
      Type: 'Service',
      Message: expect.stringContaining('shutting down'),
    })
  }
  rie.release('go')
  for (const answer of await Promise.all(running)) expect(answer.status).toBe(200)
  expect(await rie.exited).toBe(0)
  await rie.stdout.ended
  expect(rie.stdout.text.match(/^REPORT /gm)).toHaveLength(2)
  expect(rie.stdout.text).not.toContain('inside n')
  await rie.stderr.until(/"invocations":5,"msg":"invocations that wait are refused"/)
})

test('what still runs at the drain limit is cut and answered', async () => {
  await using rie = await program('--drain-seconds', '1')
  const running = rie.invoke({ name: 'one', hang: true })
  await rie.stdout.until(/inside one/)
  rie.signal('SIGTERM')
  const answer = await running
  expect([answer.status, await answer.json()]).toEqual([
    503,
    { Type: 'Service', Message: expect.any(String) },
  ])
  expect(await rie.exited).toBe(0)
})

test('a second signal cuts the drain short', async () => {
  await using rie = await program('--drain-seconds', '600')
  const running = rie.invoke({ name: 'one', hang: true })
  await rie.stdout.until(/inside one/)
  rie.signal('SIGTERM')
  await rie.stderr.until(/shutting down/)
  rie.signal('SIGTERM')
  expect((await running).status).toBe(503)
  expect(await rie.exited).toBe(0)
})

test('a new environment for another tenant gets the configured address again', async () => {
  const address = `127.0.0.1:${freePort()}`
  await using rie = await program('--runtime-api-address', address)
  for (const tenant of ['red', 'blue', 'red', 'blue']) {
    const answer = await rie.invoke({}, { 'X-Amz-Tenant-Id': tenant })
    expect(((await answer.json()) as { api: string }).api).toBe(address)
  }
})

test('with several environments every log entry about one names it', async () => {
  await using rie = await program('--max-environments', '3', '--log-level', 'debug')
  await Promise.all(['a', 'b', 'c'].map((name) => rie.invoke({ name, barrier: 3, lines: 30 })))
  expect((await rie.invoke({ exit: 1 })).status).toBe(502)
  rie.signal('SIGTERM')
  expect(await rie.exited).toBe(0)
  await Promise.all([rie.stdout.ended, rie.stderr.ended])
  const entries = rie.stderr.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  const nameless = entries.filter((entry) => entry.environment === undefined).map(({ msg }) => msg)
  // a request is of no environment before it has one, and the file that is served is of all
  expect(nameless.filter((msg) => msg !== 'request answered')).toEqual([
    expect.stringMatching(/^listening: /),
    'serving',
    expect.stringContaining('is not there in Node'),
    'shutting down',
  ])
  expect(new Set(entries.map((entry) => entry.environment ?? 0))).toEqual(new Set([0, 1, 2, 3]))
  for (const line of rie.stdout.lines) {
    expect(line).toMatch(/^(?:inside [abc]|<([abc]):x{200}:\1>|(?:START|END|REPORT) RequestId: .*)$/)
  }
})

test('nobody who reads stdout can keep callers, health checks or SIGTERM waiting', async () => {
  using folder = tempDir()
  const path = join(folder.path, 'stdout')
  Bun.spawnSync(['mkfifo', path])
  // both of its ends, so that there is a reader, who never reads
  const pipe = openSync(path, 'r+')
  await using rie = await program({ stdout: pipe })
  closeSync(pipe)
  // half as much again as is held; the function itself need not wait for a reader
  expect((await rie.invoke({ name: 'talker', output: 24_000_000 })).status).toBe(200)
  await rie.stderr.until(/"msg":"nobody reads stdout; what comes is lost until somebody does"/)
  expect((await rie.get('/_rie/health')).status).toBe(200)
  expect((await rie.invoke({})).status).toBe(200)
  rie.signal('SIGTERM')
  expect(await rie.exited).toBe(0)
})

test('a caller that hangs up is served to the end', async () => {
  await using rie = await program()
  const leaving = new AbortController()
  const gone = fetch(`${rie.url}/2015-03-31/functions/function/invocations`, {
    method: 'POST',
    body: JSON.stringify({ name: 'gone', hold: 'go' }),
    signal: leaving.signal,
  }).then(
    () => 'answered',
    () => 'gave up',
  )
  await rie.stdout.until(/inside gone/)
  leaving.abort()
  expect(await gone).toBe('gave up')
  rie.release('go')
  await rie.stdout.until(/^REPORT /m)
  expect((await rie.invoke({})).status).toBe(200)
})
