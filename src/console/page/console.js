// The console's page: plain JavaScript, as it is served. Here are the event that is sent, the buttons, and the connection.

import { byId, clock, element, pretty } from './console/elements.js'
import {
  badge,
  invocations,
  load,
  select,
  selected,
  showAnswer,
  streaming,
  whole,
} from './console/invocation.js'
import { showCode, showList } from './console/list.js'
import { copyBy, curlLine, invokePath, showWays } from './console/ways.js'

const event = byId('event')

let functionName = 'function'
/** all of them with their Function URLs, where there are several */
let functions = []
/** the event that this page has sent last */
let lastSent = null

// --- the editor

function check() {
  const text = event.value.trim()
  byId('hint').textContent = ''
  if (text === '') return
  try {
    JSON.parse(text)
  } catch (error) {
    byId('hint').textContent = `Not JSON: ${error.message}`
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

/** Characters that are shown of an answer: a browser takes seconds to lay out megabytes. */
const mostShown = 256 * 1024
/** Between two looks at an answer that is coming, in milliseconds. */
const pace = 50

/** A UUID; browsers have `crypto.randomUUID` only on https and on this machine. */
const newId = () =>
  '00000000-0000-4000-8000-000000000000'.replace(/0/g, () => Math.floor(Math.random() * 16).toString(16))

/** Sends an event. Its id is chosen here, so that the list and this answer are known to be one invocation. */
async function send(text, name = functionName) {
  lastSent = { text, name }
  const id = newId()
  const headers = { 'Content-Type': 'application/json', 'X-Amzn-RequestId': id }
  if (byId('async').checked) headers['X-Amz-Invocation-Type'] = 'Event'
  streaming.set(id, '')
  select(id)
  let length = 0
  let pending
  const show = () => {
    clearTimeout(pending)
    pending = undefined
    if (selected === id) showAnswer(streaming.get(id))
  }
  try {
    const response = await fetch(invokePath(name), { method: 'POST', headers, body: text })
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      const known = streaming.get(id)
      if (known.length >= mostShown) continue
      streaming.set(id, (known + decoder.decode(value, { stream: true })).slice(0, mostShown))
      pending ??= setTimeout(show, pace)
    }
    const read = streaming.get(id)
    if (read.length >= mostShown) streaming.set(id, `${read}\n… (${length} bytes in all)`)
    show()
    // one that never ran is in no list
    if (!invocations.has(id) && !response.ok) showRefusal(id, response, streaming.get(id))
  } catch (error) {
    const text = streaming.get(id)
    streaming.set(
      id,
      `${text}${text === '' ? '' : '\n\n'}(${text === '' ? 'no answer' : 'the answer broke off'}: ${error.message})`,
    )
    if (selected === id) showAnswer(streaming.get(id))
    if (selected === id && !invocations.has(id)) badge('failed')
  }
  clearTimeout(pending)
  if (selected === id && invocations.has(id)) await load(id)
}

function showRefusal(id, { status, statusText }, body) {
  if (selected !== id) return
  badge('refused')
  showAnswer(body || `${status} ${statusText}`, 'refused')
}

// --- what has changed

function change({ invocations: changed = [], environments, queued, failure, code }) {
  for (const summary of changed) invocations.set(summary.id, summary)
  if (changed.length > 0) showList(changed)
  if (changed.some(({ id }) => id === selected)) load(selected)
  if (environments) showEnvironments(environments)
  if (queued !== undefined) byId('queued').textContent = queued > 0 ? `${queued} waiting` : ''
  if (failure !== undefined) showFailure(failure)
  if (code !== undefined) {
    showCode(code)
    if (byId('again').checked && lastSent !== null) send(lastSent.text, lastSent.name)
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
    byId('environments').replaceChildren(...counted)
    return
  }
  byId('environments').replaceChildren(
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
  byId('notice').hidden = title === undefined
  const { at, errorType, errorMessage, stack } = failure ?? {}
  const said = [errorType, errorMessage].filter(Boolean).join(': ')
  const text = title === undefined ? '' : `${title} at ${clock(at)}: ${said}${stack ? `\n${stack}` : ''}`
  // what has not changed is not read out again
  if (byId('notice').textContent !== text) byId('notice').textContent = text
}

// --- what the buttons do

byId('format').addEventListener('click', () => edit(event.value))

byId('send').addEventListener('click', () => send(event.value))
event.addEventListener('input', () => {
  check()
  remember()
})
document.addEventListener('keydown', (pressed) => {
  if (pressed.key === 'Enter' && (pressed.ctrlKey || pressed.metaKey)) send(event.value)
})
byId('replay').addEventListener('click', () => whole?.event && send(whole.event.text, whole.function))
byId('edit').addEventListener('click', () => {
  if (!whole?.event) return
  // what is edited is sent to whose event it was
  const choice = byId('choice')
  if (choice !== null && whole.function !== undefined) {
    choice.value = whole.function
    choice.dispatchEvent(new Event('change'))
  }
  edit(whole.event.text)
})
byId('save').addEventListener('click', () => {
  const link = element('a', undefined, { download: `event-${whole.id}.json` })
  link.href = URL.createObjectURL(new Blob([whole.event.text], { type: 'application/json' }))
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
})
byId('curl').addEventListener('click', () => {
  copyBy(byId('curl'), curlLine(whole.event.text, whole.function ?? functionName), 'Copy curl')
})
for (const button of document.querySelectorAll('button[data-copy]')) {
  button.addEventListener('click', () => copyBy(button, byId(button.dataset.copy).textContent, 'Copy'))
}

// --- the connection

function connection(state, text) {
  byId('connection').dataset.state = state
  byId('connection').textContent = text
}

function group(label, events) {
  const made = element('optgroup', undefined, { label })
  made.append(...events.map(([title, value]) => element('option', title, { value })))
  return made
}

/** Of several one is chosen, to which events are sent; after a new connection it is the same one, if it is there. */
function showFunctions(first) {
  const names = functions.map(({ name }) => name)
  functionName = names.includes(functionName) ? functionName : first
  document.title = `${functionName} · Lambda console`
  if (names.length === 0) {
    byId('function').textContent = functionName
    return
  }
  const choice = element('select', undefined, { 'aria-label': 'Function', id: 'choice' })
  choice.append(...names.map((name) => element('option', name, { value: name })))
  choice.value = functionName
  choice.addEventListener('change', () => {
    functionName = choice.value
    document.title = `${functionName} · Lambda console`
    showWays(functionName, true, functions.find(({ name }) => name === functionName)?.functionUrl ?? null)
  })
  byId('function').replaceChildren(choice)
}

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
    byId('invocations').replaceChildren()
    const texts = Object.entries(examples).map(([title, value]) => [title, JSON.stringify(value)])
    const groups = [group('events/', Object.entries(files)), group('Sources', texts)]
    byId('example').replaceChildren(
      byId('example').firstElementChild,
      ...groups.filter((one) => one.childElementCount > 0),
    )
    byId('again-row').hidden = !watches
    byId('runs-link').hidden = !durable
    const chosen = functions.find((one) => one.name === functionName)
    showWays(functionName, functions.length > 0, chosen === undefined ? functionUrl : chosen.functionUrl)
    change({ invocations: all, ...rest })
    showList([])
  })
  source.addEventListener('change', ({ data }) => change(JSON.parse(data)))
  source.addEventListener('error', () => {
    connection('gone', 'the emulator is gone; trying again …')
    byId('environments').replaceChildren()
    // a refusal ends an EventSource for good
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000)
  })
}

byId('example').addEventListener('change', () => {
  if (byId('example').value !== '') edit(byId('example').value)
  byId('example').value = ''
})

try {
  event.value = localStorage.getItem('event') || '{\n  "name": "world"\n}'
} catch {
  event.value = '{\n  "name": "world"\n}'
}
check()
connect()
