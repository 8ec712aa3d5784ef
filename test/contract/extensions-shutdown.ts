/** How an environment with extensions ends: who is told, of what, and how long each is given. */
import { expect } from 'bun:test'
import { alive, marked, until, within } from '../harness.ts'
import { type Actor, both, enter, ready, registered, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { accepted, refusal, someId, uuid } from './facts.ts'

export const watched = { extensions: scriptedExtensions('watcher') }

/** An environment that has served and is idle. */
export async function idle(rie: Emulator, events: readonly string[] = both) {
  const call = rie.invoke()
  const { watcher } = await ready(rie, { watcher: events })
  await rie.reply()
  if (events.includes('INVOKE')) await watcher.pass()
  await call
  await rie.stdout.until(/^REPORT.*\n/m)
  return { watcher, scripted: await rie.extension('watcher'), runtime: await rie.runtime() }
}

/** In a cold start, when the extension waits for an event and the runtime does not yet. */
async function starting(rie: Emulator): Promise<Actor> {
  rie.invoke()
  return (await ready(rie, { watcher: both })).watcher
}

/** In an invocation on which the extension is not at work any more. */
async function invoked(rie: Emulator): Promise<Actor> {
  const watcher = await starting(rie)
  await rie.next()
  await watcher.pass()
  await rie.settle()
  return watcher
}

const tellRuntime = async (rie: Emulator, line: string) => (await rie.runtime()).tell(line)

/** What has to happen for which reason. */
const reasons: readonly (readonly [
  reason: string,
  kind: string,
  happen: (rie: Emulator) => Promise<Actor>,
])[] = [
  [
    'spindown',
    'the emulator is told to stop',
    async (rie) => {
      const { watcher } = await idle(rie)
      rie.signal('SIGTERM')
      return watcher
    },
  ],
  ['timeout', 'an invocation takes too long', invoked],
  ['timeout', 'init takes too long', starting],
  [
    'failure',
    'the runtime exits in an invocation',
    async (rie) => {
      const watcher = await invoked(rie)
      await tellRuntime(rie, 'exit 1')
      return watcher
    },
  ],
  [
    'failure',
    'the runtime exits in init',
    async (rie) => {
      const watcher = await starting(rie)
      await tellRuntime(rie, 'exit 1')
      return watcher
    },
  ],
  [
    'failure',
    'the runtime reports an error in init',
    async (rie) => {
      const watcher = await starting(rie)
      await rie.initError('{"errorMessage":"no"}')
      return watcher
    },
  ],
  [
    'failure',
    'the runtime dies while nothing runs',
    async (rie) => {
      const { watcher, runtime } = await idle(rie)
      runtime.kill()
      return watcher
    },
  ],
  [
    'failure',
    'another extension exits',
    async (rie) => {
      rie.invoke()
      const { watcher } = await ready(rie, { watcher: both, other: [] })
      await rie.next()
      await watcher.pass()
      await rie.settle()
      ;(await rie.extension('other')).tell('exit 1')
      return watcher
    },
  ],
]

export const extensionsShutdown = chapter('Extensions: shutdown', (it) => {
  for (const [reason, kind, happen] of reasons) {
    it.external(`tells an extension ${reason} when ${kind}`, async ({ start }) => {
      const extensions = kind.startsWith('another')
        ? scriptedExtensions('watcher', 'other')
        : watched.extensions
      const env = { AWS_LAMBDA_FUNCTION_TIMEOUT: '4', AWS_LAMBDA_RIE_INIT_TIMEOUT: '4' }
      await using rie = await start({ extensions, env })
      const before = Date.now()
      const watcher = await happen(rie)
      const event = await watcher.event()
      expect(event.json.deadlineMs).toBeGreaterThan(before)
      expect(event.json.deadlineMs - Date.now()).toBeLessThanOrEqual(2_000)
      expect(event.text).toBe(
        `{"eventType":"SHUTDOWN","deadlineMs":${event.json.deadlineMs},"shutdownReason":"${reason}"}`,
      )
      expect(event.header('Content-Type')).toBe('application/json')
      expect(event.header('Lambda-Extension-Event-Identifier')).toMatch(uuid)
    })
  }

  it.external('ends with exit code 0 when its extension has ended, however', async ({ start }) => {
    await using rie = await start(watched)
    const { watcher, scripted, runtime } = await idle(rie)
    rie.signal('SIGTERM')
    expect((await watcher.event()).json.eventType).toBe('SHUTDOWN')
    expect([runtime.alive(), rie.running]).toEqual([false, true])
    scripted.tell('exit 3')
    expect(await rie.exit()).toBe(0)
  })

  it.external('tells all extensions at the same time', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('a', 'b') })
    const call = rie.invoke()
    const { a, b } = await ready(rie, { a: ['SHUTDOWN'], b: ['SHUTDOWN'] })
    await rie.reply()
    await call
    rie.signal('SIGTERM')
    const [one, two] = await Promise.all([a.event(), b.event()])
    expect(one.json).toEqual(two.json)
    for (const name of ['a', 'b']) (await rie.extension(name)).tell('exit 0')
    expect(await rie.exit()).toBe(0)
  })

  it.external('tells an extension that is at work when it asks again', async ({ start }) => {
    await using rie = await start({ ...watched, env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '1' } })
    const watcher = await starting(rie)
    await rie.next()
    await watcher.event()
    await (await rie.runtime()).gone()
    expect((await watcher.event()).json.eventType).toBe('SHUTDOWN')
  })

  it.external('tells an extension that has not asked for any event yet', async ({ start }) => {
    await using rie = await start(watched)
    rie.invoke()
    await rie.extension('watcher')
    const watcher = await enter(rie, 'watcher', both)
    ;(await rie.runtime()).tell('exit 1')
    await (await rie.runtime()).gone()
    await rie.settle()
    expect((await watcher.event()).json.eventType).toBe('SHUTDOWN')
  })

  it.external('takes a report of an extension that is about to end', async ({ start }) => {
    await using rie = await start(watched)
    const { watcher, scripted } = await idle(rie)
    rie.signal('SIGTERM')
    await watcher.event()
    const answer = await watcher.report('exit/error')
    expect([answer.status, answer.text]).toEqual([202, accepted])
    scripted.tell('exit 1')
    expect(await rie.exit()).toBe(0)
  })

  it.external('keeps to the table of states while extensions end', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher', 'other') })
    rie.invoke()
    const { watcher, other } = await registered(rie, { watcher: both, other: both })
    ;(await rie.runtime()).tell('exit 1')
    expect((await watcher.event()).json.eventType).toBe('SHUTDOWN')
    // watcher has not ended yet, and other has not asked
    const stranger = await within('an answer to a stranger', rie.eventNext(someId))
    expect(stranger.text).toBe(refusal('Extension.UnknownExtensionIdentifier', `Unknown extension ${someId}`))
    expect((await other.report('init/error')).text).toBe(accepted)
    const poll = await within('an answer to the poll', rie.eventNext(other.id))
    expect([poll.status, poll.text]).toEqual([
      403,
      refusal(
        'Extension.InvalidExtensionState',
        `State transition from InitError to Ready failed for extension ${other.id}. Error: State transition is not allowed`,
      ),
    ])
  })

  it.external('asks the runtime to end first, and no extension', async ({ start }) => {
    await using rie = await start(watched)
    const { watcher, scripted, runtime } = await idle(rie)
    await runtime.ask(`trap 'echo TERM >>"$SCRIPTED_PROCESSES/${runtime.pid}.terms"; exit 0' TERM`)
    await scripted.ignoreTerm()
    rie.signal('SIGTERM')
    await watcher.event()
    expect([runtime.terms(), runtime.alive(), scripted.terms()]).toEqual([1, false, 0])
    scripted.tell('exit 0')
    expect(await rie.exit()).toBe(0)
    expect(scripted.terms()).toBe(0)
  })

  it.external('kills what an extension leaves behind', async ({ start }) => {
    await using rie = await start(watched)
    const { watcher, scripted } = await idle(rie)
    const child = await scripted.fork()
    rie.signal('SIGTERM')
    await watcher.event()
    scripted.tell('exit 0')
    expect(await rie.exit()).toBe(0)
    await until('the child of the extension to end', () => !alive(child))
  })

  it.external('leaves no extension behind when it is killed', async ({ start }) => {
    await using rie = await start(watched)
    const { scripted } = await idle(rie)
    const child = await scripted.fork()
    rie.signal('SIGKILL')
    await rie.exit()
    await scripted.gone()
    await until('the child of the extension to end', () => !alive(child))
    await until('every other process to end', () => marked(rie.mark).length === 0)
  })

  it.external('answers the caller and lets the next one wait, while an extension ends', async ({ start }) => {
    await using rie = await start(watched)
    const first = rie.invoke('1')
    const { watcher } = await ready(rie, { watcher: both })
    await rie.next()
    await watcher.pass()
    await tellRuntime(rie, 'exit 1')
    expect((await first).status).toBe(502)
    const scripted = await rie.extension('watcher')
    await watcher.event()
    expect(scripted.alive()).toBe(true)
    const second = rie.invoke('2')
    await rie.stillWaits(second)
    scripted.tell('exit 0')
    const again = await ready(rie, { watcher: both }, 2)
    expect((await rie.reply('"fresh"')).text).toBe('2')
    await again.watcher.pass()
    expect((await second).text).toBe('"fresh"')
  })
})
