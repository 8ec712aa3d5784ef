import { expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addSandboxHosts } from '../../src/process/hosts.ts'
import { tempDir } from '../harness.ts'

const rows: [before: string, after: string][] = [
  ['127.0.0.1 localhost\n', '127.0.0.1 localhost\n127.0.0.1\tsandbox sandbox.localdomain\n'],
  ['127.0.0.1 localhost', '127.0.0.1 localhost\n127.0.0.1\tsandbox sandbox.localdomain\n'],
  ['', '127.0.0.1\tsandbox sandbox.localdomain\n'],
  ['10.0.0.7\tsandbox # mine\n', '10.0.0.7\tsandbox # mine\n127.0.0.1\tsandbox.localdomain\n'],
  ['127.0.0.1 sandbox.localdomain sandbox\n', '127.0.0.1 sandbox.localdomain sandbox\n'],
  [
    '# sandbox sandbox.localdomain\n',
    '# sandbox sandbox.localdomain\n127.0.0.1\tsandbox sandbox.localdomain\n',
  ],
]

test.each(rows)('names that are missing are added to %p', (before, after) => {
  using folder = tempDir()
  const file = join(folder.path, 'hosts')
  writeFileSync(file, before)
  expect(addSandboxHosts(file)).toBe(true)
  expect(readFileSync(file, 'utf8')).toBe(after)
  addSandboxHosts(file)
  expect(readFileSync(file, 'utf8')).toBe(after)
})

test('a file that is missing, or a folder, is no error', () => {
  using folder = tempDir()
  expect([addSandboxHosts(join(folder.path, 'none')), addSandboxHosts(folder.path)]).toEqual([false, false])
})
