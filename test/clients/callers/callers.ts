/** The SDKs, and how each is brought here by its own package manager. */
import { join } from 'node:path'
import { cached, need, run } from '../client.ts'
import type { Caller } from './caller.ts'

const boto3Version = '1.44.8'
const sdkJsVersion = '3.1164.0'
const sdkRustVersion = '1.156.0'

const source = (name: string): string => join(import.meta.dir, name)

const boto3: Caller = {
  name: 'boto3',
  title: `Python, boto3 ${boto3Version}`,
  unmodeled: 'ClientError',
  async prepare() {
    const steps = {
      async install(folder: string) {
        await run([need('python3'), '-m', 'venv', 'venv'], { cwd: folder })
        await run(['venv/bin/pip', 'install', '--quiet', `boto3==${boto3Version}`], { cwd: folder })
      },
    }
    const folder = await cached('boto3', boto3Version, steps, source('boto3'))
    return { words: [join(folder, 'venv/bin/python'), 'main.py'], cwd: folder }
  },
}

const sdkJs: Caller = {
  name: 'sdk-js',
  title: `Node, @aws-sdk/client-lambda ${sdkJsVersion}`,
  unmodeled: 'LambdaServiceException',
  async prepare() {
    const steps = {
      async install(folder: string) {
        const install = [need('npm'), 'install', '--no-audit', '--no-fund', '--save-exact']
        await Bun.write(join(folder, 'package.json'), '{"private":true}')
        await run([...install, `@aws-sdk/client-lambda@${sdkJsVersion}`], { cwd: folder })
      },
    }
    const folder = await cached('sdk-js', sdkJsVersion, steps, source('sdk-js'))
    return { words: [need('node'), 'main.mjs'], cwd: folder }
  },
}

const sdkRust: Caller = {
  name: 'sdk-rust',
  title: `Rust, aws-sdk-lambda ${sdkRustVersion}`,
  unmodeled: 'Unhandled',
  async prepare() {
    const folder = await cached(
      'sdk-rust',
      sdkRustVersion,
      { build: (folder) => run([need('cargo'), 'build'], { cwd: folder }) },
      source('sdk-rust'),
    )
    return { words: [join(folder, 'target/debug/caller')], cwd: folder }
  },
}

export const allCallers: readonly Caller[] = [boto3, sdkJs, sdkRust]
