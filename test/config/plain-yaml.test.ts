import { describe, expect, test } from 'bun:test'
import { fromAnyYaml } from '../../src/config/document.ts'
import { type KeyLines, readPlainYaml } from '../../src/config/plain-yaml.ts'
import { Random } from '../faults/random.ts'

/** Data with the line of each key and item, the keys in their order, and numbers as they are. */
function withLines(value: unknown, lines: KeyLines): unknown {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `number ${value}`
  if (typeof value !== 'object' || value === null) return value
  const inner = Object.entries(value).map(([key, each]) => [key, withLines(each, lines)])
  return [Array.isArray(value) ? 'list' : 'object', [...(lines.get(value) ?? [])], inner]
}

function plainly(text: string): unknown {
  const lines: KeyLines = new WeakMap()
  const read = readPlainYaml(text, lines)
  return read === undefined ? 'left to the library' : withLines(read.value, lines)
}

function byLibrary(text: string): unknown {
  const lines: KeyLines = new WeakMap()
  return withLines(
    fromAnyYaml('f.yaml', text, lines, () => undefined),
    lines,
  )
}

const scalars = [
  '1 -1 017 0o17 0x1F -0x1 1e3 .5 1. -0 +1 .inf -.Inf .NaN 1_000 0b11 12:30 2001-01-01 ~ null NULL true True yes no on',
  'x a#b a:b AWS::X http://a/b?c=1&d 127.0.0.1:80 /bin/true ./x $x -x --x 012345678912 1e400 1.5.2 0o8 (x) a=b .. 00',
  `"a" '1' "q:" [] {} [a] [1,-2] {A:1} "" ''`,
]
  .flatMap((line) => line.split(' '))
  .concat(['"q: #"', '[a, b]', '[1, "x", 017]', '{ A: b, C: 1 }', '{ a: 1, a: 2 }', 'a b', 'x # c', ''])
const keys = ['a', 'b', 'c', 'd', 'e', 'f-g', '"h i"', "'j'", 'true', 'null', 'k.l', '$m', '1']

/** The lines of a collection: most are right, and one in thirty has a key twice. */
function collection(random: Random, indent: number, depth: number): string[] {
  const isList = random.chance(0.35)
  const step = random.pick([1, 2, 2, 4])
  const used = new Set<string>()
  return Array.from({ length: random.int(1, 4) }).flatMap(() => {
    const key = random.pick(keys)
    if (used.has(key) && !random.chance(0.03)) return []
    used.add(key)
    const head = `${' '.repeat(indent)}${isList ? '-' : `${key}:`}`
    if (depth === 4 || random.chance(0.5)) return [`${head} ${random.pick(scalars)}`]
    if (!isList) return [head, ...collection(random, indent + step, depth + 1)]
    const [first = '', ...rest] = collection(random, indent + 2, depth + 1)
    return [`${head} ${first.trimStart()}`, ...rest]
  })
}

/** One line is lost, there twice, moved by a column, or has another character. */
function damage(random: Random, lines: string[]): void {
  const at = random.int(0, lines.length - 1)
  const line = lines[at] as string
  const column = random.int(0, line.length)
  const sign = random.pick([...' :-#"\'[]{},&*!|>a1'])
  const others = [
    [],
    [line, line],
    [` ${line}`],
    [line.replace(/^ /, '')],
    [line.slice(0, column) + sign + line.slice(column)],
    [line.slice(0, column) + sign + line.slice(column + 1)],
  ]
  lines.splice(at, 1, ...random.pick(others))
}

test('what is read without the library is what the library reads, with the same lines', () => {
  let plain = 0
  for (let number = 0; number < 4000; number++) {
    const random = new Random('plain yaml', number)
    const lines = collection(random, 0, 0)
    if (random.chance(0.35)) damage(random, lines)
    const text = lines.join('\n')
    const read = plainly(text)
    if (read === 'left to the library') continue
    plain++
    expect([text, read]).toEqual([text, byLibrary(text)])
  }
  expect(plain).toBeGreaterThan(1000)
})

const common = `# a comment
functions:
  orders:
    handler: index.handler # JavaScript or TypeScript
    cwd: ../orders
    timeout: 10
    command: [python3, -m, awslambdaric, app.handler]
    environment: { TABLE: orders, 'B': 2 }
    layers:
    - layers/one
    -   layers/two

    functionUrl:
      address: '127.0.0.1:8081'
      cors:
        AllowOrigins:
          - "*"
    async: { maxRetries: 1, onFailure: audit }
  audit:
    command:
`

test('a file of functions as people write them is read without the library', () => {
  const read = plainly(common)
  expect(read).not.toBe('left to the library')
  expect(read).toEqual(byLibrary(common))
})

describe('left to the library is', () => {
  test.each([
    ['a key that stands there twice', 'a: 1\nb: 2\na: 3'],
    ['one of them in a flow', 'a: { b: 1, b: 2 }'],
    ['a tag', 'a: !Ref b'],
    ['a number that begins with a zero', 'a: 012'],
    ['one of so many digits that some would be lost', 'a: -9007199254740993'],
    ['an anchor', 'a: &x 1\nb: *x'],
    ['a merge', 'a:\n  <<: {b: 1}'],
    ['a text of several lines', 'a: |\n  b\n'],
    ['a text that goes on', 'a: b\n  c'],
    ['a tab', 'a:\tb'],
    ['a carriage return', 'a: 1\r\nb: 2\r\n'],
    ['a second document', 'a: 1\n---\nb: 2'],
    ['a directive', '%YAML 1.1\n---\na: yes'],
    ['a flow in a flow', 'a: [[1]]'],
    ['an escape', 'a: "\\n"'],
    ['a key that is no text', '? [a]\n: b'],
    ['a number as a key', '2: a\n1: b'],
    ['a column that is not that of its neighbours', 'a:\n   b: 1\n  c: 2'],
    ['the prototype', '__proto__: 1'],
    ['the prototype in a flow', 'a: { __proto__: 1 }'],
    ['nothing', '# only\n'],
    ['a text alone', 'a'],
    ['another alphabet', 'a: ü'],
  ])('%s', (_, text) => {
    expect(plainly(text)).toBe('left to the library')
  })
})
