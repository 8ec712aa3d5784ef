/** The extension that the README shows prints what it gets. */
import { expect, test } from 'bun:test'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startEmulator } from '../../src/index.ts'
import { tempDir, until } from '../harness.ts'
import { freePort } from '../kit/launch.ts'

const root = join(import.meta.dir, '../..')
const [, example = ''] =
  /^```python\n(#!\/usr\/bin\/env python3\n[\s\S]*?)^```/m.exec(
    readFileSync(join(root, 'README.md'), 'utf8'),
  ) ?? []

test.skipIf(Bun.which('python3') === null)('the extension in the README prints every record', async () => {
  using folder = tempDir()
  const extensionsDirectory = join(folder.path, 'extensions')
  mkdirSync(extensionsDirectory)
  const file = join(extensionsDirectory, 'watch')
  expect(example).toContain('8089')
  writeFileSync(file, example.replaceAll('8089', String(freePort())))
  chmodSync(file, 0o755)
  const handler = join(import.meta.dir, '../fixtures/handlers/answers.ts')
  await using emulator = await startEmulator({ handler: `${handler.slice(0, -3)}.echo`, extensionsDirectory })
  await emulator.invoke({ name: 'Ada' })
  const types = (): string[] =>
    emulator
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{"time"'))
      .map((line) => JSON.parse(line).type)
  await until('the report', () => types().includes('platform.report'))
  expect(types().filter((type) => type !== 'function')).toEqual([
    'platform.initStart',
    'platform.telemetrySubscription',
    'platform.initRuntimeDone',
    'platform.extension',
    'platform.initReport',
    'platform.start',
    'platform.runtimeDone',
    'platform.report',
  ])
})
