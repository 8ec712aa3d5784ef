/**
 * Makes what is released, in `dist/`: one program per architecture and C library, the x86-64 one again under the
 * reference's name, their checksums, a list of what they contain (CycloneDX), and the licences of that.
 *
 * Two builds of one commit with one version of Bun are the same to the byte, wherever they are made. Each program is
 * run once before it takes its place, where this machine can run it.
 *
 * `bun build.ts --target NAME …` makes only the programs of these targets, also those that are not released:
 * `darwin-arm64` and `darwin-x64`.
 *
 * `bun build.ts lib` makes what the package holds instead.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import self from './package.json'

/** A program that can be made. */
export interface Artifact {
  readonly name: string
  readonly target: Bun.Build.CompileTarget
  readonly arch: 'x64' | 'arm64'
  /** the dynamic loader that the program asks for; null: it is for macOS */
  readonly loader: string | null
}

export const released: readonly Artifact[] = [
  ['x86_64', 'bun-linux-x64', 'x64', '/lib64/ld-linux-x86-64.so.2'] as const,
  ['arm64', 'bun-linux-arm64', 'arm64', '/lib/ld-linux-aarch64.so.1'] as const,
  ['x86_64-musl', 'bun-linux-x64-musl', 'x64', '/lib/ld-musl-x86_64.so.1'] as const,
  ['arm64-musl', 'bun-linux-arm64-musl', 'arm64', '/lib/ld-musl-aarch64.so.1'] as const,
].map(([suffix, target, arch, loader]) => ({ name: `aws-lambda-rie-${suffix}`, target, arch, loader }))

/** Nobody has run them yet: not released. */
const forMac: readonly Artifact[] = [
  { name: 'aws-lambda-rie-darwin-arm64', target: 'bun-darwin-arm64', arch: 'arm64', loader: null },
  { name: 'aws-lambda-rie-darwin-x64', target: 'bun-darwin-x64', arch: 'x64', loader: null },
]

/**
 * What pino loads for its worker threads, which a compiled program cannot start, and for writing files, which we do
 * not ask of it: a quarter of all that would be in memory. Whoever called one of these all the same would be told.
 */
const withoutTransports: Bun.BunPlugin = {
  name: 'pino without transports',
  setup(build) {
    build.onResolve({ filter: /^(sonic-boom|thread-stream|\.\/(lib\/)?transport)$/ }, ({ path, importer }) =>
      /\/pino\/(lib\/)?\w+\.js$/.test(importer) ? { path, namespace: 'left-out' } : undefined,
    )
    build.onLoad({ filter: /./, namespace: 'left-out' }, ({ path }) => ({
      contents: `module.exports = function () { throw new Error('${path} is not in this program') }`,
      loader: 'js',
    }))
  },
}

/** Modules of the emulator that others of it load with `require`, when they are wanted. */
function lateModules(): ReadonlySet<string> {
  const src = join(import.meta.dir, 'src')
  const transpiler = new Bun.Transpiler({ loader: 'ts' })
  const late = new Set<string>()
  for (const path of new Bun.Glob('**/*.ts').scanSync(src)) {
    // other programs: they are to load nothing of the emulator
    if (/^(handler|invoke|build)\//.test(path)) continue
    for (const { path: name, kind } of transpiler.scanImports(readFileSync(join(src, path), 'utf8'))) {
      const to = join(src, dirname(path), name)
      if (kind === 'require-call' && name.startsWith('.') && !to.startsWith(join(src, 'handler/')))
        late.add(to)
    }
  }
  return late
}

/**
 * What every start loads, as few files. A bundle with `splitting` is cut by who needs a module: each set of late modules
 * that share some of the start would make one more file. So each late module imports the start, which is there already
 * when it is loaded, and then all of them need the same. 37 files become 8: one part in twenty of a start's CPU. The
 * start of the package is `src/index.ts`: 103 files become 77, and 199 kB 195.
 */
const startInOnePiece = (entry: string): Bun.BunPlugin => ({
  name: 'the start in one piece',
  setup(build) {
    const late = lateModules()
    const start = join(import.meta.dir, entry)
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) =>
      late.has(path)
        ? {
            contents: `import ${JSON.stringify(start)}\n${withNames(await Bun.file(path).text(), path)}`,
            loader: 'ts',
          }
        : undefined,
    )
  },
})

/**
 * A late module that has all of another one (`import * as`) gets what it exports name by name. The bundler would put the
 * list of them beside the other one, and each start would make two functions for each name.
 */
function withNames(text: string, path: string): string {
  const transpiler = new Bun.Transpiler({ loader: 'ts' })
  return text.replace(/^import \* as (\w+) from '(\..+)'$/gm, (_, all: string, from: string) => {
    const names = transpiler.scan(readFileSync(join(dirname(path), from), 'utf8')).exports
    const imported = names.map((name) => `${name} as ${all}_${name}`).join(', ')
    const members = names.map((name) => `${name}: ${all}_${name}`).join(', ')
    return `import { ${imported} } from '${from}'; const ${all} = { ${members} }`
  })
}

/** How the program is bundled; tests look at its parts. */
export const bundling = {
  entrypoints: [join(import.meta.dir, 'src/main.ts')],
  minify: true,
  // what is imported late is loaded late: in one piece, all functions of the program are made at every start
  splitting: true,
  format: 'esm',
  sourcemap: 'none',
  metafile: true,
  plugins: [withoutTransports, startInOnePiece('src/cli.ts')],
} as const satisfies Partial<Bun.BuildConfig>

/** The runtime client as one text, for the bun CLI within the program (`src/handler/command.ts`). */
async function runtimeClient(): Promise<string> {
  const entrypoints = [join(import.meta.dir, 'src/handler/client.ts')]
  const { outputs } = await Bun.build({ entrypoints, target: 'bun', format: 'cjs', minify: true })
  // its name in stack traces is that of all our modules, by which they are recognised
  return `${await outputs[0]?.text()}\n//# sourceURL=/$bunfs/root/client.js`
}

/**
 * Builds, and tries again after a pause when Bun could not download itself for the target, which it does once for each: a
 * registry may be out of reach for a while.
 */
async function buildAgain(config: Bun.BuildConfig): Promise<Bun.BuildOutput> {
  for (const pauseMs of [5_000, 20_000]) {
    try {
      return await Bun.build(config)
    } catch (error) {
      const [reason] = error instanceof AggregateError ? error.errors : []
      if (!String(reason?.message).startsWith('Failed to download')) throw error
      console.log(`${reason.message}; again in ${pauseMs / 1000} s`)
      await Bun.sleep(pauseMs)
    }
  }
  return await Bun.build(config)
}

/** Compiles one program into a folder, under its name; returns the paths of the modules that are in it. */
export async function compile(
  { name, target }: Pick<Artifact, 'name' | 'target'>,
  folder: string,
  plugins: readonly Bun.BunPlugin[] = [],
): Promise<string[]> {
  const result = await buildAgain({
    ...bundling,
    plugins: [...plugins, ...bundling.plugins],
    // parsed ahead: 2.6 MB more, and a start of 13 ms instead of 35
    bytecode: true,
    // Packages look for the files of their worker threads with it, and those are not in the program; left alone, it
    // would be a path of the machine that builds.
    define: { __dirname: '"/"', RUNTIME_CLIENT: JSON.stringify(await runtimeClient()) },
    compile: {
      target,
      // what runs once at the start is not worth compiling; `main.ts` and `cli.ts` take it back
      jitPolicy: 10,
      // the file's name ends up in the program, its folder does not
      outfile: `${folder}/${name}`,
      execArgv: [
        // headers of a runtime's error cause go up to 1 MiB; Bun's own limit is 16 KiB
        '--max-http-header-size=1100000',
        // in a compiled program Bun puts "development" there for a handler that we serve, where nothing is set
        '--define=process.env.NODE_ENV:process.env.NODE_ENV',
      ],
      // the working directory is the user's function: its settings are none of ours …
      autoloadDotenv: false,
      autoloadBunfig: false,
      // … but a handler that we serve finds its packages and its path aliases by these
      autoloadPackageJson: true,
      autoloadTsconfig: true,
    },
  })
  if (!result.success) throw new AggregateError(result.logs, `${name} was not built`)
  return Object.keys(result.metafile?.inputs ?? {})
}

/** Where Debian puts an arm64 glibc for cross-building. */
const sysroot = '/usr/aarch64-linux-gnu'

/** Runs a program once, if this machine can, and says so. Throws when it should run and does not. */
export function tryOut(file: string, { arch, loader }: Artifact): string {
  if (loader === null) return tryOutOnMac(file, arch)
  const foreign = arch !== process.arch
  const path = foreign ? sysroot + loader : loader
  if (!existsSync(path)) return `not run: there is no ${path}`
  if (foreign && Bun.which('qemu-aarch64-static') === null) return `not run: there is no emulator of ${arch}`
  const words = foreign ? ['qemu-aarch64-static', '-L', sysroot, file] : [file]
  return saysVersion(file, words)
}

function tryOutOnMac(file: string, arch: string): string {
  if (process.platform !== 'darwin') return 'not run: this is no Mac, and it was never run on one'
  return arch === process.arch ? saysVersion(file, [file]) : `not run: this Mac is ${process.arch}`
}

function saysVersion(file: string, words: readonly string[]): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...words, '--version'], { env: {} })
  const said = stdout.toString()
  if (exitCode === 0 && said === `aws-lambda-rie ${self.version}\n`) return 'runs'
  // musl's loader comes alone: what Alpine has beside it is on few other machines
  const [, library] = /^Error loading shared library (\S+):/.exec(stderr.toString()) ?? []
  if (library) return `not run: there is no ${library}`
  throw new Error(`${file} --version ended with ${exitCode} and said ${JSON.stringify(said + stderr)}`)
}

/** The artifacts of `--target` words, as `darwin-arm64` or `bun-linux-x64`; all that are released without any. */
function wanted(argv: readonly string[]): readonly Artifact[] {
  const { values } = parseArgs({ args: [...argv], options: { target: { type: 'string', multiple: true } } })
  if (values.target === undefined) return released
  const known = [...released, ...forMac]
  const targets: string[] = values.target.map((word) => `bun-${word.replace(/^bun-/, '')}`)
  const unknown = targets.find((each) => !known.some(({ target }) => target === each))
  if (unknown !== undefined) {
    console.error(`--target ${unknown}: known are ${known.map(({ target }) => target.slice(4)).join(', ')}`)
    process.exit(2)
  }
  return known.filter(({ target }) => targets.includes(target))
}

/** Signs a program for macOS, if the signature that it has does not fit. */
async function sign(file: string, name: string): Promise<void> {
  const { isSigned, signAdHoc } = await import('./src/build/signature.ts')
  const program = readFileSync(file)
  if (!isSigned(program)) writeFileSync(file, signAdHoc(program, name))
}

async function main(): Promise<void> {
  const artifacts = wanted(process.argv.slice(2))
  mkdirSync('dist', { recursive: true })
  // Programs that run, or are about to be started, stay whole until the new ones are done.
  const folder = mkdtempSync('dist/.build-')
  try {
    const modules = new Set<string>()
    const sums = new Map<string, string>()
    for (const artifact of artifacts) {
      for (const path of await compile(artifact, folder)) modules.add(path)
      if (artifact.loader === null) await sign(`${folder}/${artifact.name}`, artifact.name)
      const bytes = readFileSync(`${folder}/${artifact.name}`)
      sums.set(artifact.name, new Bun.CryptoHasher('sha256').update(bytes).digest('hex'))
      const outcome = tryOut(`${folder}/${artifact.name}`, artifact)
      console.log(`dist/${artifact.name}  ${(bytes.length / 1e6).toFixed(1)} MB  ${outcome}`)
    }
    if (artifacts !== released) {
      for (const { name } of artifacts) renameSync(`${folder}/${name}`, `dist/${name}`)
      return
    }
    cpSync(`${folder}/aws-lambda-rie-x86_64`, `${folder}/aws-lambda-rie`)
    sums.set('aws-lambda-rie', sums.get('aws-lambda-rie-x86_64') as string)
    const lines = [...sums].map(([name, sum]) => `${sum}  ${name}\n`)
    await Bun.write(`${folder}/SHA256SUMS`, lines.join(''))
    const { billOfMaterials } = await import('./src/build/sbom.ts')
    const bill = billOfMaterials(sums, modules)
    await Bun.write(`${folder}/sbom.cdx.json`, `${JSON.stringify(bill, null, 2)}\n`)
    const { notices } = await import('./src/build/notices.ts')
    await Bun.write(`${folder}/THIRD-PARTY-NOTICES.txt`, notices(modules))
    const { functionsJsonSchema } = await import('./src/build/schema.ts')
    await Bun.write(`${folder}/functions.schema.json`, functionsJsonSchema())
    const others = ['SHA256SUMS', 'sbom.cdx.json', 'THIRD-PARTY-NOTICES.txt', 'functions.schema.json']
    for (const name of [...sums.keys(), ...others]) renameSync(`${folder}/${name}`, `dist/${name}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What `main.ts` starts for people at a command line. Programs that embed the emulator start its children alone. */
const withoutCommands: Bun.BunPlugin = {
  name: 'children alone',
  setup(build) {
    const commands = /^\.\/(cli|signals|invoke\/main|invoke\/durable)\.ts$/
    build.onResolve({ filter: commands }, ({ path, importer }) =>
      importer.endsWith('/src/main.ts') ? { path, namespace: 'no-command' } : undefined,
    )
    build.onLoad({ filter: /./, namespace: 'no-command' }, ({ path }) => ({
      contents: `throw new Error('${path} is not in the package')
        export let main, durable`,
      loader: 'js',
    }))
  },
}

/**
 * The console's scripts and styles as short as they go; they are texts to the bundle, which does not look into them. Each script
 * stays a file that imports the others. They are made before: a build within a build waits for ever.
 */
async function shortPages(): Promise<Bun.BunPlugin> {
  const pages = new Map<string, string>()
  const folder = join(import.meta.dir, 'src/console/page')
  for (const path of new Bun.Glob('**/*.{css,js}').scanSync({ cwd: folder, absolute: true })) {
    const { outputs } = await Bun.build({ entrypoints: [path], minify: true, external: ['*'] })
    for (const output of outputs) pages.set(path, await output.text())
  }
  return {
    name: 'short pages',
    setup(build) {
      build.onLoad({ filter: /\/console\/page\/.*\.(js|css)$/ }, ({ path }) => {
        const contents = pages.get(path)
        if (contents === undefined) throw new Error(`${path} was not made short`)
        return { contents, loader: 'text' }
      })
    },
  }
}

/** The table of options without the texts of `--help`, which the package does not have. */
const withoutHelp: Bun.BunPlugin = {
  name: 'options without their help',
  setup(build) {
    build.onLoad({ filter: /\/src\/config\/options\.ts$/ }, async ({ path }) => {
      const text = await Bun.file(path).text()
      const contents = text.replace(/^ {4}help:\s+(['"`]).*\1,$/gm, '')
      if (/^ {4}help:/m.test(contents)) throw new Error(`${path} has a help that is not one line`)
      return { contents, loader: 'ts' }
    })
  },
}

/**
 * Makes what programs get that embed the emulator, in `lib/`: a bundle in parts, so that what is loaded late stays a
 * file of its own. All names are short, also those in stack traces. `bun pm pack` runs it; within this repository, the
 * package's name means `src/index.ts` (tsconfig.json).
 */
async function writeLibrary(): Promise<void> {
  const to = join(import.meta.dir, 'lib')
  rmSync(to, { recursive: true, force: true })
  await Bun.build({
    entrypoints: [join(import.meta.dir, 'src/index.ts'), join(import.meta.dir, 'src/main.ts')],
    target: 'bun',
    packages: 'external',
    splitting: true,
    minify: true,
    plugins: [withoutCommands, withoutHelp, await shortPages(), startInOnePiece('src/index.ts')],
    outdir: to,
  })
  cpSync(join(import.meta.dir, 'src/embed/api.d.ts'), join(to, 'index.d.ts'))
}

if (import.meta.main) await (process.argv[2] === 'lib' ? writeLibrary() : main())
