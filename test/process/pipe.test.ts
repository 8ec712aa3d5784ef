import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { until } from '../harness.ts'
import { descriptors, fixtureFolder, platforms, searchPath, start } from './system.ts'

const numbers = (count: number): string => Array.from({ length: count }, (_, i) => `${i}\n`).join('')

describe.each(platforms)('%s', (_, createProcesses) => {
  test('stdout and stderr keep the order of the writes', async () => {
    using processes = createProcesses()
    const { output, exited } = start(processes, { argv: [join(fixtureFolder, 'interleaves')] })
    expect(await exited).toEqual({ kind: 'code', code: 0 })
    expect(output()).toBe(numbers(2000))
  })

  test('the order holds while the stream and drain take turns', async () => {
    using processes = createProcesses()
    const { child, output, exited } = start(processes, { argv: [join(fixtureFolder, 'interleaves')] })
    let ended = false
    exited.then(() => {
      ended = true
    })
    // Sleeping lets output and other events become ready together.
    for (let i = 0; !ended; i++) {
      if (i % 2 === 0) Bun.sleepSync(0.5)
      if (i % 3 === 0) child.drain()
      else if (i % 3 === 1) queueMicrotask(child.drain)
      await (i % 5 === 0 ? Bun.sleep(1) : new Promise(setImmediate))
    }
    expect(output()).toBe(numbers(2000))
  })

  test('drain delivers everything that was written before a request arrived, in order', async () => {
    using processes = createProcesses()
    const missing: string[] = []
    using server = Bun.serve({
      port: 0,
      fetch(request) {
        watched.child.drain()
        const told = Number(request.headers.get('lines'))
        const seen = watched.output().split('\n').length - 1
        if (seen < told) missing.push(`${seen} of ${told}`)
        return new Response()
      },
    })
    const busy = setInterval(() => Bun.sleepSync(1), 0)
    const watched = start(processes, {
      argv: [process.execPath, join(fixtureFolder, 'writes-then-asks.ts'), server.url.href, '300'],
    })
    expect(await watched.exited).toEqual({ kind: 'code', code: 0 })
    clearInterval(busy)
    expect(missing).toEqual([])
    const lines = watched.output().split('\n').length - 1
    expect(watched.output()).toBe(numbers(lines))
  })

  test('output that is still in the pipe at exit is there in the exit handler', async () => {
    using processes = createProcesses()
    for (let round = 0; round < 20; round++) {
      let atExit = ''
      const { exited } = start(processes, {
        argv: ['sh', '-c', 'echo last words; exit 1'],
        onExit({ child, output }) {
          child.drain()
          atExit = output()
        },
      })
      await exited
      expect(atExit).toBe('last words\n')
    }
  })

  test('a drain ends although the process never stops writing', async () => {
    using processes = createProcesses()
    const { child, output } = start(processes, { argv: ['yes'] })
    await until('output', () => output().length > 0)
    for (let i = 0; i < 100; i++) child.drain()
    child.dispose()
    expect(output().replaceAll('y\n', '')).toBeOneOf(['', 'y'])
  })

  test('a chunk is not changed by later ones', async () => {
    using processes = createProcesses()
    const { child, output } = start(processes, { argv: ['sh', '-c', 'echo one; read x </dev/zero & wait'] })
    await until('the first line', () => {
      child.drain()
      return output().length >= 4
    })
    const other = start(processes, { argv: ['sh', '-c', 'echo two'] })
    await other.exited
    expect([output(), other.output()]).toEqual(['one\n', 'two\n'])
  })

  test('nothing is delivered after dispose', async () => {
    using processes = createProcesses()
    const { child, output, exited } = start(processes, { argv: ['yes'] })
    await until('output', () => output().length > 0)
    child.dispose()
    const before = output().length
    child.drain()
    await exited
    expect(output().length).toBe(before)
  })

  test('no descriptor is left behind by 200 processes', async () => {
    using processes = createProcesses()
    const round = async (i: number) => {
      const watched = start(processes, { argv: ['sh', '-c', 'echo x; exit 0'], env: { PATH: searchPath } })
      if (i % 2 === 0) await watched.exited
      processes.memory([watched.child])
      watched.child.dispose()
      await watched.exited
      processes.spawn(
        { name: 'runtime', argv: ['/no/such/file'], cwd: '/', env: {} },
        { output() {}, exit() {} },
      )
    }
    for (let i = 0; i < 5; i++) await round(i)
    const before = descriptors()
    for (let i = 0; i < 200; i++) await round(i)
    await until('all descriptors are closed', () => descriptors() <= before)
  })
})
