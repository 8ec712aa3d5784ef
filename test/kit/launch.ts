/** The emulator as a process, for every test that starts it: its words, its addresses, what it says and holds. */

import { join } from 'node:path'
import type { Subprocess } from 'bun'
import { killMarked, mark, Output, until, within } from '../harness.ts'
import type { Address } from './wire.ts'

export const root: string = join(import.meta.dir, '..', '..')

/** The words before the first flag: of `source`, of the built `binary`, or of a program that is named by its path. */
export function programOf(subject: string): readonly string[] {
  if (subject === 'source') {
    const main = join(root, 'src', 'main.ts')
    return [process.execPath, '--no-env-file', '--max-http-header-size=1100000', main]
  }
  return [subject === 'binary' ? join(root, 'dist', 'aws-lambda-rie') : subject]
}

/** For a suite that is run with the portable layer: `AWS_LAMBDA_RIE_PORTABLE=1` before its command. */
export const portableLayer: Readonly<Record<string, string>> = process.env.AWS_LAMBDA_RIE_PORTABLE
  ? { AWS_LAMBDA_RIE_PORTABLE: process.env.AWS_LAMBDA_RIE_PORTABLE }
  : {}

export const gatewayFlag = '--runtime-interface-emulator-address'
export const apiFlag = '--runtime-api-address'

/** The flags of both addresses, each as `HOST:PORT`; by default free ports of this machine. */
export function addressFlags(gateway = '127.0.0.1:0', api = '127.0.0.1:0'): string[] {
  return [gatewayFlag, gateway, apiFlag, api]
}

/** Ports that were handed out: what is told two of them in one go does not get one twice. */
const handedOut = new Set<number>()

/**
 * A port that was free a moment ago, for programs that cannot say which one they took. It is below those that the
 * kernel gives to connections: one of those may be taken by any program of this machine before it is used. None is
 * given twice.
 */
export function freePort(): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (handedOut.has(port)) continue
    try {
      Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } }).stop(true)
      handedOut.add(port)
      return port
    } catch {
      // somebody has it
    }
  }
  throw new Error('no free port')
}

export interface Addresses {
  readonly gateway: Address
  readonly api: Address
  /** of the Function URL, when it is on */
  readonly functionUrl?: Address
}

/** For a connection from here: an address that means every interface is reached by loopback. */
export function parse(text: string): Address {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '')
  return {
    host: { '0.0.0.0': '127.0.0.1', '': '127.0.0.1', '::': '::1' }[host] ?? host,
    port: Number(text.slice(colon + 1)),
  }
}

/** What the line of its log says that tells where it listens; undefined for another line. */
export function addressesIn(line: string): Addresses | undefined {
  if (!line.includes('"msg":"listening: ')) return undefined
  const told: { gateway: string; runtimeApi: string; functionUrl?: string } = JSON.parse(line)
  const addresses = { gateway: parse(told.gateway), api: parse(told.runtimeApi) }
  return told.functionUrl === undefined
    ? addresses
    : { ...addresses, functionUrl: parse(new URL(told.functionUrl).host) }
}

export interface LaunchOptions {
  /** the words before the flags; default: from source */
  readonly program?: readonly string[]
  /** after the addresses, before the command */
  readonly flags?: readonly string[]
  readonly command?: readonly string[]
  /** both addresses as `HOST:PORT`, or `none` for a program that is told no addresses */
  readonly addresses?: readonly [gateway: string, api: string] | 'none'
  /** beside PATH; nothing else is inherited */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** its stdout, if it is not to be read here */
  readonly stdout?: number
  /** Reads its output in place of `stdout` and `stderr`, which are empty then: for programs that write without end. */
  readonly read?: (stdout: ReadableStream<Uint8Array>, stderr: ReadableStream<Uint8Array>) => void
}

/** A running program, and all that it starts, until its scope ends. */
export class Launched implements AsyncDisposable {
  readonly process: Subprocess<'ignore', 'pipe', 'pipe'>
  readonly stdout: Output
  readonly stderr: Output
  /** the variable by which everything that it starts is found */
  readonly mark: Record<string, string>

  constructor(options: LaunchOptions) {
    const { program = programOf('source'), flags = [], command = [], addresses = [], cwd } = options
    const at = addresses === 'none' ? [] : addressFlags(...addresses)
    this.mark = mark()
    this.process = Bun.spawn([...program, ...at, ...flags, ...command], {
      ...(cwd === undefined ? {} : { cwd }),
      env: { PATH: process.env.PATH, ...this.mark, ...options.env },
      stdio: ['ignore', (options.stdout ?? 'pipe') as 'pipe', 'pipe'],
    })
    const { stdout, stderr } = this.process
    const none = () => new Blob().stream()
    options.read?.(stdout, stderr)
    const mine = options.read === undefined
    this.stdout = new Output(
      'stdout',
      mine && (stdout as unknown) instanceof ReadableStream ? stdout : none(),
    )
    this.stderr = new Output('stderr', mine ? stderr : none())
  }

  /** Where it listens, once it says so. */
  async listening(): Promise<Addresses> {
    return until('the log line that says where it listens', () => {
      if (this.process.exitCode !== null)
        throw new Error(`ended with ${this.process.exitCode}: ${this.stderr.text}`)
      for (const line of this.stderr.lines) {
        const found = addressesIn(line)
        if (found !== undefined) return found
      }
      return undefined
    })
  }

  /** Its exit code; null when a signal ended it. */
  async exit(): Promise<number | null> {
    await within('the program to end', this.process.exited)
    return this.process.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL')
    await killMarked(this.mark)
    await this.process.exited
  }
}

/** Starts the program and waits for nothing. */
export const launch = (options: LaunchOptions = {}): Launched => new Launched(options)
