/**
 * Plays two releases of a Deployment with podman, and replaces the first by the second under load, as Kubernetes does with
 * `maxUnavailable: 0`: the new pod gets requests when its startup probe has passed, the old one gets none before it is
 * told to end. HAProxy stands for the Service, without retries; the probes are asked as the manifest says.
 *
 *     unshare --net bun rolling.ts FOLDER
 *
 * in a network of its own, so that it meets no other podman's. The folder has 1.yaml and 2.yaml, whose pods are at the
 * ports 18081 and 18082. Prints what happened as JSON; any failed request is an error.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until, within } from '../../harness.ts'
import { environment, must, podman, run } from '../podman.ts'
import { type Probe, readDeployment } from './manifest.ts'

const [folder = ''] = process.argv.slice(2)
const front = 18080
const invocations = '/2015-03-31/functions/function/invocations'
const socket = join(folder, 'haproxy.sock')
const callers = 8
/** for what 8 callers get from a busy machine */
const patienceMs = 60_000
/** of the invocation that runs when its pod is told to end */
const longMs = 3000

const deployment = readDeployment(await Bun.file(join(folder, '1.yaml')).text())
const portOf = (release: number): number => 18_080 + release
const containerOf = (release: number): string => `my-function-${release}-pod-0-function`

await must(['ip', 'link', 'set', 'lo', 'up'])

async function passes(release: number, { path }: Probe): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${portOf(release)}${path}`, {
      signal: AbortSignal.timeout(1000),
    })
    return response.status >= 200 && response.status < 400
  } catch {
    return false
  }
}

/** Whether a kubelet would take it that a probe succeeds: it may fail so often in a row. */
async function holds(release: number, probe: Probe): Promise<boolean> {
  for (let failures = 0; !(await passes(release, probe)); failures++) {
    if (failures === probe.threshold) return false
    await Bun.sleep(probe.periodMs)
  }
  return true
}

/** What a kubelet does before a pod may get requests: its startup probe, then its readiness probe. */
async function starts(release: number): Promise<void> {
  await podman('kube', 'play', join(folder, `${release}.yaml`))
  for (const probe of [deployment.startup, deployment.readiness])
    if (!(await holds(release, probe))) throw new Error(`release ${release}: ${probe.path} fails`)
}

/** HAProxy's own interface. */
async function tell(command: string): Promise<string> {
  let said = ''
  const { promise, resolve } = Promise.withResolvers<void>()
  await Bun.connect({
    unix: socket,
    socket: {
      open: (peer) => void peer.write(`${command}\n`),
      data: (_, bytes) => {
        said += bytes.toString()
      },
      close: () => resolve(),
    },
  })
  await within('HAProxy', promise)
  return said.trim()
}

function startService(): Bun.Subprocess {
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(
    file,
    `global
  stats socket ${socket} mode 600 level admin
defaults
  mode http
  timeout connect 20s
  timeout client 60s
  timeout server 60s
  # a request that fails is seen
  retries 0
frontend service
  bind 127.0.0.1:${front}
  default_backend pods
backend pods
  server release-1 127.0.0.1:${portOf(1)} disabled
  server release-2 127.0.0.1:${portOf(2)} disabled
`,
  )
  return Bun.spawn(['haproxy', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] })
}

interface Seen {
  readonly answers: Map<string, number>
  readonly failures: string[]
}

async function call(event: object, seen: Seen): Promise<void> {
  try {
    const response = await fetch(`http://127.0.0.1:${front}${invocations}`, {
      method: 'POST',
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await response.text()
    const { release = '' } = JSON.parse(text) as { release?: string }
    if (response.status !== 200 || release === '') seen.failures.push(`${response.status} ${text}`)
    else seen.answers.set(release, (seen.answers.get(release) ?? 0) + 1)
  } catch (error) {
    seen.failures.push(String(error))
  }
}

/** Closed loops of callers, until they are told to end. */
function load(seen: Seen): { end(): Promise<void> } {
  let ended = false
  const loops = Array.from({ length: callers }, async (_, n) => {
    while (!ended) await call({ ms: 20, n }, seen)
  })
  return {
    async end() {
      ended = true
      await Promise.all(loops)
    },
  }
}

const seen: Seen = { answers: new Map(), failures: [] }
const proxy = startService()
try {
  await until('HAProxy', async () => (await run(['test', '-S', socket])).code === 0)
  await starts(1)
  const inspected = await podman(
    'inspect',
    '--format',
    '{{.HostConfig.ReadonlyRootfs}} {{.Config.User}} {{.HostConfig.Memory}} {{len .HostConfig.CapDrop}}',
    containerOf(1),
  )
  await tell('enable server pods/release-1')
  const begin = performance.now()
  const running = load(seen)
  await until('answers of release 1', () => (seen.answers.get('1') ?? 0) > 200, patienceMs)
  // liveness while all environments are busy
  const alive = await holds(1, deployment.liveness)
  await starts(2)
  await tell('enable server pods/release-2')
  await until('answers of both', () => (seen.answers.get('2') ?? 0) > 50, patienceMs)
  // one that takes long is running when its pod is told to end
  await tell('set server pods/release-2 state drain')
  const long = call({ ms: longMs, n: 'long' }, seen)
  await until('the long one to run', async () => {
    const state = await (await fetch(`http://127.0.0.1:${portOf(1)}/_rie/health`)).json()
    return (state as { environments: { state: string }[] }).environments.some((one) => one.state === 'busy')
  })
  await tell('set server pods/release-2 state ready')
  // the Service forgets the pod while its preStop sleeps
  await tell('set server pods/release-1 state drain')
  await Bun.sleep(deployment.preStopMs / 10)
  const told = performance.now()
  const grace = String(deployment.graceMs / 1000)
  // the container alone: a pod's network goes after its containers in Kubernetes, and with them in podman
  const stopped = podman('stop', '--time', grace, containerOf(1)).catch(() => '')
  await long
  await until(
    'release 1 to end',
    async () => {
      const { stdout } = await run(['podman', 'inspect', '--format', '{{.State.Status}}', containerOf(1)], {
        env: environment,
      })
      return stdout.trim() === 'exited'
    },
    deployment.graceMs,
  )
  const drainMs = performance.now() - told
  await stopped
  const before = seen.answers.get('2') ?? 0
  await until('answers of release 2 alone', () => (seen.answers.get('2') ?? 0) > before + 100, patienceMs)
  await running.end()
  const { stdout, stderr } = await run(['podman', 'logs', containerOf(1)], { env: environment })
  const code = (await podman('inspect', '--format', '{{.State.ExitCode}}', containerOf(1))).trim()
  console.log(
    JSON.stringify({
      inspected: inspected.trim(),
      alive,
      seconds: (performance.now() - begin) / 1000,
      answers: Object.fromEntries(seen.answers),
      failures: seen.failures,
      drainMs,
      code: Number(code),
      told: `${stdout}${stderr}`.includes('"msg":"shutting down"'),
    }),
  )
} finally {
  proxy.kill()
  await podman('pod', 'rm', '--all', '--force', '--time', '0').catch(() => '')
}
process.exit(0)
