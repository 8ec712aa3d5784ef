/** A page of another origin that invokes the function with the SDK for JavaScript, in a real browser. */
import { ok, deepStrictEqual as same } from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { allCallers } from '../clients/callers/callers.ts'
import { startEmulator } from '../clients/emulator.ts'
import { drive } from './browser.ts'

interface Seen {
  readonly outcome: Readonly<Record<string, unknown>>
  readonly problems: readonly string[]
}

/** The page is served here, the gateway knows its origin; another one is not named, and gets nothing. */
export async function pageWithSdk(binary: string): Promise<void> {
  const { cwd } = await allCallers.find(({ name }) => name === 'sdk-js')!.prepare()
  // beside the SDK, so that the bundler finds what it has for browsers
  const entry = join(cwd, 'page.mjs')
  await cp(join(import.meta.dir, 'sdk-page', 'main.mjs'), entry)
  const built = await Bun.build({ entrypoints: [entry], target: 'browser', format: 'esm' })
  const script = await (built.outputs[0] as Blob).text()
  let gateway = ''
  const serve = () =>
    Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: ({ url }) =>
        new URL(url).pathname === '/main.js'
          ? new Response(script, { headers: { 'Content-Type': 'text/javascript' } })
          : new Response(`<!doctype html><script type="module" src="/main.js?${gateway}"></script>`, {
              headers: { 'Content-Type': 'text/html' },
            }),
    })
  await using named = serve()
  await using foreign = serve()
  const origin = `http://127.0.0.1:${named.port}`
  const served = {
    command: ['--handler', 'index.handler'],
    cwd: join(import.meta.dir, '../clients/callers/function'),
  }
  await using emulator = await startEmulator(binary, served, { flags: ['--cors', origin] })
  gateway = emulator.url

  const seen = (await drive('sdk', `${origin}/`)) as Seen
  same(seen.problems, [])
  same(seen.outcome, {
    pieces: ['8', {}],
    value: 5,
    executedVersion: '$LATEST',
    functionError: 'Unhandled',
    errorType: 'RangeError',
    log: true,
    requestId: true,
  })

  const before = emulator.output()
  const refused = (await drive('sdk', `http://127.0.0.1:${foreign.port}/`)) as Seen
  ok('failed' in refused.outcome, JSON.stringify(refused.outcome))
  same(emulator.output().slice(before.length).includes('START'), false, 'the other page ran the function')
}
