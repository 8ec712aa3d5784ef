/**
 * JavaScript with its comments, and what its strings, templates and regular expressions say, blanked out: what is left
 * is code, at the place where it stood. Lines and quotes stay.
 */

/** After one of these a slash begins a regular expression; after anything else it divides. */
const BEFORE_REGEXP =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield))\s*$/

/** Blanks out everything but line feeds. */
function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

/** The end of a literal that begins at `at` and ends with `quote`, past that quote. */
function endOfString(code: string, at: number, quote: string): number {
  let end = at + 1
  for (let inClass = false; end < code.length; end += 1) {
    const char = code[end]
    if (char === '\\') end += 1
    else if (char === '\n' && quote !== '`') return end
    else if (quote === '/' && char === '[') inClass = true
    else if (quote === '/' && char === ']') inClass = false
    else if (char === quote && !inClass) return end + 1
  }
  return end
}

/** Masks one module. */
export function mask(code: string): string {
  let out = ''
  let at = 0
  /** how many braces are open within each template's expression that is open */
  const templates: number[] = []
  const literal = (quote: string) => {
    const end = endOfString(code, at, quote)
    const closed = end - 1 > at && code[end - 1] === quote
    out += quote + blank(code.slice(at + 1, closed ? end - 1 : end)) + (closed ? quote : '')
    at = end
  }
  const template = (from: number) => {
    // up to the closing quote, or to an expression
    let end = from
    while (end < code.length && code[end] !== '`' && !(code[end] === '$' && code[end + 1] === '{')) {
      end += code[end] === '\\' ? 2 : 1
    }
    const opens = code[end] === '$'
    out += blank(code.slice(from, end)) + (opens ? '${' : (code[end] ?? ''))
    at = end + (opens ? 2 : 1)
    if (opens) templates.push(0)
  }
  while (at < code.length) {
    const char = code[at]!
    const two = char + (code[at + 1] ?? '')
    if (two === '//' || two === '/*') {
      const found = two === '//' ? code.indexOf('\n', at) : code.indexOf('*/', at + 2)
      const end = found < 0 ? code.length : found + (two === '//' ? 0 : 2)
      out += blank(code.slice(at, end))
      at = end
    } else if (char === '"' || char === "'") {
      literal(char)
    } else if (char === '`') {
      out += char
      template(at + 1)
    } else if (char === '/' && BEFORE_REGEXP.test(out.slice(-40))) {
      literal('/')
    } else if (char === '}' && templates.at(-1) === 0) {
      templates.pop()
      out += char
      template(at + 1)
    } else {
      const depth = templates.length - 1
      if (depth >= 0 && char === '{') templates[depth]! += 1
      if (depth >= 0 && char === '}') templates[depth]! -= 1
      out += char
      at += 1
    }
  }
  return out
}
