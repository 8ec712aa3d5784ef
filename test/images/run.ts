/**
 * Runs the emulator in real images, as the README says, and prints what works.
 *
 *     bun run images [word…]
 *
 * Only cases whose titles contain one of the words. Needs root, podman, runc, mmdebstrap and the package mirrors of
 * Debian; what else is missing skips single cases.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { arm64Cases } from './arm64.ts'
import type { Case } from './case.ts'
import { debuggerCases } from './debuggers.ts'
import { documentedCases } from './documented.ts'
import { endToEndCases } from './end-to-end.ts'
import { kubernetesCases } from './kubernetes.ts'
import { libcCases } from './libc.ts'
import { pid1Cases } from './pid1.ts'
import { openPodman, removeContainers, root, Unavailable } from './podman.ts'
import { untried } from './readme.ts'
import { surroundingCases } from './surroundings.ts'
import { watchCases } from './watch.ts'

const cases: readonly Case[] = [
  ...documentedCases,
  ...pid1Cases,
  ...surroundingCases,
  ...libcCases,
  ...arm64Cases,
  ...endToEndCases,
  ...debuggerCases,
  ...watchCases,
  ...kubernetesCases,
]

const words = process.argv.slice(2)
const chosen = cases.filter(({ title }) => words.length === 0 || words.some((word) => title.includes(word)))

let passed = 0
let failed = 0
let skipped = 0

function say(outcome: string, title: string, detail = ''): void {
  console.log(`${outcome.padEnd(4)}  ${title}${detail && `: ${detail}`}`)
}

async function attempt({ title, run }: Case): Promise<void> {
  try {
    say('ok', title, await run())
    passed++
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (error instanceof Unavailable) {
      say('skip', title, reason)
      skipped++
    } else {
      say('FAIL', title, reason)
      failed++
      await removeContainers().catch(() => {})
    }
  }
}

try {
  if (!existsSync(join(root, 'dist/aws-lambda-rie'))) throw new Unavailable('there is no dist: bun run build')
  await openPodman()
  for (const each of chosen) await attempt(each)
  if (words.length === 0) {
    await attempt({
      title: 'every snippet of the README was run',
      async run() {
        const { names, nameless } = untried()
        if (names.length > 0 || nameless > 0)
          throw new Error(`${names.join(', ')}; ${nameless} without a name`)
        return undefined
      },
    })
  }
} catch (error) {
  if (!(error instanceof Unavailable)) throw error
  for (const { title } of chosen) say('skip', title, error.message)
  skipped = chosen.length
}
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 ? 1 : 0
