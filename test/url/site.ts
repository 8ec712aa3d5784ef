/** A framework's site behind the Function URL of one emulator. */
import { type Emulator, startEmulator } from '../clients/emulator.ts'
import { freePort } from '../kit/launch.ts'
import type { Framework, Served } from './frameworks.ts'

export interface Site extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` of the Function URL */
  readonly url: string
  readonly emulator: Emulator
  get(path: string, init?: RequestInit): Promise<Response>
}

export interface Trial {
  readonly framework: Framework
  readonly streams: boolean
  /** Starts the site; `streamed` with the invoke mode `RESPONSE_STREAM`. */
  start(mode?: 'buffered' | 'streamed'): Promise<Site>
}

export function trial(binary: string, framework: Framework, served: Served): Trial {
  return {
    framework,
    streams: served.streamed !== undefined,
    async start(mode = 'buffered') {
      const port = freePort()
      const launch = mode === 'streamed' ? (served.streamed ?? served.launch) : served.launch
      const flags = ['--function-url-address', `127.0.0.1:${port}`, ...(served.flags ?? [])]
      if (mode === 'streamed') flags.push('--function-url-invoke-mode', 'RESPONSE_STREAM')
      const emulator = await startEmulator(binary, launch, { flags })
      const url = `http://127.0.0.1:${port}`
      return {
        url,
        emulator,
        get: (path, init = {}) =>
          fetch(url + path, { redirect: 'manual', signal: AbortSignal.timeout(60_000), ...init }),
        [Symbol.asyncDispose]: () => emulator[Symbol.asyncDispose](),
      }
    },
  }
}
