/** What the README's Deployment says, as far as a kubelet acts on it, and the changes that podman needs to play it. */

import { YAML } from 'bun'

/** When and where a kubelet asks. */
export interface Probe {
  readonly path: string
  readonly periodMs: number
  /** how often it may fail in a row */
  readonly threshold: number
}

export interface Deployment {
  readonly startup: Probe
  readonly readiness: Probe
  readonly liveness: Probe
  readonly preStopMs: number
  readonly graceMs: number
  readonly memoryBytes: number
  readonly user: number
}

interface ProbeSpec {
  readonly httpGet: { readonly path: string; readonly port: number }
  readonly periodSeconds?: number
  readonly failureThreshold?: number
}

/** Kubernetes' own defaults for what is not said. */
function probe({ httpGet, periodSeconds = 10, failureThreshold = 3 }: ProbeSpec): Probe {
  return { path: httpGet.path, periodMs: periodSeconds * 1000, threshold: failureThreshold }
}

interface Container {
  readonly startupProbe: ProbeSpec
  readonly readinessProbe: ProbeSpec
  readonly livenessProbe: ProbeSpec
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
  readonly resources: { readonly limits: { readonly memory: string } }
  readonly securityContext: { readonly runAsUser: number }
}

interface Manifest {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number
        readonly containers: readonly [Container]
      }
    }
  }
}

export function readDeployment(text: string): Deployment {
  const { terminationGracePeriodSeconds, containers } = (YAML.parse(text) as Manifest).spec.template.spec
  const [container] = containers
  const [, gibibytes] = /^(\d+)Gi$/.exec(container.resources.limits.memory) ?? []
  return {
    startup: probe(container.startupProbe),
    readiness: probe(container.readinessProbe),
    liveness: probe(container.livenessProbe),
    preStopMs: container.lifecycle.preStop.sleep.seconds * 1000,
    graceMs: terminationGracePeriodSeconds * 1000,
    memoryBytes: Number(gibibytes) * 2 ** 30,
    user: container.securityContext.runAsUser,
  }
}

/**
 * The Deployment of one release, for podman, which has no Services: its pod is reached by a port of the machine, and two
 * releases are two Deployments.
 */
export function release(text: string, number: number, hostPort: number): string {
  const changes: readonly [RegExp, string][] = [
    [/^(metadata:\n {2}name: )my-function$/m, `$1my-function-${number}`],
    [/image: my-function:1$/m, `image: localhost/my-function:${number}`],
    [/containerPort: 8080$/m, `containerPort: 8080\n              hostPort: ${hostPort}`],
  ]
  return changes.reduce((whole, [pattern, instead]) => {
    if (!pattern.test(whole)) throw new Error(`the README's Deployment has no ${pattern}`)
    return whole.replace(pattern, instead)
  }, text)
}
