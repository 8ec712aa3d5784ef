// What the parts of the page are made with: elements, and texts for people. Text of functions is only ever set as text,
// never as markup.

/** Of the elements that the page has. */
export const byId = (id) => document.getElementById(id)

export function element(tag, text, properties = {}) {
  const made = document.createElement(tag)
  if (text !== undefined) made.textContent = text
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value)
  return made
}

/** Undefined for what is no JSON. */
export function parsed(text, reviver) {
  try {
    return JSON.parse(text, reviver)
  } catch {
    return undefined
  }
}

/** A number with the digits that it was sent with, where the browser can: an event is edited and sent again. */
const asSent = (_, value, context) =>
  typeof value === 'number' && JSON.rawJSON ? JSON.rawJSON(context.source) : value

export function pretty(text) {
  const value = parsed(text, asSent)
  return value === undefined ? text : JSON.stringify(value, null, 2)
}

export function milliseconds(ms) {
  if (ms === null || ms === undefined) return ''
  if (ms < 10) return `${ms.toFixed(2)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  return `${(ms / 1000).toFixed(2)} s`
}

export const clock = (epoch) => new Date(epoch).toLocaleTimeString([], { hour12: false })
