import { describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LeftOut, type Run } from '../../src/watch/left-out.ts'
import { tempDir } from '../harness.ts'

type Runs = Readonly<Record<string, Run['kind']>>

/** A folder with these files; says which of the paths are left out. A path with a slash at its end is a folder. */
function scene(files: Readonly<Record<string, string>>, runs: Runs = {}, below = '') {
  const folder = tempDir()
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder.path, name)
    mkdirSync(dirname(path), { recursive: true })
    if (name.endsWith('/')) mkdirSync(path)
    else writeFileSync(path, text)
  }
  const root = join(folder.path, below)
  mkdirSync(root, { recursive: true })
  const run = Object.entries(runs).map(([path, kind]): Run => ({ kind, path: join(root, path) }))
  const leftOut = new LeftOut(root.replace(/\/$/, ''), run)
  return {
    leftOut: (...paths: string[]) =>
      paths.filter((path) => leftOut.has(join(root, path).replace(/\/$/, ''), path.endsWith('/'))),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

test('packages, caches and the repository are left out wherever they are, with all that is in them', () => {
  using it = scene({})
  const out = [
    'node_modules/',
    'node_modules/a/index.js',
    'lib/node_modules/b.js',
    '.git/HEAD',
    'x/__pycache__/a.pyc',
  ]
  expect(it.leftOut(...out)).toEqual(out)
  // only folders of these names
  expect(it.leftOut('index.ts', 'lib/', 'lib/node_modules.ts', 'lib/node_modules')).toEqual([])
})

test('temporary files of editors are left out', () => {
  using it = scene({})
  const out = [
    '.index.ts.swp',
    '4913',
    'index.ts~',
    '#index.ts#',
    '.#index.ts',
    'index.ts___jb_tmp___',
    '.DS_Store',
  ]
  expect(it.leftOut(...out)).toEqual(out)
  expect(it.leftOut('.env', 'swp', 'lib/index.ts', 'data.tmp')).toEqual([])
})

test('what is not below the root is left out, but for the folders on the way to it', () => {
  using it = scene({ 'x/.gitignore': '*' }, { 'index.ts': 'handler' }, 'x/root')
  expect(it.leftOut('../', '../../', '../beside.ts', '../beside/', '../root-2/a.ts', './')).toEqual([
    '../beside.ts',
    '../beside/',
    '../root-2/a.ts',
  ])
})

describe('.gitignore', () => {
  test('counts as Git reads it: folders, patterns, exceptions, the nearest file first', () => {
    using it = scene({
      '.gitignore': 'dist/\n*.log\n!keep.log\n/only-here\n',
      'lib/.gitignore': '!special.log\nlocal.ts\n',
    })
    expect(
      it.leftOut(
        'dist/',
        'dist/a.js',
        'dist',
        'a.log',
        'lib/a.log',
        'keep.log',
        'lib/special.log',
        'lib/local.ts',
        'local.ts',
        'only-here',
        'lib/only-here',
      ),
    ).toEqual(['dist/', 'dist/a.js', 'a.log', 'lib/a.log', 'lib/local.ts', 'only-here'])
  })

  test('of the repository that the function is a folder of counts too', () => {
    using it = scene({ '.git/': '', '.gitignore': '*.log\n/functions/greet/out/\n' }, {}, 'functions/greet')
    expect(it.leftOut('a.log', 'out/', 'out/x.js', 'index.ts')).toEqual(['a.log', 'out/', 'out/x.js'])
  })

  test('above a function that is in no repository is not ours', () => {
    using it = scene({ '.gitignore': '*.ts\n' }, {}, 'greet')
    expect(it.leftOut('index.ts')).toEqual([])
  })
})

describe('what is run is never left out', () => {
  test('a handler in a folder that Git ignores counts, with the folder and what is below it', () => {
    using it = scene(
      { '.gitignore': 'dist/\n*.map\n', 'dist/.gitignore': 'secret.js\n' },
      { 'dist/index.js': 'handler' },
    )
    expect(
      it.leftOut(
        'dist/',
        'dist/index.js',
        'dist/other.js',
        'dist/chunks/',
        'dist/chunks/a.js',
        'dist/secret.js',
      ),
    ).toEqual(['dist/secret.js'])
    expect(it.leftOut('dist/node_modules/', 'dist/node_modules/a.js', 'index.map')).toEqual([
      'dist/node_modules/',
      'dist/node_modules/a.js',
      'index.map',
    ])
  })

  test('a pattern in the root for all that is in the folder does not hide the handler', () => {
    using it = scene({ '.gitignore': 'build/*\n' }, { 'build/out/index.js': 'handler' })
    expect(it.leftOut('build/', 'build/out/', 'build/out/index.js', 'build/out/b.js', 'build/c.js')).toEqual([
      'build/c.js',
    ])
  })

  test('a program counts with the files beside it, not with the folders of its compiler', () => {
    using it = scene({ '.gitignore': 'target/\n' }, { 'target/debug/bootstrap': 'program' })
    expect(
      it.leftOut(
        'target/',
        'target/debug/',
        'target/debug/bootstrap',
        'target/debug/config.json',
        'target/debug/deps/',
        'target/debug/deps/x.o',
        'target/release/',
      ),
    ).toEqual(['target/debug/deps/', 'target/debug/deps/x.o', 'target/release/'])
  })

  test('a program among packages counts', () => {
    using it = scene({}, { 'node_modules/.bin/aws-lambda-ric': 'program' })
    expect(it.leftOut('node_modules/', 'node_modules/.bin/aws-lambda-ric', 'node_modules/a/')).toEqual([
      'node_modules/a/',
    ])
  })
})
