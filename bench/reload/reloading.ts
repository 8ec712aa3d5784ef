/** Emulators that run new code after a save, and how each is started on a function in a folder. */
import { existsSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, cargoLambdaPackage, fromWheel, need, root, run } from '../build.ts'
import { invokePath, Unavailable } from '../subject.ts'

/** A function that answers with a number, and what runs it. */
export interface Reloading {
  readonly name: string
  readonly about: string
  readonly isOurs?: true
  /** Fetches what is needed; throws `Unavailable` with the reason when that is impossible here. */
  prepare(): Promise<void>
  /** Lays out a function in an empty folder. */
  layOut(folder: string): Promise<void>
  /** the file that is saved */
  readonly file: string
  /** a text of it that answers with this number */
  source(answer: number): string
  launch(folder: string, port: number, apiPort: number): { command: readonly string[]; path: string }
}

const javascript = (answer: number): string => `exports.handler = async () => ${answer}\n`

const binary = join(root, 'dist', 'aws-lambda-rie')

function ours(name: string, about: string, flags: readonly string[]): Reloading {
  return {
    name,
    about,
    isOurs: true,
    async prepare() {
      if (!existsSync(binary)) throw new Unavailable('dist/aws-lambda-rie is not there: bun run build')
    },
    async layOut() {},
    file: 'index.js',
    source: javascript,
    launch: (_, port, apiPort) => ({
      command: [
        binary,
        '--runtime-interface-emulator-address',
        `127.0.0.1:${port}`,
        '--runtime-api-address',
        `127.0.0.1:${apiPort}`,
        ...flags,
        '--handler',
        'index.handler',
      ],
      path: invokePath,
    }),
  }
}

const offline = 'serverless-offline 13.9.0 on serverless 3.40.0'
const modules = join(cacheFolder, 'serverless-offline')

const serverlessOffline: Reloading = {
  name: 'serverless-offline',
  about: `${offline}, \`--reloadHandler\`: it loads the handler anew for each request`,
  async prepare() {
    if (existsSync(join(modules, 'node_modules/.bin/serverless'))) return
    need('npm')
    await mkdir(modules, { recursive: true })
    await Bun.write(join(modules, 'package.json'), '{"private":true}\n')
    const packages = ['serverless@3.40.0', 'serverless-offline@13.9.0']
    await run(
      ['npm', 'install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund', ...packages],
      modules,
    )
  },
  async layOut(folder) {
    const lines = [
      'service: bench',
      'frameworkVersion: "3"',
      'provider: { name: aws, runtime: nodejs20.x }',
      'plugins: [serverless-offline]',
      'functions: { function: { handler: index.handler } }',
    ]
    await Bun.write(join(folder, 'serverless.yml'), `${lines.join('\n')}\n`)
    await Bun.write(join(folder, 'package.json'), '{"private":true}\n')
    await run(['ln', '-s', join(modules, 'node_modules'), join(folder, 'node_modules')])
  },
  file: 'index.js',
  source: javascript,
  launch: (folder, port, apiPort) => ({
    command: [
      need('node'),
      join(folder, 'node_modules/serverless/bin/serverless.js'),
      'offline',
      '--reloadHandler',
      '--lambdaPort',
      String(port),
      '--httpPort',
      String(apiPort),
    ],
    path: '/2015-03-31/functions/bench-dev-function/invocations',
  }),
}

let cargoLambda = ''
const target = join(cacheFolder, 'reload-target')

const cargo: Reloading = {
  name: 'cargo-lambda',
  about: `${cargoLambdaPackage}, \`watch\` of a Rust function: most of it is the compiler`,
  async prepare() {
    if (process.arch !== 'x64') throw new Unavailable('fetched for x86-64 only')
    need('cargo')
    const [name, version] = cargoLambdaPackage.split('==')
    cargoLambda = await fromWheel(
      cargoLambdaPackage,
      `${name?.replace('-', '_')}-${version}.data/scripts/cargo-lambda`,
    )
    await chmod(cargoLambda, 0o755)
    // the crates are compiled once, outside of what is measured
    const folder = join(cacheFolder, 'reload-crate')
    await this.layOut(folder)
    await Bun.write(join(folder, this.file), this.source(0))
    await run(['cargo', 'build', '--quiet', '--target-dir', target], folder)
  },
  async layOut(folder) {
    const manifest = `[package]
name = "bench"
version = "0.1.0"
edition = "2021"

[dependencies]
lambda_runtime = "=1.5.0"
serde_json = "1"
tokio = { version = "1", features = ["macros"] }

[workspace]
`
    await Bun.write(join(folder, 'Cargo.toml'), manifest)
  },
  file: 'src/main.rs',
  source: (answer) => `use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde_json::Value;
async fn handler(_: LambdaEvent<Value>) -> Result<i64, Error> { Ok(${answer}) }
#[tokio::main]
async fn main() -> Result<(), Error> { run(service_fn(handler)).await }
`,
  launch: (_, port) => ({
    command: [
      // its own option is handed on to a cargo that does not know it
      'env',
      `CARGO_TARGET_DIR=${target}`,
      cargoLambda,
      'lambda',
      'watch',
      '--invoke-address',
      '127.0.0.1',
      '--invoke-port',
      String(port),
    ],
    path: '/2015-03-31/functions/bench/invocations',
  }),
}

export const reloading: readonly Reloading[] = [
  ours('ours', 'this emulator, compiled, `--watch --handler`', ['--watch']),
  ours('ours-eager', 'the same with `--eager-init`', ['--watch', '--eager-init']),
  serverlessOffline,
  cargo,
]
