/** What else of an invocation the runtime is told in headers: who calls, which delivery it is, and a whole trace. */
import { expect } from 'bun:test'
import type { Answer } from '../kit/wire.ts'
import { both, ready, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import { accepted, illegal, refusal, signed, someId, unknownId, uuid } from './facts.ts'

const deliveryOf = (event: Answer): string => event.header('Lambda-Runtime-Invocation-Id') ?? ''
const echo = (id: string) => ({ 'Lambda-Runtime-Invocation-Id': id })
const outdated = refusal('InvokeTimeout', 'Invoke timeout')
const identity = 'X-Amz-Cognito-Identity'
const posts = { response: 'respond', error: 'error' } as const

export const delivery = chapter('Runtime API: what is delivered with an event', (it) => {
  for (const [kind, sent, told] of [
    [
      'whole',
      '{"cognitoIdentityId":"eu-west-1:1","cognitoIdentityPoolId":"eu-west-1:2"}',
      '{"cognitoIdentityId":"eu-west-1:1","cognitoIdentityPoolId":"eu-west-1:2"}',
    ],
    [
      'with blanks and more than is asked for',
      '{ "more" : [1], "cognitoIdentityPoolId" : "p", "cognitoIdentityId" : "i" }',
      '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}',
    ],
    ['without a pool', '{"cognitoIdentityId":"i"}', '{"cognitoIdentityId":"i","cognitoIdentityPoolId":""}'],
    [
      'with names in other letters and null for an identity',
      '{"COGNITOIDENTITYPOOLID":"p","cognitoIdentityId":null}',
      '{"cognitoIdentityId":"","cognitoIdentityPoolId":"p"}',
    ],
  ] as const) {
    it(`hands an identity of Cognito on that is ${kind}`, async ({ start }) => {
      await using rie = await start()
      const { event } = await rie.exchange('{}', '1', { [identity]: sent })
      expect(event.header('Lambda-Runtime-Cognito-Identity')).toBe(told)
    })
  }

  it('hands an identity of Cognito on in ASCII', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange('{}', '1', { [identity]: '{"cognitoIdentityId":"\\u00fc\xc3\xbc"}' })
    const told = event.header('Lambda-Runtime-Cognito-Identity')!
    expect(told).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(told).cognitoIdentityId).toBe('üü')
  })

  for (const [kind, sent] of [
    ['an empty identity', ''],
    ['an identity of nobody', '{}'],
  ] as const) {
    it(`tells the runtime no identity of Cognito for ${kind}`, async ({ start }) => {
      await using rie = await start()
      const { event, answer } = await rie.exchange('{}', '1', { [identity]: sent })
      expect(answer.status).toBe(200)
      expect(event.header('Lambda-Runtime-Cognito-Identity')).toBeUndefined()
    })
  }

  for (const sent of ['junk', '{"half":', '[]', '"text"', '1', '{"cognitoIdentityId":1}', '{} {}', 'e30=']) {
    it(`refuses ${sent} for an identity of Cognito with 400, names the header and runs nothing`, async ({
      start,
    }) => {
      await using rie = await start()
      const answer = await rie.invoke('{}', { [identity]: sent })
      expect([answer.status, answer.header('Content-Type')]).toEqual([400, 'application/json'])
      expect(JSON.stringify(answer.json)).toContain(identity)
      await rie.settle()
      expect(rie.runtimes()).toEqual([])
    })
  }

  it('refuses null for an identity of Cognito of a signed caller as the service refuses content', async ({
    start,
  }) => {
    await using rie = await start()
    const answer = await rie.invoke('{}', { ...signed, [identity]: 'null' })
    expect([answer.status, answer.header('x-amzn-ErrorType')]).toEqual([
      400,
      'InvalidRequestContentException',
    ])
    expect(answer.text).toContain(identity)
  })

  it('numbers every delivery of an event with a UUID of its own', async ({ start }) => {
    await using rie = await start()
    const ids: string[] = []
    for (let round = 0; round < 3; round++) {
      const call = rie.invoke()
      const event = await rie.next()
      ids.push(deliveryOf(event))
      expect(deliveryOf(event)).not.toBe(event.id)
      expect((await rie.respond(event.id, '1', echo(deliveryOf(event)))).status).toBe(202)
      rie.park()
      expect((await call).status).toBe(200)
    }
    for (const id of ids) expect(id).toMatch(uuid)
    expect(new Set(ids).size).toBe(3)
  })

  for (const [what, wrong] of [
    ['another number', someId],
    ['the id of the request in place of the number', 'REQUEST'],
    ['what is no number', 'junk'],
  ] as const) {
    for (const post of ['response', 'error'] as const) {
      it(`refuses ${what} in ${post} with 410, and the invocation goes on`, async ({ start }) => {
        await using rie = await start()
        const call = rie.invoke()
        const event = await rie.next()
        const sent = echo(wrong === 'REQUEST' ? event.id : wrong)
        const refused = await rie[posts[post]](event.id, '"late"', sent)
        expect([refused.status, refused.header('Content-Type'), refused.text]).toEqual([
          410,
          'application/json',
          outdated,
        ])
        await rie.stillWaits(call)
        const right = await rie[posts[post]](event.id, '"right"', echo(deliveryOf(event)))
        expect([right.status, right.text]).toEqual([202, accepted])
        expect((await call).text).toBe('"right"')
      })
    }
  }

  it('takes an answer without a number of the delivery, and with an empty one', async ({ start }) => {
    await using rie = await start()
    for (const headers of [{}, echo('')]) {
      const call = rie.invoke()
      const event = await rie.next()
      expect((await rie.respond(event.id, '"as ever"', headers)).status).toBe(202)
      rie.park()
      expect((await call).text).toBe('"as ever"')
    }
  })

  it('says that a request id is unknown before it says that the delivery is', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    await rie.next()
    const answer = await rie.respond(someId, '1', echo(someId))
    expect([answer.status, answer.text]).toEqual([400, unknownId])
  })

  it('refuses a second answer with the right number as ever', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    const event = await rie.next()
    await rie.respond(event.id, '1', echo(deliveryOf(event)))
    const again = await rie.respond(event.id, '2', echo(deliveryOf(event)))
    expect([again.status, again.text]).toEqual([
      403,
      illegal('RuntimeResponseSentState', 'InvocationResponse'),
    ])
  })

  it('gives a runtime that asks twice without answering the number that it can answer with', async ({
    start,
  }) => {
    await using rie = await start()
    const call = rie.invoke()
    await rie.next()
    const again = await rie.poll()
    expect(deliveryOf(again)).toMatch(uuid)
    expect((await rie.respond(again.id, '"twice"', echo(deliveryOf(again)))).status).toBe(202)
    expect((await call).text).toBe('"twice"')
  })

  const root = 'Root=1-5e1b4151-5ac6c58dc39a6b6b5a4d5d2d'
  const parent = 'Parent=53995c3f42cd8ad8'
  const made = /;Parent=[0-9a-f]{16}/
  for (const [kind, sent, parts, added] of [
    ['a Root alone', root, [root], [made, /;Sampled=0$/]],
    [
      "a load balancer's Self and Root",
      `Self=1-5e1b4151-0123456789abcdef01234567;${root}`,
      ['Self=1-5e1b4151-0123456789abcdef01234567', root],
      [made, /;Sampled=0$/],
    ],
    ['no Parent', `${root};Sampled=1`, [root, 'Sampled=1'], [made]],
    ['no Sampled', `${root};${parent}`, [root, parent], [/;Sampled=0$/]],
    [
      'a Lineage',
      `${root};Sampled=1;Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2`,
      [root, 'Sampled=1', 'Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2'],
      [made],
    ],
    [
      'names in lower case',
      `root=1-5e1b4151-5ac6c58dc39a6b6b5a4d5d2d;sampled=1`,
      ['root=1-5e1b4151-5ac6c58dc39a6b6b5a4d5d2d', 'sampled=1'],
      [made],
    ],
    ['a decision that is left open', `${root};Sampled=?`, [root, 'Sampled=?'], [made]],
  ] as const) {
    it(`completes a trace header with ${kind}, and keeps what it has`, async ({ start }) => {
      await using rie = await start()
      const { event } = await rie.exchange('{}', '1', { 'X-Amzn-Trace-Id': sent })
      const told = event.header('Lambda-Runtime-Trace-Id')!
      const fields = told.split(';').map((field) => field.trim())
      for (const part of parts) expect(fields).toContain(part)
      for (const pattern of added) expect(told).toMatch(pattern)
      expect(fields).toHaveLength(parts.length + added.length)
    })
  }

  it('leaves a whole trace header as it is', async ({ start }) => {
    await using rie = await start()
    const whole = `${parent}; ${root};Lineage=1:a:0;Sampled=1`
    const { event } = await rie.exchange('{}', '1', { 'X-Amzn-Trace-Id': whole })
    expect(event.header('Lambda-Runtime-Trace-Id')).toBe(whole)
  })

  it.external('tells extension, runtime and signed caller the same completed trace', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('agent') })
    const call = rie.invoke('{}', { ...signed, 'X-Amzn-Trace-Id': root })
    const { agent } = await ready(rie, { agent: both })
    const event = await rie.reply()
    const told = event.header('Lambda-Runtime-Trace-Id')!
    expect(told).toMatch(made)
    expect((await agent.pass()).json.tracing.value).toBe(told)
    const fields = (await call).header('X-Amzn-Trace-Id')!.split(';')
    expect(fields).toEqual(
      told.split(';').map((field) => field.replace(/^[^=]*/, (name) => name.toLowerCase())),
    )
  })
})
