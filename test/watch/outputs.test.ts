import { expect, test } from 'bun:test'
import { Outputs, type Written } from '../../src/watch/outputs.ts'

const after = (outputs: Outputs, changes: Readonly<Record<string, Written>>) =>
  outputs.changed(new Map(Object.entries(changes)))

test('what changes during two builds in a row is output', () => {
  const outputs = new Outputs()
  expect(after(outputs, { 'dist/a.js': 'during' })).toEqual(['dist/a.js'])
  for (let build = 0; build < 3; build++) expect(after(outputs, { 'dist/a.js': 'during' })).toEqual([])
})

test('a program that is run is output from the beginning', () => {
  expect(after(new Outputs(['bootstrap']), { bootstrap: 'during' })).toEqual([])
})

test('a save during a build is a reason for another one, beside what is output', () => {
  const outputs = new Outputs(['bootstrap'])
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
  const outputs = new Outputs(['bootstrap'])
  for (let build = 0; build < 4; build++)
    expect(after(outputs, { bootstrap: 'after' })).toEqual(['bootstrap'])
})

test('a file that changes while no build runs was saved, whatever it was taken for', () => {
  const outputs = new Outputs(['bootstrap'])
  outputs.saved(['bootstrap'])
  expect(after(outputs, { bootstrap: 'during' })).toEqual(['bootstrap'])
})

test('whatever is written in each build ends sometime', () => {
  for (const written of ['during', 'after'] as const) {
    const outputs = new Outputs()
    outputs.saved(['dist/a.js'])
    let builds = 1
    while (after(outputs, { 'dist/a.js': written }).length > 0) expect(++builds).toBeLessThanOrEqual(6)
  }
})
