/** Values of variables that people have in their environments: with Windows line ends, of other programs, of no header. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { enter } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'

/** Those that end up in headers or in the ARN, which does. */
const headerVariables = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_FUNCTION_HANDLER',
  '_HANDLER',
]

/** What a runtime may have to send, and a caller to receive, when such a value is used. */
const values: Readonly<Record<string, string>> = {
  AWS_REGION: 'eu-west-1',
  AWS_DEFAULT_REGION: 'eu-west-1',
  AWS_LAMBDA_FUNCTION_NAME: 'orders',
  AWS_LAMBDA_FUNCTION_VERSION: '7',
  AWS_LAMBDA_FUNCTION_HANDLER: 'app.handler',
  _HANDLER: 'app.handler',
}

/** There is one warning that names the variable. */
async function warnedOnce(rie: Emulator, name: string): Promise<void> {
  const warned = () => rie.log.filter(({ level, msg }) => level === 'warn' && msg.includes(name))
  await until(`a warning of ${name}`, () => warned().length > 0)
  expect(warned()).toHaveLength(1)
}

export const valuesChapter = chapter('Values of variables', (it) => {
  for (const name of headerVariables) {
    it(`cuts the carriage return off ${name} from a file with Windows line ends, and says so`, async ({
      start,
    }) => {
      await using rie = await start({ env: { [name]: `${values[name]}\r` } })
      const call = rie.invoke()
      await rie.runtime()
      const inner = await enter(rie, 'inner', ['INVOKE'])
      inner.park()
      const event = await rie.reply('"answered"')
      const answer = await call
      expect([answer.status, answer.text]).toEqual([200, '"answered"'])
      const arn = event.header('Lambda-Runtime-Invoked-Function-Arn')
      const region = name.endsWith('REGION') ? 'eu-west-1' : 'us-east-1'
      const functionName = name.endsWith('_NAME') ? 'orders' : 'test_function'
      expect(arn).toBe(`arn:aws:lambda:${region}:012345678912:function:${functionName}`)
      if (name.endsWith('VERSION')) expect(answer.header('X-Amz-Executed-Version')).toBe('7')
      expect((await rie.runtime()).env()[name.replace('AWS_LAMBDA_FUNCTION_HANDLER', '_HANDLER')]).toBe(
        values[name]!,
      )
      await warnedOnce(rie, name)
    })

    for (const [kind, value] of [
      ['a character beyond Latin-1', '日本'],
      ['a line feed', 'two\nlines'],
      ['a carriage return within', 'two\rlines'],
      ['a control character', 'bell\x07'],
    ] as const) {
      it(`ends with exit code 2 for ${name} with ${kind}`, async ({ run }) => {
        const { code, stderr } = await run({ env: { [name]: value } })
        expect(code).toBe(2)
        expect(stderr).toContain(name)
      })
    }
  }

  for (const [name, value, shown] of [
    ['AWS_ACCOUNT_ID', 'your-account-id', '012345678912'],
    ['AWS_ACCOUNT_ID', '1234', '012345678912'],
    ['AWS_ACCOUNT_ID', '$ACCOUNT', '012345678912'],
    ['AWS_ACCOUNT_ID', '1234-5678-9012', '012345678912'],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '512MB', '3008'],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'plenty', '3008'],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '-1', '3008'],
    ['LOG_LEVEL', 'CRITICAL', ''],
    ['LOG_LEVEL', 'verbose', ''],
    ['LOG_LEVEL', '20', ''],
  ] as const) {
    it(`starts with ${name}=${value}, which is the function's own, warns, and passes it on`, async ({
      start,
    }) => {
      await using rie = await start({ env: { [name]: value } })
      const { event, answer } = await rie.exchange()
      expect(answer.status).toBe(200)
      expect((await rie.runtime()).env()[name]).toBe(value)
      await warnedOnce(rie, name)
      if (name === 'AWS_ACCOUNT_ID')
        expect(event.header('Lambda-Runtime-Invoked-Function-Arn')).toContain(`:${shown}:`)
      if (name.endsWith('SIZE')) await rie.stdout.until(new RegExp(`Memory Size: ${shown} MB`))
    })
  }

  it('ends with exit code 2 for a log level of the flag that nobody knows, whatever the variable says', async ({
    run,
  }) => {
    const { code, stderr } = await run({ flags: ['--log-level', 'CRITICAL'], env: { LOG_LEVEL: 'info' } })
    expect(code).toBe(2)
    expect(stderr).toContain('--log-level')
  })

  it('takes a flag before a variable with a wrong value, and does not warn of it', async ({ start }) => {
    await using rie = await start({ flags: ['--log-level', 'info'], env: { LOG_LEVEL: 'CRITICAL' } })
    expect((await rie.exchange()).answer.status).toBe(200)
    expect((await rie.runtime()).env().LOG_LEVEL).toBe('CRITICAL')
    expect(rie.log.filter(({ level }) => level === 'warn')).toEqual([])
  })
})
