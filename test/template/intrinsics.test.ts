// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes so
import { describe, expect, test } from 'bun:test'
import { longForm, noValue, Resolver, Unresolved } from '../../src/template/intrinsics.ts'

const refs: Readonly<Record<string, unknown>> = {
  A: 'a',
  N: 3,
  List: ['x', 'y', 'z'],
  Commas: 'p,q',
  'AWS::NoValue': noValue,
}
const conditions: Readonly<Record<string, unknown>> = {
  Yes: { 'Fn::Equals': ['a', { Ref: 'A' }] },
  No: { 'Fn::Not': [{ Condition: 'Yes' }] },
  Both: { 'Fn::And': [{ Condition: 'Yes' }, { 'Fn::Or': [{ Condition: 'No' }, { Condition: 'Yes' }] }] },
  Circle: { 'Fn::Not': [{ Condition: 'Circle' }] },
  Nothing: 'x',
  NoList: { 'Fn::And': 'x' },
}
const resolver = new Resolver({
  ref: (name) => refs[name],
  attribute: (resource, name) => (resource === 'F' && name === 'Arn' ? 'arn:F' : undefined),
  mapping: (map, top, second) => (`${map}.${top}.${second}` === 'M.t.s' ? 7 : undefined),
  condition: (name) => conditions[name],
})
const sub = (text: string, variables?: object) => ({
  'Fn::Sub': variables === undefined ? text : [text, variables],
})

test.each([
  ['text', 'text'],
  [{ Ref: 'A' }, 'a'],
  [
    { a: [1, { Ref: 'N' }], b: null },
    { a: [1, 3], b: null },
  ],
  [{ 'Fn::GetAtt': ['F', 'Arn'] }, 'arn:F'],
  [{ 'Fn::GetAtt': 'F.Arn' }, 'arn:F'],
  [{ 'Fn::Join': ['-', ['x', { Ref: 'A' }, 1]] }, 'x-a-1'],
  [{ 'Fn::Join': ['', { Ref: 'List' }] }, 'xyz'],
  [{ 'Fn::Select': ['1', { Ref: 'List' }] }, 'y'],
  [{ 'Fn::Select': [1, { Ref: 'Commas' }] }, 'q'],
  [{ 'Fn::Split': [',', 'a,b'] }, ['a', 'b']],
  [{ 'Fn::FindInMap': ['M', 't', 's'] }, 7],
  [{ 'Fn::If': ['Yes', 1, 2] }, 1],
  [{ 'Fn::If': ['No', { 'Fn::ImportValue': 'x' }, 2] }, 2],
  [{ 'Fn::If': ['Both', 1, 2] }, 1],
  [{ 'Fn::Base64': 'a' }, 'YQ=='],
  [{ a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
  [[1, { 'Fn::If': ['No', 2, { Ref: 'AWS::NoValue' }] }], [1]],
  [sub('${A}/${F.Arn}/${!A}/${ N }'), 'a/arn:F/${A}/3'],
  [sub('${X}-${A}', { X: { Ref: 'N' } }), '3-a'],
] as const)('%j is %j', (value, resolved) => {
  expect(resolver.resolve(value)).toEqual(resolved as never)
})

describe('what nobody knows here', () => {
  test.each([
    [{ Ref: 'B' }, 'there is no parameter or resource B'],
    [{ 'Fn::GetAtt': ['T', 'Arn'] }, 'T.Arn is known in the cloud only'],
    [sub('${T.Arn}'), 'T.Arn is known in the cloud only'],
    [{ 'Fn::ImportValue': 'x' }, 'ImportValue is known to CloudFormation only'],
    [{ 'Fn::FindInMap': ['M', 't', 'u'] }, 'the mapping M.t.u is not there'],
    [{ 'Fn::Select': [9, ['a']] }, 'Select has no item 9 of 1'],
    [{ 'Fn::If': ['Other', 1, 2] }, 'there is no condition Other'],
    [{ 'Fn::If': ['Circle', 1, 2] }, 'the condition Circle needs itself'],
    [{ 'Fn::If': ['Nothing', 1, 2] }, '"x" is no condition'],
    [{ 'Fn::Join': ['x'] }, 'Fn::Join needs a list of 2'],
    [{ 'Fn::If': ['NoList', 1, 2] }, 'Fn::And needs a list of 1'],
    [{ 'Fn::Or': { Condition: 'Yes' } }, 'Fn::Or needs a list of 1'],
    ['a{{resolve:ssm:/x}}', '{{resolve:ssm:/x}} is looked up in the cloud'],
  ])('%j', (value, says) => {
    expect(() => resolver.resolve(value)).toThrow(new Unresolved(says))
  })
})

test('short tags have their long forms', () => {
  expect(['!Ref', '!Condition', '!Sub', '!GetAtt', '!Other'].map(longForm)).toEqual([
    'Ref',
    'Condition',
    'Fn::Sub',
    'Fn::GetAtt',
    undefined,
  ])
})
