/** What the names in a template mean on this machine. */

import { noValue, type References, Unresolved } from './intrinsics.ts'
import { isObject } from './parameters.ts'

export interface TemplateFacts {
  readonly parameters: Readonly<Record<string, unknown>>
  readonly overrides: Readonly<Record<string, string>>
  readonly mappings: Readonly<Record<string, unknown>>
  readonly conditions: Readonly<Record<string, unknown>>
  readonly resources: Readonly<Record<string, TemplateResource>>
  readonly region: string
  readonly accountId: string
}

/** A resource as it stands in the template. */
export interface TemplateResource {
  readonly type: string
  readonly properties: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, unknown>>
  readonly condition: string | null
}

export const functionTypes: readonly string[] = ['AWS::Serverless::Function', 'AWS::Lambda::Function']
export const layerTypes: readonly string[] = ['AWS::Serverless::LayerVersion', 'AWS::Lambda::LayerVersion']

/** Stands in a value for the address of a Function URL, which is known when it listens. */
export const urlMarker = (functionId: string): string => `{{function-url:${functionId}}}`

/** The name in an ARN of a function, or the name itself. */
export function functionIn(text: string): string {
  return text.includes(':function:') ? (text.split(':function:')[1]?.split(':')[0] ?? '') : text
}

export function referencesOf(facts: TemplateFacts, resolve: (value: unknown) => unknown): References {
  const { region, accountId, resources } = facts
  const pseudo: Readonly<Record<string, unknown>> = {
    'AWS::AccountId': accountId,
    'AWS::NoValue': noValue,
    'AWS::NotificationARNs': [],
    'AWS::Partition': 'aws',
    'AWS::Region': region,
    'AWS::StackId': `arn:aws:cloudformation:${region}:${accountId}:stack/local/local`,
    'AWS::StackName': 'local',
    'AWS::URLSuffix': 'amazonaws.com',
  }
  /** whose names are being resolved */
  const naming = new Set<string>()
  /** A resource of which another one needs the name is never looked at for more than that. */
  function nameOf(id: string): string {
    const { type, properties } = resources[id] as TemplateResource
    const kind = type.split('::').at(-1) ?? ''
    const name = properties[`${kind}Name`] ?? properties.Name ?? properties.TableName
    if (name === undefined) return id
    if (naming.has(id)) throw new Unresolved(`the name of ${id} needs itself`)
    naming.add(id)
    try {
      return String(resolve(name))
    } finally {
      naming.delete(id)
    }
  }
  function attribute(id: string, name: string): unknown {
    const resource = resources[id]
    if (resource === undefined) {
      // SAM makes this resource of FunctionUrlConfig
      const of = id.endsWith('Url') ? id.slice(0, -3) : ''
      const known = resources[of]?.properties.FunctionUrlConfig !== undefined
      return known && name === 'FunctionUrl' ? urlMarker(of) : undefined
    }
    if (functionTypes.includes(resource.type) && name === 'Arn') {
      return `arn:aws:lambda:${region}:${accountId}:function:${nameOf(id)}`
    }
    if (resource.type !== 'AWS::Lambda::Url' || name !== 'FunctionUrl') return undefined
    const target = targetOf(resource.properties.TargetFunctionArn)
    return target === undefined ? undefined : urlMarker(target)
  }
  /** The logical id of the function that a name, ARN or reference means. */
  function targetOf(value: unknown): string | undefined {
    const name = functionIn(String(resolve(value)))
    return Object.keys(resources).find(
      (id) => functionTypes.includes(resources[id]?.type ?? '') && (id === name || nameOf(id) === name),
    )
  }
  function parameter(name: string): unknown {
    const definition = facts.parameters[name]
    if (!isObject(definition)) return undefined
    const override = facts.overrides[name]
    const type = String(definition.Type ?? 'String')
    if (override === undefined && type.startsWith('AWS::SSM::')) {
      throw new Unresolved(
        `the parameter ${name} is looked up in the cloud; give it by --parameter-overrides`,
      )
    }
    const value = override ?? definition.Default
    if (value === undefined) {
      throw new Unresolved(`the parameter ${name} has no value; give it by --parameter-overrides ${name}=…`)
    }
    return type.startsWith('List<') || type === 'CommaDelimitedList'
      ? String(value)
          .split(',')
          .map((item) => item.trim())
      : String(value)
  }
  return {
    ref(name) {
      if (Object.hasOwn(pseudo, name)) return pseudo[name]
      if (name in facts.parameters) return parameter(name)
      const resource = resources[name]
      if (resource === undefined) return undefined
      if (layerTypes.includes(resource.type)) {
        return `arn:aws:lambda:${region}:${accountId}:layer:${name}:1`
      }
      return nameOf(name)
    },
    attribute,
    mapping(map, top, second) {
      const tops = facts.mappings[map]
      const seconds = isObject(tops) ? tops[top] : undefined
      return isObject(seconds) ? seconds[second] : undefined
    },
    condition: (name) => facts.conditions[name],
  }
}
