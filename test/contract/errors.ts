/** What the caller gets when the function or its process fails. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { ready, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { fault, jsonOf, maxResponse, signed } from './facts.ts'

/** Runs an invocation during which the runtime's process does something fatal. */
async function fatal(rie: Emulator, line: string, headers: Record<string, string> = {}) {
  const call = rie.invoke('{}', headers)
  const { id } = await rie.next()
  const runtime = await rie.runtime()
  runtime.tell(line)
  return { id, answer: await call, runtime }
}

const deaths: readonly (readonly [kind: string, line: string, text: string])[] = [
  ['exits with status 0', 'exit 0', 'Runtime exited without providing a reason'],
  ['exits with status 7', 'exit 7', 'Runtime exited with error: exit status 7'],
  ['is killed', 'kill -KILL $$', 'Runtime exited with error: signal: killed'],
  [
    'hits a segmentation fault',
    'ulimit -c 0; kill -SEGV $$',
    'Runtime exited with error: signal: segmentation fault',
  ],
  ['aborts', 'ulimit -c 0; kill -ABRT $$', 'Runtime exited with error: signal: aborted'],
  ['is terminated', 'kill -TERM $$', 'Runtime exited with error: signal: terminated'],
]

export const errors = chapter('Failures', (it) => {
  it("hands a handler's error on with status 200, byte for byte", async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    const document = '{ "errorType": "ValueError","errorMessage":"b\\u00e4d", "stackTrace":[] }'
    await rie.error(id, document, { 'Lambda-Runtime-Function-Error-Type': 'Runtime.ValueError' })
    rie.park()
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, document])
  })

  it("marks a handler's error by a header", async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    await rie.error(id, '{"errorMessage":"no"}')
    rie.park()
    const answer = await call
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
    expect(answer.header('X-Amz-Executed-Version')).toBe('$LATEST')
  })

  for (const [kind, line, text] of deaths) {
    it(`answers 502 with the reason when a runtime ${kind}`, async ({ start }) => {
      await using rie = await start()
      const { id, answer } = await fatal(rie, line)
      expect([answer.status, answer.text]).toEqual([502, fault('Runtime.ExitError', id, text)])
    })
  }

  it('answers a signed caller 200 with the reason when a runtime exits', async ({ start }) => {
    await using rie = await start()
    const { id, answer } = await fatal(rie, 'exit 7', signed)
    const text = 'Runtime exited with error: exit status 7'
    expect([answer.status, answer.text]).toEqual([200, fault('Runtime.ExitError', id, text)])
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
  })

  it('marks the answer for a runtime that exits by a header and a type', async ({ start }) => {
    await using rie = await start()
    const { id, answer } = await fatal(rie, 'exit 7')
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
    expect(answer.header('Content-Type')).toBe('application/json')
    expect(answer.header('x-amzn-RequestId')).toBe(id)
  })

  it('serves the next invocation with a new process after a runtime has exited', async ({ start }) => {
    await using rie = await start()
    const { runtime } = await fatal(rie, 'exit 1')
    const call = rie.invoke('"next"')
    const second = await rie.runtime(2)
    expect((await rie.reply('"well"')).text).toBe('"next"')
    expect((await call).text).toBe('"well"')
    expect(second.pid).not.toBe(runtime.pid)
  })

  it('keeps the answer of a runtime that exits after it has responded', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    await rie.respond(id, '"given"')
    ;(await rie.runtime()).tell('exit 1')
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, '"given"'])
  })

  it('keeps the error of a runtime that exits after it has reported it', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    await rie.error(id, '{"errorMessage":"no"}')
    ;(await rie.runtime()).tell('exit 1')
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, '{"errorMessage":"no"}'])
  })

  it('lets no invocation fail because a runtime died while nothing ran', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const first = await rie.runtime()
    first.kill()
    await rie.stderr.until(/signal: killed/)
    rie.drop()
    const call = rie.invoke('"again"')
    await rie.runtime(2)
    expect((await rie.reply('"fresh"')).text).toBe('"again"')
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, '"fresh"'])
  })

  it.external('lets no invocation fail because an extension died while nothing ran', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    const call = rie.invoke()
    const first = await ready(rie, { watcher: [] })
    await rie.reply()
    await call
    await rie.stdout.until(/^REPORT.*\n/m)
    const scripted = await rie.extension('watcher')
    scripted.kill()
    await scripted.gone()
    const next = rie.invoke('"again"')
    const second = await ready(rie, { watcher: [] }, 2)
    expect(second.watcher.id).not.toBe(first.watcher.id)
    expect((await rie.runtime()).alive()).toBe(false)
    expect((await rie.reply('"fresh"')).text).toBe('"again"')
    expect((await next).text).toBe('"fresh"')
  })

  it('lets no invocation fail that comes at once after the death of an idle runtime, thirty times', async ({
    start,
  }) => {
    await using rie = await start()
    await rie.exchange()
    for (let round = 1; round <= 30; round++) {
      await until('REPORT', () => rie.stdout.text.match(/^REPORT/gm)?.length === round)
      // idle is who has had nothing to do for a millisecond
      await Bun.sleep(2)
      const runtime = await rie.runtime(round, true)
      runtime.kill()
      // not a moment longer than the kernel takes, so that the emulator has none to be told of it
      while (runtime.alive());
      const call = rie.invoke('"at once"')
      await rie.runtime(round + 1)
      expect((await rie.reply(`"round ${round}"`)).text).toBe('"at once"')
      const answer = await call
      expect([answer.status, answer.text]).toEqual([200, `"round ${round}"`])
    }
  })

  it('says in a 200 that a response was too large', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    await rie.respond(id, jsonOf(maxResponse + 1))
    rie.park()
    const answer = await call
    expect([answer.status, answer.text]).toEqual([
      200,
      '{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."}',
    ])
  })

  it('says to a signed caller that a response was too large, without its size', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('{}', signed)
    const { id } = await rie.next()
    await rie.respond(id, jsonOf(maxResponse + 1))
    rie.park()
    const answer = await call
    expect([answer.status, answer.header('X-Amz-Function-Error'), answer.text]).toEqual([
      200,
      'Unhandled',
      '{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}',
    ])
  })

  it('keeps its answer for a runtime that exits on the 413', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    await rie.respond(id, jsonOf(maxResponse + 1))
    expect((await rie.error(id, '{"errorMessage":"413"}')).status).toBe(403)
    ;(await rie.runtime()).tell('exit 1')
    const answer = await call
    expect([answer.status, answer.json.errorType]).toEqual([200, 'Function.ResponseSizeTooLarge'])
    const next = rie.invoke('"next"')
    await rie.runtime(2)
    await rie.reply('"well"')
    expect((await next).text).toBe('"well"')
  })
})
