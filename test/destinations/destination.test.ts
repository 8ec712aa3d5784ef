import { expect, test } from 'bun:test'
import { destinationsAllowed } from '../../src/destinations/allowed.ts'
import { parseDestination } from '../../src/destinations/destination.ts'

test.each([
  ['file:dead.jsonl', { kind: 'file', path: 'dead.jsonl' }],
  ['file:/tmp/dead letters', { kind: 'file', path: '/tmp/dead letters' }],
  ['file:///tmp/dead', { kind: 'file', path: '/tmp/dead' }],
  ['http://localhost:3000/failed?a=b', { kind: 'http', url: 'http://localhost:3000/failed?a=b' }],
  ['HTTPS://example.com', { kind: 'http', url: 'https://example.com/' }],
  ['audit', { kind: 'function', name: 'audit' }],
  [
    'arn:aws:lambda:us-east-1:012345678912:function:audit:live',
    { kind: 'function', name: 'arn:aws:lambda:us-east-1:012345678912:function:audit:live' },
  ],
  ['012345678912:function:audit', { kind: 'function', name: '012345678912:function:audit' }],
] as const)('%s', (text, destination) => {
  expect(parseDestination(text)).toEqual(destination)
})

test.each([
  ['file:', '"file:" names no file; write file:PATH'],
  ['http://', '"http://" is no address'],
  [
    'arn:aws:sqs:us-east-1:012345678912:dead',
    `"arn:aws:sqs:us-east-1:012345678912:dead" is no destination; allowed is ${destinationsAllowed}`,
  ],
  ['ftp://x/y', `"ftp://x/y" is no destination; allowed is ${destinationsAllowed}`],
])('%s is none', (text, problem) => {
  expect(parseDestination(text)).toBe(problem)
})
