import { expect, test } from 'bun:test'
import { parseEnvironmentFile, parseOverrides } from '../../src/template/parameters.ts'

test.each([
  ['', {}],
  ['A=1', { A: '1' }],
  ['A=1 B="two words" C=', { A: '1', B: 'two words', C: '' }],
  ['ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue="x, y"', { A: '1', B: 'x, y' }],
  [`A='it "is"' B="a \\"b\\""`, { A: 'it "is"', B: 'a "b"' }],
  ['Url=https://x/?a=b', { Url: 'https://x/?a=b' }],
])('overrides %p', (text, overrides) => {
  expect(parseOverrides(text)).toEqual(overrides)
})

test('what is no pair is refused', () => {
  expect(() => parseOverrides('A=1 B')).toThrow('--parameter-overrides: "B" is no pair')
})

test('the file of variables has texts by function', () => {
  expect(parseEnvironmentFile('e.json', { Parameters: { A: 1 }, F: { B: true, C: null, D: 'x' } })).toEqual({
    Parameters: { A: '1' },
    F: { B: 'true', C: '', D: 'x' },
  })
  expect(() => parseEnvironmentFile('e.json', [])).toThrow('--env-vars: e.json has no object of functions')
  expect(() => parseEnvironmentFile('e.json', { F: 'x' })).toThrow(
    '--env-vars: e.json: F has to be an object of variables',
  )
})
