/** Extensions belong to one environment: each has its own, and one that ends takes only its own with it. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { alive, patience, tempDir, until } from '../harness.ts'
import { fixture, scene } from './scene.ts'

setDefaultTimeout(4 * patience)

test('each environment has its own extensions, and one that ends is replaced with its environment only', async () => {
  using folder = tempDir()
  const extensionsDirectory = join(folder.path, 'extensions')
  mkdirSync(extensionsDirectory)
  const script = `#!/bin/sh\nexec '${process.execPath}' '${fixture('extension.ts')}' --\n`
  writeFileSync(join(extensionsDirectory, 'extension.ts'), script, { mode: 0o755 })
  await using here = await scene({ maxEnvironments: 2, extensionsDirectory })
  const { emulator } = here
  const both = () => Promise.all(['a', 'b'].map((name) => emulator.invoke({ name, hold: 'go' })))
  const first = both()
  await Promise.all([here.inside('a'), here.inside('b')])
  const pids = emulator
    .state()
    .environments.map(({ processes }) => processes['extension:extension.ts'] as number)
  expect(new Set(pids).size).toBe(2)
  expect(pids.every(alive)).toBe(true)
  here.release('go')
  for (const result of await first) expect(result.statusCode).toBe(200)
  await emulator.idle()
  const [doomed, other] = pids as [number, number]
  here.release(`end ${doomed}`)
  // the oldest is asked first, and its extension ends with the event, before or after the answer
  await emulator.invoke({})
  await until('the extension to have ended', () => !alive(doomed))
  await until('its environment to be free of processes', () => {
    const [one] = emulator.state().environments
    return one?.state === 'cold'
  })
  expect(alive(other)).toBe(true)
  for (const result of await both()) expect(result).toMatchObject({ statusCode: 200, functionError: null })
  await emulator.idle()
  expect(emulator.state().environments.map(({ starts }) => starts)).toEqual([2, 1])
  expect(emulator.state().environments[1]?.extensions).toEqual([{ name: 'extension.ts', state: 'Ready' }])
})
