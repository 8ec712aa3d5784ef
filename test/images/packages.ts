/** What images are made of: trees of packages, fetched once into the ignored folder `.cache/images`. */
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fetched } from '../harness.ts'
import { cache, must, Unavailable } from './podman.ts'

/** Packages of Python's runtime client. */
const awslambdaric = 'awslambdaric==4.2.2'

/** A tree of Debian or Ubuntu packages as a tar file. */
export async function packages(name: string, ...words: readonly string[]): Promise<string> {
  const tar = join(cache, `${name}.tar`)
  const recipe = words.join(' ')
  const known = Bun.file(`${tar}.recipe`)
  if (existsSync(tar) && (await known.exists()) && (await known.text()) === recipe) return tar
  const arch = /--architectures=(\S+)/.exec(recipe)?.[1]
  if (!Bun.which('mmdebstrap')) throw new Unavailable('mmdebstrap is not installed')
  if (arch && !Bun.which('arch-test')) throw new Unavailable('arch-test is not installed')
  mkdirSync(cache, { recursive: true })
  await fetched(() => must(['mmdebstrap', '--quiet', ...words, `${tar}.part.tar`]))
  renameSync(`${tar}.part.tar`, tar)
  await known.write(recipe)
  return tar
}

/** Puts the files of a tar file, or those that are named, into a folder. */
export const extract = (tar: string, into: string, ...words: readonly string[]): Promise<string> =>
  must(['tar', '--extract', '--file', tar, '--directory', into, ...words])

/** Of a tree, the C library and what belongs to it, and nothing else. */
export const glibcOnly = (tar: string, into: string): Promise<string> =>
  extract(
    tar,
    into,
    '--wildcards',
    ...['ld-*', 'libc[.-]*', 'libm[.-]*', 'libpthread*', 'libdl*', 'librt*'].map((name) => `./lib*/${name}`),
  )

/** A wheel's files, for another Python or another machine than this one's. */
export async function wheel(platform: string, python: string, into: string): Promise<void> {
  const pip = Bun.which('pip3') ?? Bun.which('pip')
  if (!pip) throw new Unavailable('pip is not installed')
  const which = ['--platform', platform, '--python-version', python, '--implementation', 'cp']
  const words = ['install', '--quiet', '--target', into, '--only-binary', ':all:', ...which, awslambdaric]
  await fetched(() => must([pip, ...words]))
}

/** A program of a few kilobytes that needs no library. */
export async function compiled(source: string, program: string): Promise<void> {
  if (!Bun.which('cc')) throw new Unavailable('cc is not installed')
  await must(['cc', '-O2', '-static', '-o', program, source])
}

/** musl where Alpine has it; libstdc++, out of a wheel for Alpine, where only our `apk` looks. */
export async function musl(debianArch: string, arch: string, into: string): Promise<void> {
  const architectures = `--architectures=${debianArch}`
  const tar = await packages(`musl-${arch}`, '--variant=extract', architectures, '--include=musl', 'trixie')
  const tree = join(cache, 'musl', arch)
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(tree, { recursive: true })
  await extract(tar, tree, './usr/lib')
  for (const folder of ['lib', 'bin', 'sbin', 'usr/lib', 'var/apk'])
    mkdirSync(join(into, folder), { recursive: true })
  cpSync(join(tree, `usr/lib/${arch}-linux-musl/libc.so`), join(into, `lib/ld-musl-${arch}.so.1`))
  symlinkSync(`ld-musl-${arch}.so.1`, join(into, `lib/libc.musl-${arch}.so.1`))
  await wheel(`musllinux_1_2_${arch}`, '3.12', join(tree, 'wheel'))
  const libraries = join(tree, 'wheel/awslambdaric.libs')
  for (const name of readdirSync(libraries)) {
    // the wheel's names carry a hash; the C++ library asks for the other one by it
    const plain = name.startsWith('libstdc++') ? 'libstdc++.so.6' : name
    cpSync(join(libraries, name), join(into, 'var/apk', plain))
  }
}

/** The root of an image in Alpine's layout with libstdc++ installed: what a program for it is run on. */
export async function muslTree(debianArch: string, arch: string): Promise<string> {
  const tree = join(cache, 'sysroot', arch)
  if (existsSync(tree)) return tree
  const part = `${tree}.part`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(part, { recursive: true })
  await musl(debianArch, arch, part)
  cpSync(join(part, 'var/apk'), join(part, 'usr/lib'), { recursive: true })
  renameSync(part, tree)
  return tree
}
