/** What can be measured, and how a running one is watched. */

/** How a subject is to be started. */
export interface Setup {
  /** Answer with the event instead of `"hello"`. */
  readonly echo: boolean
  /** How many invocations must be able to run at once. */
  readonly environments: number
  /** Those run in one environment, which has so many slots. */
  readonly managed?: boolean
  /** Answer with a stream of so many pieces of so many bytes. */
  readonly stream?: { readonly pieces: number; readonly bytes: number }
  /** Start an extension that subscribes to INVOKE. */
  readonly extension?: boolean
  /** Serve a Function URL on the port. */
  readonly url?: boolean
  /** A function that echoes its event, in place of the one in C. */
  readonly function?: { readonly command: readonly string[]; readonly cwd: string }
  readonly port: number
  readonly apiPort: number
}

/** Everything needed to start one. */
export interface Launch {
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Where callers post. */
  readonly path: string
  /** Runtimes that the subject does not start itself. */
  readonly runtime?: { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> }
}

export interface Subject {
  readonly name: string
  /** One line for the table's legend. */
  readonly about: string
  /** Builds or fetches it; throws `Unavailable` with the reason when that is impossible here. */
  prepare(): Promise<void>
  launch(setup: Setup): Launch
  /** Why it cannot be measured in this setup. */
  refuses?(setup: Setup): string | undefined
}

/** Something cannot be measured on this machine, or not yet; the message says why. */
export class Unavailable extends Error {}

/** Where the invoke endpoint of an emulator is. */
export const invokePath = '/2015-03-31/functions/function/invocations'
