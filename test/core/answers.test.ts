import { expect, test } from 'bun:test'
import { keptTable } from '../kit/kept-table.ts'
import { answersTable } from './answers.ts'

test('CONTRIBUTING has the table of what every call is answered; `bun test/core/answers.ts` renews it', async () => {
  expect(await keptTable('answers')).toBe(answersTable())
})
