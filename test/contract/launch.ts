/** Starts a subject: chooses its ports, lays out its files, waits until it listens. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { tempDir, until, within } from '../harness.ts'
import { type Addresses, freePort, type LaunchOptions, Launched as Process, parse } from '../kit/launch.ts'
import { type Address, spell } from '../kit/wire.ts'
import { flaw } from '../telemetry/schemas.ts'
import { Emulator } from './emulator.ts'
import { scriptedProcessFile } from './scripted-process.ts'
import type { Subject } from './subject.ts'

/** By path: the text of a script, true for a scripted process, where a symbolic link leads, or `plainFile`. */
export type Layout = Readonly<Record<string, string | true | { readonly link: string }>>

export interface Options {
  /** before the command */
  readonly flags?: readonly string[]
  /** what runs as the runtime, by default a scripted process; an empty list runs the program without a command */
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** files of the extensions' folder by name */
  readonly extensions?: Layout
  /** files under /opt and /var */
  readonly image?: Layout
  /** listen on these instead of on addresses that the harness chooses */
  readonly gateway?: string
  readonly api?: string
  /** gateway and Runtime API listen there, whatever the log says, or does not say */
  readonly listens?: readonly [gateway: string, api: string] | readonly string[] | undefined
  readonly cwd?: string
  /** the program is told no addresses, and listens on its own defaults or on what its environment says */
  readonly ownAddresses?: boolean
  /** Managed Instances: so many invocations at a time */
  readonly concurrency?: number
  /** words before the program, which have to end in running what follows them */
  readonly wrap?: readonly string[]
}

/** A running subject, and the folder in which the scripted processes leave their traces. */
export class Launched extends Process {
  readonly folder: string
  readonly #temporary: Disposable

  constructor(options: LaunchOptions, temporary: Disposable & { readonly path: string }) {
    super(options)
    this.#temporary = temporary
    this.folder = temporary.path
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    const flaws = flawsIn(join(this.folder, 'records'))
    this.#temporary[Symbol.dispose]()
    if (flaws.length > 0) throw new Error(`telemetry records that keep to no schema:\n${flaws.join('\n')}`)
  }
}

/** What is wrong with the records that `fixtures/contract/keep-records.ts` has kept, if it was there. */
function flawsIn(file: string): string[] {
  if (!existsSync(file)) return []
  // the last one may be cut: the emulator is killed
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.flatMap((line) => {
    const tab = line.indexOf('\t')
    return flaw(line.slice(0, tab), JSON.parse(line.slice(tab + 1))) ?? []
  })
}

/** Starts the program and waits for nothing. */
export function spawn(subject: Subject, options: Options): Launched {
  const temporary = tempDir()
  const folder = temporary.path
  const extensions = join(folder, 'extensions')
  const image = join(folder, 'image')
  lay(extensions, options.extensions)
  const ours = subject.name !== 'reference'
  // in that mode the reference runs what it finds at its own place, as a user of its own
  const fixed = !ours && options.concurrency !== undefined
  lay(image, fixed ? { ...ownBootstrap, ...options.image } : options.image)
  if (fixed) chmodSync(folder, 0o777)
  const isolated = options.image !== undefined || fixed || (!ours && options.extensions !== undefined)
  const { wrap = [], flags = [], command = [scriptedProcessFile], gateway, api } = options
  return new Launched(
    {
      program: [
        ...(isolated ? ['unshare', '-m', 'sh', '-c', mounts, 'sh', folder] : []),
        ...wrap,
        ...subject.program,
      ],
      addresses: options.ownAddresses ? 'none' : [gateway ?? loopback, api ?? loopback],
      flags,
      command,
      cwd: options.cwd ?? folder,
      env: {
        SCRIPTED_PROCESSES: folder,
        ...(ours ? { AWS_LAMBDA_RIE_EXTENSIONS_DIR: options.image ? '/opt/extensions' : extensions } : {}),
        ...(options.concurrency === undefined
          ? {}
          : { AWS_LAMBDA_MAX_CONCURRENCY: String(options.concurrency) }),
        ...options.env,
      },
    },
    temporary,
  )
}

const loopback = '127.0.0.1:0'

const runtimeFile = basename(scriptedProcessFile)
const ownBootstrap: Layout = {
  'var/task/bootstrap': `#!/bin/sh\nexec /var/task/${runtimeFile}\n`,
  [`var/task/${runtimeFile}`]: true,
}

/** In a mount namespace of its own: /opt and /var as the case wants them, nothing else changed. */
const mounts = `
  set -e
  mount -t tmpfs tmpfs /opt; mount -t tmpfs tmpfs /var
  mkdir -p "$1/image/opt" "$1/image/var" /opt/extensions
  cp -a "$1/image/opt/." /opt/; cp -a "$1/image/var/." /var/
  mount --bind "$1/extensions" /opt/extensions
  shift; exec "$@"`

/** Words before a program: a network of its own that has loopback alone, with IPv6 or without it. */
export const privateNetwork = (families: 'IPv4' | 'IPv4 and IPv6'): string[] => {
  const off = families === 'IPv4' ? 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6;' : ''
  return ['unshare', '-n', '-m', 'sh', '-ec', `${off} ip link set lo up; exec "$@"`, 'sh']
}

/** Whether this user may have such a network; if not, cases that need one cannot run. */
export const privateNetworks: boolean =
  Bun.which('unshare') !== null &&
  Bun.which('nsenter') !== null &&
  Bun.spawnSync([...privateNetwork('IPv4'), 'true'], { stderr: 'ignore' }).success

/** Whether this user may have such a namespace; if not, cases that need one cannot run. */
export const privateMounts: boolean =
  Bun.which('unshare') !== null &&
  Bun.spawnSync(['unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/opt'], { stderr: 'ignore' }).success

function lay(folder: string, files: Layout = {}): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    if (typeof text === 'object') {
      symlinkSync(text.link, path)
      continue
    }
    if (text === true) copyFileSync(scriptedProcessFile, path)
    else writeFileSync(path, text)
    chmodSync(path, text === plainFile ? 0o644 : 0o755)
  }
}

/** In a layout: a file that nobody may execute. */
export const plainFile = 'not a program\n'

/** Starts the program and waits until both listeners are open. */
export async function start(subject: Subject, options: Options): Promise<Emulator> {
  for (let attempt = 1; ; attempt++) {
    const ours = subject.name !== 'reference'
    const [door, side] = options.listens ?? []
    const gateway = options.gateway ?? door ?? `127.0.0.1:${ours ? 0 : freePort()}`
    const api = options.api ?? side ?? `127.0.0.1:${ours ? 0 : freePort()}`
    const launched = spawn(subject, { ...options, gateway, api })
    try {
      const published = ours && door === undefined
      const bound = published
        ? await launched.listening()
        : await reached(launched, door ?? gateway, side ?? api)
      return new Emulator(launched, bound.gateway, bound.api, bound.functionUrl)
    } catch (error) {
      await launched[Symbol.asyncDispose]()
      if (attempt < 3 && launched.stderr.text.includes('address already in use')) continue
      throw new Error(`${(error as Error).message}\nstderr: ${launched.stderr.text}`)
    }
  }
}

/** The reference says nothing, so the system is asked whether it listens; in the network of the program, whichever that is. */
async function reached({ process }: Launched, ...doors: [gateway: string, api: string]): Promise<Addresses> {
  const [gateway, api] = doors.map(parse) as [Address, Address]
  for (const address of [gateway, api]) {
    const { port } = address
    await until(`${spell(address)} to be open`, () => {
      if (process.exitCode !== null) throw new Error(`ended with ${process.exitCode}`)
      return ['tcp', 'tcp6'].some((family) => listening(`/proc/${process.pid}/net/${family}`, port))
    })
  }
  return { gateway, api }
}

/** Whether a table of sockets has one that listens on a port; state 0A. */
function listening(table: string, port: number): boolean {
  if (!existsSync(table)) return false
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return new RegExp(`^ *\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A `, 'm').test(readFileSync(table, 'latin1'))
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program to its end, which must come by itself. */
export async function run(subject: Subject, options: Options): Promise<Ended> {
  await using launched = spawn(subject, options)
  const code = await within('the program to end', launched.process.exited)
  await Promise.all([launched.stdout.ended, launched.stderr.ended])
  return { code, stdout: launched.stdout.text, stderr: launched.stderr.text }
}
