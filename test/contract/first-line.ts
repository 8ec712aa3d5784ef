/** The line for which others wait before they send anything: testcontainers' modules, serverless-offline. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { freePort } from '../kit/launch.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { scriptedProcessFile } from './scripted-process.ts'

const line = (command: string, cwd: string, handler: string) =>
  `[INFO] (rapid) exec '${command}' (cwd=${cwd}, handler=${handler})`

/** The lines of stderr that have it. */
const lines = (rie: Emulator) => rie.stderr.lines.filter((each) => each.includes('(rapid) exec'))

const cwdOf = async (rie: Emulator) => {
  rie.invoke()
  return (await rie.runtime()).cwd()
}

export const firstLine = chapter('The line that others wait for', (it) => {
  for (const [kind, rest, handler] of [
    ['a command alone', [], ''],
    ['a command and a handler', ['app.handler'], 'app.handler'],
    ['a command with arguments', ['-m', 'awslambdaric', 'app.lambda_handler'], 'app.lambda_handler'],
    ['a command whose last argument is a flag', ['--verbose'], '--verbose'],
  ] as const) {
    it(`says what it runs as the reference says it, with ${kind}`, async ({ start }) => {
      await using rie = await start({ command: [scriptedProcessFile, ...rest] })
      const [said] = await until('the line', () => lines(rie).length > 0 && lines(rie))
      expect(said).toContain(line(scriptedProcessFile, await cwdOf(rie), handler))
    })
  }

  it('says what it runs once, and after both listeners are open', async ({ start }) => {
    await using rie = await start()
    await until('the line', () => lines(rie).length > 0)
    expect((await rie.exchange()).answer.status).toBe(200)
    ;(await rie.runtime()).kill()
    // A death that is not noticed yet fails the invocation that is given to the dead; the next one starts anew.
    const again = rie.invoke().then(() => rie.invoke())
    await rie.runtime(2)
    again.catch(() => {})
    expect(lines(rie)).toHaveLength(1)
  })

  it.mounts('says what it runs when it has found a bootstrap', async ({ start }) => {
    await using rie = await start({ image: { 'var/task/bootstrap': true }, command: [] })
    const [said] = await until('the line', () => lines(rie).length > 0 && lines(rie))
    expect(said).toContain(line('/var/task/bootstrap', '/var/task', ''))
  })

  it('says what it runs at the level info, and not above it', async ({ start }) => {
    const listens = [`127.0.0.1:${freePort()}`, `127.0.0.1:${freePort()}`] as const
    await using quiet = await start({ listens, flags: ['--log-level', 'warn'] })
    expect((await quiet.exchange()).answer.status).toBe(200)
    expect(lines(quiet)).toEqual([])
    await using rie = await start()
    await until('the line', () => lines(rie).length > 0)
    expect(rie.log.find(({ msg }) => msg.includes('(rapid) exec'))?.level).toBe('info')
  })

  it('matches what a testcontainers module waits for', async ({ start }) => {
    await using rie = await start({ command: [scriptedProcessFile, 'app.handler'] })
    await until('the line', () => lines(rie).length > 0)
    // one module waits for a line of this form anywhere in what the container writes, another for these words
    expect(rie.stderr.text).toMatch(/.*\(rapid\) exec '.*' \(cwd=.*, handler=.*\).*\n/)
    expect(rie.stderr.text).toContain('(rapid)')
  })
})
