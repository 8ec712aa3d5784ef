/**
 * The images that functions are put into. No image registry is asked: each is a tree of packages under the layout of
 * the image that it stands for.
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fetched } from '../harness.ts'
import { compiled, extract, glibcOnly, musl, muslTree, packages, wheel } from './packages.ts'
import { build, cache, environment, imageExists, must, podman, root, run, Unavailable } from './podman.ts'

const functions = join(import.meta.dir, 'functions')
export interface Base {
  readonly tag: string
  /** the image that it is built on */
  readonly from?: Base
  /** Fills a folder that becomes the root of the image, and returns the lines of the Dockerfile below `COPY`. */
  fill(into: string): Promise<readonly string[]>
}

/** The function of the smallest images. */
const smallRuntime = (into: string): Promise<void> =>
  compiled(join(root, 'bench/functions/runtime.c'), join(into, 'function'))

const javascript = (into: string): void => cpSync(join(functions, 'index.js'), join(into, 'index.js'))

const extraTrees = ['--dpkgopt=path-exclude=/usr/share/doc/*', '--dpkgopt=path-exclude=/usr/share/locale/*']

/** `python:3` on Debian, with the runtime client installed. */
export const debian: Base = {
  tag: 'localhost/rie/debian',
  async fill(into) {
    const include = '--include=python3,libstdc++6'
    const tar = await packages('debian', '--variant=minbase', include, ...extraTrees, 'bookworm')
    await extract(tar, into)
    mkdirSync(join(into, 'usr/local/bin'), { recursive: true })
    symlinkSync('/usr/bin/python3', join(into, 'usr/local/bin/python'))
    await wheel('manylinux2014_x86_64', '3.11', join(into, 'usr/local/lib/python3.11/dist-packages'))
    return ['ENV PATH=/usr/local/bin:/usr/bin:/bin', 'CMD ["/bin/bash"]']
  },
}

/** AWS's base image for Python, under its name; the emulator in it is the reference, as it is there. */
export const awsPython: Base = {
  tag: 'public.ecr.aws/lambda/python:3.12',
  from: debian,
  async fill(into) {
    for (const folder of ['var/runtime', 'var/task', 'usr/local/bin'])
      mkdirSync(join(into, folder), { recursive: true })
    cpSync(join(functions, 'lambda-entrypoint.sh'), join(into, 'lambda-entrypoint.sh'))
    cpSync(join(functions, 'bootstrap'), join(into, 'var/runtime/bootstrap'))
    cpSync(await reference(), join(into, 'usr/local/bin/aws-lambda-rie'))
    return [
      'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin TZ=:/etc/localtime LANG=en_US.UTF-8',
      'ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib',
      'ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime',
      'WORKDIR /var/task',
      'ENTRYPOINT ["/lambda-entrypoint.sh"]',
    ]
  },
}

/** `node:22` on Debian, with the runtime client and npx. */
export const debianNode: Base = {
  tag: 'localhost/rie/node',
  from: debian,
  async fill(into) {
    const { allClients } = await import('../clients/clients.ts')
    const launch = await allClients.find(({ name }) => name === 'node')?.prepare()
    if (!launch) throw new Unavailable('there is no client for Node')
    const modules = join(launch.cwd, 'node_modules')
    const local = join(into, 'usr/local')
    mkdirSync(join(local, 'bin'), { recursive: true })
    cpSync(launch.command[0] as string, join(local, 'bin/node'), { dereference: true })
    mkdirSync(join(into, 'var/task/node_modules'), { recursive: true })
    for (const name of readdirSync(modules).filter((each) => !each.startsWith('node-linux-')))
      cpSync(join(modules, name), join(into, 'var/task/node_modules', name), {
        recursive: true,
        verbatimSymlinks: true,
      })
    const npm = Bun.which('npm')
    if (!npm) throw new Unavailable('npm is not installed')
    await fetched(() => must([npm, 'install', '--silent', '--prefix', local, '--global', 'npm@10.9.4']))
    return ['ENV npm_config_update_notifier=false', 'WORKDIR /var/task']
  },
}

/** glibc and nothing else: no shell, no /etc, no /tmp. */
export const glibc: Base = {
  tag: 'localhost/rie/glibc',
  async fill(into) {
    await glibcOnly(await packages('glibc', '--variant=extract', '--include=libc6', 'bookworm'), into)
    await smallRuntime(into)
    await compiled(join(functions, 'bare.c'), join(into, 'bare'))
    javascript(into)
    return []
  },
}

/** The same of 2016: glibc 2.23, older than that of Amazon Linux 2 (2.26). */
export const oldGlibc: Base = {
  tag: 'localhost/rie/glibc-2.23',
  async fill(into) {
    // Nothing here knows Ubuntu's keys; the sum of the library stands in for the signature.
    const insecure = [
      '--aptopt=Acquire::AllowInsecureRepositories "true"',
      '--aptopt=APT::Get::AllowUnauthenticated "true"',
    ]
    const tar = await packages('glibc-2.23', '--variant=extract', '--include=libc6', ...insecure, 'xenial')
    await glibcOnly(tar, into)
    const library = join(into, 'lib/x86_64-linux-gnu/libc-2.23.so')
    const sum = new Bun.CryptoHasher('sha256').update(await Bun.file(library).bytes()).digest('hex')
    if (sum !== '926ee3653de7b71c8567061f3a4dfbc2ea91b6df2b49a05f11351fe1addf20cf')
      throw new Error(`xenial's libc-2.23.so has the sum ${sum}`)
    await smallRuntime(into)
    javascript(into)
    return []
  },
}

/** `alpine`: musl, busybox, and an `apk` that can install one package, libstdc++. */
export const alpine: Base = {
  tag: 'localhost/rie/alpine',
  async fill(into) {
    await musl('amd64', 'x86_64', into)
    const tar = await packages('busybox', '--variant=extract', '--include=busybox-static', 'bookworm')
    await extract(tar, into, './bin/busybox')
    for (const name of ['sh', 'cp', 'ls', 'cat', 'sleep']) symlinkSync('busybox', join(into, 'bin', name))
    cpSync(join(functions, 'apk'), join(into, 'sbin/apk'))
    mkdirSync(join(into, 'tmp'))
    await smallRuntime(into)
    javascript(into)
    return ['ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'CMD ["/bin/sh"]']
  },
}

/** No libc at all. */
export const scratch: Base = {
  tag: 'localhost/rie/scratch',
  async fill(into) {
    await smallRuntime(into)
    return []
  },
}

const emulator = 'qemu-aarch64-static'

/** Another machine's image needs that machine's emulator in it. */
function withEmulator(into: string): void {
  const path = Bun.which(emulator)
  if (!path) throw new Unavailable(`${emulator} is not installed`)
  cpSync(path, join(into, emulator), { dereference: true })
}

/** Debian with Python for arm64. */
export const arm64: Base = {
  tag: 'localhost/rie/arm64',
  async fill(into) {
    const include = ['--architectures=arm64', '--include=python3,libstdc++6']
    await extract(await packages('arm64', '--variant=extract', ...include, 'bookworm'), into)
    await wheel('manylinux2014_aarch64', '3.11', join(into, 'usr/local/lib/python3.11/dist-packages'))
    withEmulator(into)
    javascript(into)
    return []
  },
}

/** Alpine's layout for arm64, libstdc++ installed. */
export const arm64Musl: Base = {
  tag: 'localhost/rie/arm64-musl',
  async fill(into) {
    cpSync(await muslTree('arm64', 'aarch64'), into, { recursive: true, verbatimSymlinks: true })
    withEmulator(into)
    await smallRuntime(into)
    return []
  },
}

/** AWS's own emulator, from where the contract suite has it. */
export async function reference(): Promise<string> {
  const { subject } = await import('../contract/subject.ts')
  const found = await subject('reference')
  if ('missing' in found) throw new Unavailable(found.missing)
  return found.program[0] as string
}

const recipes = async (): Promise<string> => {
  const hash = new Bun.CryptoHasher('sha256').update(await Bun.file(import.meta.path).bytes())
  hash.update(await Bun.file(join(import.meta.dir, 'packages.ts')).bytes())
  for (const name of readdirSync(functions).sort()) hash.update(await Bun.file(join(functions, name)).bytes())
  return hash.digest('hex').slice(0, 16)
}

const ready = new Map<Base, Promise<string>>()

/** The tag of this image, which exists when the promise settles. Built again when a recipe has changed. */
export function image(base: Base): Promise<string> {
  const making = ready.get(base) ?? make(base)
  ready.set(base, making)
  return making
}

async function make(base: Base): Promise<string> {
  const { tag, from } = base
  const parent = from ? await image(from) : 'scratch'
  const label = `recipe=${await recipes()}`
  if (await imageExists(tag)) {
    const { stdout } = await run(
      ['podman', 'image', 'inspect', '--format', 'recipe={{.Labels.recipe}}', tag],
      {
        env: environment,
      },
    )
    if (stdout.trim() === label) return tag
    await podman('rmi', '--force', tag)
  }
  const context = join(cache, 'context')
  rmSync(context, { recursive: true, force: true })
  const into = join(context, 'root')
  mkdirSync(into, { recursive: true })
  const lines = await base.fill(into)
  chmodSync(into, 0o755)
  await Bun.write(
    join(context, 'Dockerfile'),
    [`FROM ${parent}`, 'COPY root /', ...lines, `LABEL ${label}`, ''].join('\n'),
  )
  await build(tag, context)
  rmSync(context, { recursive: true, force: true })
  return tag
}
