/**
 * AWS's SDKs for durable executions, pinned, each with a real function behind an emulator:
 *
 *     bun run clients durable [builtin|node|python…] [--case TEXT] [--emulator source|binary|PATH]
 *     bun run clients durable conformance […]   AWS's conformance cases (conformance/run.ts)
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { programOf } from '../../kit/launch.ts'
import { type Launch, Unavailable } from '../client.ts'
import { cases } from './cases.ts'
import { javascript, pythonFolder } from './sdk.ts'
import { Trial } from './trial.ts'

/** Node and AWS's client for it, compiled for it: the same folder as that of the other suites. */
async function nodeClient(): Promise<string[]> {
  const { allClients } = await import('../clients.ts')
  const node = allClients.find(({ name }) => name === 'node')
  if (node === undefined) throw new Error('there is no client for Node')
  const { command } = await node.prepare()
  return [...command.slice(0, -1)]
}

const subjects: Readonly<Record<string, () => Promise<Launch>>> = {
  async builtin() {
    return { command: ['--handler', 'index.handler'], cwd: await javascript() }
  },
  async node() {
    const cwd = await javascript()
    return { command: [...(await nodeClient()), 'index.handler'], cwd }
  },
  async python() {
    const cwd = await pythonFolder()
    return { command: [join(cwd, 'venv/bin/python'), '-m', 'awslambdaric', 'app.handler'], cwd }
  },
}

if (process.argv[2] === 'conformance') {
  process.argv.splice(2, 1)
  // ends the process
  await import('./conformance/run.ts')
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: { emulator: { type: 'string', default: 'binary' }, case: { type: 'string', default: '' } },
})
const unknown = positionals.find((name) => !(name in subjects))
if (unknown !== undefined) {
  console.error(`no subject ${unknown}; there are ${Object.keys(subjects).join(', ')}`)
  process.exit(2)
}
const counts = { passed: 0, failed: 0, skipped: 0 }
// before the first case: a callback would not wait for their installation
const withoutPython = await pythonFolder().then(
  () => null,
  (error: unknown) => {
    if (!(error instanceof Unavailable)) throw error
    return error.message
  },
)
for (const [name, prepare] of Object.entries(subjects)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  let launch: Launch
  try {
    launch = await prepare()
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    console.log(`${name} skipped: ${error.message}`)
    counts.skipped += cases.length
    continue
  }
  for (const one of cases.filter((each) => each.name.includes(values.case))) {
    if (one.needsPython && withoutPython !== null) {
      counts.skipped++
      console.log(`${one.name} for ${name} skipped: ${withoutPython}`)
      continue
    }
    await using trial = await Trial.start(programOf(values.emulator), launch)
    try {
      await one.run(trial)
      counts.passed++
      console.log(`${name.padEnd(8)} ${one.name.padEnd(28)} passed`)
    } catch (error) {
      counts.failed++
      const reason = error instanceof Error ? error.message : String(error)
      console.log(`${name.padEnd(8)} ${one.name.padEnd(28)} FAILED ${reason}\n${trial.log.slice(-3000)}`)
    }
  }
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exit(counts.failed === 0 ? 0 : 1)
