// The console's page: plain JavaScript, as it is served. Text of functions is only ever set as text, never as markup.

/** Of the elements that the page has. */
const $ = (id) => document.getElementById(id)
const event = $('event')

/** Summaries by id, newest last; what is shown; answers that this page is reading itself. */
const invocations = new Map()
let selected = null
let functionName = 'function'
const streaming = new Map()

// --- small helpers

function element(tag, text, properties = {}) {
  const made = document.createElement(tag)
  if (text !== undefined) made.textContent = text
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value)
  return made
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

function milliseconds(ms) {
  if (ms === null || ms === undefined) return ''
  if (ms < 10) return `${ms.toFixed(2)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  return `${(ms / 1000).toFixed(2)} s`
}

const clock = (epoch) => new Date(epoch).toLocaleTimeString([], { hour12: false })

const invokePath = (name) => `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`

/** What is kept is cut at 64 KB. */
const shown = (kept) =>
  kept === null ? '' : kept.text + (kept.cut ? `\n… (${kept.bytes} bytes in all)` : '')

/**
 * Lines of AWS's clients have the whole time and the request id, which are the same for all; what of an entry follows
 * its first line is behind a carriage return.
 */
function lines(text, id) {
  return text
    .replace(/\r(?!\n)/g, '\n')
    .replaceAll(`\t${id}\t`, '\t')
    .replace(/^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d\.\d{3})Z\t(\w+)\s*\t/gm, '$1  $2  ')
}

// --- the editor

function check() {
  const text = event.value.trim()
  $('hint').textContent = ''
  if (text === '') return
  try {
    JSON.parse(text)
  } catch (error) {
    $('hint').textContent = `Not JSON: ${error.message}`
  }
}

function edit(text) {
  event.value = pretty(text)
  check()
  remember()
  event.focus()
}

function remember() {
  try {
    localStorage.setItem('event', event.value)
  } catch {
    // a browser that keeps nothing
  }
}

/** Sends an event. Its id is chosen here, so that the list and this answer are known to be one invocation. */
async function send(text) {
  const id = crypto.randomUUID()
  const headers = { 'Content-Type': 'application/json', 'X-Amzn-RequestId': id }
  if ($('async').checked) headers['X-Amz-Invocation-Type'] = 'Event'
  streaming.set(id, '')
  select(id)
  try {
    const response = await fetch(invokePath(functionName), { method: 'POST', headers, body: text })
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      streaming.set(id, streaming.get(id) + decoder.decode(value, { stream: true }))
      if (selected === id) showAnswer(streaming.get(id))
    }
    // one that never ran is in no list
    if (!invocations.has(id) && !response.ok) showRefusal(id, response, streaming.get(id))
  } catch (error) {
    const text = streaming.get(id)
    streaming.set(
      id,
      `${text}${text === '' ? '' : '\n\n'}(${text === '' ? 'no answer' : 'the answer broke off'}: ${error.message})`,
    )
    if (selected === id) showAnswer(streaming.get(id))
  }
  if (selected === id && invocations.has(id)) await load(id)
}

function showRefusal(id, { status, statusText }, body) {
  if (selected !== id) return
  badge('refused')
  showAnswer(body || `${status} ${statusText}`)
}

// --- one invocation

async function select(id) {
  selected = id
  for (const button of $('invocations').querySelectorAll('button')) {
    button.setAttribute('aria-current', String(button.dataset.id === id))
  }
  $('detail').hidden = false
  $('nothing').hidden = true
  $('id').textContent = id
  for (const part of ['when', 'answer', 'log', 'sent', 'head-rie', 'head-lambda']) $(part).textContent = ''
  $('bar').replaceChildren()
  $('legend').replaceChildren()
  badge(invocations.get(id)?.state ?? 'waiting')
  if (streaming.has(id)) showAnswer(streaming.get(id))
  // one that was sent a moment ago is told of when it has arrived
  if (invocations.has(id)) await load(id)
}

let whole = null

async function load(id) {
  const response = await fetch(`/_rie/invocations/${id}`).catch(() => null)
  if (response === null || !response.ok || selected !== id) return
  whole = await response.json()
  if (selected !== id) return
  const { state, arrivedAt, environment, answer, heads, log, event: sent } = whole
  badge(state)
  $('when').textContent = `${clock(arrivedAt)}${environment === null ? '' : ` · environment ${environment}`}`
  const read = streaming.get(id)
  if (read && (answer === null || answer.cut || whole.streamMs !== null)) showAnswer(read)
  else if (answer !== null) showAnswer(shown(answer))
  else if (whole.streamMs !== null)
    showAnswer('a stream: its bytes went to the caller, and are not kept here')
  else showAnswer(state === 'running' || state === 'waiting' ? '…' : '')
  showHead('head-rie', heads?.rie)
  showHead('head-lambda', heads?.lambda)
  $('log').textContent = lines(shown(log), id) || 'nothing was written'
  $('sent').textContent = sent === null ? 'it came before this page was opened' : pretty(shown(sent))
  for (const button of ['replay', 'edit', 'save', 'curl']) $(button).disabled = sent === null || sent.cut
  showTiming(whole)
}

function badge(state) {
  $('state').textContent = state
  $('state').dataset.state = state
}

function showAnswer(text) {
  $('answer').textContent = pretty(text)
}

function showHead(id, head) {
  if (head === undefined || head === null) return
  const lines = head.headers.map(([name, value]) => `${name}: ${value}`)
  const body = head.body === undefined ? [] : ['', head.body]
  $(id).textContent = [`HTTP ${head.status}`, ...lines, ...body].join('\n')
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
  $('bar').replaceChildren(...spans)
  $('bar').setAttribute('aria-label', words.join(', ') || 'no times yet')
  $('legend').replaceChildren(...legend)
}

function entry(title, value, part) {
  const made = element('div')
  if (part !== undefined) made.append(element('i', undefined, { 'data-part': part }))
  made.append(element('dt', title), element('dd', value))
  return made
}

// --- the list

function row({ id, state, arrivedAt, durationMs, what, errorType }) {
  const button = element('button', undefined, { type: 'button', 'aria-current': String(id === selected) })
  button.dataset.id = id
  const dot = element('span', undefined, { class: 'dot', 'data-state': state })
  const more = [clock(arrivedAt), state, errorType].filter(Boolean).join(' · ')
  button.append(
    dot,
    element('span', what, { class: 'what' }),
    element('span', milliseconds(durationMs), { class: 'time' }),
    element('span', more, { class: 'more' }),
  )
  button.addEventListener('click', () => select(id))
  const item = element('li')
  item.append(button)
  return item
}

/** Rows are changed in place: the one that has the focus keeps it. */
function showList(changed) {
  const list = $('invocations')
  for (const summary of changed) {
    const known = list.querySelector(`[data-id="${CSS.escape(summary.id)}"]`)?.parentElement
    const item = row(summary)
    if (known) {
      const focused = known.contains(document.activeElement)
      known.replaceWith(item)
      if (focused) item.firstElementChild.focus()
    } else {
      list.prepend(item)
    }
  }
  while (list.childElementCount > 200) list.lastElementChild.remove()
  for (const id of [...invocations.keys()].slice(0, -200)) {
    invocations.delete(id)
    streaming.delete(id)
  }
  $('empty').hidden = invocations.size > 0
}

function change({ invocations: changed = [], environments, queued }) {
  for (const summary of changed) invocations.set(summary.id, summary)
  if (changed.length > 0) showList(changed)
  if (changed.some(({ id }) => id === selected)) load(selected)
  if (environments) {
    $('environments').replaceChildren(
      ...environments.map(({ id, state, memoryBytes }) => {
        const memory = memoryBytes > 0 ? ` · ${Math.ceil(memoryBytes / 1048576)} MB` : ''
        return element('li', `environment ${id}: ${state}${memory}`, { 'data-state': state })
      }),
    )
  }
  if (queued !== undefined) $('queued').textContent = queued > 0 ? `${queued} waiting` : ''
}

$('invocations').addEventListener('keydown', (pressed) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[pressed.key]
  if (step === undefined) return
  const all = [...$('invocations').querySelectorAll('button')]
  const next = all[all.indexOf(document.activeElement) + step]
  if (next === undefined) return
  pressed.preventDefault()
  next.focus()
  next.click()
})

// --- what the buttons do

$('send').addEventListener('click', () => send(event.value))
event.addEventListener('input', () => {
  check()
  remember()
})
document.addEventListener('keydown', (pressed) => {
  if (pressed.key === 'Enter' && (pressed.ctrlKey || pressed.metaKey)) send(event.value)
})
$('replay').addEventListener('click', () => whole?.event && send(whole.event.text))
$('edit').addEventListener('click', () => whole?.event && edit(whole.event.text))
$('save').addEventListener('click', () => {
  const link = element('a', undefined, { download: `event-${whole.id}.json` })
  link.href = URL.createObjectURL(new Blob([whole.event.text], { type: 'application/json' }))
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
})
$('curl').addEventListener('click', async () => {
  const quoted = `'${whole.event.text.replaceAll("'", `'\\''`)}'`
  const line = `curl -XPOST ${location.origin}${invokePath(functionName)} -d ${quoted}`
  await copy(line)
  $('curl').textContent = 'Copied'
  setTimeout(() => {
    $('curl').textContent = 'Copy curl'
  }, 1500)
})

/** The clipboard is there only on https and on this machine. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    const area = element('textarea', text)
    document.body.append(area)
    area.select()
    document.execCommand('copy')
    area.remove()
  }
}

// --- the connection

function connection(state, text) {
  $('connection').dataset.state = state
  $('connection').textContent = text
}

let source
function connect() {
  source = new EventSource('/_rie/events')
  source.addEventListener('hello', ({ data }) => {
    const { name, examples, invocations: all, ...rest } = JSON.parse(data)
    functionName = name
    $('function').textContent = name
    document.title = `${name} · Lambda console`
    connection('connected', 'connected')
    invocations.clear()
    $('invocations').replaceChildren()
    const pick = $('example')
    if (pick.childElementCount === 1) {
      for (const [title, value] of Object.entries(examples)) {
        pick.append(element('option', title, { value: JSON.stringify(value) }))
      }
    }
    change({ invocations: all, ...rest })
    $('empty').hidden = invocations.size > 0
  })
  source.addEventListener('change', ({ data }) => change(JSON.parse(data)))
  source.addEventListener('error', () => {
    connection('gone', 'the emulator is gone; trying again …')
    $('environments').replaceChildren()
    // a refusal ends an EventSource for good
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000)
  })
}

$('example').addEventListener('change', () => {
  if ($('example').value !== '') edit($('example').value)
  $('example').value = ''
})

try {
  event.value = localStorage.getItem('event') || '{\n  "name": "world"\n}'
} catch {
  event.value = '{\n  "name": "world"\n}'
}
check()
connect()
