/** Where the layers of a function of a template are on this machine. */

import { resolve } from 'node:path'
import { isFolder, unbuiltLayer } from './code.ts'
import { layerTypes } from './references.ts'
import type { Template } from './template.ts'

/** Their folders, those of all functions first. One that nobody knows here is left out, the others are not. */
export function layersOf(template: Template, id: string): string[] {
  const all = [
    ...template.items(id, template.globals(id).Layers, ['Globals', 'Function', 'Layers']),
    ...template.items(id, template.resource(id).properties.Layers, ['Resources', id, 'Properties', 'Layers']),
  ]
  return all.flatMap((layer) => {
    const found = template.ids(layerTypes).find((each) => layer.includes(`:layer:${each}:`))
    const folder = found === undefined ? null : folderOf(template, found)
    if (folder !== null) return [folder]
    const why = found === undefined ? 'it is not in this template' : 'its content is not on this machine'
    template.warnings.push(
      `${template.place(['Resources', id, 'Properties', 'Layers'])}: the layer ${layer} is left out: ${why}`,
    )
    return []
  })
}

/** Null: its content is not on this machine. */
function folderOf(template: Template, id: string): string | null {
  const { type, properties, metadata } = template.resource(id)
  const isServerless = type === 'AWS::Serverless::LayerVersion'
  const name = isServerless ? 'ContentUri' : 'Content'
  const content = template.value(id, properties[name], ['Resources', id, 'Properties', name])
  const asset = metadata['aws:asset:path']
  const built = resolve(template.folder, '.aws-sam/build', id)
  const local = typeof asset === 'string' ? asset : content
  const folder = typeof local === 'string' && !/^s3:/.test(local) ? resolve(template.folder, local) : null
  const method = metadata.BuildMethod
  if (typeof method === 'string' && isFolder(built)) return built
  if (folder === null || !isFolder(folder)) return isFolder(built) ? built : null
  if (
    typeof method !== 'string' ||
    isFolder(resolve(folder, 'python')) ||
    isFolder(resolve(folder, 'nodejs'))
  )
    return folder
  if (method.startsWith('python')) return unbuiltLayer(folder, 'python')
  return method.startsWith('nodejs') ? unbuiltLayer(folder, 'nodejs') : folder
}
