// A small site on Hono, behind its own adapter for Lambda, buffered and streamed.
import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { Hono } from 'hono'
import { handle, streamHandle } from 'hono/aws-lambda'
import { getCookie, setCookie } from 'hono/cookie'
import { streamSSE } from 'hono/streaming'
import { page } from './page.mjs'

const app = new Hono()
app.get('/', (c) => c.html(page))
app.get('/query', (c) => c.json({ tag: c.req.queries('tag') ?? [], text: c.req.query('text') ?? null }))
app.post('/form', async (c) => {
  const { name, city } = await c.req.parseBody()
  return c.text(`${name} from ${city}`)
})
app.get('/login', (c) => {
  setCookie(c, 'session', 'a b', { httpOnly: true, path: '/' })
  setCookie(c, 'theme', 'dark', { path: '/' })
  return c.text('in')
})
app.get('/cookies', (c) => c.json(getCookie(c)))
app.get('/old', (c) => c.redirect('/query?text=moved', 303))
app.post('/upload', async (c) => {
  const { file } = await c.req.parseBody()
  const bytes = new Uint8Array(await file.arrayBuffer())
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return c.json({ name: file.name, bytes: bytes.length, sha256 })
})
app.get('/picture', (c) =>
  c.body(
    Uint8Array.from({ length: 256 }, (_, at) => at),
    200,
    { 'Content-Type': 'image/png' },
  ),
)
app.get('/events', (c) =>
  streamSSE(c, async (stream) => {
    for (const n of [1, 2, 3]) {
      await stream.writeSSE({ data: `event ${n}` })
      if (n < 3) await setTimeout(1500)
    }
  }),
)

export const handler = handle(app)
export const stream = streamHandle(app)
