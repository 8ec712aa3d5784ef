/** cargo-lambda's local emulator: it only serves, the runtimes are started beside it. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, cargoLambdaPackage, compileC, fromWheel } from '../build.ts'
import { type Subject, Unavailable } from '../subject.ts'

const crateFolder = join(cacheFolder, 'crate')
let binary = ''
let runtime = ''

export const cargoLambda: Subject = {
  name: 'cargo-lambda',
  about: `${cargoLambdaPackage}, \`watch --only-lambda-apis\``,
  async prepare() {
    if (process.arch !== 'x64') throw new Unavailable('fetched for x86-64 only')
    runtime = await compileC('functions/runtime.c')
    const [name, version] = cargoLambdaPackage.split('==')
    binary = await fromWheel(
      cargoLambdaPackage,
      `${name?.replace('-', '_')}-${version}.data/scripts/cargo-lambda`,
    )
    await mkdir(join(crateFolder, 'src'), { recursive: true })
    await Bun.write(
      join(crateFolder, 'Cargo.toml'),
      '[package]\nname = "bench"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n',
    )
    await Bun.write(join(crateFolder, 'src/main.rs'), 'fn main() {}\n')
  },
  launch(setup) {
    const serve = ['--invoke-address', '127.0.0.1', '--invoke-port', String(setup.port)]
    return {
      command: [binary, 'lambda', 'watch', '--only-lambda-apis', ...serve],
      cwd: crateFolder,
      path: setup.url ? '/' : '/2015-03-31/functions/_/invocations',
      runtime: {
        command: [runtime],
        env: {
          AWS_LAMBDA_RUNTIME_API: `http://127.0.0.1:${setup.port}/.rt`,
          BENCH_POLLERS: String(setup.environments),
        },
      },
    }
  },
}
