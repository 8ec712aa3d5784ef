/** The programs that keep, or do not keep, the contract; and where they come from. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { programOf, root } from '../kit/launch.ts'
import { smoke } from './smoke.ts'

export const subjectNames = ['source', 'portable', 'binary', 'arm64', 'arm64-musl', 'reference'] as const
export type SubjectName = (typeof subjectNames)[number]

export interface Subject {
  readonly name: SubjectName
  /** the words of the command line before the first flag */
  readonly program: readonly string[]
  /** titles of the only cases that it is given */
  readonly only?: readonly string[]
  /** what it writes when it ends by a fault of its own that no case is about; such a case is run again */
  readonly fault?: RegExp
}

/** The words of a program from source, with a file of `fixtures` that is loaded before it. */
function preloading(program: readonly string[], fixture: string): string[] {
  return program.toSpliced(-1, 0, '--preload', join(root, 'test', 'fixtures', fixture))
}

const keepingRecords = preloading(programOf('source'), 'contract/keep-records.ts')

/** Why a subject cannot be examined here. */
export interface Missing {
  readonly missing: string
}

export async function subject(name: SubjectName): Promise<Subject | Missing> {
  switch (name) {
    case 'source':
      return { name, program: keepingRecords }
    case 'portable':
      // all cases on the layer for macOS; of its part, each believes that the machine is a Mac too
      return process.env.CONTRACT_WHOLE === '1'
        ? { name, program: ['env', 'AWS_LAMBDA_RIE_PORTABLE=1', ...keepingRecords] }
        : { name, program: preloading(keepingRecords, 'portable/no-linux.ts'), only: smoke }
    case 'binary': {
      const [file] = programOf('binary') as [string]
      if (!existsSync(file)) return { missing: `${file} does not exist: bun run build` }
      return { name, program: [file] }
    }
    case 'arm64':
      return emulated('aws-lambda-rie-arm64', glibc)
    case 'arm64-musl':
      return emulated('aws-lambda-rie-arm64-musl', musl)
    case 'reference': {
      const file = await reference()
      return typeof file === 'string' ? { name, program: [file], fault: exitedChannel } : file
    }
  }
}

/** A program for arm64, under an emulator of that machine; what it starts are this machine's programs. */
async function emulated(name: string, sysroot: () => Promise<string | Missing>): Promise<Subject | Missing> {
  const file = join(root, 'dist', name)
  if (!existsSync(file)) return { missing: `dist/${name} does not exist: bun run build` }
  const machine = Bun.which('qemu-aarch64-static')
  if (machine === null) return { missing: 'qemu-aarch64-static is not installed' }
  const tree = await sysroot()
  if (typeof tree !== 'string') return tree
  return {
    name: name.slice(name.indexOf('arm64')) as SubjectName,
    program: [machine, '-L', tree, file],
    only: smoke,
  }
}

/** Where Debian's packages for cross-building put an arm64 glibc. */
async function glibc(): Promise<string | Missing> {
  const tree = '/usr/aarch64-linux-gnu'
  return existsSync(`${tree}/lib/ld-linux-aarch64.so.1`)
    ? tree
    : { missing: `there is no arm64 glibc in ${tree}` }
}

/** Alpine's layout, as the images suite makes it. */
async function musl(): Promise<string | Missing> {
  const { muslTree } = await import('../images/packages.ts')
  try {
    return await muslTree('arm64', 'aarch64')
  } catch (error) {
    return { missing: `no arm64 musl: ${(error as Error).message}` }
  }
}

/** A subject that is slow, or has to be fetched: examined by `bun run contract` only. */
export const onRequest = async (name: SubjectName): Promise<Subject | Missing> =>
  process.env.CONTRACT_ALL === '1' ? await subject(name) : { missing: 'only by bun run contract' }

/** A race of the reference: a process that it starts ends before it has noted that it started it. */
const exitedChannel = /Unable to find an exitedChannel/

const wheel = 'aws-sam-cli==1.170.0'

/** AWS's own emulator, out of the wheel in which AWS publishes it. */
async function reference(): Promise<string | Missing> {
  const architecture = { x64: 'x86_64', arm64: 'arm64' }[process.arch as string]
  if (process.platform !== 'linux' || !architecture) {
    return { missing: `AWS publishes none for ${process.platform} ${process.arch}` }
  }
  const folder = join(root, '.cache', 'reference')
  const name = `aws-lambda-rie-${architecture}`
  const file = join(folder, name)
  if (existsSync(file)) return file
  await mkdir(folder, { recursive: true })
  const pip = Bun.which('pip') ?? Bun.which('pip3')
  if (!pip) return { missing: 'pip, which downloads it, is not installed' }
  const download = Bun.spawn([pip, 'download', '--quiet', '--no-deps', '--dest', folder, wheel], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const complaint = await download.stderr.text()
  if ((await download.exited) !== 0) return { missing: `pip download ${wheel} failed: ${complaint.trim()}` }
  const archive = (await readdir(folder)).find((each) => each.endsWith('.whl'))
  const bytes = archive && (await member(join(folder, archive), `samcli/local/rapid/${name}`))
  if (!bytes) return { missing: `${name} is not in ${wheel}` }
  await Bun.write(`${file}.part`, bytes)
  await chmod(`${file}.part`, 0o755)
  await rename(`${file}.part`, file)
  return file
}

/** One file out of a zip archive. */
async function member(archive: string, path: string): Promise<Buffer | undefined> {
  const zip = Buffer.from(await Bun.file(archive).arrayBuffer())
  const end = zip.lastIndexOf('PK\x05\x06')
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) =>
      zip.readUInt16LE(at + offset),
    )
    if (zip.toString('utf8', at + 46, at + 46 + nameLength!) === path) {
      const method = zip.readUInt16LE(at + 10)
      const size = zip.readUInt32LE(at + 20)
      const local = zip.readUInt32LE(at + 42)
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
      const content = zip.subarray(start, start + size)
      return method === 0 ? content : inflateRawSync(content)
    }
    at += 46 + nameLength! + extraLength! + commentLength!
  }
  return undefined
}
