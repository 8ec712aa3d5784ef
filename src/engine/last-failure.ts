/** The last failure of a function's environments, for those who ask why it is not ready. */

import type { Fault, Payload } from '../core/failure.ts'
import type { PlatformListener } from './platform-event.ts'

/** What failed; `at` is in Unix milliseconds. */
export interface Failure {
  readonly at: number
  readonly environment: number
  /** `init`: nothing was invoked, or the event was not delivered yet */
  readonly during: 'init' | 'invocation'
  readonly errorType: string
  readonly errorMessage: string
}

/** The failures since the function was last initialised. */
export class LastFailure {
  #failure: Failure | null = null
  #document: Payload | null = null

  /** Null while all went well since the last init that succeeded. */
  get value(): Failure | null {
    return this.#failure
  }

  /** What the runtime posted of it, with its trace; null where it posted nothing. */
  get document(): Payload | null {
    return this.#document
  }

  /** Listens to the events of one environment. `epoch` gives Unix milliseconds. */
  listener(environment: number, epoch: () => number): PlatformListener {
    let initialising = false
    return (event) => {
      if (event.type === 'initStart') {
        initialising = true
      } else if (event.type === 'initReport') {
        initialising = false
        if (event.verdict.status === 'success') this.#failure = this.#document = null
      } else if (event.type === 'fault') {
        const { fault } = event
        this.#document = fault.document ?? null
        this.#failure = {
          at: epoch(),
          environment,
          during: initialising ? 'init' : 'invocation',
          errorType: fault.errorType,
          errorMessage: reportedMessage(fault) ?? fault.text,
        }
      }
    }
  }
}

/** A document longer than this is not looked into, in bytes. */
const longest = 65_536

/** The message in the document that a runtime posted, if it posted one that has a message. */
export function reportedMessage({ document }: Fault): string | undefined {
  if (document === undefined || document.size > longest) return undefined
  try {
    const parsed: unknown = JSON.parse(textOf(document.chunks))
    const message = (parsed as { errorMessage?: unknown } | null)?.errorMessage
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}

function textOf(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder()
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
}
