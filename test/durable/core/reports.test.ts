import { expect, test } from 'bun:test'
import { keptTable, reportsTable } from './reports.ts'

test('CONTRIBUTING has the table of what may be reported; `bun test/durable/core/reports.ts` renews it', async () => {
  expect(await keptTable()).toBe(reportsTable())
})
