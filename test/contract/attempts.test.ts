import { expect, test } from 'bun:test'
import { type Attempt, attempts } from './attempts.ts'

const fault = /Unable to find an exitedChannel/
const crashed: Attempt = {
  error: new Error('ended unasked'),
  stderr: "[PANIC] (rapid) Unable to find an exitedChannel for 'runtime-3'\n",
}
const failed: Attempt = { error: new Error('expected 502'), stderr: '[WARNING] (rapid) Reset initiated\n' }
const passed: Attempt = { error: undefined, stderr: '' }

/** A case that goes so, run after run; a further run is a mistake. */
function runs(...outcomes: Attempt[]): () => Promise<Attempt> {
  return async () => {
    const next = outcomes.shift()
    if (next === undefined) throw new Error('run once too often')
    return next
  }
}

test('runs a case again that met the known fault', async () => {
  const { error, faults } = await attempts(runs(crashed, crashed, passed), fault)
  expect(error).toBeUndefined()
  expect(faults).toEqual(['Unable to find an exitedChannel', 'Unable to find an exitedChannel'])
})

test('keeps a failure of another kind', async () => {
  expect(await attempts(runs(failed), fault)).toEqual({ ...failed, faults: [] })
  expect((await attempts(runs(crashed, failed), fault)).error).toBe(failed.error)
})

test('gives up when the fault comes each time', async () => {
  const { error, faults } = await attempts(runs(crashed, crashed, crashed), fault)
  expect(error).toBe(crashed.error)
  expect(faults).toHaveLength(3)
})

test('knows no excuse for a program without a known fault', async () => {
  expect((await attempts(runs(crashed), undefined)).error).toBe(crashed.error)
})

test('leaves a case alone that passes although its program said so', async () => {
  expect(await attempts(runs({ error: undefined, stderr: crashed.stderr }), fault)).toMatchObject({
    faults: [],
  })
})
