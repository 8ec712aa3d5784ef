import { expect, test } from 'bun:test'
import { pathOf, recognise } from '../../src/http/path.ts'

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

test('one path is recognised, wherever it is served, and no other', () => {
  const isPing = recognise('/2018-06-01/ping')
  const asked: [url: string, is: boolean][] = [
    ['http://localhost:9001/2018-06-01/ping?x', false],
    ['http://localhost:9001/2018-06-01/ping', true],
    ['http://localhost:9001/2018-06-01/ping', true],
    ['http://[::1]:9001/2018-06-01/ping', true],
    ['/2018-06-01/ping', true],
    ['http://h/2018-06-01/ping/', false],
    ['http://h/other/2018-06-01/ping', false],
    ['http://h/2018-06-01/pin', false],
    ['http://h', false],
  ]
  expect(asked.map(([url]) => [url, isPing(url)])).toEqual(asked)
})
