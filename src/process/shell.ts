/** A command line of the user's that is run to its end, as a build is. */

/** What it wrote is kept up to this many characters, the last ones. */
const keptOutput = 65_536

export interface ShellRun {
  /** Rejects where there is no shell. */
  readonly ended: Promise<{ readonly code: number; readonly output: string }>
  /** Ends it with all that it has started. */
  kill(): void
}

/** Runs `line` by `/bin/sh` in a folder, with our own variables. stdout and stderr come in one text, in their order. */
export function runShell(line: string, cwd: string): ShellRun {
  // a group of its own, which one signal ends; both streams are one
  const child = Bun.spawn(['/bin/sh', '-c', `exec 2>&1\n${line}`], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const kill = (): void => {
    try {
      process.kill(-child.pid, 'SIGTERM')
    } catch {
      // it has ended
    }
  }
  async function end(): Promise<{ code: number; output: string }> {
    const decoder = new TextDecoder()
    let output = ''
    for await (const chunk of child.stdout)
      output = (output + decoder.decode(chunk, { stream: true })).slice(-keptOutput)
    return { code: await child.exited, output }
  }
  return { ended: end(), kill }
}
