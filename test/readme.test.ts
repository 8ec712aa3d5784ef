import { expect, test } from 'bun:test'
import { optionsTable } from '../src/options.ts'
import { CASES } from './clients/cases.ts'
import { CLIENTS } from './clients/clients.ts'

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

test('the README has the matrix of all runtime clients and all cases', () => {
  const [head = [], , ...rows] = between('clients')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| ?| \|$/g, '')))
  expect(head.slice(1)).toEqual(CLIENTS.map(({ title }) => title))
  expect(rows.map(([title]) => title)).toEqual(CASES.map(({ title }) => title))
  const outcomes = new Set(rows.flatMap(([, ...cells]) => cells.map((cell) => cell.replace(/ \(\d+\)$/, ''))))
  expect([...outcomes].sort()).toEqual(['–', '✓'].sort())
})
