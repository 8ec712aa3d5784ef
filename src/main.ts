/**
 * The entry of two programs in one executable: the emulator, and the runtime client of `--handler`, which the emulator
 * starts as a child. Each loads only what it needs. The only place that ends the process.
 *
 * As PID 1 a signal that comes before its handler is installed is lost, and loading the emulator takes milliseconds:
 * the handlers are installed before anything else.
 */

import { SERVE_MARKER } from './handler/command.ts'

if (process.env[SERVE_MARKER] === '1') {
  delete process.env[SERVE_MARKER]
  const { serveHandler } = await import('./handler/serve.ts')
  // resolves when serving begins; the process ends when its event loop is empty
  await serveHandler(process.env)
} else {
  await import('./signals.ts')
  const { main } = await import('./cli.ts')
  process.exit(await main(process.argv.slice(2), process.env))
}
