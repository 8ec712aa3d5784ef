/**
 * What Bun accepts in a function's code and Node, which runs it on Lambda, does not. Only files that are deployed as
 * they are matter: what is compiled or bundled first comes out as something else, so of TypeScript only the names that
 * are Bun's are told.
 */

import { readFileSync, statSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'
import { endings } from './locate.ts'
import { mask } from './mask.ts'

/** One thing that Node refuses, where it stands. */
export interface BunOnly {
  readonly file: string
  /** from 1 */
  readonly line: number
  readonly text: string
}

/** Larger files, in bytes, are taken for bundles, which a bundler has made of files that it accepted. */
const maxBytes = 128 * 1024
const maxFiles = 100

interface Module {
  readonly file: string
  readonly code: string
  readonly masked: string
  readonly imports: readonly Bun.Import[]
  /** what Node takes it for; undefined: TypeScript, which is compiled first */
  readonly format: 'module' | 'commonjs' | undefined
}

/** What the nearest `package.json` says: `module`, `commonjs`, or nothing. */
function typeOf(file: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      return (JSON.parse(readFileSync(resolve(folder, 'package.json'), 'utf8')) as { type?: string }).type
    } catch {
      if (folder === dirname(folder)) return undefined
    }
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

/** What makes an ES module of a file, which Node looks for where nothing else says what it is. */
const moduleSyntax = /^[ \t]*(?:import\b(?!\s*\()|export\b)/m

function formatOf(file: string, masked: string): Module['format'] {
  const ending = extname(file)
  if (ending === '.mjs') return 'module'
  if (ending === '.cjs') return 'commonjs'
  if (ending !== '.js') return undefined
  const type = typeOf(file) ?? (moduleSyntax.test(masked) ? 'module' : 'commonjs')
  return type === 'module' ? type : 'commonjs'
}

function read(file: string): Module | undefined {
  const ending = extname(file)
  if (!(endings as readonly string[]).includes(ending)) return undefined
  try {
    if (statSync(file).size > maxBytes) return undefined
    const code = readFileSync(file, 'utf8')
    const loader = ending.endsWith('x')
      ? (ending.slice(1) as 'tsx' | 'jsx')
      : ending.includes('t')
        ? 'ts'
        : 'js'
    const { imports } = new Bun.Transpiler({ loader }).scan(code)
    const masked = mask(code)
    return { file, code, masked, imports, format: formatOf(file, masked) }
  } catch {
    // What does not parse is told by the runtime, with its line.
    return undefined
  }
}

function lineAt(code: string, index: number): number {
  return code.slice(0, index).split('\n').length
}

/** Where a module is named in code, not in a comment. */
function placeOf({ code, masked }: Module, path: string): number {
  for (const quote of [`'`, `"`, '`']) {
    const quoted = quote + path + quote
    for (let at = code.indexOf(quoted); at >= 0; at = code.indexOf(quoted, at + 1)) {
      if (masked[at] === quote) return at
    }
  }
  return 0
}

/** Properties of `import.meta` that Node does not have, unless the code is ready for that. */
const bunMeta =
  /\bimport\.meta\.(?:(dir)|(path)|file|require|resolveSync)\b(?!\s*(?:\?|\|\||&&|[=!]==?\s*undefined))/

/** What Node loads of an `import`, by its ending. */
const loaded = /\.([mc]?[jt]s|json|node|wasm)$/

const modulePatterns: readonly [name: RegExp, declared: RegExp, text: string][] = [
  [
    /(?<![.\w$])require\s*\(/,
    /createRequire|\b(?:function|const|let|var)\s+require\b/,
    'require is no function in an ES module',
  ],
  [
    /(?<![.\w$])__dirname\b/,
    /\b(?:const|let|var)\s+__dirname\b/,
    '__dirname is not there in an ES module: import.meta.dirname',
  ],
  [
    /(?<![.\w$])__filename\b/,
    /\b(?:const|let|var)\s+__filename\b/,
    '__filename is not there in an ES module: import.meta.filename',
  ],
  [
    /(?<![.\w$])module\.exports\b/,
    /\b(?:const|let|var)\s+module\b/,
    'module.exports is not there in an ES module: export',
  ],
  [
    /(?<![.\w$])exports\.\w+\s*=[^=]/,
    /\b(?:const|let|var)\s+exports\b/,
    'exports is not there in an ES module: export',
  ],
]

/** What Node says of an import of an ES module. */
function refusedImport({ file, masked }: Module, { path, kind }: Bun.Import, at: number): string | undefined {
  if (kind !== 'import-statement' && kind !== 'dynamic-import') return undefined
  if (!/^\.{0,2}\//.test(path)) return undefined
  const target = resolve(dirname(file), path.replace(/[?#].*$/, ''))
  if (isFile(target)) {
    if (extname(target) !== '' && !loaded.test(target))
      return `import of '${path}', of a kind that Node does not load`
    const rest = masked.slice(at + path.length + 2, at + path.length + 40)
    if (!path.endsWith('.json') || /^\s*,?\s*(?:with|assert|\{)/.test(rest)) return undefined
    return `import of '${path}' without: with { type: 'json' }`
  }
  const ending = endings.find((each) => isFile(target + each) || isFile(`${target}/index${each}`))
  if (ending === undefined) return undefined
  const whole = isFile(target + ending) ? path + ending : `${path.replace(/\/$/, '')}/index${ending}`
  return `import of '${path}' without its whole name: '${whole}'`
}

function* refusals(module: Module): Generator<BunOnly> {
  const { file, code, masked, imports, format } = module
  const told = (at: number, text: string): BunOnly => ({ file, line: lineAt(code, at), text })
  const bun = /(?<![.\w$])Bun\s*[.[]/.exec(masked)
  if (bun && !/\btypeof\s+Bun\b|globalThis\.Bun\b/.test(masked))
    yield told(bun.index, 'Bun is not there in Node')
  for (const { path } of imports) {
    if (path === 'bun' || path.startsWith('bun:'))
      yield told(placeOf(module, path), `'${path}' is not there in Node`)
  }
  const meta = bunMeta.exec(masked)
  if (meta) {
    const inNode = meta[1] ? ': import.meta.dirname' : meta[2] ? ': import.meta.filename' : ''
    yield told(meta.index, `${meta[0]} is not there in Node${inNode}`)
  }
  const syntax = format === 'commonjs' ? moduleSyntax.exec(masked) : null
  if (syntax) {
    const at = syntax.index + syntax[0].search(/\S/)
    yield told(
      at,
      `${syntax[0].trim()} in a CommonJS file: name it .mjs, or set type to module in package.json`,
    )
  }
  if (format !== 'module') return
  for (const [name, declared, text] of modulePatterns) {
    const found = name.exec(masked)
    if (found && !declared.test(masked)) yield told(found.index, text)
  }
  for (const each of imports) {
    const at = placeOf(module, each.path)
    const text = refusedImport(module, each, at)
    if (text !== undefined) yield told(at, text)
  }
}

/** The file that a relative import leads to, if it is one of the function's own. */
function imported(from: string, path: string): string | undefined {
  if (!/^\.{0,2}\//.test(path)) return undefined
  try {
    const file = Bun.resolveSync(path, dirname(from))
    return file.includes('/node_modules/') ? undefined : file
  } catch {
    return undefined
  }
}

/** Looks at a handler's file and at what it imports of its own project, packages not included. Never throws. */
export function findBunOnly(entry: string): BunOnly[] {
  const found: BunOnly[] = []
  const files = new Set([entry])
  // files that are found are looked at as well
  for (const file of files) {
    const module = read(file)
    if (module === undefined) continue
    found.push(...refusals(module))
    for (const { path } of module.imports) {
      const next = imported(file, path)
      if (next !== undefined && files.size < maxFiles) files.add(next)
    }
  }
  return found
}
