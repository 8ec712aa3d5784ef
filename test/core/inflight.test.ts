import { expect, test } from 'bun:test'
import type { RequestId } from '../../src/core/ids.ts'
import { staged, swap } from '../../src/core/inflight.ts'
import type { Inflight } from '../../src/core/lifecycle.ts'

const running = (name: string): Inflight => ({
  id: name as RequestId,
  stage: 'running',
  verdict: null,
  exited: null,
})

test('of several in flight, the one that is meant is replaced', () => {
  const [a, b, c] = [running('a'), running('b'), running('c')]
  const by = staged(b, 'responding')
  expect(swap([a, b, c], b, by)).toEqual([a, by, c])
  expect(swap([b], b, by)).toEqual([by])
})
