/** The cases of the reference's own end-to-end tests, on our program and on the reference itself. */
import { join } from 'node:path'
import { type Case, equal, silent, truth } from './case.ts'
import { functions } from './pid1.ts'
import { Container, root } from './podman.ts'
import { awsPython, image, reference } from './trees.ts'

interface Conversation {
  readonly title: string
  readonly handler: string
  readonly env?: Readonly<Record<string, string>>
  /** arguments after the handler */
  readonly flags?: readonly string[]
  readonly inside?: number
  /** no variables but those that the emulator sets */
  readonly bare?: boolean
  check(container: Container, subject: Subject): Promise<void>
}

type Subject = 'ours' | 'the reference'

const answers =
  (expected: string, times = 1) =>
  async (container: Container): Promise<void> => {
    for (let round = 0; round < times; round++) {
      equal('answer', (await container.invoke()).text, expected)
    }
  }

const remains = (limit: number) => async (container: Container, subject: Subject) => {
  // the reference takes the start of the runtime off the time, which is over a second on a busy machine
  if (subject === 'the reference') await container.invoke()
  const left = Number((await container.invoke()).text)
  // the handler looks after a second, and a busy machine takes some more
  truth(`${left} ms remain of ${limit}`, left <= limit && left > limit - 2500)
}

const success = '"My lambda ran succesfully"'
const arn = 'arn:aws:lambda:us-east-1:012345678912:function:'

const conversations: readonly Conversation[] = [
  {
    title: 'passes on a variable with an equals sign',
    handler: 'environment',
    env: { MyEnv: '4=4' },
    check: answers('"4=4"'),
  },
  { title: 'answers two invocations', handler: 'success', check: answers(success, 2) },
  { title: 'has an ARN', handler: 'arn', check: answers(`"${arn}test_function"`) },
  {
    title: 'has an ARN with the name of the function',
    handler: 'arn',
    env: { AWS_LAMBDA_FUNCTION_NAME: 'MyCoolName' },
    check: answers(`"${arn}MyCoolName"`),
  },
  {
    title: 'ends an invocation that takes too long',
    handler: 'sleep',
    env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '1' },
    check: answers('Task timed out after 1.00 seconds'),
  },
  {
    title: 'hands on an exception',
    handler: 'exception',
    async check(container) {
      const { errorMessage, errorType, stackTrace } = JSON.parse((await container.invoke()).text)
      equal(
        'error',
        { errorMessage, errorType },
        { errorMessage: 'Raising an exception', errorType: 'Exception' },
      )
      equal('frames', stackTrace.length, 1)
      truth(
        `the stack trace is ${stackTrace}`,
        stackTrace[0].includes('raise Exception("Raising an exception")'),
      )
    },
  },
  {
    title: 'tells the time that remains of 3 s',
    handler: 'remaining_time',
    env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' },
    check: remains(3000),
  },
  {
    title: 'tells the time that remains of 10 s',
    handler: 'remaining_time',
    env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '10' },
    check: remains(10_000),
  },
  { title: 'has 300 s by default', handler: 'remaining_time', check: remains(300_000) },
  {
    title: 'sets what a runtime needs by default',
    handler: 'success',
    bare: true,
    check: answers(success),
  },
  {
    title: 'names the function to the runtime',
    handler: 'function_name',
    env: { AWS_LAMBDA_FUNCTION_NAME: 'MyCoolName' },
    check: answers('"MyCoolName"'),
  },
  {
    title: 'takes its address after the command',
    handler: 'success',
    flags: ['--runtime-interface-emulator-address', '0.0.0.0:8081'],
    inside: 8081,
    check: answers(success),
  },
  {
    title: 'hands on a client context',
    handler: 'custom_client_context',
    async check(container) {
      const custom = { foo: 'bar', baz: 123 }
      const header = Buffer.from(JSON.stringify({ custom })).toString('base64')
      const { text } = await container.invoke({}, { 'X-Amz-Client-Context': header })
      equal('custom', JSON.parse(text), custom)
    },
  },
]

const talk = (subject: Subject, program: () => Promise<string>, conversation: Conversation): Case =>
  silent(`end to end, ${subject}: ${conversation.title}`, async () => {
    const { handler, env = {}, flags = [], check, ...rest } = conversation
    const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
    if (rest.bare) variables.push('--unsetenv-all', '--env', 'PATH=/usr/bin:/bin')
    const mount = [
      '--volume',
      `${await program()}:/rie/aws-lambda-rie:ro`,
      '--entrypoint',
      '/rie/aws-lambda-rie',
    ]
    await using container = await Container.start(await image(awsPython), {
      options: [...mount, ...functions, ...variables],
      command: ['/lambda-entrypoint.sh', `main.${handler}`, ...flags],
      inside: rest.inside ?? 8080,
    })
    await check(container, subject)
  })

const dist = async (): Promise<string> => join(root, 'dist/aws-lambda-rie')

export const endToEndCases: readonly Case[] = conversations.flatMap((conversation) => [
  talk('ours', dist, conversation),
  talk('the reference', reference, conversation),
])
