import { expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from './harness.ts'
import { Launched } from './kit/launch.ts'

const source = join(import.meta.dir, '../src')

const tracing = `
  import { spareCompiler } from '${source}/compiler.ts'
  import { traceId } from '${source}/gateway/trace.ts'
  const request = { header: () => null }
  if (spared) spareCompiler([])
  const id = crypto.randomUUID()
  let length = 0
  for (let turn = 0; turn < 1000000; turn++) length += traceId(request, id, turn).length
  if (length === 0) throw new Error('nothing was called')
`

/** The two lines of an invocation in JSON. */
const logging = `
  import { spareCompiler } from '${source}/compiler.ts'
  import { jsonLog, jsonLogCode } from '${source}/telemetry/json-log.ts'
  if (spared) spareCompiler(jsonLogCode())
  let length = 0
  const clock = { now: () => 0, epoch: () => 0 }
  const write = (line) => (length += line.render().length)
  const facts = { managed: true, functionVersion: '$LATEST', functionArn: 'arn' }
  const tell = jsonLog({ facts, clock, applicationLevel: 'INFO', systemLevel: 'INFO', write })
  const verdict = { status: 'success', errorType: null }
  for (let at = 0; at < 200000; at++) {
    tell({ type: 'start', at, id: 'id', traceId: 'Root=1-2-3;Sampled=0' })
    tell({ type: 'report', at, id: 'id', traceId: 'Root=1-2-3;Sampled=0', verdict, durationMs: at, respondingAt: null })
  }
  if (length === 0) throw new Error('nothing was written')
`

/** Names of the functions that the compiler compiles for the last time while a script runs. */
async function compiled(of: string, spared: boolean): Promise<string[]> {
  const script = `const spared = ${spared}\n${of}`
  const child = Bun.spawn([process.execPath, '--eval', script], {
    env: { ...process.env, BUN_JSC_reportFTLCompileTimes: '1', BUN_JSC_useConcurrentJIT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = (await child.stdout.text()) + (await child.stderr.text())
  return [...text.matchAll(/Optimized (\w+)#.* using FTL/g)].map(([, name]) => name as string)
}

test('what each invocation passes through is not compiled for the last time', async () => {
  expect(await compiled(tracing, false)).toContain('traceId')
  expect(await compiled(tracing, true)).not.toContain('traceId')
})

test('nor is what each invocation passes through where the log is JSON', async () => {
  expect(await compiled(logging, false)).toContain('renderRecords')
  const names = await compiled(logging, true)
  for (const name of ['render', 'renderRecords', 'telemetryRecords', 'shortReport', 'text', 'map'])
    expect(names).not.toContain(name)
})

test('modules that are spared have no methods that only their class can name', () => {
  const naming = ['compiler.ts', 'open-urls.ts'].map((file) => readFileSync(join(source, file), 'utf8'))
  const named = naming.join('\n').matchAll(/^import \* as \w+ from '\.\/(.+)'/gm)
  const modules = [...named].map(([, path]) => path as string)
  const hidden = modules.flatMap((path) =>
    [...readFileSync(join(source, path), 'utf8').matchAll(/^ {2}(?:async |get |set )*#(\w+)\(/gm)].map(
      ([, name]) => `${path}: #${name}`,
    ),
  )
  expect(modules).toContain('engine/pool.ts')
  expect(hidden).toEqual([])
})

test('a program is spared when its first invocation is over', async () => {
  using folder = tempDir()
  const handler = join(folder.path, 'index.js')
  writeFileSync(handler, 'exports.handler = async (event) => event\n')
  await using program = new Launched({
    flags: ['--handler', 'index.handler'],
    cwd: folder.path,
    env: {
      BUN_JSC_reportFTLCompileTimes: '1',
      BUN_JSC_useConcurrentJIT: '0',
      BUN_JSC_thresholdForFTLOptimizeAfterWarmUp: '2000',
    },
  })
  const { gateway } = await program.listening()
  const url = `http://${gateway.host}:${gateway.port}/2015-03-31/functions/function/invocations`
  for (let turn = 0; turn < 600; turn++) {
    const answer = await fetch(url, { method: 'POST', body: '{}' })
    expect(await answer.text()).toBe('{}')
  }
  const tried = [...program.stderr.text.matchAll(/Optimized (\w+)#.* using FTL/g)].map(([, name]) => name)
  // of five modules; without it these were compiled by now
  const ours = ['firstField', 'place', 'respond', 'step', 'write']
  expect(tried.filter((name) => ours.includes(name as string))).toEqual([])
})
