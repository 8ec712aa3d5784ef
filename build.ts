/**
 * Makes the artifacts in `dist/`: one per architecture and C library, and the x86-64 one again under the reference's
 * name. Each is run once, the foreign ones under qemu where it is installed; then their sizes are printed.
 */

import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { version } from './package.json'

const targets = [
  { name: 'aws-lambda-rie-x86_64', target: 'bun-linux-x64', run: [] },
  {
    name: 'aws-lambda-rie-arm64',
    target: 'bun-linux-arm64',
    run: ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'],
  },
] as const

const only = process.argv.slice(2)

mkdirSync('dist', { recursive: true })
for (const { name, target, run } of targets) {
  if (only.length > 0 && !only.some((word) => name.endsWith(word))) continue
  const outfile = `dist/${name}`
  rmSync(outfile, { force: true })
  const result = await Bun.build({
    entrypoints: ['src/main.ts'],
    minify: true,
    sourcemap: 'none',
    compile: {
      target,
      outfile,
      // headers of a runtime's error cause go up to 1 MiB; Bun's own limit is 16 KiB
      execArgv: ['--max-http-header-size=1100000'],
      // the working directory is the user's function: its files are none of ours
      autoloadDotenv: false,
      autoloadBunfig: false,
      // a handler that `--handler` names imports packages, by the rules of its own package.json and tsconfig.json
      autoloadPackageJson: true,
      autoloadTsconfig: true,
    },
  })
  if (!result.success) throw new AggregateError(result.logs, `${name} was not built`)
  console.log(`${outfile}  ${(statSync(outfile).size / 1e6).toFixed(1)} MB  ${check(outfile, [...run])}`)
}
if (statSync('dist/aws-lambda-rie-x86_64', { throwIfNoEntry: false })) {
  copyFileSync('dist/aws-lambda-rie-x86_64', 'dist/aws-lambda-rie')
}

/** Runs the artifact once; one for another machine runs under its emulator, if that is installed. */
function check(file: string, runner: string[]): string {
  const [emulator] = process.arch === 'x64' ? runner : []
  if (emulator !== undefined && Bun.which(emulator) === null) return `not run: ${emulator} is not installed`
  const command = process.arch === 'x64' ? [...runner, file, '--version'] : [file, '--version']
  const { stdout, exitCode } = Bun.spawnSync(command)
  const said = stdout.toString().trim()
  if (exitCode !== 0 || said !== `aws-lambda-rie ${version}`) {
    throw new Error(`${file} --version said ${JSON.stringify(said)} and ended with ${exitCode}`)
  }
  return 'runs'
}
