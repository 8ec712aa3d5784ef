/**
 * `--template FILE`: the functions of a template of SAM or CloudFormation, as it is written or as `sam build` and CDK write
 * it. Events, policies, roles and other resources are not looked at. Loaded where a template is named.
 * https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
 */

import { dirname, resolve } from 'node:path'
import { type DocumentPath, readDocument } from '../config/document.ts'
import { ConfigError } from '../config/kinds.ts'
import type { Variable } from '../config/options.ts'
import type { FoundFunctions, FunctionSetup } from '../config/system.ts'
import { inlineFolder, missingPackages, type Runnable, runnableOf } from './code.ts'
import { longForm } from './intrinsics.ts'
import { layersOf } from './layers.ts'
import { type EnvironmentFile, isObject } from './parameters.ts'
import { functionTypes } from './references.ts'
import { settingsOf } from './settings.ts'
import { part, Template, type TemplateSettings } from './template.ts'

export interface TemplateOutside extends TemplateSettings {
  /** where relative paths of the command line start */
  readonly cwd: string
  readonly environmentFile: EnvironmentFile
  /** limits that the flags give; undefined: none is given */
  readonly hasFlag: (option: Variable<unknown>) => boolean
  readonly hasPythonClient: (folder: string) => boolean
}

/** The functions of a template, in its order. Throws `ConfigError` for what is no template. */
export function readTemplate(file: string, outside: TemplateOutside): FoundFunctions {
  const path = resolve(outside.cwd, file)
  const document = readDocument(file, path, longForm)
  if (!isObject(document.value) || !isObject(document.value.Resources)) {
    throw new ConfigError(`${file}: this is no template: it has no Resources`)
  }
  const { region, accountId, overrides } = outside
  const settings = { region, accountId, overrides }
  const template = new Template(document, document.value, dirname(path), settings)
  tellOfOthers(template)
  const ids = template.ids(functionTypes)
  const setups = ids.map((id) => setupOf(template, id, outside))
  if (setups.length > 0 && setups.every(({ broken }) => broken !== null)) {
    throw new ConfigError(
      setups.map(({ name, place, broken }) => `${place}: ${name} cannot run: ${broken}`).join('\n'),
    )
  }
  if (setups.length === 0) throw new ConfigError(`${file}: the template has no function`)
  checkNames(template, ids)
  return { setups, mistakes: [], warnings: template.warnings }
}

/** What is not done with a resource although somebody may count on it. */
function tellOfOthers(template: Template): void {
  for (const id of template.ids(['AWS::Serverless::Application', 'AWS::CloudFormation::Stack'])) {
    const where = template.place(['Resources', id])
    template.warnings.push(
      `${where} is another template: its functions are not run, give it to another emulator`,
    )
  }
}

function checkNames(template: Template, ids: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const id of ids) {
    const name = template.nameOf(id)
    const other = seen.get(name)
    if (other !== undefined) {
      throw new ConfigError(
        `${template.place(['Resources', id, 'Properties', 'FunctionName'])} is ${JSON.stringify(name)}, which is the name of ${other} too`,
      )
    }
    seen.set(name, id)
  }
}

function setupOf(template: Template, id: string, outside: TemplateOutside): FunctionSetup {
  const name = template.nameOf(id)
  const runnable = runnableIn(template, id, outside.hasPythonClient)
  const at: DocumentPath = ['Resources', id, 'Properties']
  const { values, url } = settingsOf(template, id, outside.hasFlag)
  const variables = variablesOf(template, id, name, outside.environmentFile)
  const environment = { AWS_SAM_LOCAL: 'true', ...variables }
  const layers = layersOf(template, id)
  if (runnable.kind === 'handler' && layers.length === 0) tellPackages(template, id, runnable.cwd)
  return {
    name,
    aliases: name === id ? [] : [id],
    place: template.place(['Resources', id]),
    placeOf: (key) => template.place([...at, ...key]),
    command: runnable.kind === 'command' ? runnable.command : [],
    handler: runnable.kind === 'broken' ? undefined : runnable.handler || undefined,
    cwd: runnable.cwd,
    directory: template.folder,
    environment,
    layers,
    url,
    values,
    broken: runnable.kind === 'broken' ? runnable.reason : null,
    namesUrls: Object.values(environment).some((value) => value.includes('{{function-url:')),
  }
}

/** Code as it is written may want to be installed before it runs. A layer may have what it wants. */
function tellPackages(template: Template, id: string, folder: string): void {
  const packages = missingPackages(folder)
  if (packages.length === 0) return
  template.warnings.push(
    `${template.place(['Resources', id])}: ${folder}/package.json names ${packages.join(', ')}, not installed: npm install there, or sam build and --template .aws-sam/build/template.yaml`,
  )
}

/** How its code runs. */
function runnableIn(
  template: Template,
  id: string,
  hasPythonClient: TemplateOutside['hasPythonClient'],
): Runnable {
  const { folder } = template
  const { type, metadata } = template.resource(id)
  const runtime = template.text(id, 'Runtime')
  const handler = template.text(id, 'Handler')
  if (template.text(id, 'PackageType') === 'Image') {
    const reason = 'it is an image: run the image with this emulator in it, see "In your image" in the README'
    return { kind: 'broken', reason, cwd: folder }
  }
  const asset = metadata['aws:asset:path']
  const isServerless = type === 'AWS::Serverless::Function'
  const code = template.property(id, isServerless ? 'CodeUri' : 'Code')
  const inline = isServerless
    ? template.property(id, 'InlineCode')
    : isObject(code)
      ? code.ZipFile
      : undefined
  let found: string | null
  if (typeof inline === 'string') found = inlineFolder(inline, runtime)
  else if (typeof asset === 'string') found = resolve(folder, asset)
  else if (code === undefined && isServerless) found = folder
  else found = typeof code === 'string' && !/^s3:/.test(code) ? resolve(folder, code) : null
  const { EntryPoints } = part(metadata.BuildProperties)
  const entryPoints =
    metadata.BuildMethod === 'esbuild' && Array.isArray(EntryPoints) ? EntryPoints.map(String) : []
  return runnableOf({ id, folder, code: found, runtime, handler, entryPoints, hasPythonClient })
}

/** Variables of `Globals`, of the function, and of the file of `--env-vars`, which goes before them. */
function variablesOf(
  template: Template,
  id: string,
  name: string,
  file: EnvironmentFile,
): Record<string, string> {
  // without a prototype: variables may have the names of its members
  const given: Record<string, string | undefined> = Object.assign(
    Object.create(null),
    file.Parameters,
    file[name],
    file[id],
  )
  const ofFunction = part(part(template.resource(id).properties.Environment).Variables)
  const ofAll = part(part(template.globals(id).Environment).Variables)
  const variables: Record<string, string> = {}
  for (const [variable, value] of Object.entries({ ...ofAll, ...ofFunction })) {
    const override = given[variable]
    const own: DocumentPath = ['Resources', id, 'Properties', 'Environment', 'Variables', variable]
    const path = variable in ofFunction ? own : ['Globals', 'Function', 'Environment', 'Variables', variable]
    const found = override ?? template.value(id, value, path)
    if (found === undefined) continue
    // null is nothing, as for SAM
    variables[variable] = typeof found === 'object' && found ? JSON.stringify(found) : String(found ?? '')
  }
  const unknown = Object.keys({ ...file[name], ...file[id] }).filter(
    (variable) => !(variable in ofFunction || variable in ofAll),
  )
  for (const variable of unknown) {
    template.warnings.push(
      `--env-vars: ${id} has no variable ${variable} in the template, so it is left out, as by SAM`,
    )
  }
  return variables
}
