import { describe, expect, test } from 'bun:test'
import { type Asking, isLoopback, refusalOf } from '../../src/console/guard.ts'

const local: Asking = { peer: '127.0.0.1', host: 'localhost:8080', origin: null, site: 'none' }
const ask = (over: Partial<Asking>, anywhere = false) =>
  refusalOf({ ...local, ...over }, { anywhere, machine: 'Box' })

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['172.17.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['fe80::1', false],
  ['', false],
])('the peer %s is this machine: %p', (peer, expected) => {
  expect(isLoopback(peer)).toBe(expected)
})

describe('a request from another machine', () => {
  test('is refused, and told what opens the console', () => {
    expect(ask({ peer: '172.17.0.1' })).toContain('--console-anywhere (AWS_LAMBDA_RIE_CONSOLE_ANYWHERE=on)')
  })

  test('passes where the console is open to all, but not under a strange name', () => {
    expect(ask({ peer: '172.17.0.1', host: '10.0.0.5:8080' }, true)).toBeNull()
    expect(ask({ peer: '172.17.0.1', host: 'evil.example' }, true)).toContain('no name of this machine')
  })
})

describe('the name that was asked for', () => {
  test.each([
    ['localhost:8080'],
    ['127.0.0.1'],
    ['[::1]:8080'],
    ['192.0.2.7:1'],
    ['box:80'],
    ['a.localhost'],
    [null],
  ])('%p is one of this machine', (host) => {
    expect(ask({ host })).toBeNull()
  })

  test.each([
    ['evil.example:8080'],
    ['localhost.evil.example'],
    ['127.0.0.1.evil.example'],
    ['notlocalhost'],
    [''],
  ])('%p is not, though it leads here: DNS rebinding', (host) => {
    expect(ask({ host })).toContain('no name of this machine')
  })
})

describe('a page of another origin', () => {
  test.each([
    [{ site: 'cross-site' }],
    [{ site: 'same-site' }],
    [{ origin: 'http://evil.example', site: null }],
    [{ origin: 'http://localhost:3000', site: null }],
    [{ origin: 'null', site: null }],
  ])('%p is refused', (over) => {
    expect(ask(over)).toBe('the console is read by its own page only')
  })

  test('its own page passes, and curl', () => {
    expect(ask({ origin: 'http://localhost:8080', site: 'same-origin' })).toBeNull()
    expect(ask({ origin: null, site: null, host: null })).toBeNull()
  })
})
