/**
 * `bun run faults killed [--rounds N] [--seed N] [--subject source|binary|PATH]`: an emulator is killed by SIGKILL at a random
 * moment of a life, and nothing that it has started may be left: neither a runtime nor an extension, nor what these have
 * started in their process groups, nor a watchdog. On Linux's layer, a group that was being started at that moment may be
 * (DECISIONS.md, The kernel kills what the emulator leaves behind): such groups are counted apart. `AWS_LAMBDA_RIE_PORTABLE=1`
 * before it takes the portable layer. One round again: `--rounds 1 --from N` with the seed of the run.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { alive, kill, killMarked, marked, stat, tempDir, until, within } from '../harness.ts'
import { type Addresses, type Launched, launch, portableLayer, programOf } from '../kit/launch.ts'
import { pids } from '../process/system.ts'
import { Random } from './random.ts'

/** What the emulator is doing about when it is killed, and up to how many milliseconds after that has begun. */
const moments = {
  'its own start': 150,
  init: 300,
  'an invocation': 100,
  'the start of several environments': 500,
  'the end of a runtime': 150,
  'a time-out': 250,
  'its shutdown': 300,
} as const
export type Moment = keyof typeof moments

/** Whoever ignores SIGTERM, with a child and an orphan in its group that never end. */
const family = `trap '' TERM
sleep 1000000 &
(sleep 1000000 &)
api="http://$AWS_LAMBDA_RUNTIME_API"
heads="$FOLDER/$$"
`

const runtime = `#!/bin/sh
${family}
next="$api/2018-06-01/runtime/invocation"
while :; do
  event=$(curl -sS -D "$heads" "$next/next" 2>/dev/null) || sleep 1
  id=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: *//p' "$heads" | tr -d '\\r')
  case $event in
    *dies*) exit 1 ;;
    *hangs*) sleep 1000000 ;;
  esac
  curl -sS -o /dev/null -d "$event" "$next/$id/response" 2>/dev/null
done
`

/** Goes on after SHUTDOWN, so that the emulator has to wait for it. */
const extension = `#!/bin/sh
${family}
curl -sS -o /dev/null -D "$heads" -H "Lambda-Extension-Name: \${0##*/}" -d '{"events":["INVOKE","SHUTDOWN"]}' \\
  "$api/2020-01-01/extension/register" 2>/dev/null
id=$(sed -n 's/^Lambda-Extension-Identifier: *//p' "$heads" | tr -d '\\r')
while :; do
  curl -sS -o /dev/null -H "Lambda-Extension-Identifier: $id" "$api/2020-01-01/extension/event/next" 2>/dev/null || sleep 1
done
`

/**
 * How long before the kill a group may have begun to be one that was being started, in milliseconds. The kernel's clock of
 * starts goes in steps of ten; on a busy machine a start takes as long before the emulator has its number.
 */
const startMs = 60

export interface Killed {
  readonly moment: Moment
  /** groups that were left because they were being started */
  readonly unguarded: number
  /** processes of the function, with all that they had started, that were there a moment before */
  readonly alive: number
}

export interface Life {
  readonly seed: string
  readonly program: readonly string[]
  /** default: any */
  readonly moment?: Moment
  /** chooses the layer */
  readonly env?: Readonly<Record<string, string>>
}

/** One life. Throws when something is left of it, having ended that. */
export async function killedRound({ seed, program, env, ...chosen }: Life): Promise<Killed> {
  const dice = new Random(seed)
  const any = dice.pick(Object.keys(moments) as Moment[])
  const moment = chosen.moment ?? any
  using folder = tempDir()
  const bootstrap = join(folder.path, 'bootstrap')
  const extensions = join(folder.path, 'extensions')
  writeFileSync(bootstrap, runtime, { mode: 0o755 })
  mkdirSync(extensions)
  for (const name of ['one', 'two'].slice(0, dice.int(0, 2)))
    writeFileSync(join(extensions, name), extension, { mode: 0o755 })
  const several = moment === 'the start of several environments'
  await using emulator = launch({
    program,
    flags: ['--extensions-dir', extensions, '--max-environments', several ? '5' : '1'],
    command: [bootstrap],
    env: { ...env, FOLDER: folder.path, AWS_LAMBDA_FUNCTION_TIMEOUT: moment === 'a time-out' ? '1' : '60' },
  })
  await reach(moment, emulator)
  const delay = dice.next() * moments[moment]
  await Bun.sleep(delay)
  const { pid } = emulator.process
  const before = marked(emulator.mark).length
  const watchdogs = watchdogsOf(pid)
  // a scan of /proc takes milliseconds: the moment is behind it
  for (const end = performance.now() + dice.next() * 3; performance.now() < end; );
  emulator.process.kill('SIGKILL')
  const killed = sinceBoot()
  await within('the emulator to be gone', emulator.process.exited)
  const left = (): number[] => [...marked(emulator.mark), ...watchdogs.filter(alive)]
  try {
    await until('nothing to be left', () => left().length === 0)
    return { moment, unguarded: 0, alive: before - 1 }
  } catch {
    const groups = new Set(left().map((each) => Number(stat(each)?.[2] ?? each)))
    // processes are started one after the other
    const [group] = groups
    const tells = env?.AWS_LAMBDA_RIE_PORTABLE !== undefined
    if (!tells && groups.size === 1 && killed - startOf(group as number) < startMs)
      return { moment, unguarded: 1, alive: before - 1 }
    const found = left().map((each) => `${each} (${commandOf(each)}, group ${stat(each)?.[2]})`)
    throw new Error(
      `seed ${seed}: killed ${delay.toFixed(1)} ms into ${moment}, it leaves ${found.join(', ')}`,
    )
  } finally {
    for (const each of watchdogs) kill(each, 'SIGKILL')
    await killMarked(emulator.mark)
  }
}

/** The time since the machine has started, in milliseconds. */
function sinceBoot(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
}

/** When a process has started, in milliseconds since the machine has; of one that is gone, 0. */
function startOf(pid: number): number {
  // the kernel tells it in hundredths of a second
  return Number(stat(pid)?.[19] ?? 0) * 10
}

/** Brings the emulator to where the moment begins. */
async function reach(moment: Moment, emulator: Launched): Promise<void> {
  if (moment === 'its own start') return
  const addresses = await emulator.listening()
  if (moment === 'the start of several environments') {
    for (let caller = 0; caller < 5; caller++) void call(addresses, 'any')
    return
  }
  if (moment === 'init') return void call(addresses, 'any')
  await within('an answer', call(addresses, 'any'))
  if (moment === 'an invocation') void callOn(addresses)
  if (moment === 'the end of a runtime') void call(addresses, 'dies').then(() => call(addresses, 'any'))
  if (moment === 'its shutdown') emulator.process.kill('SIGTERM')
  if (moment === 'a time-out') {
    void call(addresses, 'hangs').then(() => call(addresses, 'any'))
    // the second that the function has, less half of what the moment takes
    await Bun.sleep(1000 - moments[moment] / 2)
  }
}

/** Ends when the emulator does. */
async function call({ gateway }: Addresses, event: string): Promise<boolean> {
  const url = `http://${gateway.host}:${gateway.port}/2015-03-31/functions/function/invocations`
  try {
    await (await fetch(url, { method: 'POST', body: JSON.stringify(event) })).arrayBuffer()
    return true
  } catch {
    return false
  }
}

async function callOn(addresses: Addresses): Promise<void> {
  while (await call(addresses, 'any'));
}

/** Children of this process that have none of our variables: shells of the portable layer. */
function watchdogsOf(parent: number): number[] {
  return pids().filter(
    (pid) => Number(stat(pid)?.[1]) === parent && commandOf(pid).includes('forget) groups='),
  )
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** The command. Two rounds at a time: what they wait for is mostly the start of programs. */
export async function runKilled(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      rounds: { type: 'string', default: '200' },
      from: { type: 'string', default: '0' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
      subject: { type: 'string', default: 'source' },
    },
  })
  const rounds = Number(values.rounds)
  const program = programOf(values.subject)
  const layer = Object.keys(portableLayer).length > 0 ? 'portable' : 'that of this machine'
  console.log(`seed ${values.seed}, ${rounds} rounds, subject ${values.subject}, layer: ${layer}`)
  const met = new Map<Moment, { rounds: number; alive: number; unguarded: number }>()
  let [next, passed, failed] = [Number(values.from), 0, 0]
  const last = next + rounds
  async function work(): Promise<void> {
    while (next < last) {
      try {
        const { moment, alive, unguarded } = await killedRound({
          seed: `${values.seed}/${next++}`,
          program,
          env: portableLayer,
        })
        const before = met.get(moment) ?? { rounds: 0, alive: 0, unguarded: 0 }
        met.set(moment, {
          rounds: before.rounds + 1,
          alive: before.alive + alive,
          unguarded: before.unguarded + unguarded,
        })
        passed++
      } catch (error) {
        failed++
        console.log(`FAILED ${error instanceof Error ? error.message : error}`)
      }
    }
  }
  await Promise.all([work(), work()])
  for (const [moment, { rounds, alive, unguarded }] of met)
    console.log(
      `  ${moment}: ${rounds} rounds with ${alive} processes, ${unguarded} groups left that were being started`,
    )
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}
