/** C libraries: what there must be, and what one sees where it is missing. */
import { chmodSync, cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Case, equal, silent, stops, truth } from './case.ts'
import { mounted } from './pid1.ts'
import { Container, cache, environment, must, root, run } from './podman.ts'
import { documented } from './readme.ts'
import { memory } from './surroundings.ts'
import { alpine, type Base, glibc, image, oldGlibc, scratch } from './trees.ts'

const inTree = (title: string, base: Base, program: string, handler: boolean, before = ''): Case => ({
  title: `${title}: ${handler ? 'a JavaScript handler' : 'a runtime'}`,
  async run() {
    const options = mounted(program)
    const command = handler ? ['--handler', '/index.handler'] : ['/function']
    if (before) options.splice(-1, 1, '/bin/sh')
    const words = before ? ['-c', `${before} && exec /aws-lambda/${program} ${command.join(' ')}`] : command
    await using container = await Container.start(await image(base), { options, command: words })
    const { text } = await container.invoke()
    equal(
      'answer',
      JSON.parse(text).message ?? JSON.parse(text),
      handler ? 'Hello from JavaScript!' : 'hello',
    )
    return await stops(container)
  },
})

interface Trouble {
  readonly title: string
  readonly base: Base
  readonly program: string
  /** what the README shows, with the usual place of the program */
  readonly message: string
  readonly code?: number
  readonly options?: readonly string[]
  /** the command that the emulator is given */
  readonly command?: string
}

const place = '/usr/local/bin/aws-lambda-rie'

/** Runs a program where it cannot run; what one sees has to be what the README shows. */
const trouble = ({
  title,
  base,
  program,
  message,
  code,
  options = [],
  command = '/function',
}: Trouble): Case =>
  silent(`says what is missing: ${title}`, async () => {
    documented(message)
    const file = join(cache, 'trouble')
    rmSync(file, { force: true })
    cpSync(join(root, 'dist', program), file)
    chmodSync(file, message.includes('permission') ? 0o644 : 0o755)
    const words = ['run', '--rm', '--volume', `${file}:${place}:ro`, '--entrypoint', place, ...options]
    const ended = await run(['podman', ...words, await image(base), command], { env: environment })
    rmSync(file)
    const said = ended.stdout + ended.stderr
    truth(`it ended with ${ended.code} and said ${said.slice(0, 300)}`, said.includes(message))
    if (code !== undefined) equal('exit code', ended.code, code)
  })

const x64 = 'aws-lambda-rie-x86_64'

const troubles: readonly Trouble[] = [
  {
    title: 'no libc',
    base: scratch,
    program: x64,
    message: `exec ${place}: no such file or directory`,
  },
  {
    title: 'musl in place of glibc',
    base: alpine,
    program: x64,
    message: `exec ${place}: no such file or directory`,
  },
  {
    title: 'another architecture',
    base: glibc,
    program: 'aws-lambda-rie-arm64',
    message: `exec ${place}: exec format error`,
  },
  {
    title: 'the permission to execute',
    base: glibc,
    program: x64,
    message: `exec: "${place}": permission denied`,
  },
  {
    title: 'libstdc++ on musl',
    base: alpine,
    program: `${x64}-musl`,
    message: 'Error loading shared library libstdc++.so.6: No such file or directory',
    code: 127,
  },
  {
    title: 'an environment without BUN_BE_BUN',
    base: glibc,
    program: x64,
    message: 'error: Script not found "python3"',
    options: ['--env', 'BUN_BE_BUN=1'],
    command: 'python3',
  },
]

const noProc = silent('says what is missing: /proc', async () => {
  documented('panic(main thread): abort() called`, exit code 134')
  const tree = join(cache, 'no-proc')
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(tree)
  await must(['tar', '--extract', '--file', join(cache, 'glibc.tar'), '--directory', tree])
  cpSync(join(root, 'dist', x64), join(tree, 'program'))
  const { code, stderr } = await run(['chroot', tree, '/program', '--version'])
  rmSync(tree, { recursive: true })
  equal('exit code', code, 134)
  truth(`it said ${stderr.slice(0, 300)}`, stderr.includes('panic(main thread): abort() called'))
})

const tooLittle = silent('says what is missing: memory', async () => {
  documented('exit code 137')
  const options = [...mounted(), ...memory('24m'), '--env', 'BENCH_ECHO=1']
  await using container = await Container.start(await image(glibc), { options, command: ['/function'] })
  const answer = container.invoke(`"${'a'.repeat(6_000_000)}"`).then(
    () => 'an answer',
    () => 'none',
  )
  equal('exit code', await container.exitCode(), 137)
  equal('answer', await answer, 'none')
})

const apk = 'apk add --no-cache libstdc++'

export const libcCases: readonly Case[] = [
  inTree('glibc 2.23', oldGlibc, x64, false),
  inTree('glibc 2.23', oldGlibc, x64, true),
  inTree('glibc 2.36 and nothing else', glibc, x64, false),
  inTree('musl', alpine, `${x64}-musl`, false, apk),
  inTree('musl', alpine, `${x64}-musl`, true, apk),
  ...troubles.map(trouble),
  noProc,
  tooLittle,
]
