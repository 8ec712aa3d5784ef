/**
 * Every cell of the table of an extension's states: in each state that an extension can be brought into, each call
 * that it can make, with the exact answer; for external and for internal ones.
 */
import { expect } from 'bun:test'
import { within } from '../harness.ts'
import type { Answer } from '../kit/wire.ts'
import { type Actor, enter, scriptedExtensions } from './actor.ts'
import { chapter, type It } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { accepted, refusal } from './facts.ts'

type Kind = 'external' | 'internal'
type State = 'Registered' | 'Ready' | 'Running' | 'InitError' | 'ExitError'
type Call = 'register' | 'next' | 'init/error' | 'exit/error'

const calls: readonly Call[] = ['register', 'next', 'init/error', 'exit/error']
const target = { next: 'Ready', 'init/error': 'InitError', 'exit/error': 'Exited' }

/** What is not refused. */
const allowed: Readonly<Record<State, readonly Call[]>> = {
  Registered: ['next', 'init/error', 'exit/error'],
  Ready: ['exit/error'],
  Running: ['next', 'exit/error'],
  InitError: ['init/error'],
  ExitError: ['exit/error'],
}

/** Brings an extension into a state. */
async function reach(rie: Emulator, kind: Kind, state: State): Promise<Actor> {
  rie.invoke()
  await (kind === 'external' ? rie.extension('watcher') : rie.runtime())
  const actor = await enter(rie, 'watcher', ['INVOKE'])
  switch (state) {
    case 'Registered':
      return actor
    case 'InitError':
    case 'ExitError':
      await actor.report(state === 'InitError' ? 'init/error' : 'exit/error')
      return actor
    case 'Ready':
      actor.park()
      await rie.settle()
      return actor
    case 'Running':
      actor.park()
      await rie.next()
      await actor.event()
      return actor
  }
}

function make(rie: Emulator, actor: Actor, call: Call): Promise<Answer> {
  if (call === 'register') return rie.register(actor.name, ['INVOKE'])
  return call === 'next' ? rie.eventNext(actor.id) : actor.report(call)
}

function refused(kind: Kind, state: State, call: Call, id: string): string {
  const failed = (subject: string, to: string) =>
    refusal(
      'Extension.InvalidExtensionState',
      `State transition from ${state} to ${to} failed for extension ${subject}. Error: State transition is not allowed`,
    )
  if (call !== 'register') return failed(id, target[call])
  if (kind === 'external') return failed('watcher', 'Registered')
  return state === 'Running'
    ? refusal('Extension.RegistrationClosed', 'Extension registration closed already')
    : refusal('Extension.InvalidExtensionState', 'Extension with this name already registered')
}

function cell(it: It, kind: Kind, state: State, call: Call): void {
  const may = allowed[state].includes(call)
  const verb = !may ? 'gets 403' : call === 'next' ? 'waits' : 'gets 202'
  const define = kind === 'external' ? it.external : it
  define(`${kind}, ${state}: ${call} ${verb}`, async ({ start }) => {
    await using rie = await start(kind === 'external' ? { extensions: scriptedExtensions('watcher') } : {})
    const actor = await reach(rie, kind, state)
    const answer = make(rie, actor, call)
    if (verb === 'waits') return await rie.stillWaits(answer)
    const { status, text } = await within(`an answer to ${call}`, answer)
    expect([status, text]).toEqual(may ? [202, accepted] : [403, refused(kind, state, call, actor.id)])
    // a refusal moves nothing
    if (may) return
    const again = await within(`a second answer to ${call}`, make(rie, actor, call))
    expect(again.text).toBe(text)
  })
}

export const extensionsStates = chapter('Extensions API: state table', (it) => {
  for (const kind of ['external', 'internal'] as const) {
    for (const state of Object.keys(allowed) as State[]) {
      for (const call of calls) cell(it, kind, state, call)
    }
  }

  it.external('external, Started: register gets 200', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    rie.invoke()
    await rie.extension('watcher')
    expect((await rie.register('watcher', ['INVOKE', 'SHUTDOWN'])).status).toBe(200)
  })

  it.external('ends the poll of an extension that reports that it will exit', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    rie.invoke()
    await rie.extension('watcher')
    const actor = await enter(rie, 'watcher', ['INVOKE'])
    const poll = actor.park()
    await rie.settle()
    expect((await actor.report('exit/error')).status).toBe(202)
    const answer = await within('an answer to the poll', poll)
    expect([answer.status, answer.text]).toEqual([
      403,
      refusal(
        'Extension.InvalidExtensionState',
        `State transition from ExitError to Ready failed for extension ${actor.id}. Error: Concurrent state modification`,
      ),
    ])
  })
})
