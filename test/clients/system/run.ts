/**
 * A shop of three functions, for Node, Python and no runtime of AWS's, which call each other with AWS's SDKs: from a file of
 * functions, and from a template. boto3 drives it.
 *
 *     bun run clients system [file|template] [--emulator source|binary|PATH]
 */
import { deepStrictEqual } from 'node:assert'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tempDir, until } from '../../harness.ts'
import { Launched, programOf } from '../../kit/launch.ts'
import { spell } from '../../kit/wire.ts'
import { cached, need, run, Unavailable } from '../client.ts'

const version = 'boto3-1.44.8-sdk-3.1164.0-ric-4.2.2'

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: { emulator: { type: 'string', default: 'binary' } },
})

/** The functions with all that they import. */
function shop(): Promise<string> {
  const steps = {
    async install(folder: string) {
      const packages = ['boto3==1.44.8', 'awslambdaric==4.2.2']
      await run([need('python3'), '-m', 'venv', 'venv'], { cwd: folder })
      await run(['venv/bin/pip', 'install', '--quiet', ...packages], { cwd: folder })
      const front = join(folder, 'front')
      await Bun.write(join(front, 'package.json'), '{"private":true}')
      const install = [need('npm'), 'install', '--no-audit', '--no-fund', '--save-exact']
      await run([...install, '@aws-sdk/client-lambda@3.1164.0'], { cwd: front })
    },
  }
  need('bash', 'curl')
  return cached('system', version, steps, join(import.meta.dir, 'shop'))
}

const stock = { item: 'tea', sold: { ledger: true }, streamed: { ledger: true }, by: 'stock' }
const arn = 'arn:aws:lambda:us-east-1:012345678912:function:nobody:$LATEST'
const order = {
  status: 200,
  error: null,
  body: {
    direct: stock,
    streamed: stock,
    noted: 202,
    missing: `ResourceNotFoundException: Function not found: ${arn}`,
  },
}

async function drive(folder: string, flags: readonly string[]): Promise<void> {
  using temporary = tempDir()
  const [note, records] = [join(temporary.path, 'note'), join(temporary.path, 'records')]
  const credentials = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x', AWS_DEFAULT_REGION: 'us-east-1' }
  const env = {
    ...credentials,
    PATH: `${join(folder, 'venv/bin')}:${process.env.PATH}`,
    RECORDS: records,
    AWS_LAMBDA_RIE_ASYNC_RETRY_DELAYS: '0.1',
  }
  await using launched = new Launched({
    program: programOf(values.emulator),
    flags,
    env,
    cwd: folder,
  })
  const { gateway } = await launched.listening()
  const driver = Bun.spawn([join(folder, 'venv/bin/python'), 'drive.py', note], {
    cwd: folder,
    env: { ...process.env, ...credentials, AWS_ENDPOINT_URL_LAMBDA: `http://${spell(gateway)}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err, code] = await Promise.all([driver.stdout.text(), driver.stderr.text(), driver.exited])
  if (code !== 0) throw new Error(`${err}\n${launched.stderr.text}\n${launched.stdout.text}`)
  deepStrictEqual(JSON.parse(out), {
    order,
    again: order,
    failed: 'Unhandled',
    event: 202,
    missing: `Function not found: ${arn}`,
  })
  const lines = (file: string): string[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
  await until('two notes', () => lines(note).length === 2)
  await until('the record of the event that failed', () => lines(records).length === 1)
  const { requestContext, responsePayload } = JSON.parse(lines(records)[0] as string)
  deepStrictEqual(
    [requestContext.condition, requestContext.approximateInvokeCount, responsePayload.errorType],
    ['RetriesExhausted', 2, 'ValueError'],
  )
  const state = await (await fetch(`http://${spell(gateway)}/_rie/state`)).json()
  const of = state as { functions: Record<string, { environments: unknown[] }> }
  // one environment each, and nobody waited for himself
  deepStrictEqual(
    Object.entries(of.functions).map(([name, { environments }]) => [name, environments.length]),
    [
      ['front', 1],
      ['stock', 1],
      ['ledger', 1],
    ],
  )
}

const ways: Readonly<Record<string, readonly string[]>> = {
  file: ['--functions', 'functions.yaml'],
  template: ['--template', 'template.yaml'],
}

const counts = { passed: 0, failed: 0, skipped: 0 }
const wanted = Object.entries(ways).filter(([way]) => positionals.length === 0 || positionals.includes(way))
try {
  const folder = await shop()
  for (const [way, flags] of wanted) {
    try {
      await drive(folder, flags)
      counts.passed++
      console.log(`ok the shop, from a ${way}`)
    } catch (error) {
      counts.failed++
      console.log(`FAILED the shop, from a ${way}: ${(error as Error).message}`)
    }
  }
} catch (error) {
  if (!(error instanceof Unavailable)) throw error
  console.log(`system skipped: ${error.message}`)
  counts.skipped += wanted.length
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1
