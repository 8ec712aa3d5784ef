import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quietFor } from '../../src/watch/patience.ts'
import { tempDir } from '../harness.ts'

test('one file of source counts soon; several, a program, and a file that is empty or gone, later', () => {
  using folder = tempDir()
  const [source, other, program, emptied] = ['a.py', 'b.py', 'bootstrap', 'c.py'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string, string]
  for (const path of [source, other, program]) writeFileSync(path, 'x')
  writeFileSync(emptied, '')
  const runs = [{ kind: 'program', path: program }] as const
  const quiet = (...paths: string[]) => quietFor(paths, runs)
  expect(quiet(source)).toBe(50)
  expect([quiet(source, other), quiet(program), quiet(emptied), quiet(join(folder.path, 'gone.py'))]).toEqual(
    [200, 200, 200, 200],
  )
})
