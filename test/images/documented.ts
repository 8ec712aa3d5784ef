/** The three ways into an image, word for word as the README has them. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { YAML } from 'bun'
import { fetched } from '../harness.ts'
import { type Case, equal, fromPython, ours, Project, silent, stops, truth } from './case.ts'
import { answering, cache, must, podman, removeContainers, root, startMs, Unavailable } from './podman.ts'
import { snippet } from './readme.ts'
import { alpine, awsPython, type Base, debian, debianNode, image } from './trees.ts'

/** The image of the documentation's first way. */
async function baseProject(engine?: 'docker' | 'podman'): Promise<Project> {
  await image(awsPython)
  const project = new Project(engine).bring('app.py')
  await project.program('x86_64')
  await project.save('base/Dockerfile', 'Dockerfile')
  await project.build()
  return project
}

/** An image of some other origin with the lines of the documentation at its end. */
async function otherProject(base: Base, files: readonly string[], script?: string): Promise<Project> {
  const from = await image(base)
  const project = new Project().bring(...files)
  const own = `FROM ${from}\nWORKDIR /var/task\nCOPY ${files.join(' ')} ./\n`
  if (script) {
    await project.program('x86_64')
    await project.save(script, 'entry_script.sh')
    await project.write('Dockerfile', wholeDockerfile(from, files))
  } else await project.write('Dockerfile', own)
  await project.build()
  return project
}

/** The Dockerfile of the documentation, on an image that stands for its base, and has the runtime client already. */
function wholeDockerfile(from: string, files: readonly string[]): string {
  const text = snippet('other/Dockerfile')
  const lines: readonly [RegExp, string][] = [
    [/^FROM python:.*$/m, `FROM ${from}`],
    [/^RUN pip install awslambdaric$/m, ''],
    [/^COPY app\.py \.\/$/m, `COPY ${files.join(' ')} ./`],
  ]
  return lines.reduce((whole, [line, instead]) => {
    if (!line.test(whole)) throw new Error(`the Dockerfile of the README has no line ${line}`)
    return whole.replace(line, instead)
  }, text)
}

/** `--network host` reaches a Runtime API of ours; without the emulator, the client in the image asks that. */
async function asksRuntimeApi(): Promise<unknown> {
  const answer = Promise.withResolvers<unknown>()
  await using api = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    routes: {
      '/2018-06-01/runtime/invocation/next': () =>
        new Response('{}', {
          headers: {
            'Content-Type': 'application/json',
            'Lambda-Runtime-Aws-Request-Id': '1',
            'Lambda-Runtime-Deadline-Ms': String(Date.now() + 9000),
            'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-1:012345678912:function:f',
          },
        }),
      '/2018-06-01/runtime/invocation/1/response': async (request) => {
        answer.resolve(await request.json())
        return new Response(null, { status: 202 })
      },
    },
    fetch: (request) => {
      answer.reject(new Error(`unexpected ${request.url}`))
      return new Response(null, { status: 404 })
    },
  })
  const variables = {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${api.port}`,
    AWS_LAMBDA_FUNCTION_NAME: 'f',
    AWS_LAMBDA_FUNCTION_VERSION: '1',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: 'g',
    AWS_LAMBDA_LOG_STREAM_NAME: 's',
    LAMBDA_TASK_ROOT: '/var/task',
    _HANDLER: 'app.handler',
  }
  const words = Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  const id = (await podman('run', '--detach', '--network', 'host', ...words, 'my-function')).trim()
  const late = setTimeout(() => answer.reject(new Error('nobody asked the Runtime API')), startMs)
  try {
    const value = await answer.promise
    truth('the emulator was started', !ours.test(await podman('logs', id)))
    return value
  } finally {
    clearTimeout(late)
    await podman('rm', '--force', '--time', '0', id)
  }
}

const inBaseImage = (engine: 'docker' | 'podman'): Case => ({
  title: `${engine}: one of AWS's base images that includes it`,
  async run() {
    using project = await baseProject(engine)
    await using container = await project.start('run')
    equal('answer', await project.invoke(), fromPython)
    truth('another emulator ran', ours.test(await container.logs()))
    return await stops(container)
  },
})

const withEntryScript = (language: string, base: Base, file: string, expected: object): Case => ({
  title: `built into another image: ${language}`,
  async run() {
    using project = await otherProject(base, [file], `${language.toLowerCase()}/entry_script.sh`)
    await using container = await project.start('run')
    equal('answer', await project.invoke(), expected)
    truth('another emulator ran', ours.test(await container.logs()))
    const figure = await stops(container)
    equal('answer to the Runtime API of Lambda', await asksRuntimeApi(), expected)
    return `${figure}; with AWS_LAMBDA_RUNTIME_API the client runs alone`
  },
})

const mounted = (title: string, start: string, make: () => Promise<Project>): Case => ({
  title,
  async run() {
    using project = await make()
    await project.run('mount/install')
    await using container = await project.start(start)
    equal('answer', await project.invoke(), fromPython)
    truth('another emulator ran', ours.test(await container.logs()))
    return await stops(container)
  },
})

const inAlpine: Case = {
  title: 'built into an Alpine image',
  async run() {
    const from = await image(alpine)
    using project = new Project().bring('index.js')
    await project.program('x86_64-musl')
    const start = 'ENTRYPOINT ["/usr/local/bin/aws-lambda-rie", "--handler", "index.handler"]\n'
    const own = `FROM ${from}\nWORKDIR /app\nCOPY index.js ./\n`
    await project.write('Dockerfile', own + snippet('other/alpine') + start)
    await project.build()
    await using container = await project.start('run')
    const answer = (await project.invoke()) as { message: string }
    equal('answer', answer.message, 'Hello from JavaScript!')
    return await stops(container)
  },
}

const mountedInAlpine: Case = {
  title: 'not in the image: Alpine without libstdc++',
  async run() {
    const from = await image(alpine)
    await podman('tag', from, 'docker.io/library/alpine:latest')
    using project = new Project()
    await project.write(
      'Dockerfile',
      `FROM ${from}\nRUN mkdir -p /var/task && cp /function /var/task/bootstrap\n`,
    )
    await project.build()
    await project.run('mount/alpine-install')
    await using container = await project.start('mount/alpine')
    equal('answer', await project.invoke(), 'hello')
    return await stops(container)
  },
}

async function composeTool(): Promise<void> {
  const folder = join(cache, 'compose')
  const pip = join(folder, 'bin/pip')
  if (await Bun.file(join(folder, 'bin/podman-compose')).exists()) return
  if (!Bun.which('python3')) throw new Unavailable('python3 is not installed')
  try {
    mkdirSync(folder, { recursive: true })
    await must(['python3', '-m', 'venv', folder])
    await fetched(() => must([pip, 'install', '--quiet', 'podman-compose==1.6.0']))
  } catch (error) {
    throw new Unavailable(`podman-compose: ${(error as Error).message}`)
  }
}

const compose: Case = silent('compose: in the image, and mounted', async () => {
  await composeTool()
  using project = await baseProject()
  await project.run('mount/install')
  await project.write('compose.yaml', project.adapt(snippet('compose/compose.yaml')))
  try {
    await project.run('compose/up')
    for (const port of [project.port, project.secondPort]) await answering(port)
    equal('answer', await project.invoke(), fromPython)
    const other = project.words('invoke').replace(String(project.port), String(project.secondPort))
    equal('answer of the mounted one', JSON.parse(await project.sh(other)), fromPython)
    await project.run('compose/down')
    equal('containers that are left', (await podman('ps', '--quiet')).trim(), '')
  } finally {
    await removeContainers()
  }
})

interface Workflow {
  readonly jobs: { readonly invoke: { readonly steps: readonly Step[] } }
}

interface Step {
  readonly uses?: string
  readonly with?: { readonly path: string }
  readonly run?: string
  readonly 'working-directory'?: string
}

/** Nothing but the function is in the workspace; the workflow has to bring the program. */
const actions: Case = silent('GitHub Actions: the steps of the workflow', async () => {
  await image(awsPython)
  using project = new Project().bring('app.py')
  await project.save('base/Dockerfile', 'Dockerfile')
  const { jobs } = YAML.parse(project.adapt(snippet('actions/workflow.yaml'))) as Workflow
  try {
    for (const step of jobs.invoke.steps) {
      if (step.run) await project.sh(step.run, join(project.path, step['working-directory'] ?? '.'))
      else if (!step.uses?.startsWith('actions/checkout@')) throw new Error(`cannot do ${step.uses}`)
      else if (step.with) symlinkSync(root, join(project.path, step.with.path))
    }
  } finally {
    await removeContainers()
  }
})

export const documentedCases: readonly Case[] = [
  inBaseImage('docker'),
  inBaseImage('podman'),
  withEntryScript('Python', debian, 'app.py', fromPython),
  withEntryScript('Node', debianNode, 'app.mjs', { message: 'Hello from Node!', event: {} }),
  inAlpine,
  mounted("not in the image: one of AWS's base images", 'mount/base', baseProject),
  mounted('not in the image: an entry point of several words', 'mount/other', () =>
    otherProject(debian, ['app.py']),
  ),
  mountedInAlpine,
  compose,
  actions,
]
