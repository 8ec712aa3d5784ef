// The invocation that is shown: its answer, its times, its event.

import { byId, clock, element, milliseconds, parsed, pretty } from './elements.js'
import { lines, showLog } from './log.js'

/** Summaries by id, newest last. */
export const invocations = new Map()
/** answers that this page is reading itself, by id */
export const streaming = new Map()
/** its id; null before the first is shown */
export let selected = null

/** What is kept is cut at 64 KB. */
const shown = (kept) =>
  kept === null ? '' : kept.text + (kept.cut ? `\n… (${kept.bytes} bytes in all)` : '')

export async function select(id) {
  selected = id
  for (const button of byId('invocations').querySelectorAll('button')) {
    button.setAttribute('aria-current', String(button.dataset.id === id))
  }
  byId('detail').hidden = false
  byId('nothing').hidden = true
  byId('id').textContent = id
  for (const part of ['when', 'log', 'sent', 'head-rie', 'head-lambda']) byId(part).textContent = ''
  showAnswer('')
  byId('bar').replaceChildren()
  byId('legend').replaceChildren()
  badge(invocations.get(id)?.state ?? 'waiting')
  if (streaming.has(id)) showAnswer(streaming.get(id))
  // one that was sent a moment ago is told of when it has arrived
  if (invocations.has(id)) await load(id)
}

/** what is known of it; null before the first is shown */
export let whole = null

export async function load(id) {
  const response = await fetch(`/_rie/invocations/${id}`).catch(() => null)
  if (response === null || !response.ok || selected !== id) return
  whole = await response.json()
  if (selected !== id) return
  const { state, arrivedAt, environment, answer, heads, log, event: sent } = whole
  badge(state)
  byId('when').textContent =
    `${clock(arrivedAt)}${environment === null ? '' : ` · environment ${environment}`}`
  const read = streaming.get(id)
  if (read && (answer === null || answer.cut || whole.streamMs !== null)) showAnswer(read, state)
  else if (answer !== null) showAnswer(shown(answer), state)
  else if (whole.streamMs !== null)
    showAnswer('a stream: its bytes went to the caller, and are not kept here')
  else showAnswer(state === 'running' || state === 'waiting' ? '…' : '')
  showHead('head-rie', heads?.rie)
  showHead('head-lambda', heads?.lambda)
  showLog(lines(shown(log), id).trimEnd() || 'nothing was written')
  byId('sent').textContent = sent === null ? 'it came before this page was opened' : pretty(shown(sent))
  for (const button of ['replay', 'edit', 'save', 'curl']) byId(button).disabled = sent === null || sent.cut
  showTiming(whole)
}

export function badge(state) {
  byId('state').textContent = state
  byId('state').dataset.state = state
}

/** `state` is that of the invocation, where it is known. */
export function showAnswer(text, state) {
  const value = parsed(text)
  const failure = state === undefined || state === 'succeeded' ? null : failureIn(value)
  const http = state === 'failed' ? null : httpIn(value)
  byId('answer').replaceChildren(...(failure ?? [http?.body ?? pretty(text)]))
  byId('answer').dataset.state = failure === null ? '' : 'failed'
  byId('kind').textContent = http?.kind ?? ''
  const isView = failure !== null || http !== null
  byId('whole').hidden = !isView
  byId('returned').textContent = isView ? pretty(text) : ''
}

/** The document of an error as people read errors: type and message, then the frames. */
function failureIn(value) {
  const { errorType, errorMessage, trace, stackTrace } = value ?? {}
  if (typeof errorMessage !== 'string') return null
  const said = errorType ? `${errorType}: ${errorMessage}` : errorMessage
  const all = (trace ?? stackTrace ?? []).map((line) => String(line).trimEnd())
  // Node's client repeats type and message in the first lines of the trace
  const first = all.findIndex((line) => /^\s+(at|File) /.test(line))
  const rest = first < 0 ? all.filter((line) => line !== said) : all.slice(first)
  return [element('b', said), rest.length > 0 ? `\n${rest.join('\n')}` : '']
}

/** What a client of an API or a Function URL would get of this answer. */
function httpIn(value) {
  const { statusCode, headers, body = '', isBase64Encoded, cookies } = value ?? {}
  if (!Number.isInteger(statusCode) || typeof body !== 'string') return null
  const type = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  const set =
    Array.isArray(cookies) && cookies.length > 0
      ? `${cookies.length} cookie${cookies.length > 1 ? 's' : ''}`
      : ''
  const kind = ['HTTP', statusCode].join(' ')
  return {
    kind: [kind, type, set].filter(Boolean).join(' · '),
    body: pretty(isBase64Encoded ? decoded(body) : body) || '(no body)',
  }
}

function decoded(base64) {
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch {
      return `(${bytes.length} bytes that are no text)`
    }
  } catch {
    return base64
  }
}

function showHead(id, head) {
  if (head === undefined || head === null) return
  const lines = head.headers.map(([name, value]) => `${name}: ${value}`)
  const body = head.body === undefined ? [] : ['', head.body]
  byId(id).textContent = [`HTTP ${head.status}`, ...lines, ...body].join('\n')
}

const parts = [
  ['queue', 'Queue', 'queueMs'],
  ['init', 'Init', 'initMs'],
  ['latency', 'Latency', 'latencyMs'],
  ['stream', 'Stream', 'streamMs'],
  ['overhead', 'Overhead', 'overheadMs'],
]

function showTiming(of) {
  const spans = []
  const legend = []
  const words = []
  for (const [part, title, field] of parts) {
    const ms = of[field]
    if (ms === null) continue
    words.push(`${title} ${milliseconds(ms)}`)
    if (ms > 0) {
      const span = element('span', undefined, { 'data-part': part })
      span.style.flexGrow = String(ms)
      spans.push(span)
    }
    legend.push(entry(title, milliseconds(ms), part))
  }
  if (of.memoryBytes > 0) legend.push(entry('Memory', `${Math.ceil(of.memoryBytes / 1048576)} MB`))
  const runs = of.state === 'running' || of.state === 'waiting'
  byId('bar').classList.toggle('runs', runs)
  byId('bar').replaceChildren(...(runs ? [] : spans))
  byId('bar').setAttribute('aria-label', words.join(', ') || 'no times yet')
  clearInterval(ticking)
  if (runs) {
    const soFar = entry('So far', '')
    const tick = () => {
      soFar.lastElementChild.textContent = milliseconds(Math.max(0, Date.now() - of.arrivedAt))
    }
    tick()
    ticking = setInterval(tick, 100)
    legend.push(soFar)
  }
  byId('legend').replaceChildren(...legend)
}

/** counts while the invocation that is shown runs */
let ticking

function entry(title, value, part) {
  const made = element('div')
  const name = element('dt')
  if (part !== undefined) name.append(element('i', undefined, { 'data-part': part }))
  name.append(title)
  made.append(name, element('dd', value))
  return made
}
