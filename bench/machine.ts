/** Where and with what the figures were taken: without this they mean nothing. */
import { cpus, release, totalmem } from 'node:os'
import { CARGO_LAMBDA, ROOT, run, SAM_CLI } from './build.ts'

export async function machine(): Promise<string[]> {
  const revision = await run(['git', '-C', ROOT, 'describe', '--always', '--dirty']).catch(() => 'unknown')
  const wrk = Bun.which('wrk') ? /wrk \S+ ?\S*/.exec(await outputOf(['wrk', '-v']))?.[0] : 'no wrk'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return [
    `${cpus()[0]?.model ?? process.arch}, ${cpus().length} CPUs, ${memory}, Linux ${release()}`,
    `Bun ${Bun.version}, ${SAM_CLI}, ${CARGO_LAMBDA}, ${wrk}, revision ${revision.trim()}`,
  ]
}

/** wrk reports its version together with a failure. */
async function outputOf(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { stdio: ['ignore', 'pipe', 'pipe'] })
  return (await child.stdout.text()) + (await child.stderr.text())
}
