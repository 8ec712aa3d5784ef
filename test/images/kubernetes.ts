/** The chapter "On Kubernetes" of the README: its manifests against published schemas, and its Deployment in use. */

import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { YAML } from 'bun'
import { type Case, equal, Project, silent, truth } from './case.ts'
import { readDeployment, release } from './kubernetes/manifest.ts'
import { knativeFlaws, kubernetesFlaws } from './kubernetes/schemas.ts'
import { cache, environment, must, podman, root, Unavailable } from './podman.ts'
import { snippet } from './readme.ts'
import { awsPython, image } from './trees.ts'

const ownKinds = ['deployment', 'service', 'autoscaler'] as const

async function checkSchemas(): Promise<void> {
  const folder = mkdtempSync(join(cache, 'manifests-'))
  try {
    for (const name of ownKinds) {
      const file = join(folder, `${name}.yaml`)
      const text = snippet(`kubernetes/${name}.yaml`)
      await Bun.write(file, text)
      equal(name, await kubernetesFlaws(file), '')
      // a field that is misspelt is seen
      await Bun.write(file, text.replace(/^( +)(\w+):/m, '$1$2x:'))
      truth(`a flaw in ${name} is not seen`, await kubernetesFlaws(file))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  const knative = snippet('kubernetes/knative.yaml')
  equal('knative', await knativeFlaws(knative), '')
  truth(
    'a flaw is not seen',
    await knativeFlaws(knative.replace('containerConcurrency', 'containerConcurency')),
  )
}

interface Autoscaler {
  readonly spec: {
    readonly scaleTargetRef: { readonly name: string; readonly kind: string }
    readonly metrics: readonly {
      readonly type: string
      readonly pods?: { readonly metric: { readonly name: string } }
    }[]
  }
}

interface Adapter {
  readonly rules: {
    readonly custom: readonly {
      readonly seriesQuery: string
      readonly name?: { readonly as: string }
      readonly metricsQuery: string
    }[]
  }
}

/** The autoscaler asks for what the adapter makes, the adapter for what the emulator tells, all of one Deployment. */
async function checkNames(): Promise<void> {
  const { spec } = YAML.parse(snippet('kubernetes/autoscaler.yaml')) as Autoscaler
  const { rules } = YAML.parse(snippet('kubernetes/adapter.yaml')) as Adapter
  const series = rules.custom.map(({ seriesQuery }) => seriesQuery.split('{')[0] as string)
  const made = rules.custom.map(({ name }, index) => name?.as ?? (series[index] as string))
  const asked = spec.metrics.flatMap(({ pods }) => pods?.metric.name ?? [])
  equal('figures that the autoscaler asks for', asked.toSorted(), made.toSorted())
  const known = await Bun.file(join(root, 'src/telemetry/prometheus.ts')).text()
  for (const name of series) truth(`the emulator tells no ${name}`, known.includes(`'${name}'`))
  const deployment = YAML.parse(snippet('kubernetes/deployment.yaml')) as {
    metadata: { name: string }
    spec: { template: { metadata: { labels: object } } }
  }
  equal('what is scaled', spec.scaleTargetRef.name, deployment.metadata.name)
  const service = YAML.parse(snippet('kubernetes/service.yaml')) as { spec: { selector: object } }
  equal('what the Service selects', service.spec.selector, deployment.spec.template.metadata.labels)
}

/** Two releases of one function, as images. */
async function buildReleases(): Promise<void> {
  await image(awsPython)
  using project = new Project().bring('sleeper.py')
  await project.program('x86_64')
  await project.save('base/Dockerfile', 'Dockerfile')
  const dockerfile = await Bun.file(join(project.path, 'Dockerfile')).text()
  await must(['mv', join(project.path, 'sleeper.py'), join(project.path, 'app.py')])
  for (const number of [1, 2]) {
    await project.write('Dockerfile', `${dockerfile}ENV RELEASE=${number}\n`)
    await must(['podman', 'build', '--quiet', '--tag', `my-function:${number}`, project.path], {
      env: environment,
    })
  }
}

interface Roll {
  readonly inspected: string
  readonly alive: boolean
  readonly seconds: number
  readonly answers: Readonly<Record<string, number>>
  readonly failures: readonly string[]
  readonly drainMs: number
  readonly code: number
  readonly told: boolean
}

async function roll(): Promise<string> {
  for (const program of ['haproxy', 'unshare', 'ip'])
    if (!Bun.which(program)) throw new Unavailable(`${program} is not installed`)
  await buildReleases()
  const folder = mkdtempSync(join(cache, 'rolling-'))
  try {
    const text = snippet('kubernetes/deployment.yaml')
    for (const number of [1, 2])
      await Bun.write(join(folder, `${number}.yaml`), release(text, number, 18_080 + number))
    const script = join(import.meta.dir, 'kubernetes/rolling.ts')
    const said = await must(['unshare', '--net', process.execPath, '--no-env-file', script, folder], {
      env: environment,
    })
    const { inspected, alive, seconds, answers, failures, drainMs, code, told } = JSON.parse(
      said.trim().split('\n').at(-1) as string,
    ) as Roll
    const { user, memoryBytes, graceMs } = readDeployment(text)
    equal('failed requests', failures, [])
    truth(
      `read-only root, user and memory: ${inspected}`,
      inspected.startsWith(`true ${user} ${memoryBytes} `),
    )
    truth(`capabilities are left: ${inspected}`, Number(inspected.split(' ').at(-1)) > 10)
    equal('alive while all environments are busy', alive, true)
    equal('exit code of the first release', code, 0)
    equal('it was told to end', told, true)
    truth(`it took ${drainMs} ms to end`, drainMs < graceMs)
    const counts = Object.entries(answers).map(([number, count]) => `${count} by release ${number}`)
    return `${counts.join(', ')} in ${seconds.toFixed(1)} s, none failed; the first ended after ${(drainMs / 1000).toFixed(1)} s`
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await podman('pod', 'rm', '--all', '--force', '--time', '0').catch(() => '')
  }
}

export const kubernetesCases: readonly Case[] = [
  silent('Kubernetes: manifests keep to the published schemas', checkSchemas),
  silent('Kubernetes: manifests name each other, and figures that there are', checkNames),
  { title: 'Kubernetes: a Deployment is replaced under load', run: roll },
]
