/** A debugger stops in a TypeScript handler, for longer than its time. */
import { expect } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../harness.ts'
import { freePort } from '../kit/launch.ts'
import { chapter } from './chapter.ts'
import { Debugger } from './debugger.ts'

const code = `interface Event { readonly number: number }

// types and comments are gone when it runs
export const loadedAt: number = performance.now()

export const handler = async (event: Event): Promise<number> => {
  const doubled: number = event.number * 2
  return doubled
}
export const environment = async () =>
  Object.keys(process.env).filter((name) => /^BUN_INSPECT|^_LAMBDA_RIE/.test(name))
`

function folder(tsconfig?: string): Disposable & { readonly path: string; readonly file: string } {
  const made = tempDir()
  const file = join(made.path, 'index.ts')
  writeFileSync(file, code)
  if (tsconfig) writeFileSync(join(made.path, 'tsconfig.json'), tsconfig)
  return { path: made.path, file, [Symbol.dispose]: () => made[Symbol.dispose]() }
}

/** Longer than the function may take: time itself is what is waited for here. */
const limitSeconds = 1
const overdue = () => Bun.sleep(limitSeconds * 1000 + 500)

export const handlerDebug = chapter('Handlers and a debugger', (it) => {
  for (const [title, tsconfig] of [
    ['', undefined],
    [' of a project with decorators', '{"compilerOptions":{"experimentalDecorators":true}}'],
  ] as const) {
    it(`stops at a breakpoint in TypeScript${title} for longer than the function's time`, async ({
      start,
    }) => {
      using task = folder(tsconfig)
      const url = `127.0.0.1:${freePort()}/here`
      await using rie = await start({
        flags: [`--inspect=${url}`, '--handler', 'index.handler'],
        command: [],
        cwd: task.path,
        env: { AWS_LAMBDA_FUNCTION_TIMEOUT: String(limitSeconds) },
      })
      await rie.stderr.until(new RegExp(`"inspector":"ws://${url}"`))
      await rie.stderr.until(/no time-outs/)
      // eager: there is something to attach to before anybody calls
      using attached = await Debugger.attach(`ws://${url}`)
      await attached.breakAt(task.file, 'event.number')
      const answer = rie.invoke('{"number":21}')
      const [frame] = await attached.stop(1)
      expect(frame?.functionName).toBe('handler')
      expect(await attached.evaluate(frame!, 'event.number')).toBe(21)
      await overdue()
      await attached.resume()
      expect((await answer).text).toBe('42')
      await rie.stdout.until(/^REPORT(?!.*Status: )/m)
    })
  }

  it('waits for a debugger and stops before the file is run with --inspect-brk', async ({ start }) => {
    using task = folder()
    const url = `127.0.0.1:${freePort()}/here`
    await using rie = await start({
      flags: [`--inspect-brk=${url}`, '--init-timeout', '1', '--handler', 'index.handler'],
      command: [],
      cwd: task.path,
    })
    await overdue()
    using attached = await Debugger.attach(`ws://${url}`)
    await attached.stop(1)
    expect([...attached.scripts.keys()]).not.toContain(task.file)
    await attached.resume()
    expect((await rie.invoke('{"number":4}')).text).toBe('8')
    expect(attached.stops).toHaveLength(1)
  })

  it('makes up a path that no web page can guess', async ({ start }) => {
    using task = folder()
    const port = freePort()
    await using rie = await start({
      flags: [`--inspect=${port}`, '--handler', 'index.handler'],
      command: [],
      cwd: task.path,
    })
    const [, url] = await rie.stderr.until(/"inspector":"(ws:[^"]+)"/)
    expect(url).toMatch(new RegExp(`^ws://127\\.0\\.0\\.1:${port}/[0-9a-f-]{36}$`))
    using attached = await Debugger.attach(url!)
    await attached.breakAt(task.file, 'event.number')
  })

  it("leaves Bun's own variables for a debugger to the function, and its children without", async ({
    start,
  }) => {
    using task = folder()
    const url = `ws://127.0.0.1:${freePort()}/own`
    await using rie = await start({
      flags: ['--eager-init', '--handler', 'index.environment'],
      command: [],
      cwd: task.path,
      env: { BUN_INSPECT: url, AWS_LAMBDA_FUNCTION_TIMEOUT: String(limitSeconds) },
    })
    using attached = await Debugger.attach(url)
    await attached.breakAt(task.file, 'filter(')
    const answer = rie.invoke()
    await attached.stop(1)
    await overdue()
    await attached.resume()
    expect((await answer).json).toEqual([])
  })

  for (const [title, flags, command, told] of [
    ['a command', ['--inspect'], ['sleep', '1'], /--inspect is for --handler/],
    [
      'several environments',
      ['--inspect', '--max-environments', '2', '--handler', 'a.b'],
      [],
      /leave --max-environments at 1/,
    ],
    [
      'an address that is none',
      ['--inspect=nowhere', '--handler', 'a.b'],
      [],
      /--inspect is \\?"nowhere\\?"; allowed is on, off or an address/,
    ],
  ] as [string, string[], string[], RegExp][]) {
    it(`ends with exit code 2 for a debugger with ${title}`, async ({ run }) => {
      const { code: status, stderr } = await run({ flags, command })
      expect(status).toBe(2)
      expect(stderr).toMatch(told)
    })
  }

  it('says at once that the port of the debugger is in use, and how another one is given', async ({
    run,
  }) => {
    using task = folder()
    using other = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    for (const flag of ['--inspect', '--inspect-brk']) {
      const flags = [`${flag}=127.0.0.1:${other.port}/x`, '--handler', 'index.handler']
      const { code, stderr } = await run({ flags, command: [], cwd: task.path })
      expect([code, stderr]).toEqual([2, expect.stringContaining(`port ${other.port} is in use`)])
      expect(stderr).toMatch(new RegExp(`as ${flag}=\\d+"`))
    }
  })
})
