/**
 * The emulator as `bun run dev` starts it: it ends when those who started it do. `npx bun run dev` is npm, a shell, Bun and
 * the emulator; a signal to npm ends npm and its shell, and would leave the other two behind, with both ports.
 */

import { readFileSync } from 'node:fs'

const intervalMs = 500
/** Programs that start `bun run dev` for somebody else. A shell of a person is none: what it leaves behind is meant. */
const starters =
  /(^|\/)(npx|npm|pnpm|pnpx|yarn|bunx)(-cli)?(\.c?js)?(\s|$)|\bbun(@[\w.]+)?\s(.*\s)?run\s|^sh -c .*\bbun\b/

interface Ancestor {
  readonly pid: number
  /** when it started; its number may be given to another process later */
  readonly started: string
}

/** State, parent, …: the fields of /proc/PID/stat behind the name. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** Our parent, which is Bun as it runs the script, and those above it that started it for somebody else. */
function startersOf(self: number): Ancestor[] {
  const found: Ancestor[] = []
  for (let pid = Number(statOf(self)[1]); pid > 1; ) {
    const fields = statOf(pid)
    if (fields.length < 20 || (found.length > 0 && !starters.test(commandOf(pid)))) return found
    found.push({ pid, started: fields[19] as string })
    pid = Number(fields[1])
  }
  return found
}

const watched = startersOf(process.pid)
setInterval(() => {
  const gone = watched.find(({ pid, started }) => {
    const fields = statOf(pid)
    return fields[19] !== started || fields[0] === 'Z'
  })
  if (gone === undefined) return
  watched.length = 0
  process.kill(process.pid, 'SIGTERM')
}, intervalMs).unref()

// switched off by AWS_LAMBDA_RIE_WATCH=off
process.env.AWS_LAMBDA_RIE_WATCH ||= 'on'

await import('./main.ts')
