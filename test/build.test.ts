import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import { type Artifact, tryOut } from '../build.ts'
import self from '../package.json'
import { isSigned, signAdHoc } from '../src/build/signature.ts'
import { tempDir } from './harness.ts'
import { Launched } from './kit/launch.ts'

const root = join(import.meta.dir, '..')
const programs = ['x86_64', 'arm64', 'x86_64-musl', 'arm64-musl'].map((suffix) => `aws-lambda-rie-${suffix}`)
const folder = tempDir()
// lengths differ too: a path that gets into a program moves what follows it
const clones = ['one', 'another-one-with-a-longer-name'].map((name) => join(folder.path, name))
const file = (clone: number, name: string) => readFileSync(join(clones[clone] as string, 'dist', name))

async function run(command: string[], cwd: string): Promise<string> {
  const child = Bun.spawn(command, { cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
  if ((await child.exited) !== 0) throw new Error(`${command.join(' ')}: ${err}${out}`)
  return out
}

/** What is there now, committed or not, as a clone of its own. */
async function clone(to: string): Promise<void> {
  await run(['git', 'clone', '--quiet', '--no-checkout', root, to], root)
  const names = await run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], root)
  for (const name of names.split('\0')) {
    if (!/^(src\/.*|build\.ts|package\.json|bun\.lock|bunfig\.toml|tsconfig\.json)$/.test(name)) continue
    if (!existsSync(join(root, name))) continue
    mkdirSync(dirname(join(to, name)), { recursive: true })
    cpSync(join(root, name), join(to, name))
  }
  await run([process.execPath, 'run', 'build'], to)
}

// a gigabyte is written, and read, on a disk that others use too
setDefaultTimeout(120_000)

describe('a program that was built', () => {
  const outcome = (lines: string): string => {
    using scratch = tempDir()
    const program = join(scratch.path, 'program')
    writeFileSync(program, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
    const arch = process.arch as Artifact['arch']
    return tryOut(program, { name: 'program', target: 'bun-linux-x64', arch, loader: '/bin/sh' })
  }

  test('runs when it says its version', () => {
    expect(outcome(`echo aws-lambda-rie ${self.version}`)).toBe('runs')
  })

  test('is left alone when this machine lacks one of its libraries', () => {
    const said = 'Error loading shared library libstdc++.so.6: No such file or directory (needed by program)'
    expect(outcome(`echo '${said}' >&2; exit 127`)).toBe('not run: there is no libstdc++.so.6')
  })

  test('fails the build when it crashes, or says anything else', () => {
    expect(() => outcome('kill -SEGV $$')).toThrow('--version ended with')
    expect(() => outcome('echo aws-lambda-rie 0.0.0')).toThrow('--version ended with 0')
  })
})

const isRepository =
  Bun.which('git') !== null &&
  Bun.spawnSync(['git', 'rev-parse', '--git-dir'], { cwd: root, stderr: 'ignore' }).exitCode === 0
if (!isRepository) console.log('build: skipped, git is not installed, or this is no clone')

describe.skipIf(!isRepository)('the build', () => {
  beforeAll(() => Promise.all(clones.map(clone)), 600_000)
  afterAll(() => folder[Symbol.dispose]())

  test('makes the same files from one commit wherever it runs', () => {
    for (const name of [
      ...programs,
      'aws-lambda-rie',
      'SHA256SUMS',
      'sbom.cdx.json',
      'THIRD-PARTY-NOTICES.txt',
      'functions.schema.json',
    ])
      expect(file(0, name).equals(file(1, name)), name).toBe(true)
  })

  test('leaves no path of the machine in a program', () => {
    for (const name of programs) {
      for (const path of [folder.path, root, process.env.HOME ?? root]) {
        const at = path.length > 5 ? file(0, name).indexOf(path) : -1
        expect(at, `${path} in ${name}`).toBe(-1)
      }
    }
  })

  // the x86-64 program is the one of this name
  test.skipIf(process.arch !== 'x64')('compiles as usual after the first invocation', async () => {
    using code = tempDir()
    writeFileSync(
      join(code.path, 'index.js'),
      `const { numberOfDFGCompiles } = require('bun:jsc')
      function work(n) { return (n * 3) % 7 }
      exports.handler = async (times) => {
        let sum = 0
        for (let n = 0; n < times; n++) sum += work(n)
        return numberOfDFGCompiles(work)
      }`,
    )
    await using program = new Launched({
      program: [join(clones[0] as string, 'dist', 'aws-lambda-rie')],
      flags: ['--handler', 'index.handler'],
      cwd: code.path,
      env: { BUN_JSC_reportDFGCompileTimes: '1', BUN_JSC_useConcurrentJIT: '0' },
    })
    const { gateway } = await program.listening()
    const url = `http://${gateway.host}:${gateway.port}/2015-03-31/functions/function/invocations`
    const invoke = async (times: number) => (await fetch(url, { method: 'POST', body: String(times) })).json()
    // with the thresholds of the start it is compiled after some 2000 calls, and after 500 with the usual ones
    await invoke(1000)
    expect(await invoke(0)).toBe(1)
    for (let turn = 0; turn < 300; turn++) await invoke(0)
    // of the emulator itself some 140, and 13 with the thresholds of the start
    expect(program.stderr.text.match(/ using DFG/g)?.length).toBeGreaterThan(70)
  })

  test('sums up every program', async () => {
    const lines = file(0, 'SHA256SUMS').toString().trim().split('\n')
    expect(lines.map((line) => line.slice(66)).sort()).toEqual([...programs, 'aws-lambda-rie'].sort())
    expect(await run(['sha256sum', '--check', '--quiet', 'SHA256SUMS'], join(clones[0]!, 'dist'))).toBe('')
  })

  test('gives the x86-64 program the name of the reference too', () => {
    expect(file(0, 'aws-lambda-rie').equals(file(0, 'aws-lambda-rie-x86_64'))).toBe(true)
  })

  test('lists what the programs contain, as CycloneDX defines it', async () => {
    const text = file(0, 'sbom.cdx.json').toString()
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull()
    const bill = JSON.parse(text)
    const parts: { name: string; version: string }[] = bill.components
    const names = parts.map(({ name }) => name)
    expect(parts).toContainEqual(expect.objectContaining({ name: 'bun', version: Bun.version }))
    const platform = bill.components.find(({ name }: { name: string }) => name === 'bun')
    const inBun = platform.components.map(({ name }: { name: string }) => name)
    expect(inBun).toEqual(expect.arrayContaining(['webkit', 'boringssl', 'sqlite', 'zlib']))
    for (const [name, version] of Object.entries(self.dependencies))
      expect(parts).toContainEqual(expect.objectContaining({ name, version }))
    // what those need comes along; what only developers need does not
    expect(names).toContain('safe-stable-stringify')
    // pino is in it without its worker threads
    expect(names).not.toContain('thread-stream')
    for (const name of Object.keys(self.devDependencies)) expect(names).not.toContain(name)
    // every part is there for another, and each gets the version that it was installed with, if it is there at all
    const edges: { ref: string; dependsOn: string[] }[] = bill.dependencies
    const wanted = new Set(edges.flatMap(({ dependsOn }) => dependsOn))
    for (const each of bill.components) expect(wanted, each.name).toContain(each['bom-ref'])
    const sonic = (ref: string) => edges.find((edge) => edge.ref.startsWith(ref))?.dependsOn.find(isSonic)
    const isSonic = (ref: string) => ref.includes('/sonic-boom@')
    expect([sonic('pkg:npm/pino@'), sonic('pkg:npm/pino-pretty@')]).toEqual([
      undefined,
      expect.stringContaining('@5.'),
    ])
    const notices = file(0, 'THIRD-PARTY-NOTICES.txt').toString()
    for (const { name, version } of parts)
      expect(notices).toContain(`${name === 'bun' ? 'Bun' : name} ${version}`)
    const sums = file(0, 'SHA256SUMS').toString()
    for (const each of bill.metadata.component.components)
      expect(sums).toContain(`${each.hashes[0].content}  ${each.name}\n`)
  })
})

test('programs for macOS are made on request, beside the released ones, and are said not to be run', async () => {
  using output = tempDir()
  for (const name of ['build.ts', 'package.json', 'src', 'node_modules', 'sbom.ts', 'tsconfig.json'])
    symlinkSync(join(root, name), join(output.path, name))
  const words = ['--target', 'darwin-arm64', '--target', 'darwin-x64']
  const said = await run([process.execPath, '--no-env-file', join(root, 'build.ts'), ...words], output.path)
  const names = ['aws-lambda-rie-darwin-arm64', 'aws-lambda-rie-darwin-x64']
  expect(readdirSync(join(output.path, 'dist')).toSorted()).toEqual(names)
  for (const [name, machine] of [
    [names[0], 0x0100000c],
    [names[1], 0x01000007],
  ] as const) {
    const program = readFileSync(join(output.path, 'dist', name as string))
    // a Mach-O program of 64 bits, and the machine that it is for
    expect([program.readUInt32LE(0), program.readUInt32LE(4)]).toEqual([0xfeedfacf, machine])
    expect(isSigned(program)).toBe(true)
    const damaged = Buffer.from(program)
    damaged.writeUInt8(damaged.readUInt8(1_000_000) ^ 1, 1_000_000)
    expect(isSigned(damaged)).toBe(false)
    expect(isSigned(signAdHoc(damaged, 'any'))).toBe(true)
    // what Bun signs itself, it signs in the same way, by this name
    if (machine === 0x0100000c) expect(signAdHoc(program, 'a.out').equals(program)).toBe(true)
    if (process.platform !== 'darwin') expect(said).toContain('not run: this is no Mac')
  }
  // 120 MB are downloaded the first time
}, 600_000)
