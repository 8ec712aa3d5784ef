/** What a function's `tsconfig.json` says holds for a handler that the emulator serves: option by option. */
import { expect } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tempDir } from '../harness.ts'
import { chapter } from './chapter.ts'

const decorated = `
function decorate(_: object, __: string, descriptor: PropertyDescriptor) { descriptor.value = () => 'decorated' }
class Greeter { @decorate greet() { return 'plain' } }
export const handler = async () => new Greeter().greet()
`

const standard = `
function decorate(_: unknown, context: { kind: string }) { return () => 'a ' + context.kind }
class Greeter { @decorate greet() { return 'plain' } }
export const handler = async () => new Greeter().greet()
`

const injected = `
const seen: Record<string, string[]> = {}
Object.assign(Reflect, { metadata: (key: string, value: unknown) => () => {
  seen[key] = [value].flat().map((each) => (each as { name: string } | undefined)?.name ?? String(each))
} })
const injectable = (_: unknown) => {}
class Database {}
@injectable class Service { constructor(readonly database: Database, readonly name: string) {} }
export const handler = async () => [seen['design:paramtypes'] ?? null, typeof Service]
`

const fields = `
class Base { constructor() { this.init() } init() {} }
class Derived extends Base { field: unknown; override init() { this.field = 5 } }
export const handler = async () => new Derived().field ?? null
`

const element = 'export const handler = async () => <div />'

const elements = `
const h = (type: unknown) => 'h ' + (typeof type === 'function' ? type.name : type)
function Part() {}
const React = { createElement: (type: unknown) => 'element ' + type, Fragment: 'part' }
export const handler = async () => [<div />, <></>]
`

/** A package with a JSX runtime, which names itself. */
const runtime = (name: string): Record<string, string> => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({
    name,
    exports: { './jsx-runtime': './runtime.js', './jsx-dev-runtime': './runtime.js' },
  }),
  [`node_modules/${name}/runtime.js`]: `
    export const jsx = (type) => '${name} ' + type
    export const jsxs = jsx
    export const jsxDEV = (type) => '${name} for development ' + type
    export const Fragment = 'part'`,
})

interface Example {
  readonly title: string
  readonly options: object
  readonly code: string
  readonly answer: unknown
  /** the ending of the handler's file */
  readonly ending?: string
  readonly files?: Readonly<Record<string, string>>
}

const legacy = { experimentalDecorators: true }
const both = { ...runtime('react'), ...runtime('other') }

const examples: readonly Example[] = [
  { title: 'experimentalDecorators', options: legacy, code: decorated, answer: 'decorated' },
  { title: 'no experimentalDecorators', options: {}, code: standard, answer: 'a method' },
  {
    title: 'emitDecoratorMetadata',
    options: { ...legacy, emitDecoratorMetadata: true },
    code: injected,
    answer: [['Database', 'String'], 'function'],
  },
  { title: 'no emitDecoratorMetadata', options: legacy, code: injected, answer: [null, 'function'] },
  {
    title: 'useDefineForClassFields: false',
    options: { useDefineForClassFields: false },
    code: fields,
    answer: 5,
  },
  {
    title: 'useDefineForClassFields: true',
    options: { useDefineForClassFields: true },
    code: fields,
    answer: null,
  },
  { title: 'no useDefineForClassFields', options: {}, code: fields, answer: null },
  {
    title: 'jsx: react-jsx',
    options: { jsx: 'react-jsx' },
    code: element,
    ending: 'tsx',
    files: both,
    answer: 'react div',
  },
  {
    title: 'jsx: react-jsxdev',
    options: { jsx: 'react-jsxdev' },
    code: element,
    ending: 'tsx',
    files: both,
    answer: 'react for development div',
  },
  {
    title: 'jsx: react',
    options: { jsx: 'react' },
    code: elements,
    ending: 'tsx',
    answer: ['element div', 'element part'],
  },
  {
    title: 'jsxImportSource',
    options: { jsx: 'react-jsx', jsxImportSource: 'other' },
    code: element,
    ending: 'tsx',
    files: both,
    answer: 'other div',
  },
  {
    title: 'jsxImportSource without jsx',
    options: { jsxImportSource: 'other' },
    code: element,
    ending: 'tsx',
    files: both,
    answer: 'other for development div',
  },
  {
    title: 'jsxImportSource for JavaScript',
    options: { jsx: 'react-jsx', jsxImportSource: 'other' },
    code: element,
    ending: 'jsx',
    files: both,
    answer: 'other div',
  },
  {
    title: 'jsxFactory and jsxFragmentFactory',
    options: { jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Part' },
    code: elements,
    ending: 'tsx',
    answer: ['h div', 'h Part'],
  },
  {
    title: 'paths',
    options: { paths: { '@/*': ['./lib/*'] } },
    code: `import { name } from '@/name'\nexport const handler = async () => name`,
    files: { 'lib/name.ts': `export const name = 'by paths'` },
    answer: 'by paths',
  },
  {
    title: 'baseUrl',
    options: { baseUrl: './lib' },
    code: `import { name } from 'name'\nexport const handler = async () => name`,
    files: { 'lib/name.ts': `export const name = 'by baseUrl'` },
    answer: 'by baseUrl',
  },
  {
    title: 'baseUrl and paths together',
    options: { baseUrl: './lib', paths: { '#/*': ['deep/*'] } },
    code: `import { name } from '#/name'\nexport const handler = async () => name`,
    files: { 'lib/deep/name.ts': `export const name = 'by both'` },
    answer: 'by both',
  },
  {
    title: 'decorators and paths together',
    options: { ...legacy, paths: { '@/*': ['./lib/*'] } },
    code: `import { decorate } from '@/decorate'
class Greeter { @decorate greet() { return 'plain' } }
export const handler = async () => new Greeter().greet()`,
    files: {
      'lib/decorate.ts': `export function decorate(_: object, __: string, descriptor: PropertyDescriptor) {
  descriptor.value = () => 'decorated'
}`,
    },
    answer: 'decorated',
  },
]

/** Where an option may stand: the file that says it, and what the handler's own configuration says then. */
const places: readonly {
  title: string
  file: string
  own?: string
  handler?: string
  more?: Readonly<Record<string, string>>
}[] = [
  { title: 'an extended file', file: 'config/base.json', own: '{"extends":"./config/base.json"}' },
  {
    title: 'an extended file without its ending',
    file: 'config/base.json',
    own: '{"extends":"./config/base"}',
  },
  {
    title: 'one of several extended files',
    file: 'second.json',
    own: '{"extends":["./first.json","./second.json"]}',
  },
  {
    title: 'an extended package',
    file: 'node_modules/@team/config/base.json',
    own: '{"extends":"@team/config/base.json"}',
  },
  {
    title: 'an extended package that extends a file',
    file: 'node_modules/@team/config/base.json',
    own: '{"extends":"@team/config"}',
    more: { 'node_modules/@team/config/tsconfig.json': '{"extends":"./base.json"}' },
  },
  { title: 'a folder above', file: 'tsconfig.json', handler: 'packages/api/index.handler' },
  { title: 'a jsconfig.json', file: 'jsconfig.json' },
]

const write = (root: string, files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}

export const handlerTsconfig = chapter('Handlers and tsconfig.json', (it) => {
  for (const { title, options, code, answer, ending = 'ts', files = {} } of examples) {
    it(`obeys ${title}`, async ({ start }) => {
      using task = tempDir()
      const config = JSON.stringify({ compilerOptions: options })
      write(task.path, { ...files, 'tsconfig.json': config, [`index.${ending}`]: code })
      await using rie = await start({ flags: ['--handler', 'index.handler'], command: [], cwd: task.path })
      expect((await rie.invoke()).json).toEqual(answer)
    })
  }

  for (const { title, file, own, handler = 'index.handler', more = {} } of places) {
    it(`obeys ${title}`, async ({ start }) => {
      using task = tempDir()
      // comments and trailing commas are allowed there
      const config = `{ // ours\n "compilerOptions": { "experimentalDecorators": true, /* old */ }, }`
      write(task.path, {
        'package.json': '{"name":"app"}',
        ...more,
        ...(own && { 'tsconfig.json': own }),
        [file]: config,
        [`${handler.replace('.handler', '')}.ts`]: decorated,
      })
      await using rie = await start({ flags: ['--handler', handler], command: [], cwd: task.path })
      expect((await rie.invoke()).json).toBe('decorated')
    })
  }

  it('finds path aliases of an extended package from where it says them, and its own before', async ({
    start,
  }) => {
    using task = tempDir()
    write(task.path, {
      'tsconfig.json': '{"extends":["@team/config"],"compilerOptions":{"baseUrl":"./src"}}',
      'node_modules/@team/config/tsconfig.json':
        '{"compilerOptions":{"baseUrl":"./elsewhere","paths":{"@/*":["lib/*"]}}}',
      'src/lib/name.ts': `export const name = 'from src'`,
      'index.ts': `import { name } from '@/name'\nexport const handler = async () => name`,
    })
    await using rie = await start({ flags: ['--handler', 'index.handler'], command: [], cwd: task.path })
    expect((await rie.invoke()).json).toBe('from src')
  })

  it('serves everything else of a function with decorators as it does without', async ({ start }) => {
    using task = tempDir()
    write(task.path, {
      'tsconfig.json': '{"compilerOptions":{"experimentalDecorators":true}}',
      '.env': 'FROM_DOTENV=1',
      'index.ts': `
export const handler = async (event: unknown) => [
  event, process.env.FROM_DOTENV ?? null, process.env.NODE_ENV ?? null,
  Object.keys(process.env).filter((name) => /^(_LAMBDA_RIE|BUN_)/.test(name)), process.argv[1],
]
export const nothing = (_: unknown, __: unknown, ___: unknown) => {}
export const fails = async () => { throw new RangeError('too far') }
`,
    })
    await using rie = await start({ flags: ['--handler', 'index.handler'], command: [], cwd: task.path })
    expect((await rie.invoke('7')).json).toEqual([7, null, null, [], join(task.path, 'index.ts')])
    expect((await rie.invoke('8')).json).toEqual([8, null, null, [], join(task.path, 'index.ts')])
    await using silent = await start({ flags: ['--handler', 'index.nothing'], command: [], cwd: task.path })
    expect((await silent.invoke()).text).toBe('null')
    await using failing = await start({ flags: ['--handler', 'index.fails'], command: [], cwd: task.path })
    expect((await failing.invoke()).json).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' })
  })
})
