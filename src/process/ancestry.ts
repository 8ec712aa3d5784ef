/** Which processes started this one, and whether they are still there; a matter of the platform, as in `platform.ts`. */

export interface Ancestry {
  /** The processes of the machine as they are now. */
  look(): {
    /** 0 for a process that is not there */
    parentOf(pid: number): number
    /** its command line; empty for a process that is not there */
    commandOf(pid: number): string
    /** Returns what tells, at any later time, whether that process has ended. */
    watch(pid: number): () => boolean
  }
}

/** Loads what fits this machine, or with `portable` what fits every one. */
export function ancestry(portable: boolean): Ancestry {
  const { ancestry } = (
    portable || process.platform !== 'linux'
      ? require('./portable/ancestors.ts')
      : require('./linux/ancestors.ts')
  ) as typeof import('./linux/ancestors.ts')
  return ancestry
}

/**
 * Our parent, and those above it whose command line matches: each as a function that tells whether it has ended. The
 * parent counts whatever it is.
 */
export function startersOf(self: number, starters: RegExp, { look }: Ancestry): (() => boolean)[] {
  const { parentOf, commandOf, watch } = look()
  const found: (() => boolean)[] = []
  for (let pid = parentOf(self); pid > 1; pid = parentOf(pid)) {
    if (found.length > 0 && !starters.test(commandOf(pid))) return found
    found.push(watch(pid))
  }
  return found
}
