// The console's page: plain JavaScript, as it is served. Text of functions is only ever set as text, never as markup.

/** Of the elements that the page has. */
const $ = (id) => document.getElementById(id)
const event = $('event')

/** Summaries by id, newest last; what is shown; answers that this page is reading itself. */
const invocations = new Map()
let selected = null
let functionName = 'function'
/** all of them with their Function URLs, where there are several */
let functions = []
const streaming = new Map()
/** the event that this page has sent last */
let lastSent = null

// --- small helpers

function element(tag, text, properties = {}) {
  const made = document.createElement(tag)
  if (text !== undefined) made.textContent = text
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value)
  return made
}

/** Undefined for what is no JSON. */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function pretty(text) {
  const value = parsed(text)
  return value === undefined ? text : JSON.stringify(value, null, 2)
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

function showLog(text) {
  let level = ''
  const shownLines = text
    .split('\n')
    .flatMap((line) => unfolded(line).split('\n'))
    .map((line, index, all) => {
      level = levelOf(line) ?? level
      const end = index === all.length - 1 ? '' : '\n'
      return element('span', line + end, level === '' ? {} : { 'data-level': level })
    })
  $('log').replaceChildren(...shownLines)
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
async function send(text, name = functionName) {
  lastSent = { text, name }
  const id = crypto.randomUUID()
  const headers = { 'Content-Type': 'application/json', 'X-Amzn-RequestId': id }
  if ($('async').checked) headers['X-Amz-Invocation-Type'] = 'Event'
  streaming.set(id, '')
  select(id)
  try {
    const response = await fetch(invokePath(name), { method: 'POST', headers, body: text })
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
  showAnswer(body || `${status} ${statusText}`, 'refused')
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
  for (const part of ['when', 'log', 'sent', 'head-rie', 'head-lambda']) $(part).textContent = ''
  showAnswer('')
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
  if (read && (answer === null || answer.cut || whole.streamMs !== null)) showAnswer(read, state)
  else if (answer !== null) showAnswer(shown(answer), state)
  else if (whole.streamMs !== null)
    showAnswer('a stream: its bytes went to the caller, and are not kept here')
  else showAnswer(state === 'running' || state === 'waiting' ? '…' : '')
  showHead('head-rie', heads?.rie)
  showHead('head-lambda', heads?.lambda)
  showLog(lines(shown(log), id).trimEnd() || 'nothing was written')
  $('sent').textContent = sent === null ? 'it came before this page was opened' : pretty(shown(sent))
  for (const button of ['replay', 'edit', 'save', 'curl']) $(button).disabled = sent === null || sent.cut
  showTiming(whole)
}

function badge(state) {
  $('state').textContent = state
  $('state').dataset.state = state
}

/** `state` is that of the invocation, where it is known. */
function showAnswer(text, state) {
  const value = parsed(text)
  const failure = state === undefined || state === 'succeeded' ? null : failureIn(value)
  const http = state === 'failed' ? null : httpIn(value)
  $('answer').replaceChildren(...(failure ?? [http?.body ?? pretty(text)]))
  $('answer').dataset.state = failure === null ? '' : 'failed'
  $('kind').textContent = http?.kind ?? ''
  const isView = failure !== null || http !== null
  $('whole').hidden = !isView
  $('returned').textContent = isView ? pretty(text) : ''
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
  const runs = of.state === 'running' || of.state === 'waiting'
  $('bar').classList.toggle('runs', runs)
  $('bar').replaceChildren(...(runs ? [] : spans))
  $('bar').setAttribute('aria-label', words.join(', ') || 'no times yet')
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
  $('legend').replaceChildren(...legend)
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

// --- the list

function row(summary) {
  const { id, state, arrivedAt, durationMs, what, errorType, cold, function: of } = summary
  const button = element('button', undefined, { type: 'button', 'aria-current': String(id === selected) })
  button.dataset.id = id
  const dot = element('span', undefined, { class: 'dot', 'data-state': state })
  const more = [of, clock(arrivedAt), state, errorType, cold && 'cold start'].filter(Boolean).join(' · ')
  button.append(
    dot,
    element('span', what, { class: 'what' }),
    element('span', milliseconds(durationMs), { class: 'time' }),
    element('span', more, { class: 'more' }),
  )
  button.addEventListener('click', () => {
    select(id)
    // where the list is below it
    if (matchMedia('(max-width: 820px)').matches) $('detail').scrollIntoView()
  })
  const item = element('li')
  item.append(button)
  item.hidden = !matches(item)
  return item
}

function matches(item) {
  const words = $('filter').value.toLowerCase().split(/\s+/)
  const text = `${item.textContent} ${item.firstElementChild?.dataset?.id ?? ''}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

function filter() {
  const items = [...$('invocations').children]
  for (const item of items) item.hidden = !matches(item)
  $('none').hidden = items.length === 0 || items.some((item) => !item.hidden)
}

/** A line between the invocations of the old code and those of the new. */
function showCode({ files, more }) {
  const named = more > 0 ? `${files.join(', ')} and ${more} more` : files.join(', ')
  const item = element('li', `${clock(Date.now())} · the code has changed: ${named}`, { class: 'code' })
  item.hidden = !matches(item)
  $('invocations').prepend(item)
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
  $('filter').hidden = invocations.size === 0
  $('none').hidden = true
}

function change({ invocations: changed = [], environments, queued, failure, code }) {
  for (const summary of changed) invocations.set(summary.id, summary)
  if (changed.length > 0) showList(changed)
  if (changed.some(({ id }) => id === selected)) load(selected)
  if (environments) showEnvironments(environments)
  if (queued !== undefined) $('queued').textContent = queued > 0 ? `${queued} waiting` : ''
  if (failure !== undefined) showFailure(failure)
  if (code !== undefined) {
    showCode(code)
    if ($('again').checked && lastSent !== null) send(lastSent.text, lastSent.name)
  }
}

/** More than a header has room for are counted. */
const mostChips = 6

function showEnvironments(environments) {
  if (environments.length > mostChips) {
    const states = Map.groupBy(environments, ({ state }) => state)
    const counted = [...states].map(([state, { length }]) =>
      element('li', `${length} ${state}`, { 'data-state': state }),
    )
    $('environments').replaceChildren(...counted)
    return
  }
  $('environments').replaceChildren(
    ...environments.map(({ id, state, memoryBytes, function: of }) => {
      const memory = memoryBytes > 0 ? ` · ${Math.ceil(memoryBytes / 1048576)} MB` : ''
      const chip = element('li', undefined, { 'data-state': state })
      chip.append(
        element(
          'span',
          of === undefined ? 'environment ' : `${of} `,
          of === undefined ? { class: 'word' } : {},
        ),
        `${id}: ${state}${memory}`,
      )
      return chip
    }),
  )
}

/** What has no invocation in the list: a build that failed, and an init for which nobody has asked, as after a save. */
const failures = { init: 'Init failed', build: 'The build failed' }

function showFailure(failure) {
  const title = failures[failure?.during]
  $('notice').hidden = title === undefined
  const { at, errorType, errorMessage, stack } = failure ?? {}
  const said = [errorType, errorMessage].filter(Boolean).join(': ')
  const text = title === undefined ? '' : `${title} at ${clock(at)}: ${said}${stack ? `\n${stack}` : ''}`
  // what has not changed is not read out again
  if ($('notice').textContent !== text) $('notice').textContent = text
}

$('invocations').addEventListener('keydown', (pressed) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[pressed.key]
  if (step === undefined) return
  const all = [...$('invocations').querySelectorAll('li:not([hidden]) > button')]
  const next = all[all.indexOf(document.activeElement) + step]
  if (next === undefined) return
  pressed.preventDefault()
  next.focus()
  next.click()
})

$('filter').addEventListener('input', filter)

// --- what the buttons do

$('format').addEventListener('click', () => edit(event.value))

$('send').addEventListener('click', () => send(event.value))
event.addEventListener('input', () => {
  check()
  remember()
})
document.addEventListener('keydown', (pressed) => {
  if (pressed.key === 'Enter' && (pressed.ctrlKey || pressed.metaKey)) send(event.value)
})
$('replay').addEventListener('click', () => whole?.event && send(whole.event.text, whole.function))
$('edit').addEventListener('click', () => {
  if (!whole?.event) return
  // what is edited is sent to whose event it was
  const choice = $('choice')
  if (choice !== null && whole.function !== undefined) {
    choice.value = whole.function
    choice.dispatchEvent(new Event('change'))
  }
  edit(whole.event.text)
})
$('save').addEventListener('click', () => {
  const link = element('a', undefined, { download: `event-${whole.id}.json` })
  link.href = URL.createObjectURL(new Blob([whole.event.text], { type: 'application/json' }))
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
})
$('curl').addEventListener('click', () => {
  copyBy($('curl'), curlLine(whole.event.text, whole.function), 'Copy curl')
})
for (const button of document.querySelectorAll('button[data-copy]')) {
  button.addEventListener('click', () => copyBy(button, $(button.dataset.copy).textContent, 'Copy'))
}

function curlLine(text, name = functionName) {
  return `curl -XPOST ${location.origin}${invokePath(name)} -d '${text.replaceAll("'", `'\\''`)}'`
}

async function copyBy(button, text, title) {
  await copy(text)
  button.textContent = 'Copied'
  setTimeout(() => {
    button.textContent = title
  }, 1500)
}

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

function group(label, events) {
  const made = element('optgroup', undefined, { label })
  made.append(...events.map(([title, value]) => element('option', title, { value })))
  return made
}

/** Each way to invoke the function, as a line to copy. */
function showWays(functionUrl) {
  const ways = [
    ['With curl', curlLine('{"name":"world"}')],
    [
      'With the client',
      `aws-lambda-rie invoke${functions.length > 0 ? ` ${functionName}` : ''}${endpointFlag()} -d '{"name":"world"}'`,
    ],
    ['With an SDK or the AWS CLI', `export AWS_ENDPOINT_URL_LAMBDA=${location.origin}`],
  ]
  if (functionUrl !== null) {
    // the port is the function's; under which name this machine is reached, the page knows
    const url = new URL(functionUrl)
    url.hostname = location.hostname
    ways.push(['As a website', `curl -i '${url.href}?name=world'`])
  }
  $('ways').replaceChildren(
    ...ways.map(([title, line]) => {
      const way = element('div')
      const value = element('dd')
      const button = element('button', 'Copy', {
        type: 'button',
        class: 'copy',
        'aria-label': `Copy: ${title}`,
      })
      button.addEventListener('click', () => copyBy(button, line, 'Copy'))
      value.append(element('pre', line), button)
      way.append(element('dt', title), value)
      return way
    }),
  )
}

/** Of several one is chosen, to which events are sent; after a new connection it is the same one, if it is there. */
function showFunctions(first) {
  const names = functions.map(({ name }) => name)
  functionName = names.includes(functionName) ? functionName : first
  document.title = `${functionName} · Lambda console`
  if (names.length === 0) {
    $('function').textContent = functionName
    return
  }
  const choice = element('select', undefined, { 'aria-label': 'Function', id: 'choice' })
  choice.append(...names.map((name) => element('option', name, { value: name })))
  choice.value = functionName
  choice.addEventListener('change', () => {
    functionName = choice.value
    document.title = `${functionName} · Lambda console`
    showWays(functions.find(({ name }) => name === functionName)?.functionUrl ?? null)
  })
  $('function').replaceChildren(choice)
}

/** The client looks there by itself. */
const endpointFlag = () => (location.port === '8080' ? '' : ` --endpoint-url ${location.origin}`)

let source
function connect() {
  source = new EventSource('/_rie/events')
  source.addEventListener('hello', ({ data }) => {
    const {
      name,
      examples,
      files,
      functionUrl,
      watches,
      durable,
      invocations: all,
      ...rest
    } = JSON.parse(data)
    functions = rest.functions ?? []
    showFunctions(name)
    connection('connected', 'connected')
    invocations.clear()
    $('invocations').replaceChildren()
    const texts = Object.entries(examples).map(([title, value]) => [title, JSON.stringify(value)])
    const groups = [group('events/', Object.entries(files)), group('Sources', texts)]
    $('example').replaceChildren(
      $('example').firstElementChild,
      ...groups.filter((one) => one.childElementCount > 0),
    )
    $('again-row').hidden = !watches
    $('runs-link').hidden = !durable
    const chosen = functions.find((one) => one.name === functionName)
    showWays(chosen === undefined ? functionUrl : chosen.functionUrl)
    change({ invocations: all, ...rest })
    showList([])
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
