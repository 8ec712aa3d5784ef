import { expect, test } from 'bun:test'
import { pathOf } from '../../src/core/path.ts'

const table: [url: string, path: string][] = [
  ['http://localhost:9001/2018-06-01/ping', '/2018-06-01/ping'],
  ['http://localhost/a/b?c=/d', '/a/b'],
  ['http://localhost?x=/y', '/y'],
  ['http://localhost', '/'],
  ['https://h/', '/'],
  ['http://[::1]:8080/x', '/x'],
  ['/only/the/path', '/only/the/path'],
  ['/only/the/path?query', '/only/the/path'],
  ['/', '/'],
  ['http://h/%2Fa//b', '/%2Fa//b'],
]

test.each(table)('%s has the path %s', (url, path) => {
  expect(pathOf(url)).toBe(path)
})
