/** Extensions that end when they should not: what the caller gets in each phase, and what becomes of the others. */
import { expect } from 'bun:test'
import { type Actor, both, enter, ready, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { fault, signed } from './facts.ts'
import type { ScriptedProcess } from './scripted-process.ts'

const watched = { extensions: scriptedExtensions('watcher') }

const deaths: Readonly<Record<string, readonly [line: string, text: string]>> = {
  'exits with status 0': ['exit 0', 'exit code 0'],
  'exits with status 5': ['exit 5', 'exit status 5'],
  'is killed': ['kill -KILL $$', 'signal: killed'],
}

type InitPhase = 'before it registers' | 'after it has registered' | 'having asked for an event'
type Report = 'init/error' | 'exit/error'

/** The n-th start, as far as the extension comes in it. */
async function play(
  rie: Emulator,
  phase: InitPhase,
  n: number,
): Promise<{ scripted: ScriptedProcess; actor?: Actor }> {
  const scripted = await rie.extension('watcher', n)
  if (phase === 'before it registers') return { scripted }
  const actor = await enter(rie, 'watcher', ['INVOKE'])
  if (phase === 'having asked for an event') {
    await rie.runtime(n)
    actor.park()
    await rie.settle()
  }
  return { scripted, actor }
}

const inInit: (readonly [phase: InitPhase, report: Report | null, death: string])[] = [
  ...(['before it registers', 'after it has registered', 'having asked for an event'] as const).flatMap(
    (phase) => Object.keys(deaths).map((death) => [phase, null, death] as const),
  ),
  ['after it has registered', 'init/error', 'exits with status 0'],
  ['after it has registered', 'init/error', 'is killed'],
  ['after it has registered', 'exit/error', 'exits with status 5'],
  ['having asked for an event', 'exit/error', 'exits with status 0'],
]

const typeOf = (report: Report | null) =>
  report === null
    ? 'Extension.Crash'
    : { 'init/error': 'Extension.InitError', 'exit/error': 'Extension.ExitError' }[report]
const saying = (report: Report | null) => (report === null ? '' : ` and has posted to ${report}`)

/** An invocation that runs, with its extensions at work on it. */
async function running(rie: Emulator, headers: Record<string, string> = {}) {
  const call = rie.invoke('{}', headers)
  const { watcher } = await ready(rie, { watcher: both })
  const { id } = await rie.next()
  await watcher.event()
  return { call, id, watcher, scripted: await rie.extension('watcher'), runtime: await rie.runtime() }
}

async function reportLine(rie: Emulator): Promise<string> {
  const [line] = await rie.stdout.until(/^REPORT.*\n/m)
  return line
}

export const extensionsFailures = chapter('Extensions: failures', (it) => {
  for (const [phase, report, death] of inInit) {
    it.external(
      `answers for an extension that ${death} ${phase}${saying(report)}, twice`,
      async ({ start }) => {
        await using rie = await start(watched)
        const [line, text] = deaths[death]!
        const call = rie.invoke()
        for (const n of [1, 2]) {
          const { scripted, actor } = await play(rie, phase, n)
          if (report !== null) expect((await actor!.report(report)).status).toBe(202)
          scripted.tell(line)
          await scripted.gone()
        }
        const answer = await call
        const id = answer.json.errorMessage.split(' ')[1]
        expect([answer.status, answer.text]).toEqual([502, fault(typeOf(report), id, text)])
        expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
        expect(await reportLine(rie)).toMatch(
          new RegExp(` Status: error\\s+Error Type: ${typeOf(report)}\\s*$`),
        )
      },
    )
  }

  it.external(
    'tries once more when an extension fails in init, and starts all of them anew',
    async ({ start }) => {
      await using rie = await start({ extensions: scriptedExtensions('a', 'b') })
      const call = rie.invoke()
      const first = await ready(rie, { a: [], b: [] })
      ;(await rie.extension('a')).tell('exit 5')
      const second = await ready(rie, { a: [], b: [] }, 2)
      expect([(await rie.extension('b')).alive(), (await rie.runtime()).alive()]).toEqual([false, false])
      expect(second.b.id).not.toBe(first.b.id)
      await rie.reply('"at second try"')
      expect((await call).text).toBe('"at second try"')
      await rie.stdout.until(/^INIT_REPORT .*Phase: init\s+Status: error\s+Error Type: Extension\.Crash\s*$/m)
    },
  )

  it.external('waits for the exit of an extension that has reported an error', async ({ start }) => {
    await using rie = await start(watched)
    const call = rie.invoke()
    const { actor, scripted } = await play(rie, 'after it has registered', 1)
    expect((await actor!.report('init/error')).status).toBe(202)
    await rie.stillWaits(call)
    expect(scripted.alive()).toBe(true)
    scripted.tell('exit 1')
    await rie.extension('watcher', 2)
  })

  for (const kind of ['reports an error and stays', 'never registers']) {
    it.external(`limits by time an init whose extension ${kind}`, async ({ start }) => {
      const env = { AWS_LAMBDA_RIE_INIT_TIMEOUT: '3', AWS_LAMBDA_FUNCTION_TIMEOUT: '1' }
      await using rie = await start({ ...watched, env })
      const call = rie.invoke()
      if (kind !== 'never registers') {
        const { actor } = await play(rie, 'after it has registered', 1)
        await actor!.report('init/error')
      }
      expect((await call).text).toBe('Task timed out after 1.00 seconds')
    })
  }

  for (const [death, [line, text]] of Object.entries(deaths)) {
    for (const report of [null, 'exit/error'] as const) {
      it.external(
        `answers for an extension that ${death} in an invocation${saying(report)}`,
        async ({ start }) => {
          await using rie = await start(watched)
          const { call, id, watcher, scripted } = await running(rie)
          if (report !== null) expect((await watcher.report(report)).status).toBe(202)
          scripted.tell(line)
          const answer = await call
          expect([answer.status, answer.text]).toEqual([502, fault(typeOf(report), id, text)])
        },
      )
    }
  }

  it.external('answers a signed caller 200 for an extension that exits', async ({ start }) => {
    await using rie = await start(watched)
    const { call, id, scripted } = await running(rie, signed)
    scripted.tell('exit 5')
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, fault('Extension.Crash', id, 'exit status 5')])
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
  })

  it.external('answers for an extension that exits when it had nothing to do', async ({ start }) => {
    await using rie = await start(watched)
    const call = rie.invoke()
    await ready(rie, { watcher: [] })
    const { id } = await rie.next()
    ;(await rie.extension('watcher')).tell('exit 5')
    expect((await call).text).toBe(fault('Extension.Crash', id, 'exit status 5'))
  })

  for (const report of [null, 'exit/error'] as const) {
    const kind = report === null ? 'exits' : 'reports an error and exits'
    it.external(
      `keeps the answer when an extension ${kind} after it, and reports that`,
      async ({ start }) => {
        await using rie = await start(watched)
        const { call, id, watcher, scripted } = await running(rie)
        await rie.respond(id, '"good"')
        rie.park()
        const answer = await call
        expect([answer.status, answer.text]).toEqual([200, '"good"'])
        if (report !== null) await watcher.report(report)
        scripted.tell('exit 5')
        expect(await reportLine(rie)).toMatch(
          new RegExp(` Status: error\\s+Error Type: ${typeOf(report)}\\s*$`),
        )
      },
    )
  }

  it.external(
    'waits for an extension that reports an error and stays, until the time is over',
    async ({ start }) => {
      await using rie = await start({ ...watched, env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' } })
      const { call, id, watcher, scripted } = await running(rie)
      await watcher.report('exit/error')
      await rie.respond(id, '"good"')
      rie.park()
      expect((await call).text).toBe('"good"')
      expect(await reportLine(rie)).toMatch(/ Status: timeout\s*$/)
      await scripted.gone()
    },
  )

  for (const [first, second, type, text] of [
    ['extension', 'runtime', 'Extension.Crash', 'exit status 5'],
    ['runtime', 'extension', 'Runtime.ExitError', 'Runtime exited with error: exit status 5'],
  ] as const) {
    it.external(`names the ${first} when the ${second} ends after it`, async ({ start }) => {
      await using rie = await start(watched)
      const { call, id, scripted, runtime } = await running(rie)
      const [one, other] = first === 'extension' ? [scripted, runtime] : [runtime, scripted]
      one.tell('exit 5')
      await one.gone()
      other.tell('exit 6')
      expect((await call).text).toBe(fault(type, id, text))
    })
  }

  it.external(
    'names the extension that has reported an error when the runtime ends after it',
    async ({ start }) => {
      await using rie = await start(watched)
      const { call, id, watcher, runtime } = await running(rie)
      await watcher.report('exit/error')
      runtime.tell('exit 5')
      expect((await call).text).toBe(
        fault('Extension.ExitError', id, 'Runtime exited with error: exit status 5'),
      )
    },
  )

  it.external('names one and the same cause everywhere when all end at once', async ({ start }) => {
    await using rie = await start(watched)
    for (let round = 1; round <= 5; round++) {
      const call = rie.invoke()
      const { watcher } = await ready(rie, { watcher: both }, round)
      await rie.next()
      await watcher.event()
      ;(await rie.extension('watcher', round)).kill()
      ;(await rie.runtime(round, true)).kill()
      const { errorType } = (await call).json
      expect(errorType).toMatch(/^(Extension\.Crash|Runtime\.ExitError)$/)
      await rie.stdout.until(new RegExp(`(REPORT[\\s\\S]*){${round}}Error Type: ${errorType}\\s*$`))
    }
  })
})
