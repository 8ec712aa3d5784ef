/** The three programs that keep, or do not keep, the contract; and where they come from. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'

export type SubjectName = 'source' | 'binary' | 'reference'

export interface Subject {
  readonly name: SubjectName
  /** the words of the command line before the first flag */
  readonly program: readonly string[]
}

/** Why a subject cannot be examined here. */
export interface Missing {
  readonly missing: string
}

export const root: string = join(import.meta.dir, '..', '..')

export async function subject(name: SubjectName): Promise<Subject | Missing> {
  switch (name) {
    case 'source': {
      const main = join(root, 'src', 'main.ts')
      if (!existsSync(main)) return { missing: 'src/main.ts does not exist' }
      return { name, program: [process.execPath, '--no-env-file', '--max-http-header-size=1100000', main] }
    }
    case 'binary': {
      const file = join(root, 'dist', 'aws-lambda-rie')
      if (!existsSync(file)) return { missing: 'dist/aws-lambda-rie does not exist: bun run build' }
      return { name, program: [file] }
    }
    case 'reference': {
      const file = await reference()
      return typeof file === 'string' ? { name, program: [file] } : file
    }
  }
}

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
