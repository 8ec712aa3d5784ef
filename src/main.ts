/**
 * The entry of five programs in one executable: the emulator; the runtime client of `--handler` and the program that
 * becomes a process whose variables are not UTF-8, which the emulator starts as children; `invoke`, which sends an
 * event to a running emulator; and `durable`, which controls its durable executions. Each loads only what it needs.
 *
 * As PID 1 a signal that comes before its handler is installed is lost, and loading the emulator takes milliseconds:
 * the handlers are installed before anything else.
 */

import { serveMarker } from './handler/command.ts'
import { startWithoutInspector } from './process/inspector.ts'
import { execMarker } from './process/marker.ts'

const isCompiled = import.meta.url.includes('/$bunfs/')

if (process.env[execMarker] !== undefined) {
  const { becomeProcess } = await import('./process/linux/exec.ts')
  becomeProcess(process.env)
  process.exit(127)
} else if (process.env[serveMarker] === '1') {
  delete process.env[serveMarker]
  const { serveHandler } = await import('./handler/serve.ts')
  // the program begins with another one (`build.ts`), which is not for the code of users
  if (isCompiled) Bun.unsafe.setJITPolicy(1)
  // resolves when serving begins; the process ends when its event loop is empty
  await serveHandler(process.env)
} else if (process.argv[2] === 'invoke') {
  // only as the first word: `-- invoke` runs a program of that name
  const { main } = await import('./invoke/main.ts')
  process.exit(await main(process.argv.slice(3), process.env))
} else if (process.argv[2] === 'durable') {
  const { durable } = await import('./invoke/durable.ts')
  process.exit(await durable(process.argv.slice(3), process.env))
} else {
  startWithoutInspector(process.env)
  await import('./signals.ts')
  const { main } = await import('./cli.ts')
  process.exit(await main(process.argv.slice(2), process.env))
}
