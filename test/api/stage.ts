/** A listener of the Runtime API before an environment whose processes are scripted, and raw connections to it. */

import { openRuntimeApi, type RuntimeApi, type RuntimeApiOptions } from '../../src/api/server.ts'
import type { EnvironmentParts } from '../../src/engine/environment.ts'
import type { TelemetryPort } from '../../src/engine/ports.ts'
import { fakeLog, realClock, type Stage, stage } from '../engine/fakes.ts'

export const runtimePath = '/2018-06-01/runtime'
export const extensionPath = '/2020-01-01/extension'

export const facts = {
  functionName: 'test_function',
  functionVersion: '$LATEST',
  handler: 'app.handler',
  accountId: '012345678912',
} as const

/** What can be posted. */
export type Body = string | Uint8Array<ArrayBuffer> | ReadableStream | null

export interface ApiStage extends Stage, AsyncDisposable {
  readonly api: RuntimeApi
  readonly url: string
  readonly errors: ReturnType<typeof fakeLog>['lines']
  fetch(path: string, init?: RequestInit): Promise<Response>
  post(path: string, body?: Body, headers?: Record<string, string>): Promise<Response>
}

export const noTelemetry: TelemetryPort = {
  subscribe: async () => ({ kind: 'refused' }),
  flush: async () => {},
}

export function listening(
  parts: Partial<EnvironmentParts> = {},
  options: Partial<RuntimeApiOptions> = {},
): ApiStage {
  const staged = stage({ clock: realClock, ...parts })
  const log = fakeLog()
  const api = openRuntimeApi(staged.environment, {
    hostname: '127.0.0.1',
    port: 0,
    facts,
    telemetry: noTelemetry,
    logsApi: true,
    snapStart: null,
    metadata: { token: 'token', availabilityZoneId: 'use1-az1' },
    extensionsDisabled: () => false,
    log,
    ...options,
  })
  const url = `http://127.0.0.1:${api.port}`
  return {
    ...staged,
    api,
    url,
    errors: log.lines,
    fetch: (path, init) => fetch(`${url}${path}`, init),
    post: (path, body = null, headers = {}) => fetch(`${url}${path}`, { method: 'POST', body, headers }),
    async [Symbol.asyncDispose]() {
      staged.environment[Symbol.dispose]()
      await api.stop()
    },
  }
}

/** The environment has been started, and its runtime is expected to ask. */
export function started(
  parts: Partial<EnvironmentParts> = {},
  options: Partial<RuntimeApiOptions> = {},
): ApiStage {
  const staged = listening(parts, options)
  staged.environment.dispatch({ type: 'start' })
  return staged
}

/** An answer as one value. */
export async function told(response: Response | Promise<Response>): Promise<{
  status: number
  type: string | null
  body: string
}> {
  const answer = await response
  return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() }
}
