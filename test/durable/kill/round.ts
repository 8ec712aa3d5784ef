/**
 * One round: a random run on an emulator that is killed at random moments and started again, until the run has ended.
 * It has to end right, and what was answered must not be lost: no step is taken again whose report was answered.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir, until } from '../../harness.ts'
import { launch, root } from '../../kit/launch.ts'

export const acts = ['step', 'wait', 'callback', 'child'] as const

/** Mulberry32. */
export function generator(seed: number): (below: number) => number {
  let a = seed | 0
  return (below) => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** What the run has to come to. */
export function expected(label: string, plan: readonly string[]): unknown[] {
  return plan.flatMap((act, index): unknown[] => {
    const name = `${label}/${act}-${index}`
    if (act === 'child') return [expected(name, ['step', 'wait', 'step'])]
    return act === 'wait' ? [] : [name]
  })
}

const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []

export interface Round {
  readonly kills: number
}

/** Throws what went wrong. */
export async function round(seed: number, program: readonly string[] | undefined): Promise<Round> {
  const below = generator(seed)
  const plan = Array.from({ length: 4 + below(8) }, () => acts[below(acts.length)] as string)
  using folder = tempDir()
  const [taken, saved] = [`${folder.path}/taken`, `${folder.path}/saved`]
  const flags = [
    ...['--task-root', join(root, 'test/fixtures/durable'), '--handler', 'runner.handler'],
    ...['--durable', '--durable-skip-time', '--durable-store', `${folder.path}/runs.sqlite`],
  ]
  const env = { TAKEN: taken, SAVED: saved }
  const input = JSON.stringify({ label: `r${seed}`, acts: plan })
  const most = 1 + below(4)
  for (let kills = 0; ; kills++) {
    await using emulator = launch({ flags, env, ...(program === undefined ? {} : { program }) })
    const { gateway } = await emulator.listening()
    const url = `http://${gateway.host}:${gateway.port}`
    const call = begin(url, input).catch(() => null)
    if (kills < most) {
      await Bun.sleep(below(350))
      emulator.process.kill('SIGKILL')
      await emulator.process.exited
      await call
      // what was answered is not done again
      check(taken, saved)
      continue
    }
    const run = await call
    if (run === null) throw new Error(`seed ${seed}: the run could not be started: ${emulator.stderr.text}`)
    const ended = await until(
      `seed ${seed}: the run to end`,
      async () => {
        const answer = await fetch(`${url}/2025-12-01/durable-executions/${encodeURIComponent(run)}`)
        const told = (await answer.json()) as { Status: string; Result?: string }
        return told.Status !== 'RUNNING' && told
      },
      30_000,
    )
    const result = { Status: 'SUCCEEDED', Result: JSON.stringify(expected(`r${seed}`, plan)) }
    if (ended.Status !== result.Status || ended.Result !== result.Result)
      throw new Error(`seed ${seed}: ${JSON.stringify(ended)} in place of ${JSON.stringify(result)}`)
    check(taken, saved)
    return { kills }
  }
}

/** Starts the run, or joins it; gives its ARN. */
export async function begin(url: string, input: string): Promise<string> {
  const answer = await fetch(`${url}/2015-03-31/functions/function/invocations`, {
    method: 'POST',
    headers: { 'X-Amz-Invocation-Type': 'Event', 'X-Amz-Durable-Execution-Name': 'the-run' },
    body: input,
  })
  const arn = answer.headers.get('x-amz-durable-execution-arn')
  if (answer.status !== 202 || arn === null) throw new Error(`${answer.status} ${await answer.text()}`)
  return arn
}

/** A step is taken at most once after its report was answered: what is taken twice was not saved in between. */
export function check(taken: string, saved: string): void {
  const answered = linesOf(saved)
  const twice = answered.filter((step, index) => answered.indexOf(step) !== index)
  if (twice.length > 0) throw new Error(`taken again although it was saved: ${twice.join(', ')}`)
  const all = linesOf(taken)
  for (const step of answered) if (!all.includes(step)) throw new Error(`saved and never taken: ${step}`)
}
