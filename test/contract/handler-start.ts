/** What is said of a handler before it is called, and what a user reads when it fails. */
import { expect } from 'bun:test'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tempDir } from '../harness.ts'
import { type Bench, chapter } from './chapter.ts'

type Files = Readonly<Record<string, string>>

/** The emulator in a folder with these files. */
async function serve({ start }: Bench, handler: string, files: Files, env: Record<string, string> = {}) {
  const folder = tempDir()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true })
    writeFileSync(join(folder.path, name), text)
  }
  const rie = await start({ flags: ['--handler', handler], command: [], cwd: folder.path, env })
  return {
    rie,
    path: folder.path,
    /** the line of the log with this message, once it is there */
    async line(message: string): Promise<Record<string, unknown>> {
      const [line] = await rie.stderr.until(new RegExp(`^.*"msg":"[^"]*${message}.*$`, 'm'))
      return JSON.parse(line)
    },
    async [Symbol.asyncDispose]() {
      await rie[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

const app = 'export const handler = async () => 1\nexport const other = async () => 2'

const wrong: [title: string, handler: string, files: Files, reason: RegExp][] = [
  ['a file that is missing', 'nowhere.handler', { 'index.ts': app }, /^there is no module nowhere in /],
  ['a typing error', 'src/indx.handler', { 'src/index.ts': app }, /did you mean src\/index.handler /],
  [
    'an ending',
    'src/index.ts.handler',
    { 'src/index.ts': app },
    /leave its ending out, as in src\/index.handler$/,
  ],
  [
    'an ending and no export',
    'index.mjs',
    { 'index.mjs': app },
    /leave its ending out, as in index.handler$/,
  ],
  [
    'a folder that is not there',
    'dist/index.handler',
    { 'index.ts': app },
    /: there is no folder \/\S+\/dist$/,
  ],
  [
    'dots for slashes',
    'src.index.handler',
    { 'src/index.ts': app },
    /is a folder: did you mean src\/index.handler\?$/,
  ],
  [
    'another language',
    'app.handler',
    { 'app.py': '' },
    /app.py is neither .* python3 -m awslambdaric app.handler$/,
  ],
  [
    'a default export',
    'index.handler',
    { 'index.mjs': 'export default async () => 1' },
    /index.mjs exports default; did you mean index.default\?$/,
  ],
  ['a folder', 'src.handler', { 'src/index.ts': app }, /is a folder: did you mean src\/index.handler\?$/],
  ['an export that is missing', 'index.nothing', { 'index.ts': app }, /index.ts exports handler, other$/],
  [
    'a misspelt export',
    'index.handlr',
    { 'index.ts': app },
    /exports handler, other; did you mean handler\?$/,
  ],
]

export const handlerStart = chapter('Handlers, what is said of them', (it) => {
  it('names the file and the export that it serves', async (bench) => {
    await using served = await serve(bench, 'src/index.handler', { 'src/index.ts': app })
    expect(await served.line('serving')).toMatchObject({
      level: 'info',
      file: join(served.path, 'src/index.ts'),
      export: 'handler',
    })
  })

  for (const [title, handler, files, reason] of wrong) {
    it(`says at the start and in the answer what is wrong with ${title}`, async (bench) => {
      await using served = await serve(bench, handler, files)
      const line = await served.line('the handler cannot be served')
      expect(line).toMatchObject({ level: 'error', handler, reason: expect.stringMatching(reason) })
      const { status, json } = await served.rie.invoke()
      expect([status, json.errorType]).toEqual([
        502,
        expect.stringMatching(/^Runtime\.(ImportModuleError|HandlerNotFound)$/),
      ])
      // what it is meant to be is in the answer too
      const hint =
        /did you mean (?:src\/)?index\.(?:handler|default)|awslambdaric|no folder \S+|leave its ending out|exports handler/.exec(
          `${line.reason}`,
        )
      if (hint) expect(json.errorMessage).toContain(hint[0])
    })
  }

  it('warns of an old build beside its source', async (bench) => {
    using folder = tempDir()
    writeFileSync(join(folder.path, 'index.js'), 'exports.handler = async () => "built"')
    writeFileSync(join(folder.path, 'index.ts'), app)
    utimesSync(join(folder.path, 'index.js'), 1000, 1000)
    await using rie = await bench.start({
      flags: ['--handler', 'index.handler'],
      command: [],
      cwd: folder.path,
    })
    await rie.stderr.until(/"level":"warn".*index.js is served, although .*index.ts beside it is newer/)
    expect((await rie.invoke()).json).toBe('built')
  })

  for (const [title, files, told] of [
    [
      'require in an ES module',
      { 'index.mjs': `export const handler = async () => 1\nrequire('fs')` },
      'index.mjs:2: require',
    ],
    [
      '__dirname in an ES module',
      { 'index.mjs': `export const handler = async () => 1\n__dirname` },
      'index.mjs:2: __dirname',
    ],
    [
      'exports in a module package',
      { 'index.js': `\nexports.handler = async () => 1`, 'package.json': '{"type":"module"}' },
      'index.js:2: exports',
    ],
    [
      'an import without its ending',
      { 'index.mjs': `import './a'\nexport const handler = async () => 1`, 'a.mjs': '' },
      "index.mjs:1: import of './a' without its whole name: './a.mjs'",
    ],
    [
      'a text that is imported',
      { 'index.mjs': `import './a.txt'\nexport const handler = async () => 1`, 'a.txt': '' },
      "index.mjs:1: import of './a.txt', of a kind that Node does not load",
    ],
    [
      'export in a package of CommonJS',
      { 'index.js': `export const handler = async () => 1`, 'package.json': '{"type":"commonjs"}' },
      'index.js:1: export in a CommonJS file',
    ],
    [
      'the global Bun',
      { 'index.ts': `export const handler = async () => Bun.version && 1` },
      'index.ts:1: Bun',
    ],
  ] as [string, Files, string][]) {
    it(`warns once, with file and line, of what Node refuses: ${title}`, async (bench) => {
      await using served = await serve(bench, 'index.handler', files)
      const warning = await served.line('Node on Lambda does not')
      expect(warning).toMatchObject({ level: 'warn', msg: expect.stringContaining(told) })
      await served.rie.invoke()
      expect((await served.rie.invoke()).json).toBe(1)
      expect(served.rie.stderr.text.match(/Node on Lambda does not/g)).toHaveLength(1)
    })
  }

  for (const [title, configuration] of [
    ['', '{}'],
    [', of a function with decorators', '{"compilerOptions":{"experimentalDecorators":true}}'],
  ] as const) {
    it(`keeps frames of its own out of the traces of a function${title}`, async (bench) => {
      const code = `
const deep = () => { throw new RangeError('deep') }
export const handler = (event: string, _: unknown, done: (error: unknown) => void) => {
  console.error('logged', new Error('one', { cause: new Error('two') }))
  if (event === 'text') throw 'a text'
  if (event === 'callback') return done(new TypeError('by callback'))
  deep()
}`
      await using served = await serve(bench, 'index.handler', {
        'index.ts': code,
        'tsconfig.json': configuration,
      })
      const { rie, path } = served
      expect((await rie.invoke()).json.trace).toEqual([
        'RangeError: deep',
        `    at deep (${path}/index.ts:2:32)`,
        `    at handler (${path}/index.ts:7:3)`,
      ])
      expect((await rie.invoke('"callback"')).json.trace).toHaveLength(2)
      expect((await rie.invoke('"text"')).json.trace).toEqual([])
      await rie.stdout.until(/(REPORT[\s\S]*){3}/)
      const frames = rie.stdout.lines.flatMap((line) => line.match(/\bat .*?:\d+:\d+\)?/g) ?? [])
      expect(frames.length).toBeGreaterThan(6)
      expect(frames.filter((frame) => !frame.includes(`${path}/index.ts`))).toEqual([])
    })
  }

  it('says plainly that an event is not JSON', async (bench) => {
    await using served = await serve(bench, 'index.handler', { 'index.ts': app })
    const message = "The event is not JSON: Expected '}'"
    expect((await served.rie.invoke('{name: 1}')).json).toEqual({
      errorType: 'Runtime.UnmarshalError',
      errorMessage: message,
      trace: [`Runtime.UnmarshalError: ${message}`],
    })
    expect((await served.rie.invoke()).json).toBe(1)
  })

  it('warns of a promise that never settles', async (bench) => {
    const code =
      'export const handler = () => new Promise(() => {})\nexport const old = (_: 1, __: 2, ___: 3) => {}'
    await using served = await serve(bench, 'index.handler', { 'index.ts': code })
    expect((await served.rie.invoke()).text).toBe('null')
    await served.rie.stdout.until(/\tWARN\tThe handler's promise never settles: .*\n[\s\S]*^END/m)
    await using callback = await serve(bench, 'index.old', { 'index.ts': code })
    expect((await callback.rie.invoke()).text).toBe('null')
    const [, lines] = await callback.rie.stdout.until(/^START.*\n([\s\S]*)^END/m)
    expect(lines).toBe('')
  })
})
