import { expect, test } from 'bun:test'
import { optionsTable } from '../src/config/usage.ts'
import { answerCases } from './clients/callers/answers.ts'
import { allCallers } from './clients/callers/callers.ts'
import { refusalCases } from './clients/callers/refusals.ts'
import { streamCases } from './clients/callers/streams.ts'
import { runtimeCases } from './clients/cases.ts'
import { allClients } from './clients/clients.ts'
import { observerCases } from './clients/observers/cases.ts'
import { allObservers } from './clients/observers/observers.ts'
import { blocksOf, commandKinds } from './readme-commands.ts'

const readme = await Bun.file(new URL('../README.md', import.meta.url)).text()

const between = (name: string, text: string): string =>
  new RegExp(`<!-- ${name}:begin -->\\n([\\s\\S]*?)\\n?<!-- ${name}:end -->`).exec(text)?.[1] ?? 'missing'

test('the README has the table of all options as the program has them', () => {
  expect(between('options', readme)).toBe(optionsTable())
})

test('the README names every script that exists, and no other', async () => {
  const { scripts } = (await import('../package.json')) as { scripts: Record<string, string> }
  const named = [...readme.matchAll(/bun(?:@1\.4\.5)? run ([a-z]+)/g)].map(([, name]) => name as string)
  expect(named.length).toBeGreaterThan(0)
  for (const name of named) expect(scripts).toHaveProperty(name)
})

test('the README of the clients has the matrices of all of them, of SDKs and extensions, and of all cases', async () => {
  const text = await Bun.file(new URL('clients/README.md', import.meta.url)).text()
  const lines = between('clients', text).split('\n')
  const cells = (line: string) => line.split(' | ').map((cell) => cell.replace(/^\| ?| \|$/g, ''))
  const heads = lines.filter((line) => line.startsWith('| | ')).map((line) => cells(line).slice(1))
  expect(heads).toEqual([allClients, allCallers, allObservers].map((all) => all.map(({ title }) => title)))
  const rows = lines.filter((line) => /^\| [^|-]/.test(line)).map(cells)
  expect(rows.map(([title]) => title)).toEqual(
    [...runtimeCases, ...answerCases, ...streamCases, ...refusalCases, ...observerCases].map(
      ({ title }) => title,
    ),
  )
  for (const [title, ...outcomes] of rows)
    for (const outcome of outcomes) expect(outcome, title).toMatch(/^(✓|– \(\d+\))$/)
})

/** Blocks of the README that `test/readme` does not run, by what they contain; where they are tried, or why they are not. */
const notRun: Readonly<Record<string, string>> = {
  'COPY aws-lambda-rie-x86_64 /usr/local/bin/aws-lambda-rie\n':
    'a line of base/Dockerfile, which `bun run images` builds',
  '"type": "bun", "request": "attach"':
    'a setting of VS Code; the contract attaches a debugger over the same protocol',
  '-m debugpy --listen 0.0.0.0:5678':
    'a container with a debugger; `bun run clients debuggers` tries the same outside of one',
  '"name": "Node in the emulator"':
    'settings of VS Code; `bun run clients debuggers` attaches with the same values',
  "--watch-build 'go build":
    'compilers of projects that are not here; the contract builds with --watch-build',
  'AWS_LAMBDA_MAX_CONCURRENCY=16 aws-lambda-rie ./bootstrap':
    'a runtime of the reader; the contract runs several invocations in one environment',
  "from 'bun-lambda-rie'": 'package.test.ts runs it',
  'bun add --dev ./bun-lambda-rie': 'package.test.ts packs and adds it so',
  'AWS_LAMBDA_MAX_CONCURRENCY=16':
    'a runtime of several at a time is not in the folder; the contract plays one',
  'healthcheck:': 'a part of a Compose file; the contract asks for this address',
  'vegeta attack': 'a program of others, that is on few machines; the closed loop beside it is run',
}

test('every block of the README is run by test/readme or by the images, or says why not', () => {
  const kinds: readonly string[] = [...commandKinds, 'test']
  const bare = blocksOf(readme).filter(({ kind }) => kind === null || !kinds.includes(kind))
  const reasons = Object.keys(notRun)
  expect(
    bare.filter(({ code }) => !reasons.some((text) => code.includes(text))).map(({ code }) => code),
  ).toEqual([])
  // a reason for a block that is not there, or is run, is none
  expect(reasons.filter((text) => bare.filter(({ code }) => code.includes(text)).length !== 1)).toEqual([])
})
