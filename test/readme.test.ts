import { expect, test } from 'bun:test'
import { optionsTable } from '../src/config/usage.ts'
import { answerCases } from './clients/callers/answers.ts'
import { allCallers } from './clients/callers/callers.ts'
import { refusalCases } from './clients/callers/refusals.ts'
import { streamCases } from './clients/callers/streams.ts'
import { runtimeCases } from './clients/cases.ts'
import { allClients } from './clients/clients.ts'

const readme = await Bun.file(new URL('../README.md', import.meta.url)).text()

const between = (name: string): string =>
  new RegExp(`<!-- ${name}:begin -->\\n([\\s\\S]*?)\\n?<!-- ${name}:end -->`).exec(readme)?.[1] ?? 'missing'

test('the README has the table of all options as the program has them', () => {
  expect(between('options')).toBe(optionsTable())
})

test('the README names every script that exists, and no other', async () => {
  const { scripts } = (await import('../package.json')) as { scripts: Record<string, string> }
  const named = [...readme.matchAll(/bun(?:@1\.4\.5)? run ([a-z]+)/g)].map(([, name]) => name as string)
  expect(named.length).toBeGreaterThan(0)
  for (const name of named) expect(scripts).toHaveProperty(name)
})

test('the README has the matrices of all runtime clients, all SDKs and all cases', () => {
  const lines = between('clients').split('\n')
  const cells = (line: string) => line.split(' | ').map((cell) => cell.replace(/^\| ?| \|$/g, ''))
  const heads = lines.filter((line) => line.startsWith('| | ')).map((line) => cells(line).slice(1))
  expect(heads).toEqual([allClients, allCallers].map((all) => all.map(({ title }) => title)))
  const rows = lines.filter((line) => /^\| [^|-]/.test(line)).map(cells)
  expect(rows.map(([title]) => title)).toEqual(
    [...runtimeCases, ...answerCases, ...streamCases, ...refusalCases].map(({ title }) => title),
  )
  for (const [title, ...outcomes] of rows)
    for (const outcome of outcomes) expect(outcome, title).toMatch(/^(✓|– \(\d+\))$/)
})
