/** The emulator as PID 1: what is asked of an init. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { deepEquals } from 'bun'
import { until } from '../harness.ts'
import { type Case, equal, silent, stops, truth } from './case.ts'
import { Container, root } from './podman.ts'
import { debian, image } from './trees.ts'

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

/** The processes in a container that PID 1 is the parent of, zombies included. */
function children(pid: number): number[] {
  const namespace = readlinkSync(`/proc/${pid}/ns/pid`)
  return readdirSync('/proc')
    .map(Number)
    .filter((each) => {
      try {
        const stat = readFileSync(`/proc/${each}/stat`, 'latin1')
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        // a zombie's namespace cannot be asked for
        return Number(parent) === pid && (state === 'Z' || readlinkSync(`/proc/${each}/ns/pid`) === namespace)
      } catch {
        return false // not a process, or no more
      }
    })
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
  const pid = await container.pid()
  equal('answer', (await container.invoke({ count: 0 })).text, '"left 0"')
  const runtime = children(pid)
  equal('answer', (await container.invoke({ count: 5 })).text, '"left 5"')
  const left = children(pid).filter((each) => !runtime.includes(each))
  equal('orphans', left.length, 5)
  for (const each of left) process.kill(each, 'SIGKILL')
  await until('all orphans to be reaped', () => deepEquals(children(pid), runtime))
})

const crash = silent('PID 1: leaves nothing when it is killed', async () => {
  await using container = await python('success')
  await container.invoke()
  const { left } = await container.stop('SIGKILL')
  equal('processes that are left', left, 0)
})

export const pid1Cases: readonly Case[] = [idle, warm('SIGTERM'), warm('SIGINT'), busy, orphans, crash]
