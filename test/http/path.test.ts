import { expect, test } from 'bun:test'
import { pathOf, queryOf, withoutDots } from '../../src/http/path.ts'

test.each([
  ['/a/b', '/a/b', ''],
  ['/a/b?c=/d?e', '/a/b', '?c=/d?e'],
  ['/', '/', ''],
  ['/?', '/', '?'],
  ['//a//b', '//a//b', ''],
  ['http://host/a?b', '/a', '?b'],
  ['http://host:81', '/', ''],
  ['*', '/', ''],
  ['host:80', '/', ''],
] as const)('%s', (target, path, query) => {
  expect(pathOf(target)).toBe(path)
  expect(queryOf(target)).toBe(query)
})

test.each([
  ['/./x/../a//b', '/a//b'],
  ['/a/%2e%2E/b', '/b'],
  ['/a/..', '/'],
  ['/..', '/'],
  ['/a.b/..c/.d', '/a.b/..c/.d'],
] as const)('%s comes to %s', (path, plain) => {
  expect(withoutDots(path)).toBe(plain)
})
