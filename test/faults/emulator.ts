/** The program under test as a process: where it listens, what it said, what it holds. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Subprocess } from 'bun'
import { until, within } from '../harness.ts'
import { addressesIn, launch } from '../kit/launch.ts'
import { Ledger } from './ledger.ts'

export interface Health {
  readonly queued: number
  readonly environments: readonly {
    readonly phase: string
    readonly free: boolean
    readonly invocations: readonly string[]
    readonly processes: Readonly<Record<string, number>>
  }[]
}

export class Emulator {
  readonly ledger: Ledger
  readonly process: Subprocess<'ignore', 'pipe', 'pipe'>
  readonly port: number
  readonly apiPort: number
  /** of the Function URL; 0 without one */
  readonly pagePort: number
  readonly stderr: string[]
  /** lines of its log that tell of a bug of ours */
  readonly complaints: string[]
  readonly #read: Promise<unknown>

  private constructor(
    child: Subprocess<'ignore', 'pipe', 'pipe'>,
    addresses: readonly [number, number, number],
    stderr: string[],
    complaints: string[],
    ledger: Ledger,
    read: Promise<unknown>,
  ) {
    this.process = child
    ;[this.port, this.apiPort, this.pagePort] = addresses
    this.stderr = stderr
    this.complaints = complaints
    this.ledger = ledger
    this.#read = read
  }

  static async start(argv: readonly string[], env: Record<string, string | undefined>): Promise<Emulator> {
    const stderr: string[] = []
    const complaints: string[] = []
    const ledger = new Ledger()
    let read: Promise<unknown> = Promise.resolve()
    function keep(line: string): void {
      stderr.push(line)
      if (stderr.length > 400) stderr.splice(0, 200)
      if (/unexpected (error|rejection)|in the emulator"|^(?!\{)/.test(line)) complaints.push(line)
    }
    const { process: child } = launch({
      program: argv,
      addresses: 'none',
      env,
      read: (out, err) => {
        read = Promise.all([ledger.read(out), lines(err, keep)])
      },
    })
    const { gateway, api, functionUrl } = await until('the line that says where it listens', () => {
      if (child.exitCode !== null) throw new Error(`the emulator ended with ${child.exitCode}: ${stderr}`)
      return stderr.map(addressesIn).find((found) => found !== undefined)
    })
    const ports = [gateway.port, api.port, functionUrl?.port ?? 0] as const
    return new Emulator(child, ports, stderr, complaints, ledger, read)
  }

  get pid(): number {
    return this.process.pid
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  async health(): Promise<Health> {
    const response = await fetch(`http://127.0.0.1:${this.port}/_rie/health`)
    return (await response.json()) as Health
  }

  /** Its exit code, once everything that it wrote has been read. */
  async exit(): Promise<number> {
    const code = await within('the emulator to end', this.process.exited)
    await within('the end of its output', this.#read)
    return code
  }

  residentBytes(): number {
    try {
      return Number(readFileSync(`/proc/${this.pid}/statm`, 'latin1').split(' ')[1]) * 4096
    } catch {
      return 0
    }
  }

  descriptors(): number {
    try {
      return readdirSync(`/proc/${this.pid}/fd`).length
    } catch {
      return 0
    }
  }
}

async function lines(stream: ReadableStream<Uint8Array>, each: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const all = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = all.pop() as string
    for (const line of all) each(line)
  }
}
