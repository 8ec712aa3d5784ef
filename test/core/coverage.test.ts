/**
 * The rules are covered whole by the tests that state them: every function and line of `src/core`. Bun's own
 * thresholds cannot be limited to a folder, so the report is read here.
 */

import { expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { patience, tempDir } from '../harness.ts'

setDefaultTimeout(4 * patience)

const root = join(import.meta.dir, '../..')
/** The tests that state the rules; random lives reach everything without stating anything. */
const own = readdirSync(import.meta.dir)
  .filter((name) => name.endsWith('.test.ts') && !/^(coverage|random)\./.test(name))
  .map((name) => `./test/core/${name}`)

/** Whether anything of a module is left when its types are gone. */
function runs(path: string): boolean {
  const code = new Bun.Transpiler({ loader: 'ts' }).transformSync(readFileSync(path, 'utf8'))
  return code.trim() !== ''
}

test('every function and every line of the rules is covered by their tests', () => {
  using folder = tempDir()
  const args = ['--coverage', '--coverage-reporter=lcov', `--coverage-dir=${folder.path}`]
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, '--no-env-file', 'test', ...args, ...own], {
    cwd: root,
    stdout: 'pipe',
    stderr: 'pipe',
  })
  expect(exitCode, stderr.toString()).toBe(0)

  const uncovered: string[] = []
  const seen: string[] = []
  for (const record of readFileSync(join(folder.path, 'lcov.info'), 'utf8').split('end_of_record')) {
    const file = /^SF:(?:.*\/)?(src\/core\/.*)$/m.exec(record)?.[1]
    if (file === undefined) continue
    seen.push(file)
    const [found, hit] = ['FNF', 'FNH'].map((key) =>
      Number(new RegExp(`^${key}:(\\d+)$`, 'm').exec(record)?.[1]),
    )
    if (found !== hit) uncovered.push(`${file}: ${hit} of ${found} functions`)
    for (const [, line] of record.matchAll(/^DA:(\d+),0$/gm)) uncovered.push(`${file}:${line}`)
  }
  const files = readdirSync(join(root, 'src/core')).map((name) => `src/core/${name}`)
  expect(seen.toSorted()).toEqual(files.filter((file) => runs(join(root, file))).toSorted())
  expect(uncovered).toEqual([])
})
