/**
 * Every cell of the runtime's state table: in each state that a runtime can be brought into, each call that it can make,
 * with the exact answer.
 */
import { expect } from 'bun:test'
import { within } from '../harness.ts'
import type { Emulator } from './emulator.ts'
import { accepted, illegal, refusal } from './facts.ts'
import { chapter, type It } from './suite.ts'
import { type Answer, bytes, Wire } from './wire.ts'

const unknownId = refusal('InvalidRequestID', 'Invalid request ID')
const someId = '6f1d3b1e-4a5c-4c39-9d0f-0a1b2c3d4e5f'

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
async function half(rie: Emulator, path: string): Promise<Wire> {
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

  it('keeps the state of a runtime whose call was refused', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    expect((await rie.initError('{}')).status).toBe(403)
    expect((await rie.respond(someId)).status).toBe(400)
    expect((await rie.respond(id, '"still"')).status).toBe(202)
    expect((await rie.error(id)).status).toBe(403)
    rie.park()
    expect((await call).text).toBe('"still"')
  })

  it('gives the same event to a runtime that asks twice without answering', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('"same"')
    const [first, second] = [await rie.next(), await within('the second poll', rie.poll())]
    expect([second.id, second.text]).toEqual([first.id, '"same"'])
    await rie.respond(first.id)
    rie.park()
    expect((await call).status).toBe(200)
  })

  it('gives each event to one of two pollers, in the order in which they came', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const second = rie.poll()
    await rie.settle()
    const call = rie.invoke('"for the first"')
    const event = await rie.next()
    expect(event.text).toBe('"for the first"')
    await rie.stillWaits(second)
    await rie.respond(event.id)
    const third = rie.poll()
    await call
    rie.invoke('"for the second"')
    expect((await within('the second poll', second)).text).toBe('"for the second"')
    await rie.stillWaits(third)
  })

  it('forgets a poller that has gone away', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    await rie.settle()
    rie.drop()
    await rie.settle()
    const living = rie.poll()
    await rie.settle()
    const call = rie.invoke('"for the living"')
    const event = await within('the living poll', living)
    expect(event.text).toBe('"for the living"')
    await rie.respond(event.id)
    rie.park()
    expect((await call).status).toBe(200)
  })

  it('forgets a poller that goes away before the answer to its invocation was taken', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    for (let round = 0; round < 3; round++) {
      rie.drop()
      rie.park()
      await rie.settle()
    }
    const { answer } = await rie.exchange('"once"', '"answered"')
    expect(answer.text).toBe('"answered"')
  })

  it('answers a poll that was made before the end of its own response was accepted', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('1')
    const { id } = await rie.next()
    using upload = await half(rie, `invocation/${id}/response`)
    const poll = rie.poll()
    await rie.settle()
    upload.send('way"')
    expect((await upload.answer()).status).toBe(202)
    await call
    rie.invoke('2')
    expect((await within('the early poll', poll)).text).toBe('2')
  })

  it('refuses a late answer to an invocation that has timed out', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '1' } })
    const call = rie.invoke()
    const { id } = await rie.next()
    await call
    const answers = [await rie.respond(id), await rie.error(id)]
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [400, unknownId],
      [400, unknownId],
    ])
  })

  it('refuses the answer to one invocation while another runs', async ({ start }) => {
    await using rie = await start()
    const old = (await rie.exchange()).event.id
    rie.invoke()
    const { id } = await rie.next()
    expect((await rie.respond(old)).text).toBe(unknownId)
    expect((await rie.error(old)).text).toBe(unknownId)
    expect((await rie.error(id)).text).toBe(accepted)
  })

  it('refuses a poll after a time-out, when no runtime is expected', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '1' } })
    const call = rie.invoke()
    await rie.next()
    await call
    await (await rie.runtime()).gone()
    const answers = [await within('an answer', rie.poll()), await rie.initError('{}')]
    expect(answers.map(({ status, json }) => [status, json.errorType])).toEqual([
      [403, 'InvalidStateTransition'],
      [403, 'InvalidStateTransition'],
    ])
  })
})
