/** Polls that wait, are doubled, or go away; and whose invocation an answer is for. */
import { expect } from 'bun:test'
import { within } from '../harness.ts'
import { chapter } from './chapter.ts'
import { accepted, someId, unknownId } from './facts.ts'
import { half } from './state-table.ts'

export const polling = chapter('Runtime API: polls and ids', (it) => {
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
    // a poll that comes after the event was delivered would ask for it again
    await rie.settle()
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
