/** Durable executions: a list of runs, and one of them with its operations, its history, and what can be done with it. */

const api = '/2025-12-01'
const element = (id) => document.getElementById(id)
/** How often the page looks, in milliseconds. */
const interval = 1000

/** ARN of the run that is shown */
let shown = decodeURIComponent(location.hash.slice(1)) || null

async function ask(path, method = 'GET', body = undefined) {
  const answer = await fetch(path, { method, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(JSON.parse(text).message ?? JSON.parse(text).Message ?? text)
  return JSON.parse(text)
}

/** An element with a text, which is never markup: names and results are the function's. */
function made(name, text = '', members = {}) {
  const node = Object.assign(document.createElement(name), members)
  node.textContent = text
  return node
}

async function functions() {
  const state = await ask('/_rie/state')
  if (state.functions === undefined) return state.durable === undefined ? [] : ['function']
  return Object.entries(state.functions).flatMap(([name, one]) => (one.durable === undefined ? [] : [name]))
}

const age = (seconds) => {
  const passed = Math.max(0, Date.now() / 1000 - seconds)
  if (passed < 60) return `${Math.floor(passed)} s`
  return passed < 3600 ? `${Math.floor(passed / 60)} min` : `${Math.floor(passed / 3600)} h`
}

async function showRuns() {
  const lists = await Promise.all(
    (await functions()).map((name) => ask(`${api}/functions/${name}/durable-executions`)),
  )
  const runs = lists
    .flatMap(({ DurableExecutions }) => DurableExecutions)
    .toSorted((one, other) => other.StartTimestamp - one.StartTimestamp)
  element('empty').hidden = runs.length > 0
  const items = runs.map((run) => {
    const button = made('button', '', { type: 'button', onclick: () => choose(run.DurableExecutionArn) })
    button.append(
      made('span', run.DurableExecutionName),
      made('span', `${run.Status} ${age(run.StartTimestamp)}`, { className: 'dim' }),
    )
    button.setAttribute('aria-current', String(run.DurableExecutionArn === shown))
    const item = made('li')
    item.append(button)
    return item
  })
  // a list that is made anew would take the focus from who is in it
  const list = element('runs')
  const texts = items
    .map((item) => item.textContent + item.firstChild.getAttribute('aria-current'))
    .join('\n')
  if (list.dataset.texts === texts) return
  list.dataset.texts = texts
  const focused = [...list.querySelectorAll('button')].indexOf(document.activeElement)
  list.replaceChildren(...items)
  if (focused >= 0) list.querySelectorAll('button')[focused]?.focus()
}

function choose(arn) {
  shown = arn
  location.hash = encodeURIComponent(arn)
  void look()
}

/** Operations out of the history: when each began and ended, and how. */
function operationsOf(events) {
  const operations = new Map()
  for (const event of events) {
    const { EventType, Id, Name, ParentId, EventTimestamp } = event
    if (Id === undefined || EventType.startsWith('Execution')) continue
    const known = operations.get(Id) ?? {
      id: Id,
      name: Name ?? '',
      parent: ParentId,
      begin: EventTimestamp,
      children: [],
    }
    operations.set(Id, known)
    const [, kind, how] = /^(.*?)(Started|Succeeded|Failed|TimedOut|Cancelled|Stopped)$/.exec(EventType) ?? []
    known.kind = kind
    known.how = how
    known.end = how === 'Started' ? undefined : EventTimestamp
    const details = event[`${EventType}Details`] ?? {}
    if (details.RetryDetails?.NextAttemptDelaySeconds !== undefined) known.end = undefined
    known.callback = details.CallbackId ?? known.callback
    known.until = details.ScheduledEndTimestamp ?? known.until
  }
  return operations
}

function operationItem(operation, begin, end) {
  const { kind, name, how, callback, children } = operation
  const item = made('li')
  const open = operation.end === undefined
  item.append(made('span', `${kind} ${name} ${open ? 'open' : how}`))
  const bar = made('span', '', { className: 'bar' })
  const share = (at) => `${(100 * (at - begin)) / Math.max(0.001, end - begin)}%`
  const line = made('i')
  line.style.left = share(operation.begin)
  line.style.width = `calc(${share(operation.end ?? end)} - ${share(operation.begin)})`
  if (open) line.dataset.open = ''
  bar.append(line)
  item.append(bar)
  if (callback !== undefined && open) item.append(...callbackControls(callback))
  if (children.length > 0) {
    const list = made('ol')
    list.append(...children.map((child) => operationItem(child, begin, end)))
    item.append(list)
  }
  return item
}

function callbackControls(id) {
  const path = `${api}/durable-execution-callbacks/${encodeURIComponent(id)}`
  const input = made('input', '', { value: 'true' })
  input.setAttribute('aria-label', 'Result of the callback')
  const succeed = made('button', 'Succeed', {
    type: 'button',
    onclick: () => act(`${path}/succeed`, input.value),
  })
  const failed = JSON.stringify({ ErrorMessage: 'failed by hand' })
  const fail = made('button', 'Fail', { type: 'button', onclick: () => act(`${path}/fail`, failed) })
  return [input, succeed, fail]
}

async function showRun() {
  element('run').hidden = shown === null
  if (shown === null) return
  const path = `${api}/durable-executions/${encodeURIComponent(shown)}`
  const [run, { Events: events }] = await Promise.all([ask(path), ask(`${path}/history?MaxItems=1000`)])
  element('name').textContent = run.DurableExecutionName
  element('status').textContent = run.Status
  const operations = operationsOf(events)
  const open = [...operations.values()].filter(({ end, kind }) => end === undefined && kind !== 'Context')
  const closed = run.EndTimestamp !== undefined
  element('waits').textContent =
    closed || open.length === 0
      ? ''
      : `waits for ${open.map(({ kind, name }) => `${kind} ${name}`.trim()).join(', ')}`
  element('stop').disabled = closed
  element('pause').disabled = run.Status !== 'RUNNING'
  element('resume').disabled = !/^PAUS/.test(run.Status)
  element('result').textContent =
    run.Result ?? (run.Error === undefined ? '' : JSON.stringify(run.Error, null, 2))
  for (const one of operations.values()) operations.get(one.parent)?.children.push(one)
  const top = [...operations.values()].filter(({ parent }) => !operations.has(parent))
  const last = run.EndTimestamp ?? Date.now() / 1000
  // what is typed into a field stays
  if (!element('operations').contains(document.activeElement)) {
    element('operations').replaceChildren(...top.map((one) => operationItem(one, run.StartTimestamp, last)))
  }
  element('history').replaceChildren(
    ...events.map((event) => {
      const row = made('tr')
      const time = new Date(event.EventTimestamp * 1000).toISOString().slice(11, 23)
      const details = JSON.stringify(event[`${event.EventType}Details`] ?? {})
      for (const text of [event.EventId, time, event.EventType, event.Name ?? '', details])
        row.append(made('td', text))
      return row
    }),
  )
}

function tell(problem) {
  element('problem').hidden = problem === null
  element('problem').textContent = problem ?? ''
}

async function act(path, body) {
  try {
    await ask(path, 'POST', body)
    tell(null)
  } catch (error) {
    tell(error.message)
  }
  document.activeElement?.blur()
  await look()
}

for (const verb of ['stop', 'pause', 'resume']) {
  element(verb).onclick = () => act(`${api}/durable-executions/${encodeURIComponent(shown)}/${verb}`, '{}')
}

async function look() {
  try {
    await showRuns()
    element('connection').textContent = 'connected'
  } catch {
    element('connection').textContent = 'the emulator is gone; waiting for it …'
    return
  }
  try {
    await showRun()
  } catch (error) {
    tell(error.message)
  }
}

async function watch() {
  await look()
  setTimeout(watch, interval)
}
void watch()
