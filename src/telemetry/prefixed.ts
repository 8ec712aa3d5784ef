/** Lines of one function among several, on a terminal: each begins with its name. Loaded there. */

import { bytesOf, type Lines, type Sink } from './sink.ts'

const lineFeed = 10

/** A sink whose whole lines go to this one with `prefix` before each. */
export function prefixed(sink: Sink, prefix: string): Sink {
  const bytes = Buffer.from(prefix)
  return {
    write(lines) {
      sink.write(withPrefix(lines, prefix, bytes))
    },
    flush: (wait) => sink.flush(wait),
  }
}

function withPrefix(lines: Lines, prefix: string, bytes: Uint8Array): Lines {
  if (typeof lines === 'string') return eachLine(lines, prefix)
  if (!(lines instanceof Uint8Array)) return { render: () => eachLine(lines.render(), prefix) }
  const parts: Uint8Array[] = []
  const all = bytesOf(lines)
  for (let from = 0; from < all.length; ) {
    const end = all.indexOf(lineFeed, from)
    const next = end < 0 ? all.length : end + 1
    parts.push(bytes, all.subarray(from, next))
    from = next
  }
  return Buffer.concat(parts)
}

function eachLine(text: string, prefix: string): string {
  return text.replace(/[^\n]*\n|[^\n]+$/g, (line) => prefix + line)
}
