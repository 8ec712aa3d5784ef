import { describe, expect, test } from 'bun:test'
import type { Reply } from '../../src/core/effect.ts'
import type { UploadResult } from '../../src/core/event.ts'
import type { Environment } from '../../src/engine/environment.ts'
import type { Upload, UploadTarget } from '../../src/engine/upload.ts'
import { until } from '../harness.ts'
import { invocation, next, realClock, requestId, stage } from './fakes.ts'

const one = requestId('one')
const payload = { size: 2, chunks: [new Uint8Array(2)] }
const complete: UploadResult = { kind: 'complete', payload, contentType: null }
const response: UploadTarget = { to: 'response', id: one, mode: null }
const initError: UploadTarget = { to: 'init-error', errorType: 'Runtime.Bad' }

/** Uploads as the API does: what was read, and what it was answered. */
function send(environment: Environment, target: UploadTarget) {
  const replies: Reply['kind'][] = []
  const reads: Upload[] = []
  environment.upload(target, {
    read: (upload) => reads.push(upload),
    answer: (reply) => replies.push(reply.kind),
  })
  return { replies, reads }
}

/** An environment whose runtime has the event of `one`. */
function running(over: Parameters<typeof invocation>[2] = {}) {
  const staged = stage()
  const caller = invocation('one', staged.log, over)
  staged.environment.invoke(caller)
  next(staged.environment)
  return { ...staged, caller }
}

describe('an upload', () => {
  test('is read when the rules allow it, and answered when it has ended', () => {
    const { environment, caller } = running()
    const { replies, reads } = send(environment, response)
    expect([replies, reads.length]).toEqual([[], 1])
    expect(reads[0]?.responseTo).toBe(caller)
    reads[0]?.end(complete)
    expect(replies).toEqual(['accepted'])
    expect(caller.outcomes).toEqual([{ kind: 'response', payload, contentType: null }])
  })

  test('is not read when they do not', () => {
    const { environment } = running()
    expect(send(environment, { ...response, id: requestId('two') })).toEqual({
      replies: ['refused'],
      reads: [],
    })
  })

  test('of an error has its type', () => {
    const { environment, caller } = running()
    const { reads } = send(environment, { to: 'error', id: one, errorType: 'Function.Oops' })
    expect(reads[0]?.responseTo).toBeUndefined()
    expect(reads[0]?.begin('text/plain')).toBeNull()
    reads[0]?.end(complete)
    expect(caller.outcomes).toEqual([{ kind: 'error', payload, errorType: 'Function.Oops' }])
  })

  test('that is handed on has the receiver of its invocation, none when that is over', () => {
    const receiver = { write: () => true, onDrain: null }
    const { environment, caller } = running()
    const types: string[] = []
    Object.assign(caller, { receiver, begin: (type: string) => types.push(type) })
    const { reads } = send(environment, { ...response, mode: 'streaming' })
    expect(reads[0]?.begin('text/plain')).toBe(receiver)
    environment.dispatch({ type: 'deadline', id: one })
    expect(reads[0]?.begin('text/plain')).toBeNull()
    expect(types).toEqual(['text/plain'])
    expect(caller.outcomes).toEqual([{ kind: 'timeout' }])
  })

  test('race: that comes within a step is asked for after it, read, and answered', () => {
    const { environment, caller } = running()
    const inner: ReturnType<typeof send>[] = []
    const settle = caller.settle.bind(caller)
    caller.settle = (outcome) => {
      settle(outcome)
      inner.push(send(environment, response))
      expect(inner[0]).toEqual({ replies: [], reads: [] })
    }
    send(environment, response).reads[0]?.end(complete)
    // the answer was there
    expect(inner[0]).toEqual({ replies: ['refused'], reads: [] })
  })
})

test('race: that broke off is the end of its process, also where that is read after the wait for it', async () => {
  const { environment, processes, log } = stage({ clock: realClock })
  const caller = invocation('one', log)
  environment.invoke(caller)
  next(environment)
  send(environment, response).reads[0]?.end({ kind: 'truncated' })
  // it has ended, and the machine stalled before that was told
  processes.process('runtime').status = { kind: 'code', code: 7 }
  await until('the answer', () => caller.outcomes.length > 0)
  expect(caller.outcomes).toMatchObject([{ kind: 'fault', fault: { errorType: 'Runtime.ExitError' } }])
})

describe('an init error', () => {
  test('is read before the rules are asked', () => {
    const { environment } = stage()
    environment.dispatch({ type: 'start' })
    const { replies, reads } = send(environment, initError)
    expect(environment.state).toMatchObject({ runtime: 'Started' })
    reads[0]?.end(complete)
    expect(replies).toEqual(['accepted'])
    expect(environment.state).toMatchObject({ runtime: 'InitError', failure: { document: payload } })
  })

  test('that is too large has no document; one that breaks off is none', () => {
    const { environment } = stage()
    environment.dispatch({ type: 'start' })
    const broken = send(environment, initError)
    broken.reads[0]?.end({ kind: 'truncated' })
    expect(broken.replies).toEqual(['refused'])
    expect(environment.state).toMatchObject({ runtime: 'Started', failure: null })
    send(environment, initError).reads[0]?.end({ kind: 'oversize', bytes: 7_000_000 })
    expect(environment.state).toMatchObject({ runtime: 'InitError' })
    expect(environment.state).not.toHaveProperty('failure.document')
  })

  test('race: that ends when its process is gone is none of the next generation', () => {
    const { environment } = stage()
    environment.invoke(invocation('one'))
    const { replies, reads } = send(environment, initError)
    environment.dispatch({ type: 'exit', process: 'runtime', status: { kind: 'code', code: 1 } })
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2 })
    reads[0]?.end(complete)
    expect(replies).toEqual(['refused'])
    expect(environment.state).toMatchObject({ phase: 'starting', runtime: 'Started', failure: null })
  })
})
