import { expect, test } from 'bun:test'
import { find, findAt, remove } from '../../src/core/inflight.ts'
import { at, one, serving, two } from './script.ts'

test('of several in flight, the one that is meant is found, and taken out', () => {
  const [a, b] = [at('running'), at('responded', { id: two })]
  const state = serving({ inflight: [a, b] })
  expect([find(state, one), find(state, two)]).toEqual([a, b])
  expect([findAt(state, 'responded'), findAt(state, 'waiting')]).toEqual([b, undefined])
  remove(state, a)
  expect(state.inflight).toEqual([b])
  remove(state, b)
  expect(state.inflight).toEqual([])
  remove(state, b)
  expect(state.inflight).toEqual([])
})
