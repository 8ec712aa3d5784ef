// The list of invocations.

import { byId, clock, element, milliseconds } from './elements.js'
import { invocations, select, selected, streaming } from './invocation.js'

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
    if (matchMedia('(max-width: 820px)').matches) byId('detail').scrollIntoView()
  })
  const item = element('li')
  item.append(button)
  item.hidden = !matches(item)
  return item
}

function matches(item) {
  const words = byId('filter').value.toLowerCase().split(/\s+/)
  const text = `${item.textContent} ${item.firstElementChild?.dataset?.id ?? ''}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

function filter() {
  const items = [...byId('invocations').children]
  for (const item of items) item.hidden = !matches(item)
  byId('none').hidden = items.length === 0 || items.some((item) => !item.hidden)
}

/** A line between the invocations of the old code and those of the new. */
export function showCode({ files, more }) {
  const named = more > 0 ? `${files.join(', ')} and ${more} more` : files.join(', ')
  const item = element('li', `${clock(Date.now())} · the code has changed: ${named}`, { class: 'code' })
  item.hidden = !matches(item)
  byId('invocations').prepend(item)
}

/** Rows are changed in place: the one that has the focus keeps it. */
export function showList(changed) {
  const list = byId('invocations')
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
  byId('empty').hidden = invocations.size > 0
  byId('filter').hidden = invocations.size === 0
  byId('none').hidden = true
}

byId('invocations').addEventListener('keydown', (pressed) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[pressed.key]
  if (step === undefined) return
  const all = [...byId('invocations').querySelectorAll('li:not([hidden]) > button')]
  const next = all[all.indexOf(document.activeElement) + step]
  if (next === undefined) return
  pressed.preventDefault()
  next.focus()
  next.click()
})

byId('filter').addEventListener('input', filter)
