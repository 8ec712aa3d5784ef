/** One client behind one emulator, and what the answers of its function are taken for. */
import { ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Client, Launch } from './client.ts'
import { type Answer, type Emulator, type StartOptions, startEmulator } from './emulator.ts'

export interface Trial {
  readonly client: Client
  readonly launch: Launch
  readonly handlersOnly: boolean
  start(options?: StartOptions): Promise<Emulator>
}

export function trial(binary: string, client: Client, launch: Launch, handlersOnly: boolean): Trial {
  return { client, launch, handlersOnly, start: (options) => startEmulator(binary, launch, options) }
}

/** The JSON of an answer that must be a success. */
export function success(answer: Answer): unknown {
  ok(answer.status === 200, `status ${answer.status}: ${answer.text.slice(0, 300)}`)
  const failure = answer.headers.get('x-amz-function-error')
  ok(failure === null, `${failure}: ${answer.text.slice(0, 300)}`)
  return json(answer)
}

/** The document of an answer, whatever it means. */
export function json(answer: Answer): Record<string, unknown> {
  try {
    return JSON.parse(afterPrelude(answer))
  } catch {
    throw new Error(`not JSON, status ${answer.status}: ${answer.text.slice(0, 300)}`)
  }
}

/** The document of an answer that must be an error of the function. */
export function failure(trial: Trial, answer: Answer, status = 200): Record<string, unknown> {
  if (!trial.handlersOnly) {
    same(answer.status, status)
    same(answer.headers.get('x-amz-function-error'), 'Unhandled')
  }
  return json(answer)
}

/** Which process answers. */
export async function instance(emulator: Emulator): Promise<unknown> {
  return (success(await emulator.invoke({ do: 'instance' })) as { instance: unknown }).instance
}

/** The function must be there for the next caller, whatever happened to this one. */
export async function nextSucceeds(emulator: Emulator): Promise<void> {
  const event = { do: 'echo', after: 'that' }
  same(success(await emulator.invoke(event)), event)
}

/** Rust's client opens every stream with a head for HTTP and eight NULs, which this API hands on. */
export function afterPrelude(answer: Pick<Answer, 'text'>): string {
  return answer.text.split('\0'.repeat(8)).at(-1) as string
}
