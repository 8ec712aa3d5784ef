import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ParsedDocument, readDocument } from '../../src/config/document.ts'
import { ConfigError } from '../../src/config/kinds.ts'

const folder = mkdtempSync(join(tmpdir(), 'document-'))
afterAll(() => rmSync(folder, { recursive: true }))

const tags = (tag: string): string | undefined =>
  tag === '!Ref' ? 'Ref' : tag === '!Sub' ? 'Fn::Sub' : undefined

function read(name: string, text: string): ParsedDocument {
  writeFileSync(join(folder, name), text)
  return readDocument(name, join(folder, name), tags)
}

function failure(name: string, text: string): string {
  try {
    read(name, text)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('it was read')
}

const yaml = `# a comment
base: &base
  timeout: 3
  size: 1
a:
  <<: *base
  timeout: 4
  list:
    - x
    - { y: !Ref Z }
  text: !Sub A-1
  date: 2010-09-09
  on: yes
again: *base
`
const jsonc = `{
  // a comment
  "a": {
    "list": [
      "x",
      { "y": null },
    ],
    "__proto__": 1,
  },
}`

describe('a document', () => {
  test('of YAML is data, with anchors, merges and short tags', () => {
    const { value } = read('a.yaml', yaml)
    expect(value).toEqual({
      base: { timeout: 3, size: 1 },
      a: {
        size: 1,
        timeout: 4,
        list: ['x', { y: { Ref: 'Z' } }],
        text: { 'Fn::Sub': 'A-1' },
        date: '2010-09-09',
        on: 'yes',
      },
      again: { timeout: 3, size: 1 },
    })
  })

  test('of YAML knows its lines', () => {
    const { lineOf } = read('a.yml', yaml)
    const paths = [
      [],
      ['a'],
      ['a', 'timeout'],
      ['a', 'size'],
      ['a', 'list', 1, 'y'],
      ['a', 'nothing', 'deep'],
      ['again', 'size'],
    ]
    expect(paths.map(lineOf)).toEqual([1, 5, 7, 4, 10, 5, 4])
  })

  test('of JSON may have comments and commas behind the last', () => {
    const { value, lineOf } = read('a.jsonc', jsonc)
    expect(JSON.stringify(value)).toBe('{"a":{"list":["x",{"y":null}],"__proto__":1}}')
    expect([['a'], ['a', 'list', 1], ['a', 'list', 1, 'y'], ['a', '__proto__'], ['b']].map(lineOf)).toEqual([
      3, 6, 6, 8, 1,
    ])
  })

  test('may begin with a byte-order mark', () => {
    expect([read('m.json', '\ufeff{"a":1}').value, read('m.yaml', '\ufeffa: 1\n').value]).toEqual([
      { a: 1 },
      { a: 1 },
    ])
  })

  test('that is empty is nothing', () => {
    expect([read('e.yaml', '').value, read('f.yaml', '# only\n').value]).toEqual([null, null])
  })
})

test.each([
  ['b.yaml', 'a: 1\nb: [1\nc: 2\n', /^b\.yaml:\d: this is not YAML: /],
  ['c.yaml', 'a: 1\na: 2\n', 'c.yaml:2: this is not YAML: Map keys must be unique'],
  [
    'd.yaml',
    'a: !GetAz x\nb: !Other [1]\n',
    'd.yaml:1: the tag !GetAz is not known here\nd.yaml:2: the tag !Other is not known here',
  ],
  ['e.yaml', 'a: &a\n  b: *a\n', 'e.yaml:2: *a stands within what it names'],
  ['b.json', '{\n"a": 1\n"b": 2}', 'b.json:3: this is not JSON: CommaExpected'],
  ['c.json', '{\n"a": 1,\n"a": 2}', 'c.json:3: "a" stands here for the second time'],
  ['d.json', '', 'd.json:1: this is not JSON: ValueExpected'],
])('%s is refused with its line', (name, text, says) => {
  if (typeof says === 'string') expect(failure(name, text)).toBe(says)
  else expect(failure(name, text)).toMatch(says)
})

test('a file that is not there, or is none, is named', () => {
  expect(() => readDocument('x.yaml', join(folder, 'x.yaml'))).toThrow(
    'x.yaml cannot be read: there is no such file',
  )
  expect(() => readDocument('here', folder)).toThrow('here cannot be read: it is a folder')
})

test('a whole number keeps its digits: as a text where it would lose some', () => {
  const expected = { account: '012345678901', long: '12345678901234567890', list: [0, 7, '0012'], no: 1.1 }
  const yaml = 'account: 012345678901\nlong: 12345678901234567890\nlist: [0, 7, 0012]\nno: 1.10\n'
  expect(read('digits.yaml', yaml).value).toEqual(expected)
  expect(read('tagged.yaml', `${yaml}tag: !Ref a\n`).value).toEqual({ ...expected, tag: { Ref: 'a' } })
  expect(read('digits.json', '{"long":12345678901234567890,"short":9007199254740991}').value).toEqual({
    long: '12345678901234567890',
    short: 9007199254740991,
  })
})
