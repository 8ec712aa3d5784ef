/**
 * A podman of our own: images, containers and the network live in a folder of the checkout, so that nothing of the
 * machine's is touched, and images may have the names that the documentation uses.
 */
import { existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopwatch, until } from '../harness.ts'
import { freePort } from '../kit/launch.ts'

export const root: string = join(import.meta.dir, '../..')
export const cache: string = join(root, '.cache/images')

/** Why something cannot be tried here. */
export class Unavailable extends Error {}

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. Its working folder is a temporary one: podman leaves a file `oom` where it was started. */
export async function run(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string | undefined> } = {},
): Promise<Ended> {
  const child = Bun.spawn([...command], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, stdout, stderr }
}

/** The same for a command that has to succeed; what it said is the error otherwise. */
export async function must(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string | undefined> } = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(command, options)
  if (code !== 0)
    throw new Error(`${command.join(' ').slice(0, 200)}: ${(stderr || stdout).trim().slice(-600)}`)
  return stdout
}

const settings = join(cache, 'podman')
const network = 'rie-images'
/** The network, for this checkout only: others, and the machine's own podman, have other bridges and addresses. */
const networkDefinition = (): string => {
  const id = new Bun.CryptoHasher('sha256').update(root).digest('hex')
  const [second, third] = [
    200 + (Number.parseInt(id.slice(0, 2), 16) % 50),
    Number.parseInt(id.slice(2, 4), 16),
  ]
  return JSON.stringify({
    name: network,
    id,
    driver: 'bridge',
    network_interface: `rie${id.slice(0, 6)}`,
    subnets: [{ subnet: `10.${second}.${third}.0/24`, gateway: `10.${second}.${third}.1` }],
    ipv6_enabled: false,
    internal: false,
    dns_enabled: false,
    ipam_options: { driver: 'host-local' },
  })
}

/** What makes every `podman` below ours. */
export const environment: Record<string, string> = {
  CONTAINERS_CONF: join(settings, 'containers.conf'),
  CONTAINERS_STORAGE_CONF: join(settings, 'storage.conf'),
  CONTAINERS_REGISTRIES_CONF: join(settings, 'registries.conf'),
  // RUN steps without a container
  BUILDAH_ISOLATION: 'chroot',
}

export const podman = (...words: string[]): Promise<string> =>
  must(['podman', ...words], { env: environment })

/** Prepares the folder, and throws `Unavailable` where podman is missing or cannot run containers. */
export async function openPodman(): Promise<void> {
  for (const program of ['podman', 'runc', 'mmdebstrap', 'curl'])
    if (!Bun.which(program)) throw new Unavailable(`${program} is not installed`)
  if (process.getuid?.() !== 0) throw new Unavailable('not root')
  mkdirSync(settings, { recursive: true })
  writeFileSync(
    environment.CONTAINERS_CONF as string,
    `[containers]
# where these are not given, podman asks for more than a machine may allow
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
[network]
network_config_dir = "${settings}/networks"
default_network = "${network}"
`,
  )
  writeFileSync(
    environment.CONTAINERS_STORAGE_CONF as string,
    `[storage]
driver = "overlay"
graphroot = "${settings}/storage"
runroot = "${settings}/run"
`,
  )
  writeFileSync(
    environment.CONTAINERS_REGISTRIES_CONF as string,
    'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "disabled"\n',
  )
  mkdirSync(`${settings}/networks`, { recursive: true })
  writeFileSync(`${settings}/networks/${network}.json`, networkDefinition())
  try {
    await removeContainers()
  } catch (error) {
    throw new Unavailable((error as Error).message)
  }
}

/** All containers in the folder: ours, whoever left them. */
export const removeContainers = (): Promise<string> => podman('rm', '--all', '--force', '--time', '0')

export const imageExists = async (name: string): Promise<boolean> =>
  (await run(['podman', 'image', 'exists', name], { env: environment })).code === 0

/** Builds an image from a folder that holds a Dockerfile. */
export const build = (tag: string, folder: string): Promise<string> =>
  must(['podman', 'build', '--quiet', '--tag', tag, folder], { env: environment })

/** What podman and the start of a runtime in a container may take on a busy machine, in milliseconds. */
export const startMs = 120_000

/** Waits until something behind the port answers; a published port accepts before anything listens behind it. */
export const answering = (port: number): Promise<true> =>
  until(
    `an answer on port ${port}`,
    async () => {
      try {
        await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5000) })
        return true
      } catch {
        return false
      }
    },
    startMs,
  )

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface StartOptions {
  /** options of `podman run` */
  readonly options?: readonly string[]
  readonly command?: readonly string[]
  /** where the function is invoked inside; default 8080 */
  readonly inside?: number
}

/** A container of ours. Ends with its scope. */
export class Container implements AsyncDisposable {
  readonly id: string
  readonly port: number

  private constructor(id: string, port: number) {
    this.id = id
    this.port = port
  }

  /** Starts a container; returns when the emulator in it listens, or when it has ended. */
  static async start(image: string, { options = [], command = [], inside = 8080 }: StartOptions = {}) {
    const port = freePort()
    const publish = ['--publish', `127.0.0.1:${port}:${inside}`]
    const id = await podman('run', '--detach', ...publish, ...options, image, ...command)
    const container = new Container(id.trim(), port)
    let ended = false
    await Promise.race([
      answering(port),
      until('the container to end', async () => ended || (await container.status()) === 'exited', startMs),
    ]).finally(() => {
      ended = true
    })
    return container
  }

  /** The only one that runs, started by a snippet of the documentation. */
  static async only(port: number): Promise<Container> {
    const one = async () => {
      const ids = (await podman('ps', '--quiet', '--no-trunc')).trim().split('\n')
      return ids.length === 1 && ids[0]
    }
    const id = await until('one container', one, startMs)
    const container = new Container(id, port)
    await answering(port)
    return container
  }

  async inspect(format: string): Promise<string> {
    return (await podman('inspect', '--format', format, this.id)).trim()
  }

  status(): Promise<string> {
    return this.inspect('{{.State.Status}}')
  }

  async exitCode(): Promise<number> {
    return Number(await podman('wait', this.id))
  }

  /** The machine's number of PID 1. */
  async pid(): Promise<number> {
    return Number(await this.inspect('{{.State.Pid}}'))
  }

  /** What everything in it wrote on stdout and stderr. */
  async logs(): Promise<string> {
    const { stdout, stderr } = await run(['podman', 'logs', this.id], { env: environment })
    return stdout + stderr
  }

  async invoke(event: unknown = {}, headers: Record<string, string> = {}): Promise<Answer> {
    const url = `http://127.0.0.1:${this.port}/2015-03-31/functions/function/invocations`
    const body = typeof event === 'string' ? event : JSON.stringify(event)
    const response = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(60_000) })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  /** What `/_rie/state` says of its environments. */
  async environments(): Promise<readonly { readonly state: string; readonly starts: number }[]> {
    const response = await fetch(`http://127.0.0.1:${this.port}/_rie/state`)
    return ((await response.json()) as { environments: { state: string; starts: number }[] }).environments
  }

  /**
   * Signals PID 1 and says how many milliseconds it took until it was gone, without those that the machine took from us,
   * how it ended, and what was left of the container's processes. `podman stop` would add up to half a second of its own.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ ms: number; code: number; left: number }> {
    const pid = await this.pid()
    if (pid === 0) throw new Error(`it has ended by itself: ${(await this.logs()).slice(-1000)}`)
    const namespace = readlinkSync(`/proc/${pid}/ns/pid`)
    using watch = stopwatch()
    process.kill(pid, signal)
    await until('PID 1 to end', () => !existsSync(`/proc/${pid}`) || namespaceOf(pid) === undefined)
    const ms = watch.elapsed()
    // the kernel ends with PID 1 what is left; how soon, is the machine's matter
    await until('the others to end', () => processesIn(namespace) === 0).catch(() => {})
    return { ms, code: await this.exitCode(), left: processesIn(namespace) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await podman('rm', '--force', '--time', '0', this.id)
  }
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}

const processesIn = (namespace: string): number =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && namespaceOf(Number(name)) === namespace).length
