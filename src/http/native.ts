/**
 * `Exchange` on the handles under Bun's own `node:http` (`Bun.serve({ onNodeHTTPRequest })`), which are not documented:
 * they read trailers, answer pipelined requests, and cost a third less than `fetch`. DECISIONS says what is relied on;
 * `test/http` holds every bit of it.
 *
 * What the handles do not do for us, and this file does:
 * - A callback that throws sends an empty 200. Everything that Bun calls is guarded here.
 * - A body that is not asked for before the callback returns is lost: one that nobody has read by then is held.
 * - `ondata` comes once more, with `aborted`, when the connection ends, also after a complete body.
 * - An answer to a gone peer throws. `aborted` is looked at first.
 * - Headers go out unchecked, HEAD sends a body, 204 and 304 a long one, `close` closes nothing, a list of headers is
 *   framed by its own `Content-Length` only.
 * - What is written for a pipelined request is lost while the answer before it is not out: it is kept in order.
 */
import { bind } from './address.ts'
import type { Handlers, ListenAt, Listener, Shared } from './exchange.ts'
import { countRequest, setCurrent, writeAnswers } from './native-answers.ts'
import { type NativeConnection, NativeExchange } from './native-exchange.ts'
import type { Handle, Socket } from './native-handle.ts'

/** Requests of one connection that may wait for the answer to an earlier one; a peer that sends more is cut off. */
const maxPipelined = 64

/** Path and query of a target in any of its forms; `host:port` of CONNECT stays as it is. */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === 47) return target
  const rest = target.replace(/^https?:\/\/[^/?]*/i, '')
  return rest === '' || rest.startsWith('?') ? `/${rest}` : rest
}

/** What Bun calls for each request: always these twelve arguments, see `isKnownShape`. */
type Callback = (
  server: unknown,
  target: string,
  method: string,
  bits: number,
  handle: Handle,
  hasBody: boolean,
  socket: Socket,
  isNew: boolean,
  connection: NativeConnection | undefined,
  ancient: boolean,
  head: unknown,
  pipelined: boolean,
) => void

function isKnownShape(args: readonly unknown[]): boolean {
  return (
    typeof args[11] === 'boolean' &&
    typeof args[1] === 'string' &&
    typeof args[2] === 'string' &&
    typeof args[3] === 'number' &&
    typeof (args[4] as Partial<Handle> | null)?.writeHeadAndEnd === 'function' &&
    typeof (args[6] as Partial<Socket> | null)?.startPipelinedResponse === 'function'
  )
}

/** Answers a request that came with handles of another shape, as far as that is possible. */
function refuseUnknown(args: readonly unknown[]): void {
  for (const one of args) {
    const handle = one as Partial<Pick<Handle, 'writeHead' | 'end'>> | null
    if (typeof handle?.writeHead !== 'function' || typeof handle.end !== 'function') continue
    handle.writeHead(503, '', ['Retry-After', '1', 'Content-Length', '0'], 0, 0)
    handle.end()
    return
  }
}

/**
 * What Bun calls. The first request shows whether the handles have the shape that is known here; if not, it is refused
 * with a 503, and `changed` is called to let the listener go on in another way.
 */
export function nativeCallback(shared: Shared, changed: (server: NativeServer) => void): Callback {
  let known = false
  return function onNodeHTTPRequest(
    server,
    target,
    method,
    bits,
    handle,
    hasBody,
    socket,
    isNew,
    duplex,
    ancient,
    head,
    pipelined,
  ) {
    if (!known) {
      const first = [server, target, method, bits, handle, hasBody]
      const args = [...first, socket, isNew, duplex, ancient, head, pipelined]
      if (!isKnownShape(args)) {
        changed(server as NativeServer)
        refuseUnknown(args)
        return
      }
      known = true
    }
    let connection = duplex
    if (connection === undefined) {
      connection = { queue: [], reused: false, stretch: -1, peer: null }
      socket.duplex = connection
    } else {
      connection.reused = true
    }
    countRequest(connection)
    if (pipelined && connection.queue.length >= maxPipelined) {
      socket.close()
      return
    }
    const path = originForm(target)
    const exchange = new NativeExchange(
      method,
      path,
      hasBody,
      bits,
      ancient,
      handle,
      socket,
      connection,
      shared,
      pipelined,
    )
    if (pipelined) connection.queue.push(exchange)
    // its socket stays when the peer has gone
    if (method === 'CONNECT') closeOnAbort(handle, socket)
    setCurrent(exchange)
    try {
      shared.handlers.handle(exchange)
      exchange.returned()
    } catch (error) {
      exchange.fail(error)
    }
    setCurrent(null)
  }
}

function closeOnAbort(handle: Handle, socket: Socket): void {
  handle.onabort = () => socket.close()
}

/** Opens a listener on the native handles; `changed` as above. */
export function listenNatively(
  at: ListenAt,
  handlers: Handlers,
  changed: (server: NativeServer, shared: Shared) => void,
): Listener {
  const shared: Shared = { handlers, closing: false }
  const onNodeHTTPRequest = nativeCallback(shared, (server) => changed(server, shared))
  const server = bind(at, { onNodeHTTPRequest }) as NativeServer
  return {
    hostname: server.hostname as string,
    port: server.port as number,
    close() {
      shared.closing = true
      void server.stop(false)
      // Bun goes on serving those that are idle
      server.closeIdleConnections()
    },
    stop() {
      writeAnswers()
      return server.stop(true)
    },
  }
}

/** What the published types leave out. */
export type NativeServer = Bun.Server<undefined> & { closeIdleConnections(): void }
