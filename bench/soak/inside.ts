/** The second part of the long run: the emulator inside this process, so that its timers and objects can be counted. */

import { heapStats } from 'bun:jsc'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Emulator, startEmulator } from '../../src/index.ts'
import { root } from '../build.ts'
import { type Check, flat, print, type Row, steady } from './report.ts'

const legs = 10

/** Plain invocations as fast as they come, and of every other kind some hundred in each leg. */
export async function inside(
  runtime: string,
  invocations: number,
  callAll: (port: number, count: number) => Promise<number>,
): Promise<Check[]> {
  await using plain = await startEmulator({ command: [runtime], output() {}, log() {} })
  await using mixed = await startEmulator({
    handler: join(root, 'test/fixtures/overlap/function.handler'),
    maxEnvironments: 2,
    maxQueue: 4,
    environmentTtlSeconds: 0,
    functionTimeoutSeconds: 1,
    output() {},
    log() {},
  })
  const rows: Row[] = []
  let errors = 0
  for (let leg = 1; leg <= legs; leg++) {
    errors += await callAll(Number(new URL(plain.url).port), invocations / legs)
    await everyKind(mixed)
    await Promise.all([plain.idle(), mixed.idle()])
    rows.push({ leg, ...counted() })
    print(rows)
  }
  const [early, late] = [rows[1] as Row, rows.at(-1) as Row]
  return [
    {
      name: 'every invocation inside this process is answered',
      good: errors === 0,
      figure: `${errors} failed`,
    },
    ...['timers', 'descriptors', 'requests'].map((name) =>
      flat(name, early[name] as number, late[name] as number),
    ),
    ...['objects', 'promises'].map((name) => steady(name, early[name] as number, late[name] as number, 0.05)),
  ]
}

/** Successes, errors, throttled, Events, tails, tenants, callers that go away; one crash and one timeout. */
async function everyKind({ invoke, idle }: Emulator): Promise<void> {
  const some = <T>(count: number, make: (index: number) => Promise<T>): Promise<unknown> =>
    Promise.allSettled(Array.from({ length: count }, (_, index) => make(index)))
  await some(40, () => invoke({}))
  await some(40, (index) => invoke({}, { tenantId: `tenant${index % 3}` }))
  await idle()
  await some(4, () => invoke({}, { invocationType: 'Event' }))
  await idle()
  for (let count = 0; count < 20; count++) {
    await invoke({}, { logType: 'Tail' })
    await invoke({ fail: 'on purpose' })
    await invoke({}, { invocationType: 'DryRun' })
  }
  await some(4, () => {
    const leaving = new AbortController()
    const call = invoke({}, { signal: leaving.signal })
    setTimeout(() => leaving.abort(), 1)
    return call
  })
  await idle()
  await invoke({ exit: 1 })
  await invoke({ hang: true })
  await invoke({})
}

function counted(): Row {
  Bun.gc(true)
  const { objectCount, objectTypeCounts: types, heapSize } = heapStats()
  const of = (name: string): number => types[name] ?? 0
  return {
    timers: of('Timeout'),
    descriptors: readdirSync('/proc/self/fd').length,
    objects: objectCount,
    promises: of('Promise'),
    requests: of('Request') + of('Response') + of('AbortSignal'),
    'heap MB': heapSize / 1e6,
  }
}
