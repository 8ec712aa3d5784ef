// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the code that is masked has templates
import { expect, test } from 'bun:test'
import { mask } from '../../src/handler/mask.ts'

test.each([
  ['a line comment', 'a // b "c"\nd', 'a         \nd'],
  ['a block comment', 'a /* b\n */ c', 'a     \n    c'],
  ['strings', `f('a\\'b', "c")`, `f('    ', " ")`],
  ['a string that is not closed', `'a\nb`, `' \nb`],
  ['a template', '`a b`.c', '`   `.c'],
  ['an expression in a template', '`a ${b(`c ${d}`)} e` + f', '`  ${b(`  ${d}`)}  ` + f'],
  ['an object in a template', '`${{ a: 1 }} b`', '`${{ a: 1 }}  `'],
  ['a regular expression', `a = /b'[/]"/g; c`, `a = /      /g; c`],
  ['a division', 'a / b / c', 'a / b / c'],
  ['a quote in a comment', "a // it's\nb('c')", "a        \nb(' ')"],
])('%s', (_, code, expected) => {
  expect(mask(code)).toBe(expected)
  expect(mask(code)).toHaveLength(code.length)
})
