/**
 * What variables get when a process starts: unpacked layers, which lie in folders of their own and not in /opt, and addresses
 * of Function URLs. Loaded where a function has any.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../engine/ports.ts'
import { listExtensions } from './bootstrap.ts'

/** The folders of a layer that a runtime looks into, by the variable that names them. */
const folders = {
  PATH: 'bin',
  LD_LIBRARY_PATH: 'lib',
  PYTHONPATH: 'python',
  NODE_PATH: 'nodejs/node_modules',
} as const

/** These variables with what the layers add to them: the last layer goes before the others, all before what was there. */
export function withLayers(
  environment: Readonly<Record<string, string>>,
  layers: readonly string[],
): Record<string, string> {
  const all = { ...environment }
  const lastFirst = layers.toReversed()
  for (const [variable, folder] of Object.entries(folders)) {
    const found = lastFirst.map((layer) => join(layer, folder)).filter((path) => existsSync(path))
    if (found.length === 0) continue
    const before = all[variable]
    all[variable] = [...found, ...(before ? [before] : [])].join(':')
  }
  return all
}

/** These variables with addresses in the place of the markers for them; one of nobody is empty. */
export function withUrls(
  environment: Readonly<Record<string, string>>,
  urlOf: (functionName: string) => string | null,
): Record<string, string> {
  const marker = /\{\{function-url:([^}]*)\}\}/g
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replace(marker, (_, of: string) => {
        const url = urlOf(of)
        return url === null ? '' : `${url}/`
      }),
    ]),
  )
}

/** The external extensions of the layers, by their base names; that of the last layer counts. */
export function layerExtensions(layers: readonly string[], log: Pick<Log, 'error'>): Map<string, string> {
  const paths = new Map<string, string>()
  for (const layer of layers) {
    const directory = join(layer, 'extensions')
    const found = listExtensions(directory)
    if ('error' in found) {
      log.error({ directory, reason: found.error }, 'extensions cannot be listed')
      continue
    }
    for (const name of found.names) paths.set(name, join(directory, name))
  }
  return paths
}
