/** Odd surroundings: what an image or an engine may take away from the emulator. */
import { existsSync, readFileSync } from 'node:fs'
import { type Case, equal, stops, truth } from './case.ts'
import { mounted } from './pid1.ts'
import { Container, type StartOptions } from './podman.ts'
import { glibc, image } from './trees.ts'

interface Surroundings {
  readonly title: string
  readonly options: readonly string[]
  /** the event's size in bytes; a small one otherwise */
  readonly size?: number
  /** started by this program of the image, which takes the whole command as its arguments */
  readonly launcher?: string
  /** that the surroundings are what the title says: an engine brings more into a container than it was asked to */
  readonly holds?: (emulator: number) => boolean
}

/** A file of a process, or of the container that it is in; nothing where there is none. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

const readOnly = ['--read-only', '--read-only-tmpfs=false']
const isReadOnly = (pid: number) => / \/ overlay ro,/.test(read(pid, 'mounts'))
// podman would write one for the user
const nobody = ['--user', '12345:54321', '--passwd=false']
const isNobody = (pid: number) =>
  read(pid, 'root/etc/passwd') === '' && /^Uid:\t12345\t/m.test(read(pid, 'status'))
const powerless = ['--cap-drop', 'all', '--security-opt', 'no-new-privileges']
const isPowerless = (pid: number) => /^CapEff:\t0+\n[\s\S]*^NoNewPrivs:\t1$/m.test(read(pid, 'status'))
/** Podman leaves HOME and HOSTNAME in an environment that is said to be empty. */
const bare = '/bare'
const isBare = (pid: number) => read(pid, 'environ') === ''
/** Options that limit the memory, swap included. */
export const memory = (limit: string): string[] => ['--memory', limit, '--memory-swap', limit]

const surroundings: readonly Surroundings[] = [
  {
    title: 'no shell and no /tmp',
    options: [],
    holds: (pid) => ['tmp', 'bin', 'usr', 'sbin'].every((name) => !existsSync(`/proc/${pid}/root/${name}`)),
  },
  { title: 'a read-only root file system', options: readOnly, holds: isReadOnly },
  { title: 'a user in no passwd', options: nobody, holds: isNobody },
  {
    title: 'an empty PATH',
    options: ['--env', 'PATH='],
    holds: (pid) => `\0${read(pid, 'environ')}`.includes('\0PATH=\0'),
  },
  { title: 'an empty environment', options: [], launcher: bare, holds: isBare },
  { title: 'no capabilities, no new privileges', options: powerless, holds: isPowerless },
  { title: '64 MB of memory', options: memory('64m') },
  { title: '128 MB of memory and events of 6 MB', options: memory('128m'), size: 6_000_000 },
  { title: '--init', options: ['--init'] },
  { title: '16 processes and half a CPU', options: ['--pids-limit', '16', '--cpus', '0.5'] },
  {
    title: 'all of that at once',
    options: [...readOnly, ...nobody, ...powerless, ...memory('64m'), '--init'],
    launcher: bare,
    holds: (pid) => [isReadOnly, isNobody, isPowerless, isBare].every((holds) => holds(pid)),
  },
]

/** What a process holds; pages of the program itself are the kernel's to drop. */
function residentMemory(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const megabytes = (name: string) =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1000)
  return `${megabytes('VmRSS')} MB resident, ${megabytes('RssAnon')} MB of it not from the program's file`
}

/** What an init has started. */
const childOf = (pid: number): number => Number(read(pid, `task/${pid}/children`).trim().split(' ')[0])

/** With the smallest runtime there is, so that the emulator is what is tried. */
const within = ({ title, options, size = 0, launcher, holds }: Surroundings): Case => ({
  title: `works with ${title}`,
  async run() {
    const echo = size > 0 ? ['--env', 'BENCH_ECHO=1'] : []
    const all = [...mounted(), ...options, ...echo]
    const [program] = launcher ? all.splice(mounted().length - 1, 1, launcher) : []
    await using container = await Container.start(await image(glibc), {
      options: all,
      command: program ? [program, '/function'] : ['/function'],
    })
    const init = options.includes('--init')
    const emulator = init ? childOf(await container.pid()) : await container.pid()
    truth('the surroundings are others', holds?.(emulator) ?? true)
    const event = size > 0 ? `"${'a'.repeat(size)}"` : '{}'
    for (let round = 0; round < 3; round++) {
      const { text } = await container.invoke(event)
      truth(`the answer is ${text.slice(0, 200)}`, text === (size > 0 ? event : '"hello"'))
    }
    const resident = residentMemory(emulator)
    return `${await stops(container)}; ${resident}`
  },
})

/** A handler of JavaScript needs no runtime client, and no more of the image than the emulator itself. */
const javascript = (title: string, options: readonly string[]): Case => ({
  title: `serves JavaScript with ${title}`,
  async run() {
    const start: StartOptions = {
      options: [...mounted(), ...options],
      command: ['--handler', 'index.handler'],
    }
    await using container = await Container.start(await image(glibc), start)
    const { message, event } = JSON.parse((await container.invoke({ n: 1 })).text)
    equal('answer', { message, event }, { message: 'Hello from JavaScript!', event: { n: 1 } })
    return await stops(container)
  },
})

export const surroundingCases: readonly Case[] = [
  ...surroundings.map(within),
  javascript('glibc and nothing else', []),
  javascript('a read-only root file system, no capabilities and no user', [
    ...readOnly,
    ...nobody,
    ...powerless,
  ]),
  javascript('128 MB of memory', memory('128m')),
]
