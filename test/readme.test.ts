import { expect, test } from 'bun:test'
import { optionsTable } from '../src/options.ts'

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
