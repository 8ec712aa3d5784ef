/** AWS's Runtime Interface Emulator, out of the package that ships its newest build. */
import { compileC, fromWheel, need, run, samCliPackage } from '../build.ts'
import { invokePath, type Launch, type Setup, type Subject, Unavailable } from '../subject.ts'
import { layExtension } from './extension.ts'

let binary = ''
let runtime = ''
let extension = ''
let namespace: string[] | undefined

export const reference: Subject = {
  name: 'reference',
  about: `AWS's emulator (${samCliPackage}); with several environments in its managed-instances mode`,
  async prepare() {
    runtime = await compileC('functions/runtime.c')
    const machine = process.arch === 'arm64' ? 'arm64' : 'x86_64'
    binary = await fromWheel(samCliPackage, `samcli/local/rapid/aws-lambda-rie-${machine}`)
    extension = await layExtension()
    namespace = await mountNamespace()
  },
  refuses(setup) {
    if (setup.environments > 1 && !namespace)
      return 'its managed-instances mode needs a mount namespace (root)'
    if (setup.extension && !namespace) return 'extensions stand in /opt: that needs a mount namespace (root)'
    return undefined
  },
  launch(setup) {
    const command = [binary, ...addresses(setup)]
    if (setup.extension) return withExtension([...command, runtime])
    if (setup.function !== undefined) {
      // an image would set it
      const env = { LAMBDA_TASK_ROOT: setup.function.cwd }
      return { command: [...command, ...setup.function.command], env, path: invokePath }
    }
    if (setup.environments === 1) return { command: [...command, runtime], path: invokePath }
    return managedInstances(command, setup)
  },
}

/** The two flags that the reference and ours have in common. */
export function addresses(setup: Setup): string[] {
  return [
    '--runtime-api-address',
    `127.0.0.1:${setup.apiPort}`,
    '--runtime-interface-emulator-address',
    `127.0.0.1:${setup.port}`,
  ]
}

/** Extensions are found in `/opt/extensions`: it gets a `/opt` of its own. */
function withExtension(command: readonly string[]): Launch {
  const script =
    'mount -t tmpfs tmpfs /opt && mkdir /opt/extensions && cp "$1" /opt/extensions && shift && exec "$@"'
  return {
    command: [...(namespace ?? []), 'sh', '-c', script, 'sh', extension, ...command],
    path: invokePath,
  }
}

/**
 * That mode starts one runtime and expects it to poll from several places; which one is not told to it, but found at
 * `/var/task/bootstrap`. An empty `/var` of its own keeps the machine's as it is.
 */
function managedInstances(command: readonly string[], setup: Setup): Launch {
  const script = [
    'set -e',
    'mount -t tmpfs tmpfs /var',
    'mkdir /var/task',
    `printf '#!/bin/sh\\nBENCH_POLLERS=${setup.environments} exec %s\\n' "$1" > /var/task/bootstrap`,
    'chmod +x /var/task/bootstrap',
    'shift',
    'exec "$@"',
  ]
  return {
    command: [...(namespace ?? []), 'sh', '-c', script.join('\n'), 'sh', runtime, ...command],
    env: { AWS_LAMBDA_MAX_CONCURRENCY: String(setup.environments) },
    path: invokePath,
  }
}

async function mountNamespace(): Promise<string[] | undefined> {
  for (const options of [['--mount'], ['--mount', '--map-root-user']]) {
    try {
      const words = [need('unshare'), ...options]
      await run([...words, 'mount', '-t', 'tmpfs', 'tmpfs', '/var'])
      return words
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
  }
  return undefined
}
