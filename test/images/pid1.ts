/** The emulator as PID 1: what is asked of an init, and odd surroundings. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../harness.ts'
import { type Case, equal, silent, stops, truth } from './case.ts'
import { Container, root, type StartOptions } from './podman.ts'
import { debian, glibc, image } from './trees.ts'

/** Options that mount the programs and make one of them the entry point. */
export const mounted = (program = 'aws-lambda-rie-x86_64'): string[] => [
  '--volume',
  `${join(root, 'dist')}:/aws-lambda:ro`,
  '--entrypoint',
  `/aws-lambda/${program}`,
]

/** Options that bring the functions of this suite. */
export const functions: readonly string[] = ['--volume', `${join(import.meta.dir, 'functions')}:/var/task:ro`]

/** Python's client behind the emulator as PID 1. */
const python = async (handler: string, options: readonly string[] = []): Promise<Container> =>
  Container.start(await image(debian), {
    options: [...mounted(), ...functions, '--workdir', '/var/task', ...options],
    command: ['/usr/local/bin/python', '-m', 'awslambdaric', `main.${handler}`],
  })

/** The states of the processes in a container that PID 1 is the parent of. */
function children(pid: number): string[] {
  const namespace = readlinkSync(`/proc/${pid}/ns/pid`)
  const states: string[] = []
  for (const name of readdirSync('/proc')) {
    try {
      const stat = readFileSync(`/proc/${Number(name)}/stat`, 'latin1')
      const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      // a zombie's namespace cannot be asked for
      if (Number(parent) === pid && (state === 'Z' || readlinkSync(`/proc/${name}/ns/pid`) === namespace))
        states.push(state)
    } catch {
      // not a process, or no more
    }
  }
  return states
}

const idle: Case = {
  title: 'PID 1: stops before the first invocation',
  async run() {
    await using container = await python('success')
    return await stops(container)
  },
}

const warm = (signal: NodeJS.Signals): Case => ({
  title: `PID 1: stops after an invocation, on ${signal}`,
  async run() {
    await using container = await python('success')
    equal('answer', (await container.invoke()).text, '"My lambda ran succesfully"')
    return await stops(container, signal)
  },
})

const busy = silent('PID 1: lets a running invocation finish', async () => {
  await using container = await python('remaining_time')
  const answer = container.invoke()
  await until('the invocation to run', async () => (await container.logs()).includes('START RequestId'))
  const { code, left } = await container.stop()
  equal('exit code', code, 0)
  equal('processes that are left', left, 0)
  truth('the caller was dropped', Number((await answer).text) > 290_000)
})

const orphans = silent('PID 1: reaps orphans', async () => {
  await using container = await python('orphans')
  equal('answer', (await container.invoke()).text, '"left"')
  const pid = await container.pid()
  truth('there were no orphans', children(pid).length > 1)
  await until('all orphans to be reaped', () => children(pid).length === 1)
})

const crash = silent('PID 1: leaves nothing when it is killed', async () => {
  await using container = await python('success')
  await container.invoke()
  const { left } = await container.stop('SIGKILL')
  equal('processes that are left', left, 0)
})

interface Surroundings {
  readonly title: string
  readonly options: readonly string[]
  /** the event's size in bytes; a small one otherwise */
  readonly size?: number
}

const readOnly = ['--read-only', '--read-only-tmpfs=false']
const nobody = ['--user', '12345:54321']
const powerless = ['--cap-drop', 'all', '--security-opt', 'no-new-privileges']
/** Options that limit the memory, swap included. */
export const memory = (limit: string): string[] => ['--memory', limit, '--memory-swap', limit]

const surroundings: readonly Surroundings[] = [
  { title: 'no shell, no /etc, no /tmp', options: [] },
  { title: 'a read-only root file system', options: readOnly },
  { title: 'a user in no passwd', options: nobody },
  { title: 'an empty PATH', options: ['--env', 'PATH='] },
  { title: 'an empty environment', options: ['--unsetenv-all'] },
  { title: 'no capabilities, no new privileges', options: powerless },
  { title: '64 MB of memory', options: memory('64m') },
  { title: '128 MB of memory and events of 6 MB', options: memory('128m'), size: 6_000_000 },
  { title: '--init', options: ['--init'] },
  { title: '16 processes and half a CPU', options: ['--pids-limit', '16', '--cpus', '0.5'] },
  {
    title: 'all of that at once',
    options: [...readOnly, ...nobody, ...powerless, ...memory('64m'), '--unsetenv-all', '--init'],
  },
]

/** What a process holds; pages of the program itself are the kernel's to drop. */
function residentMemory(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const megabytes = (name: string) =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1000)
  return `${megabytes('VmRSS')} MB resident, ${megabytes('RssAnon')} MB of it not from the program's file`
}

/** With the smallest runtime there is, so that the emulator is what is tried. */
const within = ({ title, options, size = 0 }: Surroundings): Case => ({
  title: `works with ${title}`,
  async run() {
    const echo = size > 0 ? ['--env', 'BENCH_ECHO=1'] : []
    await using container = await Container.start(await image(glibc), {
      options: [...mounted(), ...options, ...echo],
      command: ['/function'],
    })
    const event = size > 0 ? `"${'a'.repeat(size)}"` : '{}'
    for (let round = 0; round < 3; round++) {
      const { text } = await container.invoke(event)
      truth(`the answer is ${text.slice(0, 200)}`, text === (size > 0 ? event : '"hello"'))
    }
    const resident = options.includes('--init') ? '' : `; ${residentMemory(await container.pid())}`
    return `${await stops(container)}${resident}`
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

export const pid1Cases: readonly Case[] = [
  idle,
  warm('SIGTERM'),
  warm('SIGINT'),
  busy,
  orphans,
  crash,
  ...surroundings.map(within),
  javascript('glibc and nothing else', []),
  javascript('a read-only root file system, no capabilities and no user', [
    ...readOnly,
    ...nobody,
    ...powerless,
  ]),
  javascript('128 MB of memory', memory('128m')),
]
