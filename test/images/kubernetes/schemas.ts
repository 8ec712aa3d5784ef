/** Whether manifests keep to what Kubernetes and Knative have published, by validators of others. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv'
import { YAML } from 'bun'
import { fetched } from '../../harness.ts'
import { cache, must, run, Unavailable } from '../podman.ts'

/** Has the schemas of Kubernetes in it. */
const validator = 'kubernetes-validate==1.37.0'
/** Has the CRD of Knative's Service in it. */
const serving = 'knative.dev/serving@v0.51.0'

/** What is wrong with a manifest of Kubernetes' own kinds; empty when nothing is. */
export async function kubernetesFlaws(file: string): Promise<string> {
  const folder = join(cache, 'kubernetes-validate')
  const program = join(folder, 'bin/kubernetes-validate')
  if (!existsSync(program)) {
    if (!Bun.which('python3')) throw new Unavailable('python3 is not installed')
    await must(['python3', '-m', 'venv', folder])
    await fetched(() => must([join(folder, 'bin/pip'), 'install', '--quiet', validator]))
  }
  const { code, stdout, stderr } = await run([program, '--strict', file])
  return code === 0 ? '' : `${stdout}${stderr}`
}

/** The same for a Service of Knative. */
export async function knativeFlaws(text: string): Promise<string> {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false })
  const check = ajv.compile(closed(await knativeSchema()) as object)
  return check(YAML.parse(text)) ? '' : ajv.errorsText(check.errors)
}

async function knativeSchema(): Promise<unknown> {
  if (!Bun.which('go')) throw new Unavailable('go, which downloads the schema of Knative, is not installed')
  const { Dir } = JSON.parse(await fetched(() => must(['go', 'mod', 'download', '-json', serving]))) as {
    Dir: string
  }
  const text = await Bun.file(join(Dir, 'config/core/300-resources/service.yaml')).text()
  const { spec } = YAML.parse(text) as {
    spec: { versions: { schema: { openAPIV3Schema: { properties: Record<string, unknown> } } }[] }
  }
  return spec.versions[0]?.schema.openAPIV3Schema
}

/** The API server drops fields that a schema does not name; here they are mistakes. `metadata` is described elsewhere. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const whole = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]))
  const isOpen =
    !('properties' in whole) ||
    'additionalProperties' in whole ||
    whole['x-kubernetes-preserve-unknown-fields'] === true
  return isOpen ? whole : { ...whole, additionalProperties: false }
}
