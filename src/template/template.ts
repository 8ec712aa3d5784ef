/**
 * `--template FILE`: the functions of a template of SAM or CloudFormation, as it is written or as `sam build` and CDK write
 * it. Events, policies, roles and other resources are not looked at. Loaded where a template is named.
 * https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
 */

import { dirname, resolve } from 'node:path'
import { type DocumentPath, type ParsedDocument, readDocument } from '../config/document.ts'
import { ConfigError } from '../config/kinds.ts'
import { ownOptions, type Variable, variableOptions } from '../config/options.ts'
import type { FoundFunctions, FunctionSetup } from '../config/system.ts'
import type { Given } from '../config/variables.ts'
import { inlineFolder, isFolder, missingPackages, type Runnable, runnableOf, unbuiltLayer } from './code.ts'
import { longForm, Resolver, Unresolved } from './intrinsics.ts'
import { type EnvironmentFile, isObject } from './parameters.ts'
import { functionTypes, layerTypes, referencesOf, type TemplateResource } from './references.ts'

export interface TemplateOutside {
  /** where relative paths of the command line start */
  readonly cwd: string
  readonly region: string
  readonly accountId: string
  readonly overrides: Readonly<Record<string, string>>
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
  return new Template(document, document.value, dirname(path), outside).functions()
}

class Template {
  readonly #document: ParsedDocument
  readonly #folder: string
  readonly #outside: TemplateOutside
  readonly #globals: Readonly<Record<string, unknown>>
  readonly #resources: Record<string, TemplateResource> = {}
  readonly #resolver: Resolver
  readonly #warnings: string[] = []

  constructor(
    document: ParsedDocument,
    top: Readonly<Record<string, unknown>>,
    folder: string,
    outside: TemplateOutside,
  ) {
    this.#document = document
    this.#folder = folder
    this.#outside = outside
    this.#globals = part(part(top.Globals).Function)
    const { region, accountId, overrides } = outside
    const facts = {
      parameters: part(top.Parameters),
      mappings: part(top.Mappings),
      conditions: part(top.Conditions),
      resources: this.#resources,
      overrides,
      region,
      accountId,
    }
    const references = referencesOf(facts, (value) => this.#resolver.resolve(value))
    this.#resolver = new Resolver(references)
    for (const [id, resource] of Object.entries(part(top.Resources))) this.#add(id, resource)
    for (const name of Object.keys(overrides)) {
      if (!(name in facts.parameters)) {
        this.#warnings.push(`--parameter-overrides: the template has no parameter ${name}`)
      }
    }
  }

  functions(): FoundFunctions {
    const ids = Object.keys(this.#resources).filter((id) => functionTypes.includes(this.#type(id)))
    for (const id of Object.keys(this.#resources)) this.#tell(id)
    const setups = ids.map((id) => this.#setupOf(id))
    if (setups.length > 0 && setups.every(({ broken }) => broken !== null)) {
      throw new ConfigError(
        setups.map(({ name, place, broken }) => `${place}: ${name} cannot run: ${broken}`).join('\n'),
      )
    }
    if (setups.length === 0) throw new ConfigError(`${this.#document.file}: the template has no function`)
    this.#checkNames(ids)
    return { setups, mistakes: [], warnings: this.#warnings }
  }

  #add(id: string, resource: unknown): void {
    if (!isObject(resource) || typeof resource.Type !== 'string') {
      if (id.startsWith('Fn::')) {
        this.#warnings.push(`${this.#place(['Resources', id])} is not unfolded; name its functions`)
      }
      return
    }
    const { Type: type, Properties, Metadata, Condition } = resource
    const condition = typeof Condition === 'string' ? Condition : null
    if (condition !== null && !this.#holds(condition, ['Resources', id, 'Condition'])) return
    this.#resources[id] = { type, properties: part(Properties), metadata: part(Metadata), condition }
  }

  #holds(condition: string, path: DocumentPath): boolean {
    try {
      return this.#resolver.holds(condition)
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error
      this.#warnings.push(`${this.#place(path)}: ${condition} is taken to hold: ${error.message}`)
      return true
    }
  }

  /** What is not done with a resource although somebody may count on it. */
  #tell(id: string): void {
    const type = this.#type(id)
    if (type === 'AWS::Serverless::Application' || type === 'AWS::CloudFormation::Stack') {
      const where = this.#place(['Resources', id])
      this.#warnings.push(
        `${where} is another template: its functions are not run, give it to another emulator`,
      )
    }
  }

  #type(id: string): string {
    return this.#resources[id]?.type ?? ''
  }

  #place(path: DocumentPath): string {
    return `${this.#document.file}:${this.#document.lineOf(path)}: ${path.slice(1).join('.') || 'the template'}`
  }

  /** What a property comes to; undefined where it is absent, or known to nobody here, which is told. */
  #value(id: string, value: unknown, path: DocumentPath): unknown {
    if (value === undefined) return undefined
    try {
      const resolved = this.#resolver.resolve(value)
      return typeof resolved === 'symbol' ? undefined : resolved
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error
      this.#warnings.push(`${this.#place(path)} of ${id} is left out: ${error.message}`)
      return undefined
    }
  }

  /** A property of a function, or that of all functions. */
  #property(id: string, name: string): unknown {
    const { type, properties } = this.#resources[id] as TemplateResource
    const own = properties[name]
    if (own !== undefined || type !== 'AWS::Serverless::Function') {
      return this.#value(id, own, ['Resources', id, 'Properties', name])
    }
    return this.#value(id, this.#globals[name], ['Globals', 'Function', name])
  }

  #text(id: string, name: string): string {
    const value = this.#property(id, name)
    return value === undefined ? '' : String(value)
  }

  #setupOf(id: string): FunctionSetup {
    const name = this.#nameOf(id)
    const runnable = this.#runnable(id)
    const at: DocumentPath = ['Resources', id, 'Properties']
    const values = new Map<Variable<unknown>, Given>()
    this.#limit(values, id, 'Timeout', ownOptions.functionTimeoutMs, '3')
    this.#limit(values, id, 'MemorySize', ownOptions.memorySize, '128')
    const url = this.#functionUrl(id, values)
    this.#events(id, values)
    this.#logging(id, values)
    this.#concurrency(id, values)
    this.#durable(id, values)
    const environment = { AWS_SAM_LOCAL: 'true', ...this.#environment(id, name) }
    const layers = this.#layers(id)
    if (runnable.kind === 'handler' && layers.length === 0) this.#tellPackages(id, runnable.cwd)
    return {
      name,
      aliases: name === id ? [] : [id],
      place: this.#place(['Resources', id]),
      placeOf: (key) => this.#place([...at, ...key]),
      command: runnable.kind === 'command' ? runnable.command : [],
      handler: runnable.kind === 'broken' ? undefined : runnable.handler || undefined,
      cwd: runnable.cwd,
      directory: this.#folder,
      environment,
      layers,
      url,
      values,
      broken: runnable.kind === 'broken' ? runnable.reason : null,
      namesUrls: Object.values(environment).some((value) => value.includes('{{function-url:')),
    }
  }

  /** Code as it is written may want to be installed before it runs. A layer may have what it wants. */
  #tellPackages(id: string, folder: string): void {
    const packages = missingPackages(folder)
    if (packages.length === 0) return
    this.#warnings.push(
      `${this.#place(['Resources', id])}: ${folder}/package.json names ${packages.join(', ')}, not installed: npm install there, or sam build and --template .aws-sam/build/template.yaml`,
    )
  }

  #nameOf(id: string): string {
    const given = this.#resources[id]?.properties.FunctionName
    const name = this.#value(id, given, ['Resources', id, 'Properties', 'FunctionName'])
    return name === undefined ? id : String(name)
  }

  #checkNames(ids: readonly string[]): void {
    const seen = new Map<string, string>()
    for (const id of ids) {
      const name = this.#nameOf(id)
      const other = seen.get(name)
      if (other !== undefined) {
        throw new ConfigError(
          `${this.#place(['Resources', id, 'Properties', 'FunctionName'])} is ${JSON.stringify(name)}, which is the name of ${other} too`,
        )
      }
      seen.set(name, id)
    }
  }

  #limit(
    values: Map<Variable<unknown>, Given>,
    id: string,
    property: string,
    option: Variable<unknown>,
    otherwise: string,
  ): void {
    const value = this.#property(id, property)
    const name = this.#place(['Resources', id, 'Properties', property])
    if (value !== undefined) values.set(option, { name, text: String(value) })
    else if (!this.#outside.hasFlag(option)) values.set(option, { name, text: otherwise })
  }

  #runnable(id: string): Runnable {
    const { type, metadata } = this.#resources[id] as TemplateResource
    const runtime = this.#text(id, 'Runtime')
    const handler = this.#text(id, 'Handler')
    if (this.#text(id, 'PackageType') === 'Image') {
      const reason =
        'it is an image: run the image with this emulator in it, see "In your image" in the README'
      return { kind: 'broken', reason, cwd: this.#folder }
    }
    const asset = metadata['aws:asset:path']
    const isServerless = type === 'AWS::Serverless::Function'
    const code = this.#property(id, isServerless ? 'CodeUri' : 'Code')
    const inline = isServerless ? this.#property(id, 'InlineCode') : isObject(code) ? code.ZipFile : undefined
    let folder: string | null
    if (typeof inline === 'string') folder = inlineFolder(inline, runtime)
    else if (typeof asset === 'string') folder = resolve(this.#folder, asset)
    else if (code === undefined && isServerless) folder = this.#folder
    else folder = typeof code === 'string' && !/^s3:/.test(code) ? resolve(this.#folder, code) : null
    const { EntryPoints } = part(metadata.BuildProperties)
    return runnableOf({
      id,
      folder: this.#folder,
      code: folder,
      runtime,
      handler,
      entryPoints:
        metadata.BuildMethod === 'esbuild' && Array.isArray(EntryPoints) ? EntryPoints.map(String) : [],
      hasPythonClient: this.#outside.hasPythonClient,
    })
  }

  /** Of `Globals`, of the function, and of the file of `--env-vars`, which goes before them. */
  #environment(id: string, name: string): Record<string, string> {
    const file = this.#outside.environmentFile
    const given = { ...file.Parameters, ...file[name], ...file[id] }
    const ofFunction = part(part(this.#resources[id]?.properties.Environment).Variables)
    const ofAll =
      this.#type(id) === 'AWS::Serverless::Function' ? part(part(this.#globals.Environment).Variables) : {}
    const variables: Record<string, string> = {}
    for (const [variable, value] of Object.entries({ ...ofAll, ...ofFunction })) {
      const override = given[variable]
      const own: DocumentPath = ['Resources', id, 'Properties', 'Environment', 'Variables', variable]
      const path =
        variable in ofFunction ? own : ['Globals', 'Function', 'Environment', 'Variables', variable]
      const found = override ?? this.#value(id, value, path)
      if (found !== undefined)
        variables[variable] = typeof found === 'object' ? JSON.stringify(found) : String(found)
    }
    const unknown = Object.keys({ ...file[name], ...file[id] }).filter(
      (variable) => !(variable in ofFunction || variable in ofAll),
    )
    for (const variable of unknown) {
      this.#warnings.push(
        `--env-vars: ${id} has no variable ${variable} in the template, so it is left out, as by SAM`,
      )
    }
    return variables
  }

  /** Those of all functions first. One that nobody knows here is left out, the others are not. */
  #layers(id: string): string[] {
    const own = this.#resources[id]?.properties.Layers
    const ofAll = this.#type(id) === 'AWS::Serverless::Function' ? this.#globals.Layers : undefined
    const all = [
      ...this.#items(id, ofAll, ['Globals', 'Function', 'Layers']),
      ...this.#items(id, own, ['Resources', id, 'Properties', 'Layers']),
    ]
    return all.flatMap((layer) => {
      const found = Object.keys(this.#resources).find(
        (each) => layerTypes.includes(this.#type(each)) && layer.includes(`:layer:${each}:`),
      )
      const folder = found === undefined ? null : this.#layerFolder(found)
      if (folder !== null) return [folder]
      const why = found === undefined ? 'it is not in this template' : 'its content is not on this machine'
      this.#warnings.push(
        `${this.#place(['Resources', id, 'Properties', 'Layers'])}: the layer ${layer} is left out: ${why}`,
      )
      return []
    })
  }

  /** The items of a list that are known here. */
  #items(id: string, list: unknown, path: DocumentPath): string[] {
    if (!Array.isArray(list)) return layerList(this.#value(id, list, path))
    return list.flatMap((item, index) => {
      const value = this.#value(id, item, [...path, index])
      return value === undefined ? [] : [String(value)]
    })
  }

  #layerFolder(id: string): string | null {
    const { type, properties, metadata } = this.#resources[id] as TemplateResource
    const isServerless = type === 'AWS::Serverless::LayerVersion'
    const name = isServerless ? 'ContentUri' : 'Content'
    const content = this.#value(id, properties[name], ['Resources', id, 'Properties', name])
    const asset = metadata['aws:asset:path']
    const built = resolve(this.#folder, '.aws-sam/build', id)
    const local = typeof asset === 'string' ? asset : content
    const folder = typeof local === 'string' && !/^s3:/.test(local) ? resolve(this.#folder, local) : null
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

  #functionUrl(id: string, values: Map<Variable<unknown>, Given>): FunctionSetup['url'] {
    const ofFunction =
      this.#type(id) === 'AWS::Serverless::Function' ? this.#property(id, 'FunctionUrlConfig') : undefined
    const resource = Object.keys(this.#resources).find(
      (each) => this.#type(each) === 'AWS::Lambda::Url' && this.#isFor(each, 'TargetFunctionArn', id),
    )
    const where: DocumentPath =
      resource === undefined
        ? ['Resources', id, 'Properties', 'FunctionUrlConfig']
        : ['Resources', resource, 'Properties']
    const config =
      resource === undefined ? ofFunction : this.#value(id, this.#resources[resource]?.properties, where)
    if (!isObject(config)) return null
    const name = this.#place(where)
    if (config.AuthType === 'AWS_IAM') {
      this.#warnings.push(
        `${name}: AuthType AWS_IAM is not checked: the Function URL of ${id} answers everybody`,
      )
    }
    if (config.InvokeMode !== undefined) {
      values.set(ownOptions.functionUrlInvokeMode, {
        name: `${name}.InvokeMode`,
        text: String(config.InvokeMode),
      })
    }
    if (isObject(config.Cors)) {
      values.set(ownOptions.functionUrlCors, { name: `${name}.Cors`, value: config.Cors })
    }
    return { path: null }
  }

  /** Whether this property of a resource means that function. */
  #isFor(resource: string, property: string, id: string): boolean {
    const value = this.#value(resource, this.#resources[resource]?.properties[property], [
      'Resources',
      resource,
      'Properties',
      property,
    ])
    return value !== undefined && [id, this.#nameOf(id)].includes(functionIn(String(value)))
  }

  #events(id: string, values: Map<Variable<unknown>, Given>): void {
    const { type, properties } = this.#resources[id] as TemplateResource
    // each part of it on its own: what is unknown of one leaves the others
    const ofFunction =
      type === 'AWS::Serverless::Function'
        ? (properties.EventInvokeConfig ?? this.#globals.EventInvokeConfig)
        : undefined
    const resource = Object.keys(this.#resources).find(
      (each) =>
        this.#type(each) === 'AWS::Lambda::EventInvokeConfig' && this.#isFor(each, 'FunctionName', id),
    )
    const path: DocumentPath =
      resource === undefined
        ? ['Resources', id, 'Properties', 'EventInvokeConfig']
        : ['Resources', resource, 'Properties']
    const config = resource === undefined ? ofFunction : this.#resources[resource]?.properties
    if (!isObject(config)) return
    const name = this.#place(path)
    const give = (option: Variable<unknown>, key: string): void => {
      const value = this.#value(id, config[key], [...path, key])
      if (value !== undefined) values.set(option, { name: `${name}.${key}`, text: String(value) })
    }
    give(ownOptions.asyncMaxRetries, 'MaximumRetryAttempts')
    give(ownOptions.asyncMaxAgeMs, 'MaximumEventAgeInSeconds')
    const destinations = part(config.DestinationConfig)
    for (const [key, option] of [
      ['OnSuccess', ownOptions.onSuccess],
      ['OnFailure', ownOptions.onFailure],
    ] as const) {
      const destination = destinations[key]
      if (!isObject(destination)) continue
      const other = this.#otherFunction(id, destination.Destination)
      if (other !== null) values.set(option, { name: `${name}.${key}`, text: other })
      else {
        this.#warnings.push(
          `${this.#place([...path, 'DestinationConfig', key])} of ${id} is no function of this template, and is left out; --on-success and --on-failure take files and addresses`,
        )
      }
    }
  }

  /** The name of the function that a destination means; null: it is none of this template. */
  #otherFunction(id: string, destination: unknown): string | null {
    let target: string
    try {
      target = functionIn(String(this.#resolver.resolve(destination)))
    } catch (error) {
      if (error instanceof Unresolved) return null
      throw error
    }
    const other = Object.keys(this.#resources).find(
      (each) =>
        functionTypes.includes(this.#type(each)) &&
        each !== id &&
        [each, this.#nameOf(each)].includes(target),
    )
    return other === undefined ? null : this.#nameOf(other)
  }

  /** 0 throttles a function, which is how one is switched off. More is a share of the account, which is none of ours. */
  #concurrency(id: string, values: Map<Variable<unknown>, Given>): void {
    const property = 'ReservedConcurrentExecutions'
    if (Number(this.#property(id, property) ?? 1) !== 0) return
    values.set(ownOptions.maxEnvironments, {
      name: this.#place(['Resources', id, 'Properties', property]),
      text: '0',
    })
  }

  /** https://docs.aws.amazon.com/lambda/latest/api/API_DurableConfig.html */
  #durable(id: string, values: Map<Variable<unknown>, Given>): void {
    const config = this.#property(id, 'DurableConfig')
    if (!isObject(config)) return
    const name = this.#place(['Resources', id, 'Properties', 'DurableConfig'])
    const give = (option: Variable<unknown>, key: string): void => {
      if (config[key] !== undefined) values.set(option, { name: `${name}.${key}`, text: String(config[key]) })
    }
    values.set(ownOptions.durable, { name, value: true })
    give(ownOptions.durableExecutionTimeout, 'ExecutionTimeout')
    give(ownOptions.durableRetentionDays, 'RetentionPeriodInDays')
  }

  #logging(id: string, values: Map<Variable<unknown>, Given>): void {
    const config = this.#property(id, 'LoggingConfig')
    if (!isObject(config)) return
    const name = this.#place(['Resources', id, 'Properties', 'LoggingConfig'])
    const give = (option: Variable<unknown>, key: string): void => {
      if (config[key] !== undefined) values.set(option, { name: `${name}.${key}`, text: String(config[key]) })
    }
    give(ownOptions.logFormat, 'LogFormat')
    give(variableOptions.applicationLogLevel, 'ApplicationLogLevel')
    give(variableOptions.systemLogLevel, 'SystemLogLevel')
  }
}

function part(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}

function layerList(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** The name in an ARN of a function, or the name itself. */
function functionIn(text: string): string {
  return text.includes(':function:') ? (text.split(':function:')[1]?.split(':')[0] ?? '') : text
}
