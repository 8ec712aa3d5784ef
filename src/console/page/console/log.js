// The log of the invocation that is shown.

import { byId, element, parsed } from './elements.js'

/**
 * Lines of AWS's clients have the whole time and the request id, which are the same for all; what of an entry follows
 * its first line is behind a carriage return.
 */
export function lines(text, id) {
  return text
    .replace(/\r(?!\n)/g, '\n')
    .replaceAll(`\t${id}\t`, '\t')
    .replace(/^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d\.\d{3})Z\t(\w+)\s*\t/gm, '$1  $2  ')
}

/** Of Node's lines, Python's, and lines that are JSON; what belongs to an entry has the level of its first line. */
const levelPatterns = [/^\d\d:\d\d:\d\d\.\d{3} {2}(\w+) {2}/, /^\[(\w+)\]/, /^\{.*"level":"(\w+)"/]
const levelNames = { FATAL: 'error', ERROR: 'error', CRITICAL: 'error', WARN: 'warn', WARNING: 'warn' }
const quietLevels = { DEBUG: 'debug', TRACE: 'debug' }

function levelOf(line) {
  for (const pattern of levelPatterns) {
    const level = pattern.exec(line)?.[1].toUpperCase()
    if (level !== undefined) return levelNames[level] ?? quietLevels[level] ?? ''
  }
  return /^\s|^$/.test(line) ? undefined : ''
}

/** Node's client writes an error that nobody caught as one line of JSON. */
function unfolded(line) {
  const [, before, json] =
    /^(.*(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection))\s+(\{.*\})$/.exec(line) ?? []
  const { stack } = parsed(json ?? '') ?? {}
  return Array.isArray(stack) ? `${before}  ${stack.join('\n')}` : line
}

export function showLog(text) {
  let level = ''
  const shownLines = text
    .split('\n')
    .flatMap((line) => unfolded(line).split('\n'))
    .map((line, index, all) => {
      level = levelOf(line) ?? level
      const end = index === all.length - 1 ? '' : '\n'
      return element('span', line + end, level === '' ? {} : { 'data-level': level })
    })
  byId('log').replaceChildren(...shownLines)
}
