/** Where and with what the figures were taken: without this they mean nothing. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { cargoLambdaPackage, root, run, samCliPackage } from './build.ts'

export async function machine(): Promise<string[]> {
  const revision = await run(['git', '-C', root, 'describe', '--always', '--dirty']).catch(() => 'unknown')
  const wrk = Bun.which('wrk') ? /wrk \S+ ?\S*/.exec(await outputOf(['wrk', '-v']))?.[0] : 'no wrk'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return [
    `${cpus()[0]?.model ?? process.arch}, ${cpus().length} CPUs, ${memory}, Linux ${release()}`,
    `Bun ${Bun.version}, ${samCliPackage}, ${cargoLambdaPackage}, ${wrk}, revision ${revision.trim()}`,
  ]
}

/** wrk reports its version together with a failure. */
async function outputOf(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { stdio: ['ignore', 'pipe', 'pipe'] })
  return (await child.stdout.text()) + (await child.stderr.text())
}

const autogroup = '/proc/sys/kernel/sched_autogroup_enabled'

/**
 * Takes care that the scheduler does not look at sessions, until this program ends, and says so in a line. Where it
 * does, it shares the CPU between sessions: a runtime in a session of its own is not let run as soon as it has
 * something to read, as one in its caller's session is. In a container it never does.
 */
export function ignoreSessions(): string {
  try {
    const before = readFileSync(autogroup, 'utf8')
    if (before.trim() === '0') return 'sched_autogroup_enabled is 0'
    writeFileSync(autogroup, '0')
    process.on('exit', () => writeFileSync(autogroup, before))
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
    return 'sched_autogroup_enabled is 0 for this run'
  } catch {
    return 'sched_autogroup_enabled cannot be set to 0 here: runtimes in a session of their own cost more than they would'
  }
}
