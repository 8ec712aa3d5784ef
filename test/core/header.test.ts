import { expect, test } from 'bun:test'
import { firstValue } from '../../src/core/header.ts'

test('of a header that was sent twice, the first value counts', () => {
  const headers = new Headers({ once: 'a,b' })
  headers.append('twice', 'first')
  headers.append('twice', 'second')
  headers.append('empty', '')
  headers.append('empty', 'second')
  expect(['once', 'twice', 'Twice', 'empty', 'never'].map((name) => firstValue(headers, name))).toEqual([
    'a,b',
    'first',
    'first',
    '',
    null,
  ])
})
