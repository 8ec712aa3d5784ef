import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { invitation } from '../src/announce.ts'

const url = 'http://127.0.0.1:8080'
const curl =
  'Send an event:  curl -XPOST http://localhost:8080/2015-03-31/functions/function/invocations -d \'{"name":"world"}\''
const container = existsSync('/.dockerenv') || existsSync('/run/.containerenv')
const lines = (over: object) =>
  invitation({ url, functionUrl: null, console: { anywhere: true }, watched: '/home/me/function', ...over })
    .trimEnd()
    .split('\n')
    .filter((line) => !(container && line.startsWith('These are ports')))

test('three lines: where to send an event, where to see it, and that edits are picked up', () => {
  expect(lines({})).toEqual([
    curl,
    'See it:         http://localhost:8080/_rie/',
    'Edit it:        /home/me/function: the next invocation runs what you save',
  ])
})

test('what there is not is not told of', () => {
  expect(lines({ console: null, watched: null })).toEqual([curl])
})

test('a Function URL is told of too', () => {
  expect(lines({ functionUrl: 'http://127.0.0.1:8081' })[1]).toBe(
    'As a website:   http://localhost:8081/?name=world',
  )
})

test('a container says how its console is seen from outside', () => {
  const [, line] = lines({ console: { anywhere: false } })
  expect(line).toBe(
    `See it:         http://localhost:8080/_rie/${container ? ' (from outside with --console-anywhere)' : ''}`,
  )
})
