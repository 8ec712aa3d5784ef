/**
 * Runs a command on a machine that stalls: again and again all of its processes stop for a while, or one of them does.
 * What fails then, and not otherwise, has a race with the clock.
 *
 *     bun test/stall.ts [--one] [--for 2000] [--every 1000-4000] -- bun test ./test/contract/binary.test.ts
 *
 * Times are milliseconds. Needs root and the unified control groups of Linux. Ends as the command does.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { kill, stat, until } from './harness.ts'

const { values, positionals: command } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    one: { type: 'boolean', default: false },
    for: { type: 'string', default: '2000' },
    every: { type: 'string', default: '1000-4000' },
  },
})
const [least = 0, most = least] = values.every.split('-').map(Number)
const stallMs = Number(values.for)
if (command.length === 0 || ![least, most, stallMs].every((ms) => ms > 0)) {
  console.error('bun test/stall.ts [--one] [--for MS] [--every MS-MS] -- COMMAND…')
  process.exit(2)
}
const unified = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((path) =>
  existsSync(join(path, 'cgroup.controllers')),
)
if (unified === undefined) {
  console.error('there are no unified control groups here')
  process.exit(2)
}

const group = join(unified, `stall-${process.pid}`)
mkdirSync(group)
const enter = 'echo $$ >"$1"; shift; exec "$@"'
const child = Bun.spawn(['sh', '-c', enter, 'sh', join(group, 'cgroup.procs'), ...command], {
  stdio: ['ignore', 'inherit', 'inherit'],
})

async function stallAll(): Promise<void> {
  writeFileSync(join(group, 'cgroup.freeze'), '1')
  await Bun.sleep(stallMs)
  writeFileSync(join(group, 'cgroup.freeze'), '0')
}

/** One that a test has stopped itself, or that has ended, is left alone. */
async function stallOne(): Promise<void> {
  const running = members().filter((pid) => !/^[TZX]$/.test(stat(pid)?.[0] ?? 'X'))
  const pid = running[Math.floor(Math.random() * running.length)]
  if (pid === undefined) return
  kill(pid, 'SIGSTOP')
  await Bun.sleep(stallMs)
  kill(pid, 'SIGCONT')
}

const members = (): number[] =>
  readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)

const pause = (): number => least + Math.random() * (most - least)
let stalls = 0
while ((await Promise.race([child.exited, Bun.sleep(pause())])) === undefined) {
  await (values.one ? stallOne() : stallAll())
  stalls++
}
console.log(`stalled ${stalls} times`)
for (const pid of members()) kill(pid, 'SIGKILL')
await until('the control group to be empty', () => members().length === 0)
rmdirSync(group)
process.exit(await child.exited)
