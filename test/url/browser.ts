/** A real browser before the Function URL: Debian's Chromium, driven by playwright-core. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cached, need, run, Unavailable } from '../clients/client.ts'

const playwrightVersion = '1.65.1'

export interface Seen {
  readonly title: string
  readonly heading: string
  /** the items that the page made of the stream's events */
  readonly events: readonly string[]
  /** milliseconds from the first event to the last, as the page saw them */
  readonly spread: number
}

/** Loads the page of `page.mjs`, and lets it follow its stream. */
export async function loadPage(url: string): Promise<Seen> {
  return (await drive('page', url)) as Seen
}

/** Runs a step of `driver.mjs` in Node, where playwright is at home; what it prints is its result. */
export async function drive(step: string, ...rest: readonly string[]): Promise<unknown> {
  const browser = Bun.which('chromium') ?? Bun.which('chromium-browser')
  if (browser === null || !existsSync(browser)) throw new Unavailable('chromium is not installed')
  const folder = await cached(
    'playwright-core',
    playwrightVersion,
    {
      async install(folder) {
        await Bun.write(join(folder, 'package.json'), '{"private":true}')
        const install = [need('npm'), 'install', '--no-audit', '--no-fund', '--save-exact']
        await run([...install, `playwright-core@${playwrightVersion}`], { cwd: folder })
      },
    },
    join(import.meta.dir, 'browser'),
  )
  const child = Bun.spawn([need('node'), 'driver.mjs', browser, step, ...rest], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0) throw new Error(`the browser ended with ${code}: ${err.trim().slice(-400)}`)
  return JSON.parse(out)
}
