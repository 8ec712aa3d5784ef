/** The inner loop in a container: the code is mounted, and what is saved outside runs inside. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../harness.ts'
import { type Case, equal, silent, truth } from './case.ts'
import { mounted } from './pid1.ts'
import { Container, cache, environment, run } from './podman.ts'
import { alpine, type Base, debian, glibc, image } from './trees.ts'

/** A folder of code on this machine. */
class Code implements Disposable {
  readonly path: string

  constructor(text: string, file = 'index.mjs') {
    mkdirSync(join(cache, 'projects'), { recursive: true })
    this.path = mkdtempSync(join(cache, 'projects/watch-'))
    this.save(text, file)
  }

  save(text: string, file = 'index.mjs'): void {
    writeFileSync(join(this.path, file), text)
  }

  get options(): string[] {
    return ['--volume', `${this.path}:/var/task`, '--workdir', '/var/task']
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

const answering = (what: string) => `export const handler = async () => ${JSON.stringify(what)}\n`
const readOnly = ['--read-only', '--read-only-tmpfs=false']

interface Place {
  readonly title: string
  readonly base: Base
  readonly program: string
  readonly options?: readonly string[]
  readonly flag: '--watch' | '--watch-poll'
  /** the descriptors of the emulator that are inotify's */
  readonly inotify: boolean
}

const places: readonly Place[] = [
  {
    title: 'glibc and nothing else, read-only',
    base: glibc,
    program: 'aws-lambda-rie-x86_64',
    options: readOnly,
    flag: '--watch',
    inotify: true,
  },
  {
    title: 'Alpine, read-only',
    base: alpine,
    program: 'aws-lambda-rie-x86_64-musl',
    options: readOnly,
    flag: '--watch',
    inotify: true,
  },
  {
    title: 'glibc, where the kernel does not tell',
    base: glibc,
    program: 'aws-lambda-rie-x86_64',
    options: readOnly,
    flag: '--watch-poll',
    inotify: false,
  },
  {
    title: 'Alpine, where the kernel does not tell',
    base: alpine,
    program: 'aws-lambda-rie-x86_64-musl',
    options: readOnly,
    flag: '--watch-poll',
    inotify: false,
  },
]

/** Alpine's C++ library where the image keeps it until it is installed, which a read-only image cannot do any more. */
const libraries = ['--env', 'LD_LIBRARY_PATH=/var/apk']

async function start(base: Base, program: string, command: readonly string[], options: readonly string[]) {
  const own = base === alpine ? libraries : []
  return await Container.start(await image(base), {
    options: [...mounted(program), ...own, ...options],
    command,
  })
}

const saved = ({ title, base, program, options = [], flag, inotify }: Place): Case => ({
  title: `runs what is saved outside: ${title}`,
  async run() {
    using code = new Code(answering('one'))
    const words = [flag, '--log-level', 'debug', '--handler', 'index.handler']
    await using container = await start(base, program, words, [...code.options, ...options])
    equal('the answer', (await container.invoke()).text, '"one"')
    await until('the code to be watched', async () =>
      (await container.logs()).includes('the code is watched'),
    )
    const began = performance.now()
    code.save(answering('two, longer'))
    await until('the new answer', async () => (await container.invoke()).text === '"two, longer"')
    const ms = performance.now() - began
    const fds = await run(['sh', '-c', `ls -l /proc/${await container.pid()}/fd`])
    equal('inotify is used', fds.stdout.includes('inotify'), inotify)
    code.save('export const handler = => 1\n')
    await until('the failure', async () =>
      (await container.invoke()).text.includes('Runtime.UserCodeSyntaxError'),
    )
    code.save(answering('mended'))
    await until('the mended one', async () => (await container.invoke()).text === '"mended"')
    return `the new answer ${ms.toFixed(0)} ms after the save`
  },
})

/** Another language's client: what is mounted is watched, whoever runs it. */
const python: Case = silent('runs what is saved outside: Python', async () => {
  const answer = (what: string) => `def handler(event, context):\n    return "${what}"\n`
  using code = new Code(answer('one'), 'app.py')
  const words = [
    '--watch',
    '--log-level',
    'debug',
    '/usr/local/bin/python',
    '-m',
    'awslambdaric',
    'app.handler',
  ]
  await using container = await start(debian, 'aws-lambda-rie-x86_64', words, code.options)
  equal('the answer', (await container.invoke()).text, '"one"')
  await until('the code to be watched', async () => (await container.logs()).includes('the code is watched'))
  code.save(answer('two'), 'app.py')
  await until('the new answer', async () => (await container.invoke()).text === '"two"')
})

/** `invoke` and the console in the place where there is least. */
const client = (title: string, base: Base, program: string): Case =>
  silent(`the client and the console: ${title}`, async () => {
    using code = new Code(answering('hello'))
    const words = ['--console-anywhere', '--handler', 'index.handler']
    await using container = await start(base, program, words, [...code.options, ...readOnly])
    const page = await fetch(`http://127.0.0.1:${container.port}/_rie/`)
    truth(
      'the page is not there',
      page.status === 200 && (await page.text()).includes('<title>Lambda console</title>'),
    )
    const sent = await run(
      ['podman', 'exec', container.id, `/aws-lambda/${program}`, 'invoke', '--example', 's3', '--tail'],
      { env: environment },
    )
    equal('what the client printed', [sent.code, sent.stdout], [0, '"hello"'])
    truth(`the tail is ${sent.stderr}`, /REPORT RequestId/.test(sent.stderr))
    const list = await fetch(`http://127.0.0.1:${container.port}/_rie/invocations`)
    equal(
      'the list',
      ((await list.json()) as { what: string }[]).map(({ what }) => what),
      ['S3 ObjectCreated:Put my-bucket/photos/cat.jpg'],
    )
  })

export const watchCases: readonly Case[] = [
  ...places.map(saved),
  python,
  client('glibc and nothing else, read-only', glibc, 'aws-lambda-rie-x86_64'),
  client('Alpine, read-only', alpine, 'aws-lambda-rie-x86_64-musl'),
]
