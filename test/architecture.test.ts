/** The shape of the program, read from its import statements: good intentions alone do not hold. */

import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const root = join(import.meta.dir, '../src')
const transpiler = new Bun.Transpiler({ loader: 'ts' })

/** A folder of `src`, or a file that is in none. Who may import from whom; nobody else from anybody else. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  // the rules, what runs them, and the edges, which know nothing of each other
  core: ['core'],
  engine: ['core', 'engine'],
  http: ['http'],
  gateway: ['core', 'engine', 'http', 'gateway'],
  api: ['core', 'engine', 'http', 'api'],
  process: ['core', 'engine', 'process'],
  telemetry: ['core', 'engine', 'telemetry', 'stdio.ts'],
  // where records of asynchronous invocations go
  destinations: ['core', 'engine', 'destinations'],
  // durable executions: their rules, and what performs those and is called by handlers
  'durable/core': ['durable/core'],
  durable: ['core', 'durable', 'durable/core', 'engine', 'http'],
  'open-durable.ts': ['config', 'core', 'durable', 'durable/core', 'engine', 'gateway', 'http'],
  // a program of its own, which talks to ours over HTTP
  handler: ['handler'],
  // another program, which sends events to ours over HTTP
  invoke: ['events', 'http', 'invoke'],
  events: ['events'],
  // what the emulator is told; the gateway reads its own configurations
  config: ['config', 'core', 'destinations', 'gateway', 'process', 'template'],
  // the functions of a template, as configuration
  template: ['config', 'template'],
  log: ['config', 'log', 'stdio.ts'],
  'stdio.ts': [],
  'signals.ts': [],
  // the composition root, and the two ways to it: a command line, and a program that embeds it
  'emulator.ts': [
    'compiler.ts',
    'config',
    'core',
    'engine',
    'front.ts',
    'gateway',
    'host.ts',
    'open-durable.ts',
    'open-urls.ts',
    'process',
    'reload.ts',
    'telemetry',
  ],
  'front.ts': [
    'config',
    'engine',
    'gateway',
    'host.ts',
    'http',
    'listen.ts',
    'open-console.ts',
    'open-durable.ts',
    'telemetry',
  ],
  // names what is warm, so that the compiler goes easy on it
  'compiler.ts': ['api', 'core', 'engine', 'gateway', 'http', 'process', 'telemetry'],
  'host.ts': [
    'config',
    'core',
    'engine',
    'function-processes.ts',
    'hosted-environment.ts',
    'open-events.ts',
    'telemetry',
  ],
  'hosted-environment.ts': [
    'api',
    'config',
    'core',
    'engine',
    'function-processes.ts',
    'listen.ts',
    'process',
    'telemetry',
  ],
  'function-processes.ts': ['config', 'engine', 'handler', 'process'],
  // asynchronous invocations, and where their records go
  // Function URLs, where a function has one
  'open-urls.ts': ['compiler.ts', 'config', 'front.ts', 'gateway', 'host.ts', 'http', 'listen.ts', 'process'],
  'open-events.ts': ['config', 'core', 'destinations', 'engine', 'gateway', 'telemetry'],
  'listen.ts': ['config', 'process'],
  'announce.ts': ['config'],
  'announce-system.ts': ['announce.ts', 'config', 'emulator.ts', 'engine', 'handler', 'process'],
  // a page for people, which is told of what happens as the other edges are
  console: ['console', 'core', 'engine', 'events', 'http'],
  'open-console.ts': ['config', 'console', 'engine', 'events', 'gateway', 'host.ts', 'telemetry'],
  // what watches the code of a function, and what ties it to the function's environments
  watch: ['watch'],
  'reload.ts': ['config', 'engine', 'host.ts', 'rebuild.ts', 'watch'],
  'rebuild.ts': ['engine', 'process', 'watch'],
  // what a run is summed up in
  'report.ts': ['config', 'engine', 'telemetry'],
  'cli.ts': [
    'announce.ts',
    'announce-system.ts',
    'config',
    'core',
    'emulator.ts',
    'engine',
    'function-processes.ts',
    'handler',
    'host.ts',
    'listen.ts',
    'log',
    'process',
    'report.ts',
    'signals.ts',
    'stdio.ts',
    'telemetry',
  ],
  'index.ts': [
    'config',
    'embed',
    'emulator.ts',
    'engine',
    'function-processes.ts',
    'handler',
    'host.ts',
    'log',
    'process',
  ],
  embed: ['config', 'core', 'embed', 'http', 'process', 'telemetry'],
  'dev.ts': ['main.ts', 'process'],
  'main.ts': ['cli.ts', 'handler', 'invoke', 'process', 'signals.ts'],
  // used by `build.ts` alone
  build: ['build', 'config'],
}

/** Modules that would get round the rules about words: other ways to start processes, servers and threads. */
const otherWays = /^(node:)?(child_process|cluster|dgram|http|http2|https|inspector|net|worker_threads)(\/|$)/

/** Where a word may stand that reaches outside: paths begin so. */
const words: readonly [word: RegExp, places: readonly string[]][] = [
  [
    /\bBun\.spawn(Sync)?\(/,
    ['process/child.ts', 'process/shell.ts', 'process/python.ts', 'process/portable/run.ts', 'build/'],
  ],
  // what is Linux's own is loaded where it is wanted
  [/\bbun:ffi\b|\bdlopen\(/, ['process/linux/']],
  // each of the others does without where there is none, as on macOS
  [
    /["'`]\/(proc|dev\/shm)\b/,
    [
      'process/linux/',
      'process/raw.ts',
      'process/program.ts',
      'handler/extends.ts',
      'stdio.ts',
      'telemetry/prometheus.ts',
    ],
  ],
  [/\bBun\.serve\(/, ['http/address.ts']],
  [
    /\bset(Timeout|Interval)\(/,
    [
      'dev.ts',
      'engine/deadline.ts',
      'engine/diagnostics.ts',
      'process/',
      'telemetry/',
      'handler/',
      'invoke/',
      'log/',
      'watch/',
      'console/',
    ],
  ],
  [
    /\b(Date|performance)\.now\(/,
    ['cli.ts', 'index.ts', 'log/', 'handler/', 'invoke/', 'telemetry/', 'watch/'],
  ],
  [/\bprocess\.env\b/, ['build/', 'dev.ts', 'main.ts', 'handler/', 'embed/options.ts']],
  [/\bprocess\.exit\(/, ['main.ts', 'handler/']],
  [/\bprocess\.kill\(/, ['dev.ts', 'process/']],
  [/\bfetch\(/, ['destinations/', 'embed/', 'gateway/admin.ts', 'http/', 'invoke/']],
]

/** Types that two files may export by one name, and why. */
const sharedTypeNames: Readonly<Record<string, string>> = {
  ConfigError: 'embed/api.d.ts declares, for programs that embed the emulator, the class of config/kinds.ts',
  InvokeStreamError:
    'embed/api.d.ts declares, for programs that embed the emulator, the class of embed/stream.ts',
}

interface Source {
  readonly path: string
  readonly unit: string
  readonly text: string
  /** without types and comments */
  readonly code: string
  readonly imports: readonly { readonly name: string; readonly typesOnly: boolean }[]
}

const statement =
  /^\s*(?:import|export)\s[^'"`;]*?\bfrom\s+(['"])([^'"]+)\1|^\s*import\s+(['"])([^'"]+)\3|\b(?:import|require)\(\s*(['"`])([^'"`$]+)\5\s*\)/gm

const unitOf = (path: string): string =>
  path.startsWith('durable/core/') ? 'durable/core' : (path.split('/')[0] as string)

/** Units that are rules: pure. */
const rules = ['core', 'durable/core']

const sources: readonly Source[] = [...new Bun.Glob('**/*.ts').scanSync(root)].toSorted().map((path) => {
  const text = readFileSync(join(root, path), 'utf8')
  const runtime = new Set(transpiler.scanImports(text).map((one) => one.path))
  const names = [...text.matchAll(statement)].map((match) => match[2] ?? match[4] ?? (match[6] as string))
  return {
    path,
    unit: unitOf(path),
    text,
    code: transpiler.transformSync(text),
    imports: [...new Set(names)].map((name) => ({ name, typesOnly: !runtime.has(name) })),
  }
})

/** The path in `src` that an import of ours means; null for a package. */
const target = (from: string, name: string): string | null =>
  name.startsWith('.') ? normalize(join(dirname(from), name)) : null

test('every import of ours is allowed', () => {
  const forbidden = sources.flatMap(({ path, unit, imports }) =>
    imports.flatMap(({ name }) => {
      const to = target(path, name)
      if (to === null || to === '../package.json' || to === '../bun.lock') return []
      return allowed[unit]?.includes(unitOf(to)) ? [] : [`${path} imports ${to}`]
    }),
  )
  expect(forbidden).toEqual([])
})

test('every part of the program is in the table, and the table has no other', () => {
  expect([...new Set(sources.map(({ unit }) => unit))].toSorted()).toEqual(Object.keys(allowed).toSorted())
})

test('imports name files that exist', () => {
  const paths = new Set(sources.map(({ path }) => path))
  const missing = sources.flatMap(({ path, imports }) =>
    imports.map(({ name }) => target(path, name)).filter((to) => to?.endsWith('.ts') && !paths.has(to)),
  )
  expect(missing).toEqual([])
})

/** Files that lead back to themselves, types included, and why. */
const circles: readonly (readonly [reason: string, ...paths: string[]])[] = [
  [
    'what a platform is stands beside the choice between the two, which are loaded late',
    'process/linux/guard.ts',
    'process/linux/memory.ts',
    'process/linux/platform.ts',
    'process/linux/reap.ts',
    'process/platform.ts',
    'process/portable/fifo.ts',
    'process/portable/memory.ts',
    'process/portable/platform.ts',
    'process/portable/watchdog.ts',
  ],
  [
    'the same of who started this process',
    'process/ancestry.ts',
    'process/linux/ancestors.ts',
    'process/portable/ancestors.ts',
  ],
]

test('the program is read in one direction: no file leads back to itself, but for the known circles', () => {
  const imports = new Map(
    sources.map(({ path, imports }) => [path, imports.flatMap(({ name }) => target(path, name) ?? [])]),
  )
  const reached = new Map([...imports.keys()].map((path) => [path, reachedFrom(path, imports)]))
  const found = new Map<string, string[]>()
  for (const [path, all] of reached) {
    if (!all.has(path)) continue
    const circle = [...all].filter((other) => reached.get(other)?.has(path)).toSorted()
    found.set(circle[0] as string, circle)
  }
  expect([...found.values()]).toEqual(circles.map(([, ...paths]) => paths).toSorted())
  expect(circles.some(([, ...paths]) => paths.some((path) => rules.includes(unitOf(path))))).toBe(false)
})

/** Without itself, unless something leads back to it. */
function reachedFrom(path: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>()
  const open = [...(imports.get(path) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    open.push(...(imports.get(next) ?? []))
  }
  return reached
}

test('the rules and what runs them need no package, nor anything of the system', () => {
  const packages = sources
    .filter(({ unit }) => rules.includes(unit) || unit === 'engine')
    .flatMap(({ path, imports }) =>
      imports.filter(({ name }) => !name.startsWith('.')).map(({ name }) => `${path} imports ${name}`),
    )
  expect(packages).toEqual([])
})

describe('a start loads nothing of what only some use', () => {
  /** Files that are loaded with one, by statements. */
  const loadedWith = (path: string, found = new Set<string>()): ReadonlySet<string> => {
    if (found.has(path)) return found
    found.add(path)
    for (const { path: name, kind } of transpiler.scanImports(readFileSync(join(root, path), 'utf8'))) {
      const to = target(path, name)
      if (kind === 'import-statement' && to?.endsWith('.ts')) loadedWith(to, found)
    }
    return found
  }
  const loaded = loadedWith('cli.ts')

  test.each([
    ['durable executions', /^(durable\/|open-durable\.ts|gateway\/start-run\.ts)/],
    ['several functions', /^(template\/|config\/(several|system|document|plain-yaml|functions-))/],
    ['events', /^(open-events\.ts|destinations\/(?!allowed\.ts))/],
    ['web pages', /^gateway\/(cors|pages|url\/)/],
    ['a Bun without the native handles', /^http\/fetch\.ts/],
    ['the inner loop', /^(console\/|open-console\.ts|watch\/|reload\.ts|rebuild\.ts|invoke\/)/],
  ])('%s', (_, files) => {
    expect([...loaded].filter((path) => files.test(path))).toEqual([])
    // such files there are
    expect(sources.some(({ path }) => files.test(path))).toBe(true)
    expect(loaded.has('emulator.ts')).toBe(true)
  })
})

test('nothing starts processes, servers or threads by way of a module', () => {
  const found = sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ name, typesOnly }) => !typesOnly && otherWays.test(name))
      .map(({ name }) => `${path} imports ${name}`),
  )
  expect(found).toEqual([])
})

test('the rules know no clock, no chance, and nothing outside', () => {
  const outside =
    /\b(Bun|process|console|globalThis|Date|performance|crypto|Math\.random|setTimeout|setImmediate|queueMicrotask|Promise|async|await)\b/
  const found = sources
    .filter(({ unit }) => rules.includes(unit))
    .flatMap(({ path, code }) => {
      // words of data and of parameters are no globals
      const bare = code.replace(/(["'`])(?:\\.|(?!\1)[^\\])*\1/g, '""').replace(/\bprocess\b(?!\.\w)/g, '')
      const word = outside.exec(bare)
      return word === null ? [] : [`${path}: ${word[0]}`]
    })
  expect(found).toEqual([])
})

describe('what reaches outside stands where it belongs', () => {
  test.each(words)('%p', (word, places) => {
    const elsewhere = sources
      .filter(({ path, code }) => word.test(code) && !places.some((place) => path.startsWith(place)))
      .map(({ path }) => path)
    expect(elsewhere).toEqual([])
    // a rule about a word that stands nowhere would be a rule about nothing
    expect(sources.some(({ code }) => word.test(code))).toBe(true)
  })
})

test("what is Linux's own is loaded late, and never by what works everywhere", () => {
  const leads = (path: string, name: string): boolean =>
    target(path, name)?.startsWith('process/linux/') === true
  const early = sources
    .filter(({ path }) => !path.startsWith('process/linux/'))
    .flatMap(({ path, text }) =>
      transpiler
        .scanImports(text)
        .filter(({ kind, path: name }) => kind === 'import-statement' && leads(path, name))
        .map(({ path: name }) => `${path} imports ${name}`),
    )
  expect(early).toEqual([])
  const portable = sources.filter(({ path }) => path.startsWith('process/portable/'))
  expect(portable.flatMap(({ path, imports }) => imports.filter(({ name }) => leads(path, name)))).toEqual([])
  // a signal has other numbers on macOS: SIGUSR1 is 30 there, SIGBUS 10
  const numbered = sources
    .filter(({ code }) => /\bkill\([^()]*,\s*[1-9]\d*\)/.test(code))
    .map(({ path }) => path)
  expect(numbered).toEqual([])
  expect(portable.length).toBeGreaterThan(4)
})

test('a type name is exported by one file: it means one thing', () => {
  const declaration = /^export (?:declare )?(?:abstract )?(?:class|interface|type) (\w+)/gm
  const files = new Map<string, string[]>()
  for (const { path, text } of sources) {
    for (const [, name] of text.matchAll(declaration)) {
      files.set(name as string, [...(files.get(name as string) ?? []), path])
    }
  }
  const shared = [...files].filter(([, paths]) => paths.length > 1)
  expect(shared.filter(([name]) => sharedTypeNames[name] === undefined)).toEqual([])
  expect(shared.map(([name]) => name).toSorted()).toEqual(Object.keys(sharedTypeNames).toSorted())
})

test('what the build defines is declared where it is used, by the same name', () => {
  const [, defined = ''] = /\bdefine: \{(.*)\}/.exec(readFileSync(join(root, '../build.ts'), 'utf8')) ?? []
  const names = [...defined.matchAll(/\b([A-Z][A-Z_]+):/g)].map(([, name]) => name)
  const declared = sources.flatMap(({ text }) =>
    [...text.matchAll(/^declare const ([A-Z_]+):/gm)].map(([, name]) => name),
  )
  expect(declared).toEqual(names)
  expect(names).not.toEqual([])
})

test('nothing is exported by default', () => {
  expect(sources.filter(({ code }) => /^export default\b/m.test(code)).map(({ path }) => path)).toEqual([])
})
