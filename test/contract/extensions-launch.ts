/** Which files are external extensions, how they are started, and what they find. */
import { expect } from 'bun:test'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { tempDir } from '../harness.ts'
import { spell } from '../kit/wire.ts'
import { both, enter, ready, registered, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { refusal, signed } from './facts.ts'
import { type Layout, plainFile } from './launch.ts'
import { scriptedProcessFile } from './scripted-process.ts'

/** A whole cold start with extensions that want nothing. */
async function coldStart(rie: Emulator, ...names: string[]): Promise<void> {
  const call = rie.invoke()
  await ready(rie, Object.fromEntries(names.map((name) => [name, []])))
  await rie.reply()
  expect((await call).status).toBe(200)
}

const offSwitch = 'opt/disable-extensions-jwigqn8j'

/** Files that are found and cannot be started, and what the kernel says of them. */
const broken: readonly (readonly [kind: string, files: Layout, reason: RegExp])[] = [
  ['may not be executed', { b: plainFile }, /^fork\/exec \S*extensions\/b: permission denied$/],
  ['is no program', { b: 'no program\n' }, /^fork\/exec \S*extensions\/b: exec format error$/],
  ['is empty', { b: '' }, /^fork\/exec \S*extensions\/b: exec format error$/],
  ['leads nowhere', { b: { link: '/nowhere' } }, /^fork\/exec \S*extensions\/b: no such file or directory$/],
  ['leads to a folder', { b: { link: '/' } }, /^fork\/exec \S*extensions\/b: permission denied$/],
  [
    'needs an interpreter that is missing',
    { b: '#!/nowhere/sh\n' },
    /^fork\/exec \S*extensions\/b: no such file or directory$/,
  ],
  [
    'comes before another that cannot be started either',
    { b: plainFile, c: 'no program\n' },
    /^fork\/exec \S*extensions\/b: permission denied$/,
  ],
]

const reasonOf = (message: string) => message.replace(/^RequestId: \S+ Error: /, '')

export const extensionsLaunch = chapter('Extensions: launch', (it) => {
  it.external('starts every file of the folder, and no folder in it', async ({ start }) => {
    const extensions: Layout = {
      ...scriptedExtensions('one', 'two.sh', '.hidden', 'with space'),
      'folder/inside': true,
      linked: { link: scriptedProcessFile },
    }
    await using rie = await start({ extensions })
    await coldStart(rie, 'one', 'two.sh', '.hidden', 'with space', 'linked')
    expect(
      rie
        .extensions()
        .map((each) => each.name)
        .sort(),
    ).toEqual(['.hidden', 'linked', 'one', 'two.sh', 'with space'])
  })

  it.external('starts nothing for an empty folder', async ({ start }) => {
    await using rie = await start({ extensions: {} })
    expect((await rie.exchange()).answer.status).toBe(200)
    expect(rie.extensions()).toEqual([])
  })

  it('does without a folder', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_EXTENSIONS_DIR: '' } })
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  it('ends with exit code 2 for a folder that was named and is missing, or is a file', async ({ run }) => {
    const name = 'AWS_LAMBDA_RIE_EXTENSIONS_DIR'
    const cases = [
      [
        { flags: ['--extensions-dir', '/nowhere'] },
        '--extensions-dir is \\"/nowhere\\"; there is no such folder',
      ],
      [{ env: { [name]: '/nowhere' } }, `${name} is \\"/nowhere\\"; there is no such folder`],
      [
        { env: { [name]: scriptedProcessFile } },
        `${name} is \\"${scriptedProcessFile}\\"; that is no folder`,
      ],
    ] as const
    for (const [options, says] of cases) {
      const { code, stderr } = await run(options)
      expect(code).toBe(2)
      expect(stderr).toContain(says)
    }
  })

  it('finds the folder by a flag', async ({ start }) => {
    using empty = tempDir()
    await using rie = await start({
      flags: ['--extensions-dir', empty.path],
      extensions: scriptedExtensions('never'),
    })
    expect((await rie.exchange()).answer.status).toBe(200)
    expect(rie.extensions()).toEqual([])
  })

  it.external('starts nothing before the first invocation, with extensions too', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    await rie.settle()
    expect(rie.extensions()).toEqual([])
  })

  it.external('starts the runtime when all extensions have registered', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('a', 'b', 'c') })
    const call = rie.invoke()
    for (const name of ['a', 'b', 'c']) await rie.extension(name)
    for (const name of ['c', 'a', 'b']) {
      await rie.settle()
      expect(rie.runtimes()).toEqual([])
      void (await enter(rie, name, [])).park()
    }
    await rie.reply()
    expect((await call).status).toBe(200)
  })

  it.external('delivers nothing before all extensions have asked for an event', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('a', 'b') })
    const call = rie.invoke()
    const { a, b } = await registered(rie, { a: both, b: [] })
    await rie.runtime()
    const poll = rie.poll()
    a.park()
    await rie.stillWaits(poll)
    b.park()
    const event = await poll
    await rie.respond(event.id)
    rie.park()
    await a.pass()
    expect((await call).status).toBe(200)
  })

  it.external('starts extensions again with every start of the runtime', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    const first = rie.invoke()
    const one = await ready(rie, { watcher: both })
    await rie.next()
    ;(await rie.runtime()).tell('exit 1')
    await one.watcher.event()
    await (await rie.extension('watcher')).kill()
    expect((await first).status).toBe(502)
    const second = rie.invoke()
    const two = await ready(rie, { watcher: both }, 2)
    expect(two.watcher.id).not.toBe(one.watcher.id)
    const text = `Unknown extension ${one.watcher.id}`
    const stranger = await rie.eventNext(one.watcher.id)
    expect(stranger.text).toBe(refusal('Extension.UnknownExtensionIdentifier', text))
    await rie.reply()
    await two.watcher.pass()
    expect((await second).status).toBe(200)
  })

  for (const [kind, files, reason] of broken) {
    it.external(`names an extension that ${kind} in its answer`, async ({ start }) => {
      await using rie = await start({ extensions: { a: true, ...files } })
      const answer = await rie.invoke()
      expect([answer.status, answer.json.errorType]).toEqual([502, 'Extension.LaunchError'])
      expect(reasonOf(answer.json.errorMessage)).toMatch(reason)
      expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
      expect(rie.runtimes()).toEqual([])
    })
  }

  it.external('answers a signed caller 200 when an extension cannot be started', async ({ start }) => {
    await using rie = await start({ extensions: { b: plainFile } })
    const answer = await rie.invoke('{}', signed)
    expect([answer.status, answer.json.errorType]).toEqual([200, 'Extension.LaunchError'])
  })

  it.external('starts ten extensions', async ({ start }) => {
    const names = Array.from({ length: 10 }, (_, n) => `number-${n}`)
    await using rie = await start({ extensions: scriptedExtensions(...names) })
    await coldStart(rie, ...names)
  })

  it.external('refuses to start an eleventh', async ({ start }) => {
    const names = Array.from({ length: 11 }, (_, n) => `number-${n}`)
    await using rie = await start({ extensions: scriptedExtensions(...names) })
    const answer = await rie.invoke()
    expect([answer.status, answer.json.errorType]).toEqual([502, 'Extension.LaunchError'])
    expect(reasonOf(answer.json.errorMessage)).toBe('ErrTooManyExtensions')
  })

  it.mounts('starts no extension where a layer says so, and has no Extensions API', async ({ start }) => {
    await using rie = await start({
      extensions: scriptedExtensions('watcher'),
      image: { [offSwitch]: plainFile },
    })
    expect((await rie.exchange()).answer.status).toBe(200)
    expect(rie.extensions()).toEqual([])
    for (const [method, path] of [
      ['POST', 'register'],
      ['GET', 'event/next'],
      ['POST', 'init/error'],
      ['POST', 'exit/error'],
      ['DELETE', 'register'],
      ['POST', 'event/next'],
      ['GET', 'nowhere'],
      ['GET', ''],
    ] as const) {
      const answer = await rie.call(method, `/2020-01-01/extension/${path}`)
      expect([answer.status, answer.text]).toEqual([404, ''])
    }
  })

  it.external('keeps from an extension what is for the runtime', async ({ start }) => {
    await using rie = await start({
      extensions: scriptedExtensions('watcher'),
      env: { _HANDLER: 'app.main', _MINE: '1', _AWS_XRAY_X: '1', AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR' },
    })
    await coldStart(rie, 'watcher')
    const names = Object.keys((await rie.extension('watcher')).env())
    expect(names.filter((name) => name.startsWith('_') && name !== '_')).toEqual([])
    expect(names).not.toContain('AWS_XRAY_CONTEXT_MISSING')
  })

  it.external('keeps from an extension what the service keeps from it', async ({ start }) => {
    const kept = {
      AWS_EXECUTION_ENV: 'AWS_Lambda_x',
      AWS_LAMBDA_LOG_GROUP_NAME: '/my/group',
      AWS_LAMBDA_LOG_STREAM_NAME: 'my-stream',
      AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000',
      LAMBDA_RUNTIME_DIR: '/my/runtime',
      LAMBDA_TASK_ROOT: '/my/task',
    }
    await using rie = await start({ extensions: scriptedExtensions('watcher'), env: kept })
    await coldStart(rie, 'watcher')
    const names = Object.keys((await rie.extension('watcher')).env())
    for (const name of Object.keys(kept)) expect(names).not.toContain(name)
  })

  it.external('hands an extension everything else, and the address of the API', async ({ start }) => {
    const mine = {
      MY_EQUATION: '4=4',
      MY_EMPTY: '',
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_LAMBDA_FUNCTION_NAME: 'MyCoolName',
      TZ: 'Europe/Zurich',
    }
    await using rie = await start({ extensions: scriptedExtensions('watcher'), env: mine })
    await coldStart(rie, 'watcher')
    expect((await rie.extension('watcher')).env()).toMatchObject({
      ...mine,
      AWS_LAMBDA_RUNTIME_API: spell(rie.api),
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3008',
    })
  })

  it.external('starts an extension as a process of its own, without arguments', async ({ start }) => {
    await using rie = await start({
      extensions: scriptedExtensions('watcher'),
      command: [scriptedProcessFile, 'app.main'],
      cwd: tmpdir(),
    })
    await coldStart(rie, 'watcher')
    const watcher = await rie.extension('watcher')
    expect(watcher.args()).toEqual([])
    expect(watcher.cwd()).toBe(realpathSync(tmpdir()))
    expect(watcher.group()).toBe(watcher.pid)
    expect(await watcher.standardInput()).toBe('/dev/null')
  })
})
