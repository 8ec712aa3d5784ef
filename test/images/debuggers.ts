/**
 * The README's chapter on debuggers in containers: its commands, its published ports, its path mappings, each with the
 * real debugger on this side of the port.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached, need, run as runOrSkip, sources, Unavailable as ToolMissing } from '../clients/client.ts'
import { allClients } from '../clients/clients.ts'
import {
  type Attached,
  attachGo,
  attachJava,
  attachNode,
  attachPython,
  goMain,
  javaFunction,
  lineOf,
} from '../debug/attach.ts'
import { fetched, until } from '../harness.ts'
import { freePort } from '../kit/launch.ts'
import { type Case, equal, silent } from './case.ts'
import { answering, build, Container, cache, environment, must, root, Unavailable } from './podman.ts'
import { debian, image } from './trees.ts'

const readme = readFileSync(join(root, 'README.md'), 'utf8')
const [, chapter = ''] = /\n## Stop in it with a debugger\n([\s\S]*?)\n## /.exec(readme) ?? []

/** The row of a runtime in the chapter's table: the command, and the port that its debugger has in the container. */
function row(runtime: string): { readonly command: string; readonly port: number } {
  const pattern = new RegExp(
    `^\\| ${runtime} \\| \`([^\`]+)\`.*\\| \`-p 127\\.0\\.0\\.1:(\\d+):\\d+\` \\|$`,
    'm',
  )
  const [, command, port] = pattern.exec(chapter) ?? []
  if (command === undefined) throw new Error(`the README has no row for the debugger of ${runtime}`)
  return { command, port: Number(port) }
}

/** The configuration of a type in the chapter's launch.json, with the folder of the editor in its place. */
function configuration(type: string, workspaceFolder: string): Record<string, unknown> {
  const [, text = ''] = /```jsonc\n([\s\S]*?)```/.exec(chapter) ?? []
  const { configurations } = Bun.JSONC.parse(text) as { configurations: { readonly type: string }[] }
  const found = configurations.find((one) => one.type === type)
  if (found === undefined) throw new Error(`the README has no launch.json for ${type}`)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: so it is called in launch.json
  return JSON.parse(JSON.stringify(found).replaceAll('${workspaceFolder}', workspaceFolder))
}

/** A function on this machine that is mounted at /var/task. */
interface Mounted {
  readonly folder: string
  /** of `podman run`, beside the folder */
  readonly options: readonly string[]
  /** as the README has it, with the words that it leaves to the reader */
  readonly command: string
  /** the port in the container */
  readonly port: number
  attach(port: number): Promise<Attached>
  readonly answer: unknown
}

/** A folder for a function, below the one that podman uses; never removed while a container may have it. */
function project(files: Readonly<Record<string, string>>): string {
  mkdirSync(join(cache, 'projects'), { recursive: true })
  const folder = mkdtempSync(join(cache, 'projects/debug-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

function client(name: string) {
  const found = allClients.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no client ${name}`)
  return found.prepare()
}

const readOnly = (path: string, inside = path): string[] => ['--volume', `${path}:${inside}:ro`]

async function node(): Promise<Mounted> {
  const { command: launch, cwd } = await client('node')
  const folder = project({
    'index.js': 'exports.handler = async (event) => {\n  const { name } = event\n  return { name }\n}\n',
  })
  // what is mounted over it needs a place
  mkdirSync(join(folder, 'node_modules'))
  const { command, port } = row('Node')
  return {
    folder,
    options: [
      ...readOnly(join(cwd, 'node_modules'), '/var/task/node_modules'),
      ...readOnly(launch[0] as string, '/usr/local/bin/node'),
    ],
    command,
    port,
    attach: (published) => attachNode(published, '/var/task/index.js', 3),
    answer: { name: 'Ada' },
  }
}

async function debugpy(): Promise<string> {
  const install = async (folder: string) => {
    const packages = ['awslambdaric==4.2.2', 'debugpy==1.8.22']
    await runOrSkip(
      [need('python3'), '-m', 'pip', 'install', '--quiet', '--target', 'packages', ...packages],
      {
        cwd: folder,
      },
    )
  }
  return join(await cached('python-debug-target', '1.8.22', { install }, sources('python')), 'packages')
}

async function python(): Promise<Mounted> {
  const packages = await debugpy()
  const folder = project({
    'app.py': 'def handler(event, context):\n    name = event["name"]\n    return {"name": name}\n',
  })
  const { command, port } = row('Python')
  const { pathMappings } = configuration('debugpy', folder)
  return {
    folder,
    options: readOnly(packages, '/usr/local/lib/python3.11/dist-packages'),
    command,
    port,
    attach: (published) =>
      attachPython(published, { pathMappings }, { file: join(folder, 'app.py'), line: 2 }),
    answer: { name: 'Ada' },
  }
}

async function delve(cwd: string): Promise<string> {
  const folder = join(root, '.cache/clients/delve-static')
  const dlv = join(folder, 'dlv')
  if (!existsSync(dlv)) {
    const install = [need('go'), 'install', 'github.com/go-delve/delve/cmd/dlv@v1.27.2']
    await fetched(() => runOrSkip(install, { cwd, env: { GOBIN: folder, CGO_ENABLED: '0' } }))
  }
  return dlv
}

/** `where`: built in the workspace, or in the container's folder, for which launch.json maps the paths. */
const go = (where: 'workspace' | 'container') => async (): Promise<Mounted> => {
  const { cwd } = await client('go')
  const dlv = await delve(cwd)
  const folder = project({})
  for (const name of ['main.go', 'go.mod', 'go.sum']) cpSync(join(cwd, name), join(folder, name))
  const words = "go build -buildvcs=false -gcflags='all=-N -l' -o bootstrap ."
  if (!chapter.includes("-gcflags='all=-N -l'")) throw new Error('the README builds Go in another way')
  const env = { CGO_ENABLED: '0' }
  if (where === 'workspace') {
    await must(['sh', '-c', words], { cwd: folder, env })
  } else {
    const inside = `mkdir -p /var/task && mount --bind ${folder} /var/task && cd /var/task && ${words}`
    const made = existsSync('/var/task')
    try {
      await must(['unshare', '--mount', 'sh', '-c', inside], { env })
    } finally {
      if (!made) rmSync('/var/task', { recursive: true, force: true })
    }
  }
  const { command, port } = row('Go')
  const { mode, substitutePath } = configuration('go', folder)
  const mapping = where === 'container' ? { mode, substitutePath } : { mode }
  const place = { file: goMain(folder), line: await lineOf(goMain(folder), 'switch wanted.Do {') }
  return {
    folder,
    options: readOnly(dlv, '/usr/local/bin/dlv'),
    command,
    port,
    attach: (published) => attachGo(published, mapping, place),
    answer: { name: 'Ada' },
  }
}

async function java(): Promise<Mounted> {
  need('jdb')
  const { command: launch, cwd } = await client('java')
  const home = (await must(['readlink', '-f', need('java')])).trim().replace(/\/bin\/java$/, '')
  const folder = project({})
  const { command, port } = row('Java')
  // the README's … is the reader's class path, its handler an example
  const own = launch.slice(launch.indexOf('-cp')).join(' ')
  const words = command.replace(/ -cp … .*$/, ` ${own}`)
  if (words === command) throw new Error('the README has another command for Java')
  const settings = existsSync('/etc/java-17-openjdk') ? readOnly('/etc/java-17-openjdk') : []
  return {
    folder,
    options: [...readOnly(home), ...readOnly(cwd), ...settings, '--env', `PATH=${home}/bin:/usr/bin:/bin`],
    command: words,
    port,
    attach: async (published) =>
      attachJava(published, await lineOf(javaFunction(cwd), 'switch (String.valueOf')),
    answer: { name: 'Ada' },
  }
}

/** An image of Python's with the emulator where the README's command expects it, and nothing of a debugger's. */
async function emulatorImage(): Promise<string> {
  const from = await image(debian)
  const folder = project({
    Dockerfile: `FROM ${from}\nCOPY aws-lambda-rie /usr/local/bin/\nWORKDIR /var/task\n`,
  })
  cpSync(join(root, 'dist/aws-lambda-rie-x86_64'), join(folder, 'aws-lambda-rie'))
  await build('localhost/rie/debugged', folder)
  rmSync(folder, { recursive: true, force: true })
  return 'localhost/rie/debugged'
}

/** Longer than the function may take. */
const limitSeconds = 1
const overdue = () => Bun.sleep(limitSeconds * 1000 + 1000)

/** Attaches, stops for longer than the limit, goes on, and looks at the answer. */
async function stopAndGo(container: Container, attached: Attached, answer: unknown): Promise<void> {
  const invoked = container.invoke({ name: 'Ada' })
  await attached.stopped()
  await overdue()
  await attached.go()
  const { status, text } = await invoked
  equal('the answer', [status, JSON.parse(text)], [200, answer])
}

async function orSkip<T>(prepare: () => Promise<T>): Promise<T> {
  try {
    return await prepare()
  } catch (error) {
    throw error instanceof ToolMissing ? new Unavailable(error.message) : error
  }
}

const debugged = (title: string, prepare: () => Promise<Mounted>): Case =>
  silent(`a debugger in a container: ${title}`, async () => {
    const { folder, options, command, port, attach, answer } = await orSkip(prepare)
    const published = freePort()
    await using container = await Container.start(await emulatorImage(), {
      options: [
        ...['--publish', `127.0.0.1:${published}:${port}`],
        ...['--volume', `${folder}:/var/task`],
        ...['--env', `AWS_LAMBDA_FUNCTION_TIMEOUT=${limitSeconds}`],
        ...['--entrypoint', '/usr/local/bin/aws-lambda-rie'],
        ...options,
      ],
      command: ['--debug', '--eager-init', ...command.split(' ')],
    })
    await listening(container, port)
    await using attached = await attach(published)
    await stopAndGo(container, attached, answer)
  })

/** The published port accepts before anything listens behind it: the container's own table says when something does. */
async function listening(container: Container, port: number): Promise<void> {
  const pid = await container.pid()
  const needle = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  await until(
    `something to listen on port ${port} of the container`,
    () =>
      ['tcp', 'tcp6'].some((table) =>
        readFileSync(`/proc/${pid}/net/${table}`, 'latin1')
          .split('\n')
          .some((line) => line.includes(needle) && / 0A /.test(line)),
      ),
    60_000,
  )
}

/** The whole command of the README, word for word but for the ports, the name of the image, and the limit. */
const asWritten: Case = silent('a debugger in a container: the command of the README', async () => {
  const packages = await orSkip(debugpy)
  const folder = project({
    'app.py': 'def handler(event, context):\n    name = event["name"]\n    return {"name": name}\n',
  })
  const from = await emulatorImage()
  const context = project({
    Dockerfile: `FROM ${from}\nCOPY packages /usr/local/lib/python3.11/dist-packages\n`,
  })
  cpSync(packages, join(context, 'packages'), { recursive: true })
  await build('my-function', context)
  rmSync(context, { recursive: true, force: true })
  const [, code = ''] = /```sh\n(docker run [\s\S]*?)```/.exec(chapter) ?? []
  const [gateway, published] = [freePort(), freePort()]
  const words = code
    .replace('docker run --rm', `podman run --detach --env AWS_LAMBDA_FUNCTION_TIMEOUT=${limitSeconds}`)
    .replace('9000:8080', `127.0.0.1:${gateway}:8080`)
    .replace('127.0.0.1:5678:5678', `127.0.0.1:${published}:5678`)
    .replace('my-function', 'localhost/my-function')
  const env = { ...environment }
  await must(['bash', '-euo', 'pipefail', '-c', words], { cwd: folder, env })
  await using container = await Container.only(gateway)
  await answering(gateway)
  await listening(container, 5678)
  const { pathMappings } = configuration('debugpy', folder)
  {
    const place = { file: join(folder, 'app.py'), line: 2 }
    await using attached = await attachPython(published, { pathMappings }, place)
    await stopAndGo(container, attached, { name: 'Ada' })
  }
  // it watches too: the mounted file is saved, and the new code can be stopped in again
  const saved = 'def handler(event, context):\n    name = event["name"]\n    return {"saved": name}\n'
  const starts = async () => (await container.environments())[0]?.starts
  const before = await starts()
  writeFileSync(join(folder, 'app.py'), saved)
  await until('the new code to start', async () => (await starts()) !== before, 60_000)
  await listening(container, 5678)
  const place = { file: join(folder, 'app.py'), line: 3 }
  await using again = await attachPython(published, { pathMappings }, place)
  await stopAndGo(container, again, { saved: 'Ada' })
})

export const debuggerCases: readonly Case[] = [
  debugged('Node', node),
  debugged('Python', python),
  debugged('Go, built in the workspace', go('workspace')),
  debugged("Go, built in the container's folder", go('container')),
  debugged('Java', java),
  asWritten,
]
