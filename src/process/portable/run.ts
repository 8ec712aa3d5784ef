/** Programs of POSIX that do what Bun has no call for. They inherit no variables of ours, and no terminal. */

/** Where POSIX programs are, whatever the user's PATH says. */
const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' }

/** Runs a program to its end; what it wrote, or why it failed. Blocks for some milliseconds. */
export function runNow(
  argv: readonly [string, ...string[]],
): { readonly text: string } | { readonly error: string } {
  try {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { env, stdin: 'ignore' })
    return exitCode === 0 ? { text: stdout.toString() } : { error: stderr.toString().trim() }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/** The same without blocking. */
export async function runSoon(argv: readonly [string, ...string[]]): Promise<string> {
  try {
    const program = Bun.spawn([...argv], { env, stdio: ['ignore', 'pipe', 'ignore'] })
    program.unref()
    return await program.stdout.text()
  } catch {
    return ''
  }
}

/** Starts a program in a session of its own, which reads from this descriptor; `ended` is called when it has ended. */
export function runBeside(argv: readonly [string, ...string[]], stdin: number, ended: () => void): void {
  Bun.spawn([...argv], {
    env,
    cwd: '/',
    stdio: [stdin, 'ignore', 'ignore'],
    detached: true,
    onExit: ended,
  }).unref()
}
