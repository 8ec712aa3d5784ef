/** `aws-lambda-rie invoke`, the client in the same program. */
import { expect } from 'bun:test'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir, within } from '../harness.ts'
import { spell } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import type { Subject } from './subject.ts'

interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the client against an emulator. */
async function invoke(subject: Subject, rie: Emulator | string, ...words: string[]): Promise<Said> {
  const url = typeof rie === 'string' ? rie : `http://${spell(rie.gateway)}`
  const client = Bun.spawn([...subject.program, 'invoke', ...words], {
    env: { PATH: process.env.PATH, AWS_ENDPOINT_URL_LAMBDA: url },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const ended = Promise.all([client.exited, client.stdout.text(), client.stderr.text()])
  try {
    const [code, stdout, stderr] = await within('the client to end', ended)
    return { code, stdout, stderr }
  } finally {
    client.kill('SIGKILL')
  }
}

export const client = chapter('The client', (it) => {
  it("prints the function's answer alone, and ends with 0", async ({ start, subject }) => {
    await using rie = await start()
    const said = invoke(subject, rie, 'function', '-d', '{"a":1}')
    const event = await rie.reply('{"b":2}')
    expect(event.text).toBe('{"a":1}')
    expect(await said).toEqual({ code: 0, stdout: '{"b":2}', stderr: '' })
  })

  it("prints a function's error and its log on stderr, and ends with 1", async ({ start, subject }) => {
    await using rie = await start()
    const said = invoke(subject, rie, '--tail')
    const { id } = await rie.next()
    const document = '{"errorType":"RangeError","errorMessage":"too far"}'
    await rie.error(id, document)
    rie.park()
    const { code, stdout, stderr } = await said
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toStartWith(`START RequestId: ${id} `)
    expect(stderr).toContain(`\nREPORT RequestId: ${id}`)
    expect(stderr).toEndWith(`${document}\n`)
  })

  it('ends with 2 for an event that it cannot read, and with 3 where nobody listens', async ({ subject }) => {
    const unread = await invoke(subject, 'http://127.0.0.1:1', '-e', '/nowhere/event.json')
    expect([unread.code, unread.stdout]).toEqual([2, ''])
    expect(unread.stderr).toContain('/nowhere/event.json')
    const unheard = await invoke(subject, 'http://127.0.0.1:1')
    expect([unheard.code, unheard.stdout]).toEqual([3, ''])
    expect(unheard.stderr).toContain('nobody listens at http://127.0.0.1:1')
  })

  it('sends an example event', async ({ start, subject }) => {
    await using rie = await start()
    const said = invoke(subject, rie, '--example', 'sqs')
    const event = await rie.reply()
    expect(event.json.Records[0].eventSource).toBe('aws:sqs')
    expect((await said).code).toBe(0)
  })

  it('prints a streamed answer with --stream', async ({ start, subject }) => {
    await using rie = await start()
    const said = invoke(subject, rie, '--stream')
    const { id } = await rie.next()
    await rie.respond(id, 'one two', { 'Lambda-Runtime-Function-Response-Mode': 'streaming' })
    rie.park()
    expect(await said).toEqual({ code: 0, stdout: 'one two', stderr: '' })
  })

  it('queues an event that nobody waits for', async ({ start, subject }) => {
    await using rie = await start()
    expect(await invoke(subject, rie, '--async', '-d', '"later"')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect((await rie.reply()).text).toBe('"later"')
  })

  it('runs a program that is called invoke behind --', async ({ start }) => {
    using folder = tempDir()
    const path = join(folder.path, 'invoke')
    writeFileSync(path, '#!/bin/sh\necho the program ran\nexec sleep 600\n')
    chmodSync(path, 0o755)
    const env = { PATH: `${folder.path}:${process.env.PATH}` }
    await using rie = await start({ command: ['--', 'invoke'], env })
    void rie.invoke()
    await rie.stdout.until(/the program ran/)
  })
})
