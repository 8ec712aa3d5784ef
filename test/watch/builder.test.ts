import { expect, test } from 'bun:test'
import { Builder, type Built } from '../../src/watch/builder.ts'
import { Outputs } from '../../src/watch/outputs.ts'
import { until } from '../harness.ts'

/** Builds that end when the test says so. */
function scene(...programs: string[]) {
  const outputs = new Outputs()
  outputs.expect(programs)
  const running: PromiseWithResolvers<Built>[] = []
  const told: (readonly string[])[] = []
  const errors: unknown[] = []
  let now = 1000
  const times = new Map<string, number>()
  const builder = new Builder({
    epoch: () => now,
    writtenAt: (path) => times.get(path),
    outputs,
    build() {
      const one = Promise.withResolvers<Built>()
      running.push(one)
      return one.promise
    },
    built: (_, reasons) => told.push(reasons),
    failed: (error) => errors.push(error),
  })
  return {
    builder,
    running,
    told,
    errors,
    /** A file is written at this time. */
    write: (path: string, at: number) => times.set(path, at),
    at: (time: number) => {
      now = time
    },
    begun: (count: number) => until(`build ${count}`, () => running.length === count),
    end: (code = 0) => running.at(-1)?.resolve({ code, output: '' }),
    [Symbol.dispose]: () => builder[Symbol.dispose](),
  }
}

test('builds do not overlap; what was saved during one is built after it', async () => {
  using it = scene()
  it.builder.changed(['a.ts'])
  it.builder.changed(['b.ts'])
  it.builder.changed(['c.ts'])
  expect(it.running).toHaveLength(1)
  it.end()
  await it.begun(2)
  it.end()
  await until('both to be told', () => it.told.length === 2)
  expect(it.told).toEqual([['a.ts'], ['b.ts', 'c.ts']])
})

test('race: what a build wrote last is told after its end, and starts no other one', async () => {
  using it = scene('bootstrap')
  it.builder.changed(['main.go'])
  it.end()
  await until('it to be told', () => it.told.length === 1)
  it.builder.changed(['bootstrap'])
  // the next save is the next reason
  await until('a save to be built', () => {
    it.builder.changed(['main.go'])
    return it.running.length === 2
  })
  it.end()
  await until('it to be told', () => it.told.length === 2)
  expect(it.told).toEqual([['main.go'], ['main.go']])
})

test('race: a save right after the end of a build is told with its output, and is built', async () => {
  using it = scene('bootstrap', 'main.go')
  it.builder.changed(['main.go'])
  it.at(2000)
  it.end()
  await until('it to be told', () => it.told.length === 1)
  it.write('bootstrap', 1990)
  it.write('main.go', 2010)
  it.builder.changed(['bootstrap', 'main.go'])
  await it.begun(2)
  it.end()
  await until('the next one to be told', () => it.told.length === 2)
  expect(it.told[1]).toEqual(['main.go'])
})

test('race: a save that two watchers tell is built once', async () => {
  using it = scene()
  it.write('main.go', 990)
  it.builder.changed(['main.go'])
  it.builder.changed(['main.go'])
  it.at(2000)
  it.end()
  await until('it to be told', () => it.told.length === 1)
  // the next one is the next save, which comes when all of this is over
  await until('the next save to be built', () => {
    it.builder.changed(['other.go'])
    return it.running.length === 2
  })
  it.end()
  await until('it to be told', () => it.told.length === 2)
  expect(it.told[1]).toEqual(['other.go'])
})

test('a build that cannot be started is told, and the next change tries again', async () => {
  using it = scene()
  it.builder.changed(['a.ts'])
  it.running[0]?.reject(new Error('no shell'))
  await until('it to be told', () => it.errors.length === 1)
  await until('the next one', () => {
    it.builder.changed(['a.ts'])
    return it.running.length === 2
  })
})

test('nothing is told of a build that ends after the end of all', async () => {
  const it = scene()
  it.builder.changed(['a.ts'])
  it.builder[Symbol.dispose]()
  it.end()
  await it.running[0]?.promise
  await new Promise((resolve) => setImmediate(resolve))
  expect(it.told).toEqual([])
})
