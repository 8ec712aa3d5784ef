import { expect, test } from 'bun:test'
import { describeStall } from '../../src/core/stall.ts'
import { external, fresh, internal, starting } from './script.ts'

const ready = { state: 'Ready' } as const

test('an init that took too long names whom it waited for', () => {
  expect(describeStall(starting({ runtime: 'Started' }))).toBe('the runtime did not ask for an event')
  expect(describeStall(starting({ extensions: [fresh('a'), external('b'), fresh('c')] }))).toBe(
    'extension a, c did not register',
  )
  expect(
    describeStall(starting({ runtime: 'Ready', extensions: [external('a', ready), external('b')] })),
  ).toBe('extension b did not ask for an event')
  expect(describeStall(starting({ runtime: 'Started', extensions: [external('a'), internal('b')] }))).toBe(
    'the runtime and extension a, b did not ask for an event',
  )
})

test('a registration under another name than that of the file is pointed out', () => {
  expect(describeStall(starting({ extensions: [fresh('a.sh'), external('b'), internal('a')] }))).toBe(
    'extension a.sh did not register; of extension a, which did, no file has the name',
  )
})
