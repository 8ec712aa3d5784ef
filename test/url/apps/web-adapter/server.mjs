// An ordinary web server, which knows nothing of Lambda. AWS's web adapter, an extension, polls for it.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { page } from './page.mjs'

async function bodyOf(request) {
  const pieces = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The only part of a form with a file. */
function fileOf(body, type) {
  const boundary = `--${/boundary=([^;]+)/.exec(type)[1]}`
  const headEnd = body.indexOf('\r\n\r\n')
  const head = body.toString('latin1', 0, headEnd)
  const end = body.indexOf(`\r\n${boundary}`, headEnd)
  return { name: /filename="([^"]+)"/.exec(head)[1], bytes: body.subarray(headEnd + 4, end) }
}

const routes = {
  'GET /': (_, response) => response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page),
  'GET /query': (request, response) => {
    const { searchParams } = new URL(request.url, 'http://localhost')
    const value = { tag: searchParams.getAll('tag'), text: searchParams.get('text') }
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value))
  },
  'POST /form': async (request, response) => {
    const form = new URLSearchParams(String(await bodyOf(request)))
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end(`${form.get('name')} from ${form.get('city')}`)
  },
  'GET /login': (_, response) => {
    // a header that comes twice, which the adapter writes as a list into its prelude
    response.setHeader('Vary', ['Cookie', 'Accept'])
    response.setHeader('Set-Cookie', ['session=a%20b; HttpOnly; Path=/', 'theme=dark; Path=/']).end('in')
  },
  'GET /cookies': (request, response) => {
    const pairs = (request.headers.cookie ?? '').split(/; ?/).map((pair) => pair.split('='))
    const value = Object.fromEntries(pairs.map(([name, text]) => [name, decodeURIComponent(text)]))
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value))
  },
  'GET /old': (_, response) => response.writeHead(303, { Location: '/query?text=moved' }).end(),
  'POST /upload': async (request, response) => {
    const { name, bytes } = fileOf(await bodyOf(request), request.headers['content-type'])
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ name, bytes: bytes.length, sha256 }))
  },
  'GET /picture': (_, response) =>
    response.setHeader('Content-Type', 'image/png').end(Uint8Array.from({ length: 256 }, (_, at) => at)),
  'GET /events': async (_, response) => {
    response.setHeader('Content-Type', 'text/event-stream')
    for (const n of [1, 2, 3]) {
      response.write(`data: event ${n}\n\n`)
      if (n < 3) await setTimeout(1500)
    }
    response.end()
  },
}

createServer((request, response) => {
  const [path] = request.url.split('?')
  const route = routes[`${request.method === 'HEAD' ? 'GET' : request.method} ${path}`]
  if (route === undefined) response.writeHead(404).end('nothing here')
  else route(request, response)
}).listen(Number(process.env.PORT), '127.0.0.1')
