/** What a runtime finds when it starts: variables, arguments, folder. */

import { expect } from 'bun:test'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { spell } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { scriptedProcessFile } from './scripted-process.ts'

/** The variables that the runtime of an emulator gets. */
async function environment(rie: Emulator): Promise<Record<string, string>> {
  await rie.exchange()
  return (await rie.runtime()).env()
}

/** What the suite itself gives every emulator. */
const inherited = /^(PATH|SCRIPTED_PROCESSES|MINE|RIE_TEST_MARK|AWS_LAMBDA_RIE_EXTENSIONS_DIR)$/

export const environmentChapter = chapter('Environment', (it) => {
  it('passes everything on, empty values and values with = included', async ({ start }) => {
    const mine = {
      MY_EQUATION: '4=4',
      MY_EMPTY: '',
      _UNDERSCORE: 'kept',
      LANG: 'de_DE.UTF-8',
      AWS_EXECUTION_ENV: 'AWS_Lambda_x',
    }
    await using rie = await start({ env: mine })
    expect(await environment(rie)).toMatchObject(mine)
  })

  it('fills in name, version and memory size', async ({ start }) => {
    await using rie = await start()
    expect(await environment(rie)).toMatchObject({
      AWS_LAMBDA_FUNCTION_NAME: 'test_function',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3008',
      AWS_LAMBDA_LOG_STREAM_NAME: '$LATEST',
    })
  })

  it('fills in what the service sets', async ({ start }) => {
    await using rie = await start()
    expect(await environment(rie)).toMatchObject({
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/test_function',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      LAMBDA_RUNTIME_DIR: '/var/runtime',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      TZ: ':UTC',
    })
  })

  it('sets nothing else', async ({ start }) => {
    await using rie = await start({ env: { MINE: '1' } })
    const names = Object.keys(await environment(rie)).filter((name) => !/^(PWD|OLDPWD|SHLVL|_)$/.test(name))
    expect(names.filter((name) => !inherited.test(name)).toSorted()).toEqual([
      'AWS_DEFAULT_REGION',
      'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
      'AWS_LAMBDA_FUNCTION_NAME',
      'AWS_LAMBDA_FUNCTION_VERSION',
      'AWS_LAMBDA_INITIALIZATION_TYPE',
      'AWS_LAMBDA_LOG_GROUP_NAME',
      'AWS_LAMBDA_LOG_STREAM_NAME',
      'AWS_LAMBDA_METADATA_API',
      'AWS_LAMBDA_METADATA_TOKEN',
      'AWS_LAMBDA_RUNTIME_API',
      'AWS_REGION',
      'LAMBDA_RUNTIME_DIR',
      'LAMBDA_TASK_ROOT',
      'TZ',
      '_LAMBDA_TELEMETRY_LOG_FD',
    ])
  })

  it('takes the working directory for the task root where there is no /var/task', async ({ start }) => {
    await using rie = await start({ cwd: tmpdir() })
    const { LAMBDA_TASK_ROOT } = await environment(rie)
    expect(['/var/task', realpathSync(tmpdir())]).toContain(LAMBDA_TASK_ROOT!)
  })

  it('keeps what is set already', async ({ start }) => {
    const mine = {
      AWS_LAMBDA_FUNCTION_NAME: 'MyCoolName',
      AWS_LAMBDA_FUNCTION_VERSION: '7',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_LOG_GROUP_NAME: '/my/group',
      AWS_LAMBDA_LOG_STREAM_NAME: 'my-stream',
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-2',
      LAMBDA_TASK_ROOT: '/my/task',
      LAMBDA_RUNTIME_DIR: '/my/runtime',
      TZ: 'Europe/Zurich',
    }
    await using rie = await start({ env: mine })
    expect(await environment(rie)).toMatchObject(mine)
  })

  it('fills in an empty name and an empty version', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_NAME: '', AWS_LAMBDA_FUNCTION_VERSION: '' } })
    expect(await environment(rie)).toMatchObject({
      AWS_LAMBDA_FUNCTION_NAME: 'test_function',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    })
  })

  it('fills in an empty memory size and empty log names', async ({ start }) => {
    const empty = {
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '',
      AWS_LAMBDA_LOG_GROUP_NAME: '',
      AWS_LAMBDA_LOG_STREAM_NAME: '',
    }
    await using rie = await start({ env: empty })
    expect(await environment(rie)).toMatchObject({
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3008',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/test_function',
      AWS_LAMBDA_LOG_STREAM_NAME: '$LATEST',
    })
  })

  it('names the log group after the function', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_NAME: 'MyCoolName' } })
    expect(await environment(rie)).toMatchObject({ AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/MyCoolName' })
  })

  for (const [given, missing] of [
    ['AWS_REGION', 'AWS_DEFAULT_REGION'],
    ['AWS_DEFAULT_REGION', 'AWS_REGION'],
  ] as const) {
    it(`takes ${missing} from ${given}`, async ({ start }) => {
      await using rie = await start({ env: { [given]: 'ap-south-1' } })
      expect(await environment(rie)).toMatchObject({ [given]: 'ap-south-1', [missing]: 'ap-south-1' })
    })
  }

  it('always sets the address of its own Runtime API', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RUNTIME_API: 'elsewhere:1' } })
    expect(await environment(rie)).toMatchObject({ AWS_LAMBDA_RUNTIME_API: spell(rie.api) })
  })

  it('passes credentials on', async ({ start }) => {
    const mine = {
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example',
      AWS_SESSION_TOKEN: 'a=b==',
    }
    await using rie = await start({ env: mine })
    expect(await environment(rie)).toMatchObject(mine)
  })

  it('leaves credentials unset that are not set', async ({ start }) => {
    await using rie = await start()
    const names = Object.keys(await environment(rie))
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) {
      expect(names).not.toContain(name)
    }
  })

  it('leaves the handler unset where nothing provides one', async ({ start }) => {
    await using rie = await start()
    expect(Object.keys(await environment(rie))).not.toContain('_HANDLER')
  })

  for (const [winner, flags, env, args] of [
    ['the last argument of the command', [], {}, ['--foo', 'app.main']],
    ['_HANDLER before the last argument', [], { _HANDLER: 'app.main' }, ['other']],
    [
      'AWS_LAMBDA_FUNCTION_HANDLER before _HANDLER',
      [],
      { _HANDLER: 'other', AWS_LAMBDA_FUNCTION_HANDLER: 'app.main' },
      ['other'],
    ],
    [
      '--handler before every variable',
      ['--handler', 'app.main'],
      { _HANDLER: 'other', AWS_LAMBDA_FUNCTION_HANDLER: 'other' },
      ['other'],
    ],
  ] as const) {
    it(`takes ${winner} for the handler`, async ({ start }) => {
      await using rie = await start({ flags, env, command: [scriptedProcessFile, ...args] })
      expect((await environment(rie))._HANDLER).toBe('app.main')
    })
  }

  it('hands the arguments of the command on as they are', async ({ start }) => {
    const args = ['--foo', 'two words', '', '--foo=bar', '-x', 'app.main']
    await using rie = await start({ command: [scriptedProcessFile, ...args] })
    await rie.exchange()
    expect((await rie.runtime()).args()).toEqual(args)
  })

  it('starts a command in the folder that it was started in', async ({ start }) => {
    await using rie = await start({ cwd: tmpdir() })
    await rie.exchange()
    expect((await rie.runtime()).cwd()).toBe(realpathSync(tmpdir()))
  })

  it('finds a command in PATH', async ({ start }) => {
    await using rie = await start({ command: ['sh', scriptedProcessFile] })
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  it('names the function in the ARN', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_NAME: 'MyCoolName' } })
    const { event } = await rie.exchange()
    expect(event.header('Lambda-Runtime-Invoked-Function-Arn')).toBe(
      'arn:aws:lambda:us-east-1:012345678912:function:MyCoolName',
    )
  })

  it('names region and account in the ARN', async ({ start }) => {
    await using rie = await start({ env: { AWS_REGION: 'eu-central-1', AWS_ACCOUNT_ID: '111122223333' } })
    const { event } = await rie.exchange()
    expect(event.header('Lambda-Runtime-Invoked-Function-Arn')).toBe(
      'arn:aws:lambda:eu-central-1:111122223333:function:test_function',
    )
  })

  it('gives a runtime the same environment when it starts again', async ({ start }) => {
    await using rie = await start({ env: { MY_OWN: '1' } })
    const first = await environment(rie)
    ;(await rie.runtime()).kill()
    await rie.stderr.until(/signal: killed/)
    rie.drop()
    // the reference fails this one; what counts is the process after it
    await Promise.race([rie.runtime(2), rie.invoke()])
    if (rie.runtimes().length < 2) rie.invoke()
    expect((await rie.runtime(2)).env()).toEqual(first)
  })
})
