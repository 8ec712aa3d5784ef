/**
 * The functions of CloudFormation that stand in the place of values, as far as they can be known on this machine.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
 */

/** A value that is known to nobody here; the message says what it is, for a person. */
export class Unresolved extends Error {}

/** `AWS::NoValue`: the property is as if it were not there. */
export const noValue: unique symbol = Symbol('AWS::NoValue')

/** What references mean. Each gives undefined for what it does not know. */
export interface References {
  /** of a parameter, pseudo parameter or resource */
  ref(name: string): unknown
  attribute(resource: string, name: string): unknown
  mapping(map: string, top: string, second: string): unknown
  /** the definition of a condition, unresolved */
  condition(name: string): unknown
}

const shortTags = [
  'Base64',
  'Cidr',
  'FindInMap',
  'ForEach',
  'GetAtt',
  'GetAZs',
  'If',
  'ImportValue',
  'Join',
  'Length',
  'Select',
  'Split',
  'Sub',
  'ToJsonString',
  'Transform',
  'And',
  'Equals',
  'Not',
  'Or',
]

/** The long form of a short tag of YAML. */
export function longForm(tag: string): string | undefined {
  const name = tag.slice(1)
  if (name === 'Ref' || name === 'Condition') return name
  return shortTags.includes(name) ? `Fn::${name}` : undefined
}

export class Resolver {
  readonly #references: References
  /** names of conditions that are being looked at: one that needs itself has no value */
  readonly #open = new Set<string>()

  constructor(references: References) {
    this.#references = references
  }

  /** The value with all functions in it resolved. Throws `Unresolved`. Properties without a value are left out. */
  resolve(value: unknown): unknown {
    if (typeof value === 'string') return plainText(value)
    if (Array.isArray(value)) {
      return value.map((item) => this.resolve(item)).filter((item) => item !== noValue)
    }
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
    const [only] = entries
    if (entries.length === 1 && only !== undefined && isFunction(only[0])) return this.#call(only[0], only[1])
    return Object.fromEntries(
      entries.flatMap(([key, item]) => {
        const resolved = this.resolve(item)
        return resolved === noValue ? [] : [[key, resolved]]
      }),
    )
  }

  /** Whether a condition of this name holds. Throws `Unresolved`. */
  holds(name: string): boolean {
    const definition = this.#references.condition(name)
    if (definition === undefined) throw new Unresolved(`there is no condition ${name}`)
    if (this.#open.has(name)) throw new Unresolved(`the condition ${name} needs itself`)
    this.#open.add(name)
    try {
      return this.#truth(definition)
    } finally {
      this.#open.delete(name)
    }
  }

  #call(name: string, argument: unknown): unknown {
    switch (name) {
      case 'Ref':
        return this.#ref(String(argument))
      case 'Condition':
        return this.holds(String(argument))
      case 'Fn::GetAtt':
        return this.#attribute(argument)
      case 'Fn::Sub':
        return this.#substitute(argument)
      case 'Fn::Join': {
        const [delimiter, list] = this.#list(name, argument, 2)
        return (this.#items(name, list) as unknown[]).map(String).join(String(delimiter))
      }
      case 'Fn::Split': {
        const [delimiter, text] = this.#list(name, argument, 2)
        return String(this.resolve(text)).split(String(delimiter))
      }
      case 'Fn::Select': {
        const [index, list] = this.#list(name, argument, 2)
        const items = this.#items(name, list)
        const at = Number(this.resolve(index))
        if (at in items) return items[at]
        throw new Unresolved(`Select has no item ${at} of ${items.length}`)
      }
      case 'Fn::FindInMap': {
        const keys = this.#list(name, argument, 3).map((key) => String(this.resolve(key)))
        const found = this.#references.mapping(keys[0] as string, keys[1] as string, keys[2] as string)
        if (found === undefined) throw new Unresolved(`the mapping ${keys.join('.')} is not there`)
        return found
      }
      case 'Fn::If': {
        const [condition, then, otherwise] = this.#list(name, argument, 3)
        return this.resolve(this.holds(String(condition)) ? then : otherwise)
      }
      case 'Fn::Base64':
        return Buffer.from(String(this.resolve(argument))).toString('base64')
      case 'Fn::Equals':
      case 'Fn::And':
      case 'Fn::Or':
      case 'Fn::Not':
        return this.#truth({ [name]: argument })
      default:
        throw new Unresolved(`${name.replace('Fn::', '')} is known to CloudFormation only`)
    }
  }

  #truth(condition: unknown): boolean {
    const [[name, argument] = ['', undefined]] = Object.entries((condition ?? {}) as object)
    switch (name) {
      case 'Condition':
        return this.holds(String(argument))
      case 'Fn::Equals': {
        const [one, other] = this.#list(name, argument, 2).map((item) => this.resolve(item))
        return String(one) === String(other)
      }
      case 'Fn::Not':
        return !this.#truth(this.#list(name, argument, 1)[0])
      case 'Fn::And':
        return this.#list(name, argument, 1).every((item) => this.#truth(item))
      case 'Fn::Or':
        return this.#list(name, argument, 1).some((item) => this.#truth(item))
      default:
        throw new Unresolved(`${JSON.stringify(condition)} is no condition`)
    }
  }

  #ref(name: string): unknown {
    const value = this.#references.ref(name)
    if (value !== undefined) return value
    throw new Unresolved(`there is no parameter or resource ${name}`)
  }

  #attribute(argument: unknown): unknown {
    const parts = Array.isArray(argument) ? argument.map(String) : String(argument).split('.')
    const [resource = '', ...rest] = parts
    const name = rest.join('.')
    const value = this.#references.attribute(resource, name)
    if (value !== undefined) return value
    throw new Unresolved(`${resource}.${name} is known in the cloud only`)
  }

  #substitute(argument: unknown): string {
    const [text, own] = Array.isArray(argument) ? argument : [argument, {}]
    const variables = (own ?? {}) as Record<string, unknown>
    return plainText(
      String(text).replace(/\$\{([^}]*)\}/g, (_, inner: string) => {
        const name = inner.trim()
        if (name.startsWith('!')) return `\${${name.slice(1)}}`
        if (Object.hasOwn(variables, name)) return String(this.resolve(variables[name]))
        return String(name.includes('.') ? this.#attribute(name) : this.#ref(name))
      }),
    )
  }

  #list(name: string, argument: unknown, length: number): unknown[] {
    if (Array.isArray(argument) && argument.length >= length) return argument
    throw new Unresolved(`${name} needs a list of ${length}`)
  }

  #items(name: string, list: unknown): unknown[] {
    const items = this.resolve(list)
    if (Array.isArray(items)) return items
    // a parameter that is a list is a text with commas
    if (typeof items === 'string') return items.split(',')
    throw new Unresolved(`${name} has no list`)
  }
}

function isFunction(key: string): boolean {
  return key === 'Ref' || key === 'Condition' || key.startsWith('Fn::')
}

/** Values that the service looks up when it deploys. */
function plainText(text: string): string {
  const found = /\{\{resolve:[^}]*\}\}/.exec(text)
  if (found !== null) throw new Unresolved(`${found[0]} is looked up in the cloud`)
  return text
}
