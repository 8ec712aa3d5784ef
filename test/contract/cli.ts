/** The command line, and which program is run when it names none. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { apiFlag, freePort, gatewayFlag } from '../kit/launch.ts'
import { spell } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { plainFile } from './launch.ts'
import { scriptedProcessFile } from './scripted-process.ts'

export const cli = chapter('Command line', (it) => {
  it('takes the flags of the reference after the command too, and keeps them from it', async ({ start }) => {
    const [gateway, api] = [`127.0.0.1:${freePort()}`, `127.0.0.1:${freePort()}`]
    const command = [
      scriptedProcessFile,
      'a',
      gatewayFlag,
      gateway,
      'b',
      `${apiFlag}=${api}`,
      '--log-level',
      'info',
      'app.main',
    ]
    await using rie = await start({
      gateway: '127.0.0.1:1',
      api: '127.0.0.1:1',
      listens: [gateway, api],
      command,
    })
    expect([spell(rie.gateway), spell(rie.api)]).toEqual([gateway, api])
    await rie.exchange()
    expect((await rie.runtime()).args()).toEqual(['a', 'b', 'app.main'])
    expect((await rie.runtime()).env()).toMatchObject({ _HANDLER: 'app.main', AWS_LAMBDA_RUNTIME_API: api })
  })

  it('leaves unknown flags after the command to it', async ({ start }) => {
    await using rie = await start({
      command: [scriptedProcessFile, '--max-queue', '0', '--version', '--foo'],
    })
    await rie.exchange()
    expect((await rie.runtime()).args()).toEqual(['--max-queue', '0', '--version', '--foo'])
  })

  it('leaves everything after -- to the command', async ({ start }) => {
    await using rie = await start({
      flags: ['--'],
      command: [scriptedProcessFile, '--log-level', 'debug', '--', 'x'],
    })
    await rie.exchange()
    expect((await rie.runtime()).args()).toEqual(['--log-level', 'debug', '--', 'x'])
  })

  it('passes every kind of flag before a double dash', async ({ start }) => {
    await using rie = await start({ flags: ['--max-queue', '3', '--dialect=rie', '--'] })
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  const wrong: readonly (readonly [kind: string, flags: readonly string[], says: string])[] = [
    ['an address without a port', [gatewayFlag, '8080'], gatewayFlag],
    ['an empty address', [gatewayFlag, ''], gatewayFlag],
    ['a Runtime API port that is no number', [apiFlag, '127.0.0.1:abc'], apiFlag],
    ['a port that does not exist', [apiFlag, '127.0.0.1:70000'], apiFlag],
    ['a log level that nobody knows', ['--log-level', 'loud'], '--log-level'],
    ['a dialect that nobody knows', ['--dialect', 'klingon'], '--dialect'],
    ['a number that is none', ['--max-environments', 'many'], '--max-environments'],
    ['too many environments', ['--max-environments', '1001'], '--max-environments'],
    ['a negative queue', ['--max-queue=-1'], '--max-queue'],
    ['a flag that nobody knows', ['--eager-innit'], '--eager-init'],
  ]
  for (const [kind, flags, says] of wrong) {
    it(`ends with exit code 2 for ${kind}`, async ({ run }) => {
      const { code, stdout, stderr } = await run({ flags })
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain(says)
    })
  }

  it('ends with exit code 2 for a flag without its value', async ({ run }) => {
    const { code, stderr } = await run({ command: [scriptedProcessFile, '--log-level'] })
    expect(code).toBe(2)
    expect(stderr).toContain('--log-level')
  })

  it('ends with exit code 2 for a host that nobody knows', async ({ run }) => {
    const { code, stderr } = await run({ flags: [gatewayFlag, 'no-such-host.invalid:0'] })
    expect(code).toBe(2)
    expect(stderr).toContain(`${gatewayFlag}: cannot listen on no-such-host.invalid:0: there is no such host`)
  })

  for (const [name, value] of [
    ['AWS_LAMBDA_RIE_DIALECT', 'klingon'],
    ['AWS_LAMBDA_RIE_INIT_TIMEOUT', 'soon'],
    ['AWS_LAMBDA_RIE_DRAIN_SECONDS', '-1'],
    ['AWS_LAMBDA_RIE_MAX_ENVIRONMENTS', '1.5'],
  ] as const) {
    it(`ends with exit code 2 for ${name}=${value}`, async ({ run }) => {
      const { code, stderr } = await run({ env: { [name]: value } })
      expect(code).toBe(2)
      expect(stderr).toContain(name)
    })
  }

  for (const [name, value] of [
    ['LOG_LEVEL', 'CRITICAL'],
    ['AWS_ACCOUNT_ID', 'your-account-id'],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '512MB'],
  ] as const) {
    it(`warns of ${name}=${value}, takes the default, and hands the value on`, async ({ start }) => {
      await using rie = await start({ env: { [name]: value } })
      expect((await rie.exchange()).answer.status).toBe(200)
      expect((await rie.runtime()).env()[name]).toBe(value)
      const warnings = await until('the warning', () => {
        const all = rie.log.filter(({ level }) => level === 'warn')
        return all.length > 0 && all
      })
      expect(warnings.map(({ msg }) => msg)).toEqual([expect.stringContaining(`${name} is "${value}"`)])
    })
  }

  it('takes an empty LOG_LEVEL for the default', async ({ start }) => {
    await using rie = await start({ env: { LOG_LEVEL: '' } })
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  it('takes every name of a log level that the reference takes, in letters of any size', async ({
    start,
  }) => {
    for (const level of ['panic', 'Fatal', 'ERROR', 'warn', 'warning', 'info', 'debug', 'trace']) {
      const listens = [`127.0.0.1:${freePort()}`, `127.0.0.1:${freePort()}`] as const
      await using rie = await start({ listens, flags: ['--log-level', level] })
      expect(await rie.stop()).toBe(0)
    }
  })

  it('takes the last of a repeated flag, and its value out of quotes', async ({ start }) => {
    await using rie = await start({ flags: ['--log-level', 'loud', '--log-level', '"info"'] })
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  it('prefers a flag to its variable', async ({ start }) => {
    await using rie = await start({
      flags: ['--dialect', 'rie'],
      env: { AWS_LAMBDA_RIE_DIALECT: 'lambda', LOG_LEVEL: 'info' },
    })
    const { event } = await rie.exchange('not JSON')
    expect(event.text).toBe('not JSON')
  })

  it('tells its version', async ({ run }) => {
    const { code, stdout } = await run({ flags: ['--version'], command: [] })
    expect(code).toBe(0)
    expect(stdout).toMatch(/\d+\.\d+\.\d+/)
  })

  it('tells how it is used', async ({ run }) => {
    const { code, stdout } = await run({ flags: ['--help'], command: [] })
    expect(code).toBe(0)
    for (const flag of [gatewayFlag, apiFlag, '--log-level', '--handler', '--max-environments']) {
      expect(stdout).toContain(flag)
    }
  })

  for (const [kind, gateway, api] of [
    ['gateway', 'taken', '127.0.0.1:0'],
    ['Runtime API', '127.0.0.1:0', 'taken'],
  ] as const) {
    it(`ends with an error when the address of the ${kind} is taken`, async ({ run }) => {
      using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } })
      const taken = `127.0.0.1:${server.port}`
      const flags = [gatewayFlag, gateway.replace('taken', taken), apiFlag, api.replace('taken', taken)]
      const { code, stderr } = await run({ flags })
      expect(code).not.toBe(0)
      expect(stderr).toContain(taken.split(':')[1]!)
    })
  }

  it('listens on IPv6 and hands a runtime its address in brackets', async ({ start }) => {
    await using rie = await start({ gateway: '[::1]:0', api: '[::1]:0' })
    expect((await rie.exchange()).answer.status).toBe(200)
    expect((await rie.runtime()).env().AWS_LAMBDA_RUNTIME_API).toBe(`[::1]:${rie.api.port}`)
  })

  it('hands a runtime the port that was really bound', async ({ start }) => {
    await using rie = await start({ api: '127.0.0.1:0', listens: undefined })
    await rie.exchange()
    expect((await rie.runtime()).env().AWS_LAMBDA_RUNTIME_API).toMatch(/^127\.0\.0\.1:[1-9]\d*$/)
  })

  it('logs at once that a command cannot be run', async ({ start }) => {
    await using rie = await start({ command: ['/nowhere/bootstrap'] })
    await rie.stderr.until(/"level":"?(error|50)"?.*\/nowhere\/bootstrap/)
  })

  const search = ['var/task/bootstrap', 'opt/bootstrap', 'var/runtime/bootstrap']
  for (const [index, path] of search.entries()) {
    it.mounts(
      `without a command runs /${path} ${index ? 'where there is none before it' : 'first'}`,
      async ({ start }) => {
        const image = Object.fromEntries(search.slice(index).map((each) => [each, named(each)]))
        await using rie = await start({ command: [], image: { ...image, 'var/task/kept': plainFile } })
        expect((await rie.exchange()).answer.status).toBe(200)
        expect((await rie.runtime()).env().FOUND).toBe(`/${path}`)
      },
    )
  }

  it.mounts('passes over a bootstrap that may not be executed', async ({ start }) => {
    const image = { 'var/task/bootstrap': plainFile, 'opt/bootstrap': named('opt/bootstrap') }
    await using rie = await start({ command: [], image })
    expect((await rie.exchange()).answer.status).toBe(200)
    expect((await rie.runtime()).env().FOUND).toBe('/opt/bootstrap')
  })

  it.mounts('passes over a bootstrap that is a folder', async ({ start }) => {
    const image = { 'var/task/bootstrap/file': plainFile, 'opt/bootstrap': named('opt/bootstrap') }
    await using rie = await start({ command: [], image })
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  it.mounts('runs a bootstrap in /var/task', async ({ start }) => {
    const image = { 'var/task/kept': plainFile, 'opt/bootstrap': named('opt/bootstrap') }
    await using rie = await start({ command: [], image })
    await rie.exchange()
    expect((await rie.runtime()).env().PWD).toBe('/var/task')
  })

  it.mounts('ends with exit code 2 where there is nothing to run', async ({ run }) => {
    const { code, stderr } = await run({ command: [], image: { 'var/task/kept': plainFile } })
    expect(code).toBe(2)
    expect(stderr).toContain('/var/task/bootstrap')
  })
})

/** A bootstrap that says which one it is and goes on as a scripted process. */
const named = (path: string) => `#!/bin/sh\nFOUND=/${path} exec "${scriptedProcessFile}"\n`
