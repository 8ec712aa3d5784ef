/**
 * A program may have a fault of its own that a case is not about. The reference has one: when a process that it starts
 * ends before it has noted it, it ends with `Unable to find an exitedChannel`. A case that met it is run again.
 */

/** How one run of a case went. */
export interface Attempt {
  /** why the case failed; undefined when it passed */
  readonly error: unknown
  /** what the programs that it started wrote to stderr */
  readonly stderr: string
}

export interface Attempts extends Attempt {
  /** what the fault said, once for each run that it ended */
  readonly faults: readonly string[]
}

/** At most so many runs of one case: a fault that comes each time is no race. */
const most = 3

/** Runs a case until it passes or fails for another reason than the known fault of its program. */
export async function attempts(run: () => Promise<Attempt>, fault: RegExp | undefined): Promise<Attempts> {
  const faults: string[] = []
  for (;;) {
    const attempt = await run()
    const said = attempt.error === undefined ? undefined : fault?.exec(attempt.stderr)?.[0]
    if (said !== undefined) faults.push(said)
    if (said === undefined || faults.length === most) return { ...attempt, faults }
  }
}
