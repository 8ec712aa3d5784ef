import { describe, expect, test } from 'bun:test'
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { linkedPackages } from '../../src/watch/linked.ts'
import { tempDir } from '../harness.ts'

/** Folders with what their `package.json` needs, and links in `node_modules`. */
function workspace(manifests: Record<string, object>, links: Record<string, string>) {
  const folder = tempDir()
  const root = realpathSync(folder.path)
  for (const [name, manifest] of Object.entries(manifests)) {
    mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, name, 'package.json'), JSON.stringify(manifest))
  }
  for (const [link, to] of Object.entries(links)) {
    mkdirSync(dirname(join(root, link)), { recursive: true })
    symlinkSync(to, join(root, link))
  }
  return { root, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

const needs = (...names: string[]) => ({
  dependencies: Object.fromEntries(names.map((name) => [name, 'workspace:*'])),
})

describe('the packages of a workspace', () => {
  test('are those that are linked, and those that they need, also in a circle', () => {
    using it = workspace(
      {
        'packages/api': needs('@shop/a', 'installed', 'gone'),
        'packages/a': { devDependencies: { b: '*' } },
        'packages/b': { peerDependencies: { '@shop/a': '*' } },
        'packages/unused': {},
        'node_modules/installed': needs('unused'),
      },
      {
        'node_modules/@shop/a': '../../packages/a',
        'node_modules/b': '../packages/b',
        'node_modules/unused': '../packages/unused',
      },
    )
    const { root } = it
    expect(linkedPackages(join(root, 'packages/api'))).toEqual([
      join(root, 'packages/a'),
      join(root, 'packages/b'),
    ])
  })

  test('are not those of a store, which is a folder node_modules too', () => {
    using it = workspace(
      { api: needs('a'), 'node_modules/.pnpm/a@1.0.0/node_modules/a': {} },
      { 'api/node_modules/a': '../../node_modules/.pnpm/a@1.0.0/node_modules/a' },
    )
    expect(linkedPackages(join(it.root, 'api'))).toEqual([])
  })

  test('are found from a folder within the package', () => {
    using it = workspace({ api: needs('a'), a: {}, 'api/src': [] }, { 'api/node_modules/a': '../../a' })
    mkdirSync(join(it.root, 'api/functions/one'), { recursive: true })
    expect(linkedPackages(join(it.root, 'api/functions/one'))).toEqual([join(it.root, 'a')])
  })

  test('are none where nothing is said, or nothing that can be read', () => {
    using it = workspace({ empty: {} }, {})
    mkdirSync(join(it.root, 'broken'))
    writeFileSync(join(it.root, 'broken/package.json'), '{"dependencies":')
    for (const folder of ['empty', 'broken', 'gone'])
      expect(linkedPackages(join(it.root, folder))).toEqual([])
  })
})
