/**
 * The emulator as `bun run dev` starts it: it ends when those who started it do. `npx bun run dev` is npm, a shell, Bun
 * and the emulator; a signal to npm ends npm and its shell, and would leave the other two behind, with both ports.
 */

import { ancestry, startersOf } from './process/ancestry.ts'

const intervalMs = 500
/** Programs that start `bun run dev` for somebody else. A shell of a person is none: what it leaves behind is meant. */
const starters =
  /(^|\/)(npx|npm|pnpm|pnpx|yarn|bunx)(-cli)?(\.c?js)?(\s|$)|\bbun(@[\w.]+)?\s(.*\s)?run\s|^sh -c .*\bbun\b/

const isPortable = /^(on|true|yes|1)$/i.test(process.env.AWS_LAMBDA_RIE_PORTABLE ?? '')
const watched = startersOf(process.pid, starters, ancestry(isPortable))
setInterval(() => {
  if (!watched.some((hasEnded) => hasEnded())) return
  watched.length = 0
  process.kill(process.pid, 'SIGTERM')
}, intervalMs).unref()

// switched off by AWS_LAMBDA_RIE_WATCH=off
process.env.AWS_LAMBDA_RIE_WATCH ||= 'on'

await import('./main.ts')
