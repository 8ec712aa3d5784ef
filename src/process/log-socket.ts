/**
 * The Unix socket to which the workers of a runtime connect, so that each has a stream of its own for its lines: in one
 * pipe the lines of parallel workers would mix. AWS's clients for Node.js and Python know it as
 * `_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET`; whoever does not connect writes whole lines as ever.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What takes the bytes of one worker. */
export interface LogStream {
  push(chunk: Uint8Array): void
  /** There will be no more. */
  end(): void
}

export interface LogSocket extends Disposable {
  /** Where workers connect. */
  readonly path: string
}

/**
 * What the path of a socket may have on macOS, in bytes; Linux has four more. Bun listens at longer ones too, but a worker
 * could not connect there.
 */
const longestPath = 103

/**
 * `opened` is asked for each worker that connects; `/tmp` stands for a folder for temporary files whose path is too long.
 * Throws what the system says when there can be no such socket.
 */
export function openLogSocket(opened: () => LogStream, temporary: string = tmpdir()): LogSocket {
  const isShort = Buffer.byteLength(join(temporary, 'rie-log-XXXXXX/socket')) <= longestPath
  const folder = mkdtempSync(join(isShort ? temporary : '/tmp', 'rie-log-'))
  const path = join(folder, 'socket')
  const listener = Bun.listen<LogStream>({
    unix: path,
    socket: {
      open(socket) {
        socket.data = opened()
      },
      // the bytes are Bun's own until the next ones come
      data: (socket, bytes) => socket.data.push(bytes.slice()),
      close: (socket) => socket.data.end(),
      error() {},
    },
  })
  return {
    path,
    [Symbol.dispose]() {
      listener.stop(true)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
