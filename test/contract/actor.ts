/** Extensions as a case plays them: the case makes their calls, their processes only have to live. */
import { within } from '../harness.ts'
import type { Answer } from '../kit/wire.ts'
import { type Emulator, extensionPath } from './emulator.ts'

export class Actor {
  readonly name: string
  readonly id: string
  readonly #rie: Emulator
  #parked: Promise<Answer> | undefined

  constructor(rie: Emulator, name: string, id: string) {
    this.#rie = rie
    this.name = name
    this.id = id
  }

  /** Asks for the next event and goes on without waiting for it. */
  park(): Promise<Answer> {
    this.#parked = this.#rie.eventNext(this.id)
    return this.#parked
  }

  /** The poll that waits. */
  get parked(): Promise<Answer> {
    return this.#parked ?? this.park()
  }

  /** The next event: of the poll that waits, or of a new one. */
  async event(limit?: number): Promise<Answer> {
    const poll = this.parked
    this.#parked = undefined
    const event = await within(`an event for ${this.name}`, poll, limit)
    if (event.status !== 200) throw new Error(`no event but ${event.status} ${event.text}`)
    return event
  }

  /** Takes an event and asks for the next one, as an extension with nothing to do does. */
  async pass(): Promise<Answer> {
    const event = await this.event()
    this.park()
    return event
  }

  report(what: 'init/error' | 'exit/error', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#rie.call('POST', `${extensionPath}/${what}`, '{}', {
      'Lambda-Extension-Identifier': this.id,
      'Lambda-Extension-Function-Error-Type': 'Extension.Tested',
      ...headers,
    })
  }
}

type Parts<Name extends string> = Readonly<Record<Name, readonly string[]>>
type Cast<Name extends string> = Record<Name, Actor>

export async function enter(rie: Emulator, name: string, events: readonly string[]): Promise<Actor> {
  const answer = await rie.register(name, events)
  if (answer.status !== 200) throw new Error(`${name} was not registered: ${answer.status} ${answer.text}`)
  return new Actor(rie, name, answer.header('Lambda-Extension-Identifier')!)
}

/** Extensions by name, with the events for which they register; external ones of the n-th start. */
export async function registered<Name extends string>(
  rie: Emulator,
  parts: Parts<Name>,
  n = 1,
): Promise<Cast<Name>> {
  const cast: [string, Actor][] = []
  for (const [name, events] of Object.entries<readonly string[]>(parts)) {
    await rie.extension(name, n)
    cast.push([name, await enter(rie, name, events)])
  }
  return Object.fromEntries(cast) as Cast<Name>
}

/** The same, and once the runtime has been started they wait for their first event. */
export async function ready<Name extends string>(
  rie: Emulator,
  parts: Parts<Name>,
  n = 1,
): Promise<Cast<Name>> {
  const cast = await registered(rie, parts, n)
  await rie.runtime(n)
  for (const actor of Object.values<Actor>(cast)) actor.park()
  return cast
}

/** Extensions of the n-th runtime's own process, which wait for their first event. */
export async function internal<Name extends string>(
  rie: Emulator,
  parts: Parts<Name>,
  n = 1,
): Promise<Cast<Name>> {
  await rie.runtime(n)
  const cast: [string, Actor][] = []
  for (const [name, events] of Object.entries<readonly string[]>(parts)) {
    const actor = await enter(rie, name, events)
    actor.park()
    cast.push([name, actor])
  }
  return Object.fromEntries(cast) as Cast<Name>
}

export const both = ['INVOKE', 'SHUTDOWN'] as const

/** The files of external extensions that are scripted processes. */
export const scriptedExtensions = (...names: readonly string[]): Record<string, true> =>
  Object.fromEntries(names.map((name) => [name, true] as const))
