/**
 * The rules are covered whole by the tests that state them: every function and line of `src/core`, and of the rules of
 * durable executions. Bun's own
 * thresholds cannot be limited to a folder, so the report is read here.
 */

import { expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { patience, tempDir } from '../harness.ts'

setDefaultTimeout(4 * patience)

const root = join(import.meta.dir, '../..')
/** The tests that state the rules; random lives reach everything without stating anything. */
const testsOf = (folder: string): readonly string[] =>
  readdirSync(join(root, 'test', folder))
    .filter((name) => name.endsWith('.test.ts') && !/^(coverage|random)\./.test(name))
    .map((name) => `./test/${folder}/${name}`)

/** Whether anything of a module is left when its types are gone. */
function runs(path: string): boolean {
  const code = new Bun.Transpiler({ loader: 'ts' }).transformSync(readFileSync(path, 'utf8'))
  return code.trim() !== ''
}

test.each(['core', 'durable/core'])('every function and every line of %s is covered by its tests', (unit) => {
  using folder = tempDir()
  const args = ['--coverage', '--coverage-reporter=lcov', `--coverage-dir=${folder.path}`]
  const { exitCode, stderr } = Bun.spawnSync(
    [process.execPath, '--no-env-file', 'test', '--timeout', '60000', ...args, ...testsOf(unit)],
    {
      cwd: root,
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  expect(exitCode, stderr.toString()).toBe(0)

  const uncovered: string[] = []
  const seen: string[] = []
  for (const record of readFileSync(join(folder.path, 'lcov.info'), 'utf8').split('end_of_record')) {
    const file = /^SF:(?:.*\/)?(src\/.*)$/m.exec(record)?.[1]
    if (file === undefined || dirname(file) !== `src/${unit}`) continue
    seen.push(file)
    const [found, hit] = ['FNF', 'FNH'].map((key) =>
      Number(new RegExp(`^${key}:(\\d+)$`, 'm').exec(record)?.[1]),
    )
    if (found !== hit) uncovered.push(`${file}: ${hit} of ${found} functions`)
    for (const [, line] of record.matchAll(/^DA:(\d+),0$/gm)) uncovered.push(`${file}:${line}`)
  }
  const files = readdirSync(join(root, 'src', unit)).map((name) => `src/${unit}/${name}`)
  expect(seen.toSorted()).toEqual(files.filter((file) => runs(join(root, file))).toSorted())
  expect(uncovered).toEqual([])
})
