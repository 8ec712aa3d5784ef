/** The programs for arm64, in arm64 images, under an emulator of that machine. */
import { join } from 'node:path'
import { handlerCommand } from '../../src/handler/command.ts'
import { type Case, equal, fromPython, ours, Project, truth } from './case.ts'
import { Container, podman, root } from './podman.ts'
import { snippet } from './readme.ts'
import { arm64, arm64Musl, image } from './trees.ts'

const emulator = '/qemu-aarch64-static'

const inArm64Image: Case = {
  title: 'arm64: built into an image with Python',
  async run() {
    const from = await image(arm64)
    using project = new Project().bring('app.py')
    await project.program('arm64')
    // what the emulated emulator starts has to be emulated as well
    const words = [
      emulator,
      '/usr/local/bin/aws-lambda-rie',
      emulator,
      '/usr/bin/python3',
      '-m',
      'awslambdaric',
    ]
    const start = `ENTRYPOINT ${JSON.stringify(words)}\nCMD ["app.handler"]\n`
    const own = `FROM ${from}\nWORKDIR /app\nCOPY app.py ./\n`
    await project.write('Dockerfile', own + snippet('other/arm64') + start)
    await project.build()
    await using container = await project.start('run')
    equal('answer', await project.invoke(), fromPython)
    truth('another emulator ran', ours.test(await container.logs()))
    const { ms, code, left } = await container.stop()
    equal('exit code', code, 0)
    equal('processes that are left', left, 0)
    return `stopped in ${ms.toFixed(0)} ms`
  },
}

const version = (program: string, base: typeof arm64): Case => ({
  title: `arm64: ${program} starts`,
  async run() {
    const mount = ['--volume', `${join(root, 'dist')}:/aws-lambda:ro`]
    const words = ['--rm', ...mount, '--entrypoint', emulator, await image(base)]
    const said = await podman('run', ...words, `/aws-lambda/${program}`, '--version')
    truth(`it said ${said}`, said.startsWith('aws-lambda-rie '))
    return said.trim()
  },
})

/** The runtime is one of this machine, which the emulated emulator can start as it is. */
const onMusl: Case = {
  title: 'arm64: invokes a function on musl',
  async run() {
    const program = '/aws-lambda/aws-lambda-rie-arm64-musl'
    const options = ['--volume', `${join(root, 'dist')}:/aws-lambda:ro`, '--entrypoint', emulator]
    const command = [program, '/function']
    await using container = await Container.start(await image(arm64Musl), { options, command })
    equal('answer', (await container.invoke()).text, '"hello"')
    equal('exit code', (await container.stop()).code, 0)
    return undefined
  },
}

/**
 * A JavaScript handler. What the emulator would start for it, itself, is for a machine that this one is not: the words
 * that make it a runtime are given as the command, with the machine's emulator before them.
 */
const handler: Case = {
  title: 'arm64: serves JavaScript',
  async run() {
    const program = '/aws-lambda/aws-lambda-rie-arm64'
    const options = ['--volume', `${join(root, 'dist')}:/aws-lambda:ro`, '--entrypoint', emulator]
    const { env } = handlerCommand({
      execPath: program,
      isCompiled: true,
      mainPath: '',
      handler: 'index.handler',
      cwd: '/',
      taskRoot: undefined,
    })
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    const set = 'os.environ.update(word.split("=", 1) for word in sys.argv[3:])'
    const script = `import os, sys; ${set}; os.execv(sys.argv[1], sys.argv[1:3])`
    const runtime = [emulator, '/usr/bin/python3', '-c', script, emulator, program, ...variables]
    const command = [program, ...runtime]
    await using container = await Container.start(await image(arm64), { options, command })
    const { text } = await container.invoke()
    truth(`it answered ${text}`, JSON.parse(text).message === 'Hello from JavaScript!')
    equal('exit code', (await container.stop()).code, 0)
    return undefined
  },
}

export const arm64Cases: readonly Case[] = [
  version('aws-lambda-rie-arm64', arm64),
  version('aws-lambda-rie-arm64-musl', arm64Musl),
  inArm64Image,
  handler,
  onMusl,
]
