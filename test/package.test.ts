/** The package for programs that embed the emulator: what `bun pm pack` makes, in another folder. */

import { expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../package.json'
import { patience, tempDir } from './harness.ts'

setDefaultTimeout(12 * patience)

const root = join(import.meta.dir, '..')

/** Runs Bun to its end; what it said is in the error if it fails. */
async function bun(cwd: string, ...words: string[]): Promise<string> {
  const env = { ...process.env, NO_COLOR: '1' }
  const child = Bun.spawn([process.execPath, ...words], {
    cwd,
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0) throw new Error(`bun ${words.join(' ')} ended with ${code}\n${stdout}${stderr}`)
  return stdout + stderr
}

/** A block of code of this language in the README that contains a text. */
async function snippet(language: string, text: string): Promise<string> {
  const readme = await Bun.file(join(root, 'README.md')).text()
  const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
  const found = blocks.find(([, of, code]) => of === language && code?.includes(text))
  if (found?.[2] === undefined) throw new Error(`the README has no block of ${language} with ${text}`)
  return found[2]
}

test("a small package that brings no tools passes the README's test in another folder", async () => {
  using temporary = tempDir()
  // packed from a copy, so that what is made on the way lies in nobody's way
  const copy = join(temporary.path, 'copy')
  for (const path of ['package.json', 'build.ts', 'README.md', 'LICENSE', 'src'])
    cpSync(join(root, path), join(copy, path), { recursive: true })
  await bun(copy, 'pm', 'pack', '--destination', temporary.path)
  const archive = join(temporary.path, `bun-lambda-rie-${manifest.version}.tgz`)
  expect(statSync(archive).size).toBeLessThan(200_000)

  const project = join(temporary.path, 'project')
  await Bun.write(join(project, 'package.json'), '{"name":"project","private":true}')
  await bun(project, 'add', '--dev', archive)
  const installed = readdirSync(join(project, 'node_modules'))
  expect(installed).toContain('bun-lambda-rie')
  for (const tool of Object.keys(manifest.devDependencies)) {
    expect(installed).not.toContain(tool.split('/')[0] as string)
  }

  const source = await snippet('ts', "from 'bun-lambda-rie'")
  await Bun.write(join(project, 'tests/greet.test.ts'), source)
  cpSync(join(root, 'test/fixtures/overlap/greet.ts'), join(project, 'tests/functions/greet.ts'))
  // from elsewhere than the folder of the test, as whoever runs all tests does
  expect(await bun(project, 'test', '--timeout', '60000')).toContain(' 1 pass')
})
