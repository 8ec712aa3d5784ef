/**
 * YAML that has one key or one item of a list on a line, with a value that ends there: most files of functions are that.
 * Bun's parser reads them in a fiftieth of the library's time, but tells no lines and takes a key twice. So the keys and
 * items are found here as well, and a text counts only where both found the same, in the same order.
 */

/** By object: the line of each key or item. */
export type KeyLines = WeakMap<object, Map<string | number, number>>

/** A key, or an item where the key is null. */
interface Mark {
  readonly key: string | null
  readonly line: number
  readonly column: number
  /** what stands behind it on its line; null: nothing, or another mark */
  readonly value: string | null
}

const quoted = String.raw`"[^"\\]*"|'[^']*'`
// what it does not begin with are the signs of anchors, tags, block texts and the like
const plain = String.raw`(?!-0[xo])(?:[\w./~$(]|-(?=[\w.-]))(?:[^ :#]|:(?=[^ ])| +(?=[^ #])|(?<=[^ ])#)*`
const flowPlain = String.raw`(?!-0[xo])(?:[\w./~$(]|-(?=[\w.-]))(?:[\w./~$()+=;-]| +(?=[\w./~$()+=;-]))*`
const key = String.raw`[A-Za-z_$][\w.-]*|${quoted}`
const flowItem = `(?:${quoted}|${flowPlain})`
const flowEntry = `(?:${key}): +${flowItem}`
const flowList = String.raw`\[ *(?:${flowItem}(?: *, *${flowItem})*)? *\]`
const flowMap = String.raw`\{ *(?:${flowEntry}(?: *, *${flowEntry})*)? *\}`
const lineForm = new RegExp(
  `^( *)((?:- +)*)(?:(-)|(${key}):(?= |$))? *(${quoted}|${flowList}|${flowMap}|${plain})?(?: +#.*)? *$`,
)
const keysOfFlow = new RegExp(`(?:${quoted}|${flowPlain})(?=: )`, 'g')

/** The data of such a text, with its lines; undefined: it is another one, or has a mistake. */
export function readPlainYaml(text: string, lines: KeyLines): { readonly value: unknown } | undefined {
  const marks = marksIn(text)
  if (marks === undefined) return undefined
  let value: unknown
  try {
    value = Bun.YAML.parse(text)
  } catch {
    return undefined
  }
  return new Comparison(marks, lines).agrees(value) ? { value } : undefined
}

function marksIn(text: string): readonly Mark[] | undefined {
  // the second may be a number that loses digits, see `document.ts`
  if (/[^\n -~]|[ ,[]0\d|\d{16}/.test(text)) return undefined
  const marks: Mark[] = []
  for (const [index, content] of text.split('\n').entries()) {
    if (/^ *(#.*)?$/.test(content)) continue
    const found = content.length > 1000 ? null : lineForm.exec(content)
    if (found === null) return undefined
    const [, indent = '', dashes = '', lone, name, value] = found
    const line = index + 1
    let column = indent.length
    const items = [...dashes.matchAll(/- +/g)].map(([dash]) => {
      const at = column
      column += dash.length
      return at
    })
    if (lone !== undefined) items.push(column)
    // a text that goes on, or something that only looks like a line
    if (items.length === 0 && name === undefined) return undefined
    if (lone !== undefined && value !== undefined) return undefined
    for (const [nth, at] of items.entries()) {
      const last = nth === items.length - 1 && name === undefined
      marks.push({ key: null, line, column: at, value: last ? (value ?? null) : null })
    }
    if (name !== undefined) marks.push({ key: bare(name), line, column, value: value ?? null })
  }
  // an empty text has nothing to be compared
  return marks.length === 0 || marks.some((mark) => mark.key === '__proto__') ? undefined : marks
}

const bare = (name: string): string => name.replace(/^(["'])(.*)\1$/, '$2')
const isCollection = (value: unknown): value is object => typeof value === 'object' && value !== null

class Comparison {
  readonly #marks: readonly Mark[]
  readonly #lines: KeyLines
  #at = 0

  constructor(marks: readonly Mark[], lines: KeyLines) {
    this.#marks = marks
    this.#lines = lines
  }

  agrees(value: unknown): boolean {
    return isCollection(value) && this.#block(value) && this.#at === this.#marks.length
  }

  /** The marks from here on are the keys or items of a collection, and of all that is in it. */
  #block(value: object): boolean {
    const column = this.#marks[this.#at]?.column
    const own = new Map<string | number, number>()
    this.#lines.set(value, own)
    const isList = Array.isArray(value)
    for (const [name, inner] of Object.entries(value)) {
      const mark = this.#marks[this.#at++]
      if (mark === undefined || mark.column !== column || mark.key !== (isList ? null : name)) return false
      const next = this.#marks[this.#at]
      const isNested = mark.value === null && next !== undefined && isBelow(next, mark)
      // an item is where its content is
      own.set(isList ? Number(name) : name, isList && isNested ? next.line : mark.line)
      if (isNested ? !(isCollection(inner) && this.#block(inner)) : !this.#behind(mark, inner)) return false
    }
    return true
  }

  /** What stands behind a mark on its line is this value. */
  #behind({ value: text, line }: Mark, value: unknown): boolean {
    const isFlow = text?.startsWith('[') || text?.startsWith('{')
    if (!isFlow) return text === null ? value === null : !isCollection(value)
    if (!isCollection(value) || Object.values(value).some(isCollection)) return false
    const isList = Array.isArray(value)
    const keys = Object.keys(value)
    this.#lines.set(value, new Map(keys.map((name) => [isList ? Number(name) : name, line])))
    if (isList) return text?.startsWith('[') === true
    const named = [...(text ?? '').matchAll(keysOfFlow)].map(([name]) => bare(name))
    return !named.includes('__proto__') && named.join('\n') === keys.join('\n')
  }
}

/** Deeper, or the list of a key, which may stand below it. */
function isBelow(next: Mark, mark: Mark): boolean {
  if (next.column > mark.column) return true
  return next.column === mark.column && next.key === null && mark.key !== null
}
