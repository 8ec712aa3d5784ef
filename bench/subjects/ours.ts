/** This emulator, as `bun run build` leaves it. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compileC, root } from '../build.ts'
import { invokePath, type Launch, type Setup, type Subject, Unavailable } from '../subject.ts'
import { layExtension } from './extension.ts'
import { addresses } from './reference.ts'

const binary = join(root, 'dist', 'aws-lambda-rie')
let runtime = ''
let streaming = ''
let extension = ''

export const ours: Subject = {
  name: 'ours',
  about: 'this emulator, compiled',
  async prepare() {
    if (!existsSync(binary)) throw new Unavailable('dist/aws-lambda-rie is not there: bun run build')
    runtime = await compileC('functions/runtime.c')
    streaming = await compileC('functions/stream.c')
    extension = await layExtension()
  },
  launch: (setup) => launchOurs(binary, setup),
}

/** How a program of ours is started, `ours` or another build of the same sources. */
export function launchOurs(binary: string, setup: Setup): Launch {
  const { managed = false, environments } = setup
  const several = environments > 1 && !managed ? ['--max-environments', String(environments)] : []
  const extensions = setup.extension ? ['--extensions-dir', dirname(extension)] : []
  const command = setup.function?.command ?? [setup.stream ? streaming : runtime]
  if (!setup.url) {
    const slots = String(environments)
    return {
      command: [binary, ...addresses(setup), ...several, ...extensions, ...command],
      env: managed ? { AWS_LAMBDA_MAX_CONCURRENCY: slots, BENCH_POLLERS: slots } : {},
      path: invokePath,
    }
  }
  const url = ['--function-url-address', `127.0.0.1:${setup.port}`]
  const invoke = addresses({ ...setup, port: 0 })
  return { command: [binary, ...url, ...invoke, ...several, ...command], path: '/' }
}
