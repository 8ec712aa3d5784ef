import { expect, test } from 'bun:test'
import { Outputs, type Written } from '../../src/watch/outputs.ts'

const builds = new WeakMap<Outputs, number>()

/** What the next build of these outputs is followed by. */
function after(outputs: Outputs, changes: Readonly<Record<string, Written>>): string[] {
  const build = (builds.get(outputs) ?? 0) + 1
  builds.set(outputs, build)
  return outputs.changed(new Map(Object.entries(changes)), build)
}

/** Outputs of which one is known from the beginning. */
function expecting(path: string): Outputs {
  const outputs = new Outputs()
  outputs.expect([path])
  return outputs
}

test('what changes during two builds in a row is output', () => {
  const outputs = new Outputs()
  expect(after(outputs, { 'dist/a.js': 'during' })).toEqual(['dist/a.js'])
  for (let build = 0; build < 3; build++) expect(after(outputs, { 'dist/a.js': 'during' })).toEqual([])
})

test('a program that is run is output from the beginning', () => {
  expect(after(expecting('bootstrap'), { bootstrap: 'during' })).toEqual([])
})

test('a save during a build is a reason for another one, beside what is output', () => {
  const outputs = expecting('bootstrap')
  expect(after(outputs, { bootstrap: 'during', 'src/a.ts': 'during' })).toEqual(['src/a.ts'])
  expect(after(outputs, { bootstrap: 'during' })).toEqual([])
  expect(after(outputs, { bootstrap: 'during', 'src/a.ts': 'during' })).toEqual(['src/a.ts'])
})

test('a file that was saved while nothing was built is a save in the next build too', () => {
  const outputs = new Outputs()
  outputs.saved(['src/a.ts'])
  expect(after(outputs, { 'src/a.ts': 'during' })).toEqual(['src/a.ts'])
  expect(after(outputs, { 'src/a.ts': 'during' })).toEqual(['src/a.ts'])
})

test('a file that was written after the end of the build was saved', () => {
  const outputs = expecting('bootstrap')
  for (let build = 0; build < 4; build++)
    expect(after(outputs, { bootstrap: 'after' })).toEqual(['bootstrap'])
})

test('a file that was written before the build began was seen by it, and says nothing of the next one', () => {
  const outputs = new Outputs()
  for (let build = 0; build < 3; build++) expect(after(outputs, { 'src/a.ts': 'before' })).toEqual([])
  expect(after(outputs, { 'src/a.ts': 'during' })).toEqual(['src/a.ts'])
})

test('a file that changes while no build runs was saved, whatever it was taken for', () => {
  const outputs = expecting('bootstrap')
  outputs.saved(['bootstrap'])
  expect(after(outputs, { bootstrap: 'during' })).toEqual(['bootstrap'])
})

test('what is told twice of one build is counted once', () => {
  const outputs = new Outputs()
  for (let time = 0; time < 3; time++)
    expect(outputs.changed(new Map([['src/a.ts', 'during']]), 1)).toEqual(['src/a.ts'])
})

test('whatever is written in each build ends sometime', () => {
  for (const written of ['during', 'after'] as const) {
    const outputs = new Outputs()
    outputs.saved(['dist/a.js'])
    let builds = 1
    while (after(outputs, { 'dist/a.js': written }).length > 0) expect(++builds).toBeLessThanOrEqual(6)
  }
})
