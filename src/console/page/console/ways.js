// Lines to copy: the ways to invoke a function from elsewhere.

import { byId, element } from './elements.js'

export const invokePath = (name) => `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`

export function curlLine(text, name) {
  return `curl -XPOST ${location.origin}${invokePath(name)} -d '${text.replaceAll("'", `'\\''`)}'`
}

/** Copies a text; `button` says so for a moment in place of its title. */
export async function copyBy(button, text, title) {
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

/** Each way to invoke a function, as a line to copy; `named` where there are several. */
export function showWays(name, named, functionUrl) {
  const ways = [
    ['With curl', curlLine('{"name":"world"}', name)],
    [
      'With the client',
      `aws-lambda-rie invoke${named ? ` ${name}` : ''}${endpointFlag()} -d '{"name":"world"}'`,
    ],
    ['With an SDK or the AWS CLI', `export AWS_ENDPOINT_URL_LAMBDA=${location.origin}`],
  ]
  if (functionUrl !== null) {
    // the port is the function's; under which name this machine is reached, the page knows
    const url = new URL(functionUrl)
    url.hostname = location.hostname
    ways.push(['As a website', `curl -i '${url.href}?name=world'`])
  }
  byId('ways').replaceChildren(
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

/** The client looks there by itself. */
const endpointFlag = () => (location.port === '8080' ? '' : ` --endpoint-url ${location.origin}`)
