import { expect, test } from 'bun:test'
import { keptTable } from '../../kit/kept-table.ts'
import { reportsTable } from './reports.ts'

test('CONTRIBUTING has the table of what may be reported; `bun test/durable/core/reports.ts` renews it', async () => {
  expect(await keptTable('reports')).toBe(reportsTable())
})
