/** A command line of the user's that is run to its end, as a build is. */

/** What it wrote is kept up to this many characters, the last ones. */
const keptOutput = 65_536

/** Milliseconds for what the pipe still holds at the end; a process that goes on in the background may never close it. */
const lastWordsMs = 200

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
  let output = ''
  // goes on behind the end, so that nobody who holds the pipe stops at a full one
  async function read(): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout)
      output = (output + decoder.decode(chunk, { stream: true })).slice(-keptOutput)
  }
  async function end(): Promise<{ code: number; output: string }> {
    const closed = read()
    const code = await child.exited
    await Promise.race([closed, Bun.sleep(lastWordsMs)])
    return { code, output }
  }
  return { ended: end(), kill }
}
