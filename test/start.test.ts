/** What a start of the program loads, read from the bundle that the program is made of. */

import { describe, expect, test } from 'bun:test'
import { bundling } from '../build.ts'

interface Part {
  readonly bytes: number
  readonly modules: readonly string[]
  readonly loads: readonly string[]
  readonly entry: string | undefined
}

const bundle = await Bun.build({
  ...bundling,
  entrypoints: [...bundling.entrypoints],
  plugins: [...bundling.plugins],
  target: 'bun',
  define: { RUNTIME_CLIENT: '""' },
})

const parts = new Map<string, Part>(
  Object.entries(bundle.metafile?.outputs ?? {}).map(([path, { bytes, inputs, imports, entryPoint }]) => [
    path,
    {
      bytes,
      modules: Object.keys(inputs),
      loads: imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path),
      entry: entryPoint,
    },
  ]),
)

/** The parts that are loaded with the one in which a module begins. */
function loadedWith(entry: string): readonly Part[] {
  const found = new Set<Part>()
  const load = (part: Part | undefined): void => {
    if (part === undefined || found.has(part)) return
    found.add(part)
    for (const path of part.loads) load(parts.get(path))
  }
  load([...parts.values()].find((part) => part.entry === entry))
  return [...found]
}

const modulesOf = (loaded: readonly Part[]): readonly string[] => loaded.flatMap(({ modules }) => modules)

describe('a start of the emulator', () => {
  const loaded = loadedWith('src/cli.ts')

  test('loads few files', () => {
    expect(modulesOf(loaded)).toContain('src/emulator.ts')
    // one for each set of the other programs that need a module too
    expect(loaded.length).toBeLessThanOrEqual(10)
  })

  test('loads no package, and no more code than it did', () => {
    const packages = modulesOf(loaded).filter((path) => path.includes('node_modules'))
    expect(packages).toEqual([])
    // 175 kB; every 10 kB are a fifth of a millisecond of each start
    expect(loaded.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(185_000)
  })
})

test('no list of what a module exports is made at the start', async () => {
  const texts = await Promise.all(bundle.outputs.map((output) => output.text()))
  const start = texts.filter((text) => text.includes('an execution environment failed: shutting down'))
  expect(start.length).toBe(1)
  // each name would be `name:()=>value`, and a second function made of it
  expect(start[0]?.match(/=\{\};[\w$]+\([\w$]+,\{[\w$]+:\(\)=>/g)).toBeNull()
})

describe('the other programs load nothing of the emulator', () => {
  test.each([
    'src/handler/serve.ts',
    'src/invoke/main.ts',
    'src/invoke/durable.ts',
    'src/process/linux/exec.ts',
  ])('%s', (entry) => {
    const modules = modulesOf(loadedWith(entry))
    expect(modules.length).toBeGreaterThan(0)
    expect(
      modules.filter((path) => /^src\/(cli|emulator|host|core|engine|gateway|api)\b/.test(path)),
    ).toEqual([])
  })
})
