import { describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { findBunOnly } from '../../src/handler/bun-only.ts'
import { tempDir } from '../harness.ts'

type Files = Record<string, string>

const module = { 'package.json': '{"type":"module"}' }

function found(files: Files): string[] {
  using folder = tempDir()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true })
    writeFileSync(join(folder.path, name), text)
  }
  const entry = Object.keys(files).find((name) => name.startsWith('index.')) as string
  return findBunOnly(join(folder.path, entry)).map(
    ({ file, line, text }) => `${relative(folder.path, file)}:${line} ${text}`,
  )
}

describe('Node refuses what Bun takes', () => {
  test.each<[title: string, files: Files, told: (string | RegExp)[]]>([
    [
      'require in an .mjs',
      { 'index.mjs': `\nconst fs = require('fs')\nexport const handler = () => fs` },
      [/^index.mjs:2 require is/],
    ],
    [
      'require in a module package',
      { ...module, 'index.js': `export const a = require('fs')` },
      [/^index.js:1 require is/],
    ],
    [
      'require beside an import',
      { 'index.js': `import a from 'fs'\nrequire('fs')` },
      [/^index.js:2 require is/],
    ],
    [
      '__dirname and __filename',
      { 'index.mjs': `export const a = __dirname\nexport const b = __filename` },
      [/^index.mjs:1 __dirname/, /^index.mjs:2 __filename/],
    ],
    [
      'exports in a module package',
      { ...module, 'index.js': `exports.handler = async () => 1` },
      [/^index.js:1 exports/],
    ],
    [
      'module.exports in an .mjs',
      { 'index.mjs': `module.exports = { handler() {} }` },
      [/^index.mjs:1 module.exports/],
    ],
    [
      'an import without its ending',
      { 'index.mjs': `// a\nimport { a } from './lib/a'\nexport { a }`, 'lib/a.mjs': 'export const a = 1' },
      [`index.mjs:2 import of './lib/a' without its whole name: './lib/a.mjs'`],
    ],
    [
      'an import of a folder',
      { 'index.mjs': `import './lib'`, 'lib/index.js': '' },
      [`index.mjs:1 import of './lib' without its whole name: './lib/index.js'`],
    ],
    [
      'a late import without its ending',
      { 'index.mjs': `export const handler = () => import('./a')`, 'a.mjs': '' },
      [/'.\/a.mjs'$/],
    ],
    [
      'JSON without its type',
      { 'index.mjs': `import data from './data.json'\nexport { data }`, 'data.json': '{}' },
      [/^index.mjs:1 import of '.\/data.json' without: with/],
    ],
    [
      'the global Bun',
      { 'index.ts': `export const handler = () => Bun.version` },
      ['index.ts:1 Bun is not there in Node'],
    ],
    [
      'a module of Bun',
      { 'index.ts': `\nimport { Database } from 'bun:sqlite'\nexport { Database }` },
      [`index.ts:2 'bun:sqlite' is not there in Node`],
    ],
    [
      'a file of a kind that only Bun loads',
      {
        'index.mjs': `import text from './a.txt'\nimport list from './b.yaml' with { type: 'yaml' }\nexport { text, list }`,
        'a.txt': '',
        'b.yaml': '',
      },
      [
        /^index.mjs:1 import of '.\/a.txt', of a kind that Node/,
        /^index.mjs:2 import of '.\/b.yaml', of a kind/,
      ],
    ],
    [
      "Bun's import.meta",
      { 'index.mjs': `export const a = 1\nexport const b = import.meta.dir + '/x'` },
      ['index.mjs:2 import.meta.dir is not there in Node: import.meta.dirname'],
    ],
    [
      "Bun's import.meta in TypeScript",
      { 'index.ts': `export const a: string = import.meta.path\nexport const b = import.meta.require('fs')` },
      ['index.ts:1 import.meta.path is not there in Node: import.meta.filename'],
    ],
    [
      'export in a package of CommonJS',
      { 'package.json': '{"type":"commonjs"}', 'index.js': `// a\n\nexport const a = 1` },
      ['index.js:3 export in a CommonJS file: name it .mjs, or set type to module in package.json'],
    ],
    [
      'import in a .cjs, with the line ends of Windows',
      { ...module, 'index.cjs': `'use strict'\r\nimport a from 'fs'\r\nexports.a = a` },
      [/^index.cjs:2 import in a CommonJS file/],
    ],
    [
      'what an imported file does',
      { 'index.mjs': `import './a.mjs'`, 'a.mjs': `import './b.mjs'`, 'b.mjs': `\n\nrequire('fs')` },
      [/^b.mjs:3 require/],
    ],
  ])('%s', (_, files, told) => {
    const all = found(files)
    expect(all).toEqual(told.map((each) => (typeof each === 'string' ? each : expect.stringMatching(each))))
  })
})

describe('Node takes as well', () => {
  test.each<[title: string, files: Files]>([
    [
      'CommonJS',
      {
        'index.js': `const a = require('./a')\nexports.handler = () => __dirname + a`,
        'a.js': 'module.exports = 1',
      },
    ],
    [
      'CommonJS by its ending, in a module package',
      { ...module, 'index.cjs': `exports.handler = () => require('fs') && __filename` },
    ],
    [
      'TypeScript, which is compiled first',
      {
        ...module,
        'index.ts': `import { a } from './a'\nexport const handler = () => a + __dirname`,
        'a.ts': 'export const a = 1',
      },
    ],
    [
      'whole names',
      {
        'index.mjs': `import { a } from './a.mjs'\nimport data from './d.json' with { type: 'json' }\nexport { a, data }`,
        'a.mjs': 'export const a = 1',
        'd.json': '{}',
      },
    ],
    [
      'require that was made',
      {
        'index.mjs': `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\nexport const a = require('./a.cjs')`,
        'a.cjs': '',
      },
    ],
    [
      '__dirname that was made',
      { 'index.mjs': `const __dirname = import.meta.dirname\nexport const a = __dirname` },
    ],
    [
      'words in comments and strings',
      {
        'index.mjs': `// require('a') __dirname Bun.x\nexport const a = "require('a')" + \`__dirname Bun.y\``,
      },
    ],
    [
      'properties of these names',
      { 'index.mjs': `export const a = (x) => x.require('a') + x.Bun.z + x.module.exports` },
    ],
    [
      'import.meta as Node has it, and where Bun is asked for',
      {
        'index.mjs': `export const a = import.meta.dirname + import.meta.filename + import.meta.url\nexport const b = import.meta.dir ?? a\nexport const c = x.import.meta.directory`,
      },
    ],
    [
      'import() and import.meta in a module without a type, JSON by require, a native module',
      {
        'index.js': `const a = require('./d.json')\nrequire('./n.node')\nexports.a = () =>\n  import('./b.mjs').then((b) => [a, b])`,
        'b.mjs': 'export const b = 1',
        'd.json': '{}',
        'n.node': '',
      },
    ],
    [
      'export in a string of CommonJS',
      { 'package.json': '{"type":"commonjs"}', 'index.js': 'exports.a = `\nexport const a`' },
    ],
    [
      'text by TypeScript, which is bundled first',
      { 'index.ts': `import text from './a.txt'\nexport { text }`, 'a.txt': '' },
    ],
    [
      'Bun where it is asked for',
      { 'index.mjs': `export const a = typeof Bun === 'undefined' ? 1 : Bun.version` },
    ],
    [
      'packages',
      {
        'index.mjs': `import 'pack'`,
        'node_modules/pack/index.js': `require('fs')`,
        'node_modules/pack/package.json': '{"main":"index.js"}',
      },
    ],
    ['what does not parse, which the runtime tells', { 'index.mjs': `export const = ` }],
    ['a file that is not there', { 'index.mjs': `import './gone'` }],
  ])('%s', (_, files) => {
    expect(found(files)).toEqual([])
  })
})
