/** A template, with the values of its properties as far as they are known on this machine. */

import type { DocumentPath, ParsedDocument } from '../config/document.ts'
import { Resolver, Unresolved } from './intrinsics.ts'
import { isObject } from './parameters.ts'
import { functionIn, functionTypes, referencesOf, type TemplateResource } from './references.ts'

/** What the values of a template depend on beside itself. */
export interface TemplateSettings {
  readonly region: string
  readonly accountId: string
  /** values of its parameters, by their names */
  readonly overrides: Readonly<Record<string, string>>
}

export class Template {
  readonly file: string
  /** absolute; where relative paths in it start */
  readonly folder: string
  /** what is left out, and what is taken otherwise than it stands there */
  readonly warnings: string[] = []
  readonly #document: ParsedDocument
  readonly #globals: Readonly<Record<string, unknown>>
  /** those whose condition holds, by their logical ids */
  readonly #resources: Record<string, TemplateResource> = {}
  readonly #resolver: Resolver

  constructor(
    document: ParsedDocument,
    top: Readonly<Record<string, unknown>>,
    folder: string,
    settings: TemplateSettings,
  ) {
    this.file = document.file
    this.folder = folder
    this.#document = document
    this.#globals = part(part(top.Globals).Function)
    const facts = {
      parameters: part(top.Parameters),
      mappings: part(top.Mappings),
      conditions: part(top.Conditions),
      resources: this.#resources,
      ...settings,
    }
    const references = referencesOf(facts, (value) => this.#resolver.resolve(value))
    this.#resolver = new Resolver(references)
    for (const [id, resource] of Object.entries(part(top.Resources))) this.#add(id, resource)
    for (const name of Object.keys(settings.overrides)) {
      if (!(name in facts.parameters)) {
        this.warnings.push(`--parameter-overrides: the template has no parameter ${name}`)
      }
    }
  }

  /** Logical ids of the resources of these types, in the order of the template. */
  ids(types: readonly string[]): string[] {
    return Object.keys(this.#resources).filter((id) => types.includes(this.type(id)))
  }

  /** Of an id that `ids` gave. */
  resource(id: string): TemplateResource {
    return this.#resources[id] as TemplateResource
  }

  type(id: string): string {
    return this.resource(id).type
  }

  /** What `Globals` says of a resource: it is about functions of SAM alone. */
  globals(id: string): Readonly<Record<string, unknown>> {
    return this.type(id) === 'AWS::Serverless::Function' ? this.#globals : {}
  }

  /** File, line and path of a value, for whoever has to look there. */
  place(path: DocumentPath): string {
    return `${this.file}:${this.#document.lineOf(path)}: ${path.slice(1).join('.') || 'the template'}`
  }

  /** What a value of a resource comes to; undefined where it is absent, or known to nobody here, which is told. */
  value(id: string, value: unknown, path: DocumentPath): unknown {
    if (value === undefined) return undefined
    try {
      const resolved = this.#resolver.resolve(value)
      return typeof resolved === 'symbol' ? undefined : resolved
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error
      this.warnings.push(`${this.place(path)} of ${id} is left out: ${error.message}`)
      return undefined
    }
  }

  /** The items of a list that are known here. */
  items(id: string, list: unknown, path: DocumentPath): string[] {
    if (!Array.isArray(list)) {
      const value = this.value(id, list, path)
      return Array.isArray(value) ? value.map(String) : []
    }
    return list.flatMap((item, index) => {
      const value = this.value(id, item, [...path, index])
      return value === undefined ? [] : [String(value)]
    })
  }

  /** A property of a function, or that of all functions. */
  property(id: string, name: string): unknown {
    const own = this.resource(id).properties[name]
    return own === undefined
      ? this.value(id, this.globals(id)[name], ['Globals', 'Function', name])
      : this.value(id, own, ['Resources', id, 'Properties', name])
  }

  /** The same as text; empty where there is none. */
  text(id: string, name: string): string {
    const value = this.property(id, name)
    return value === undefined ? '' : String(value)
  }

  /** The name of a function: the one that it is given, or its logical id. */
  nameOf(id: string): string {
    const given = this.resource(id).properties.FunctionName
    const name = this.value(id, given, ['Resources', id, 'Properties', 'FunctionName'])
    return name === undefined ? id : String(name)
  }

  /** The resource of a type whose property means this function. */
  resourceFor(id: string, type: string, property: string): string | undefined {
    return this.ids([type]).find((each) => {
      const path = ['Resources', each, 'Properties', property]
      const value = this.value(each, this.resource(each).properties[property], path)
      return value !== undefined && this.#isNamed(id, functionIn(String(value)))
    })
  }

  /** The name of another function that a value means; null: it is none of this template. */
  otherFunction(id: string, value: unknown): string | null {
    let target: string
    try {
      target = functionIn(String(this.#resolver.resolve(value)))
    } catch (error) {
      if (error instanceof Unresolved) return null
      throw error
    }
    const other = this.ids(functionTypes).find((each) => each !== id && this.#isNamed(each, target))
    return other === undefined ? null : this.nameOf(other)
  }

  #isNamed(id: string, name: string): boolean {
    return [id, this.nameOf(id)].includes(name)
  }

  #add(id: string, resource: unknown): void {
    if (!isObject(resource) || typeof resource.Type !== 'string') {
      if (id.startsWith('Fn::')) {
        this.warnings.push(`${this.place(['Resources', id])} is not unfolded; name its functions`)
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
      this.warnings.push(`${this.place(path)}: ${condition} is taken to hold: ${error.message}`)
      return true
    }
  }
}

/** A part of a template; empty where it is absent or no object. */
export function part(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}
