/** A runtime client under test: how it is installed, and how its function is started. */
import { existsSync } from 'node:fs'
import { cp, mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fetched } from '../harness.ts'

const root = resolve(import.meta.dir, '../..')
const cacheFolder = join(root, '.cache', 'clients')

/** What an emulator needs to run the function. */
export interface Launch {
  readonly command: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** The function that streams, where that is another one. */
  readonly streaming?: Omit<Launch, 'streaming' | 'cwd'>
}

export interface Client {
  readonly name: string
  /** Name and version, as the matrix shows them. */
  readonly title: string
  /** Installs and builds, once; throws `Unavailable` where that is impossible. */
  prepare(): Promise<Launch>
  /** What becomes of an error of the handler. */
  readonly thrown: { readonly errorType: string | RegExp; readonly stack?: string }
  /** Cases that this client cannot have, each with the reason. */
  readonly lacks: Readonly<Record<string, string>>
}

/** A toolchain is missing; the message says which. */
export class Unavailable extends Error {}

/** A command has failed, which may be for a registry that did not answer. */
class Failed extends Unavailable {}

/** The path of a program, or `Unavailable`. */
export function need(...programs: readonly string[]): string {
  const [first] = programs.map((program) => {
    const path = Bun.which(program)
    if (!path) throw new Unavailable(`${program} is not installed`)
    return path
  })
  return first as string
}

interface Place {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command; the end of its output is the reason when it fails. */
export async function run(command: readonly string[], place: Place): Promise<void> {
  await outputOf(command, place)
}

/** The same, and returns what it printed. */
export async function outputOf(command: readonly string[], options: Place): Promise<string> {
  const env = { ...process.env, ...options.env }
  const child = Bun.spawn([...command], { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code === 0) return out
  const reason = (err.trim() || out.trim()).split('\n').slice(-3).join(' ').slice(-300)
  throw new Failed(`${command.slice(0, 3).join(' ')} failed: ${reason}`)
}

/** The folder of a client's sources in this repository. */
export function sources(client: string): string {
  return join(root, 'test', 'clients', 'functions', client)
}

interface Steps {
  /** Brings the client, once per version. */
  install?(folder: string): Promise<void>
  /** Builds the function, again whenever its sources have changed. */
  build?(folder: string): Promise<void>
}

/** The folder `.cache/clients/<client>/<version>` with the client and a copy of its function's sources, or of others. */
export async function cached(
  client: string,
  version: string,
  steps: Steps,
  source = sources(client),
): Promise<string> {
  const folder = join(cacheFolder, client, version)
  await mkdir(folder, { recursive: true })
  await cp(source, folder, { recursive: true })
  await once(join(folder, '.installed'), version, () => steps.install?.(folder))
  await once(join(folder, '.built'), await fingerprint(source), () => steps.build?.(folder))
  return folder
}

async function once(stamp: string, key: string, work: () => Promise<void> | undefined): Promise<void> {
  if (existsSync(stamp) && (await Bun.file(stamp).text()) === key) return
  await rm(stamp, { force: true })
  await fetched(
    async () => await work(),
    (error) => !(error instanceof Failed),
  )
  await Bun.write(stamp, key)
}

async function fingerprint(folder: string): Promise<string> {
  const hash = new Bun.CryptoHasher('sha256')
  for (const path of [...new Bun.Glob('**/*').scanSync(folder)].sort()) {
    hash.update(path).update(await Bun.file(join(folder, path)).bytes())
  }
  return hash.digest('hex')
}
