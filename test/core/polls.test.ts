import { expect, test } from 'bun:test'
import type { ApiCallId, Generation, RequestId } from '../../src/core/ids.ts'
import type { Serving } from '../../src/core/lifecycle.ts'
import { copy, play } from './recorder.ts'

const id = 'id' as RequestId
const call = 7 as ApiCallId
const running: Serving = {
  phase: 'serving',
  generation: 1 as Generation,
  polls: [],
  inflight: [{ id, stage: 'running', begun: false, verdict: null }],
  extensions: [],
  exited: null,
  owed: 0,
  late: [],
}

test('a poll that asks again for the event that is running gets it again', () => {
  expect(play(copy(running), { type: 'runtime/next', call })).toEqual([
    running,
    { do: 'reply', call, reply: { kind: 'invocation', id } },
  ])
})

test('a second poller that came before the event, but comes into force behind it, waits for the next one', () => {
  expect(play(copy(running), { type: 'runtime/next', call, concurrentPoll: true })).toEqual([
    { ...running, polls: [call] },
  ])
})
