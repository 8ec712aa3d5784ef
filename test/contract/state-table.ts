/**
 * Every cell of the runtime's state table: in each state that a runtime can be brought into, each call that it can make,
 * with the exact answer.
 */
import { expect } from 'bun:test'
import { within } from '../harness.ts'
import { type Answer, bytes, Wire } from '../kit/wire.ts'
import { chapter, type It } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { accepted, illegal, someId, unknownId } from './facts.ts'

type Call = 'next' | 'response' | 'error' | 'init/error'
const calls: readonly Call[] = ['next', 'response', 'error', 'init/error']

/** Makes the call with the id of the invocation in hand. */
function make(rie: Emulator, call: Call, id = someId): Promise<Answer> {
  switch (call) {
    case 'next':
      return rie.poll()
    case 'response':
      return rie.respond(id, '"again"')
    case 'error':
      return rie.error(id, '{"errorMessage":"again"}')
    case 'init/error':
      return rie.initError('{"errorMessage":"no"}')
  }
}

/** A state: how a runtime gets there, and what each call in it comes to. */
interface State {
  readonly name: string
  /** brings the runtime there and hands on the id of the invocation, if there is one */
  readonly reach: (rie: Emulator, keep: <T extends Disposable>(wire: T) => T) => Promise<string>
  readonly cells: Readonly<Partial<Record<Call, readonly [status: number, body: string] | 'waits' | 'event'>>>
}

const target = {
  next: 'Ready',
  response: 'InvocationResponse',
  error: 'InvocationErrorResponse',
  'init/error': 'InitError',
}

/** The refusals of all calls in a state but those that it has another answer for. */
const refusing = (state: string, others: State['cells'] = {}): State['cells'] => ({
  ...Object.fromEntries(calls.map((call) => [call, [403, illegal(state, target[call])]])),
  ...others,
})

/** An upload of which only the first half has arrived. */
export async function half(rie: Emulator, path: string): Promise<Wire> {
  const wire = await Wire.open(rie.api)
  const headers = { 'Content-Length': '9' }
  wire.send(bytes(rie.api, { method: 'POST', path: `/2018-06-01/runtime/${path}`, headers, body: '"half' }))
  await rie.settle()
  return wire
}

const running = async (rie: Emulator) => {
  rie.invoke()
  return (await rie.next()).id
}

const states: readonly State[] = [
  {
    name: 'before the first invocation',
    reach: async () => someId,
    cells: {
      next: [403, 'InvalidStateTransition'],
      response: [400, unknownId],
      error: [400, unknownId],
      'init/error': [403, 'InvalidStateTransition'],
    },
  },
  {
    name: 'Started, with an id that nobody knows',
    reach: async (rie) => {
      rie.invoke()
      await rie.runtime()
      return someId
    },
    cells: {
      next: 'event',
      response: [400, unknownId],
      error: [400, unknownId],
      'init/error': [202, accepted],
    },
  },
  {
    name: 'Started, with the id of the invocation that waits',
    reach: async (rie) => {
      rie.invoke('{}', { 'X-Amzn-RequestId': someId })
      await rie.runtime()
      return someId
    },
    cells: refusing('Started', { next: 'event', 'init/error': [202, accepted] }),
  },
  {
    name: 'Ready, with the id of the last invocation',
    reach: async (rie) => (await rie.exchange()).event.id,
    cells: {
      next: 'waits',
      response: [400, unknownId],
      error: [400, unknownId],
      'init/error': [403, illegal('Ready', 'InitError')],
    },
  },
  {
    name: 'Running',
    reach: running,
    cells: {
      next: 'event',
      response: [202, accepted],
      error: [202, accepted],
      'init/error': [403, illegal('Running', 'InitError')],
    },
  },
  {
    name: 'Running, with an id that nobody knows',
    reach: async (rie) => {
      await running(rie)
      return someId
    },
    cells: { response: [400, unknownId], error: [400, unknownId] },
  },
  {
    name: 'InvocationResponse, while the body arrives',
    reach: async (rie, keep) => {
      const id = await running(rie)
      keep(await half(rie, `invocation/${id}/response`))
      return id
    },
    cells: refusing('InvocationResponse', { next: 'waits' }),
  },
  {
    name: 'InvocationErrorResponse, while the body arrives',
    reach: async (rie, keep) => {
      const id = await running(rie)
      keep(await half(rie, `invocation/${id}/error`))
      return id
    },
    cells: refusing('InvocationErrorResponse', { next: 'waits' }),
  },
  {
    name: 'RuntimeResponseSentState, after a response',
    reach: async (rie) => {
      const id = await running(rie)
      await rie.respond(id)
      return id
    },
    cells: refusing('RuntimeResponseSentState', { next: 'waits' }),
  },
  {
    name: 'RuntimeResponseSentState, after an error',
    reach: async (rie) => {
      const id = await running(rie)
      await rie.error(id)
      return id
    },
    cells: refusing('RuntimeResponseSentState', { next: 'waits' }),
  },
]

function cell(it: It, state: State, call: Call): void {
  const expected = state.cells[call]
  if (expected === undefined) return
  const [verb, what] =
    expected === 'waits' ? ['waits', ''] : ['gets', expected === 'event' ? ' the event' : ` ${expected[0]}`]
  it(`${state.name}: ${call} ${verb}${what}`, async ({ start }) => {
    await using rie = await start()
    using wires = new DisposableStack()
    const id = await state.reach(rie, (wire) => wires.use(wire))
    const answer = make(rie, call, id)
    if (expected === 'waits') return await rie.stillWaits(answer)
    const { status, text, header, json } = await settled(within(`an answer to ${call}`, answer))
    if (expected === 'event') return expect([status, text]).toEqual([200, '{}'])
    expect(header).toBe('application/json')
    expect([status, expected[1].endsWith('\n') ? text : json.errorType]).toEqual([...expected])
  })
}

async function settled(promise: Promise<Answer>) {
  const answer = await promise
  const { status, text } = answer
  return {
    status,
    text,
    header: answer.header('Content-Type'),
    json: text.endsWith('\n') ? answer.json : undefined,
  }
}

export const stateTable = chapter('Runtime API: state table', (it) => {
  for (const state of states) for (const call of calls) cell(it, state, call)
})
