/** A pool on a stage. */

import type { Mode } from '../../src/core/mode.ts'
import { Environment } from '../../src/engine/environment.ts'
import type { PlatformListener } from '../../src/engine/platform-event.ts'
import { Pool, type PoolParts } from '../../src/engine/pool.ts'
import { FakeClock, FakeProcesses, fakeLog, toldTo } from './fakes.ts'

export interface PoolStage {
  readonly pool: Pool
  readonly environments: Environment[]
  readonly processes: FakeProcesses[]
  readonly released: number[]
  readonly log: string[]
  readonly clock: FakeClock
}

/** A pool of real environments over fake processes. */
export function pooled(
  over: Partial<PoolParts> & { timeoutMs?: number; listener?: PlatformListener; mode?: Mode } = {},
): PoolStage {
  const environments: Environment[] = []
  const processes: FakeProcesses[] = []
  const released: number[] = []
  const log: string[] = []
  const clock = new FakeClock()
  const pool = new Pool({
    clock,
    maxEnvironments: 1,
    maxQueue: 1000,
    environmentTtlMs: 60_000,
    create(id, calls) {
      const own = new FakeProcesses()
      const environment = new Environment({
        id,
        processes: own,
        clock: over.clock ?? clock,
        ...toldTo([]),
        ...(over.listener && { listeners: [over.listener] }),
        log: fakeLog(),
        functionTimeoutMs: over.timeoutMs ?? 3000,
        initTimeoutMs: 10_000,
        discover: () => [],
        specify: (name) => ({ name, argv: ['/bin/true'], cwd: '/', env: {} }),
        ...(over.mode && { mode: over.mode }),
        ...calls,
      })
      environments.push(environment)
      processes.push(own)
      return environment
    },
    release(environment) {
      released.push(environment.id)
      environment[Symbol.dispose]()
    },
    ...over,
  })
  return { pool, environments, processes, released, log, clock }
}
