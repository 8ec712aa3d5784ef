/** The parties: who they are, and what each has to see. */

import { ok, deepStrictEqual as same } from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, type Launch, need, run, sources, Unavailable } from '../clients/client.ts'
import { startEmulator } from '../clients/emulator.ts'
import { success } from '../clients/trial.ts'
import { tempDir, until } from '../harness.ts'
import { addressFlags, freePort } from '../kit/launch.ts'
import { anyFunction, output, type Party, programs } from './party.ts'

const invokePath = '/2015-03-31/functions/function/invocations'
const echoed = { do: 'echo' }

/** Python with packages of PyPI, and the programs that use them. */
async function python(name: string, ...packages: readonly string[]): Promise<string> {
  const install = async (folder: string) => {
    await run([need('python3'), '-m', 'venv', 'venv'], { cwd: folder })
    await run(['venv/bin/pip', 'install', '--quiet', ...packages], { cwd: folder })
  }
  return cached(name, packages.join(' ').replace(/[^\w. -]+/g, '-'), { install }, programs('python'))
}

/** Node's packages, and the programs that use them. */
async function node(name: string, ...packages: readonly string[]): Promise<string> {
  const install = async (folder: string) => {
    await Bun.write(join(folder, 'package.json'), '{"private":true,"type":"module"}')
    const words = [need('npm'), 'install', '--no-audit', '--no-fund', '--save-exact', '--legacy-peer-deps']
    await run([...words, ...packages], { cwd: folder })
  }
  return cached(name, packages.join(' ').replace(/[^\w. -]+/g, '-'), { install }, programs('node'))
}

const pythonFunction = (folder: string, handler: string): Launch => ({
  command: [join(folder, 'venv/bin/python'), '-m', 'awslambdaric', handler],
  cwd: folder,
})

/** Words that start an emulator on addresses, for parties that start it themselves. */
function words(program: string): { readonly gateway: string; readonly words: string[] } {
  const [gateway, api] = [freePort(), freePort()].map((port) => `127.0.0.1:${port}`) as [string, string]
  return { gateway, words: [program, ...addressFlags(gateway, api), ...anyFunction.command] }
}

/** Every answer that a program printed, one a line: `STATUS BODY`. */
const answers = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => [Number(line.slice(0, 3)), JSON.parse(line.slice(4))])

const testcontainersPython: Party = {
  name: 'testcontainers-python',
  title: "testcontainers 4.15.0 for Python: LogMessageWaitStrategy on the emulator's output",
  prepare: () => python('testcontainers-python', 'testcontainers==4.15.0'),
  async run(program, folder) {
    const { gateway, words: command } = words(program)
    const said = await output([join(folder, 'venv/bin/python'), 'wait.py', gateway, ...command], {
      cwd: folder,
    })
    same(said.trim(), "{'do': 'echo'}")
  },
}

const testcontainersGo: Party = {
  name: 'testcontainers-go',
  title: "testcontainers-go 0.45.0: wait.ForLog on the emulator's output",
  prepare: () =>
    cached(
      'testcontainers-go',
      '0.45.0',
      {
        build: (folder) => run([need('go'), 'build', '-buildvcs=false', '-o', 'wait', '.'], { cwd: folder }),
      },
      programs('go'),
    ),
  async run(program, folder) {
    const { gateway, words: command } = words(program)
    same(answers(await output([join(folder, 'wait'), gateway, ...command], { cwd: folder })), [[200, echoed]])
  },
}

const serverlessOffline: Party = {
  name: 'serverless-offline',
  title:
    'serverless-offline 14.8.2 in Docker mode, with a `docker` that starts the emulator in a mount namespace',
  async prepare() {
    const probe = ['unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/var']
    if (!Bun.which('unshare') || !Bun.spawnSync(probe, { stderr: 'ignore' }).success)
      throw new Unavailable('/var/task needs a mount namespace (root)')
    return node('serverless-offline', 'serverless-offline@14.8.2')
  },
  async run(program, folder) {
    using state = tempDir()
    const code = join(state.path, 'code-of-the-function')
    await mkdir(code)
    const env = {
      PATH: `${programs('docker')}:${process.env.PATH}`,
      PROGRAM: program,
      BOOTSTRAP: join(sources('shell'), 'bootstrap'),
      STATE: state.path,
      PORT: String(freePort()),
      API_PORT: String(freePort()),
    }
    const said = await output([need('node'), 'offline.mjs', code], { cwd: folder, env })
    same(JSON.parse(said.trim().split('\n').at(-1)!), { do: 'echo', n: 1 })
  },
}

const powertoolsPython: Party = {
  name: 'powertools-python',
  title: 'Powertools for AWS Lambda (Python) 3.37.0: get_lambda_metadata()',
  prepare: () => python('powertools-python', 'aws-lambda-powertools==3.37.0', 'awslambdaric==4.2.2'),
  async run(program, folder) {
    await using emulator = await startEmulator(program, pythonFunction(folder, 'app.metadata'))
    same(success(await emulator.invoke({})), { zone: 'use1-az1' })
  },
}

const detectors = () =>
  node(
    'powertools-node',
    '@aws-lambda-powertools/commons@2.36.0',
    '@opentelemetry/resource-detector-aws@3.0.0',
  )

const powertoolsNode: Party = {
  name: 'powertools-typescript',
  title: 'Powertools for AWS Lambda (TypeScript) 2.36.0: getMetadata()',
  prepare: detectors,
  async run(program, folder) {
    const env = { AWS_LAMBDA_RIE_AVAILABILITY_ZONE_ID: 'euc1-az2' }
    const launch = { command: ['--handler', 'index.metadata'], cwd: folder, env }
    await using emulator = await startEmulator(program, launch)
    same(success(await emulator.invoke({})), { AvailabilityZoneID: 'euc1-az2' })
  },
}

const openTelemetry: Party = {
  name: 'opentelemetry',
  title: 'OpenTelemetry, @opentelemetry/resource-detector-aws 3.0.0: awsLambdaDetector',
  prepare: detectors,
  async run(program, folder) {
    const env = {
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
      AWS_REGION: 'eu-west-1',
      AWS_LAMBDA_FUNCTION_NAME: 'orders',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    }
    const launch = { command: ['--handler', 'index.resource'], cwd: folder, env }
    await using emulator = await startEmulator(program, launch)
    same(success(await emulator.invoke({})), {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_lambda',
      'cloud.region': 'eu-west-1',
      'faas.name': 'orders',
      'faas.version': '$LATEST',
      'faas.max_memory': 512 * 1024 * 1024,
      'aws.log.group.names': ['/aws/lambda/orders'],
      'faas.instance': '$LATEST',
    })
  },
}

/** What arrives at a daemon of X-Ray: the documents of segments, each behind a line of its own. */
class Daemon implements AsyncDisposable {
  readonly segments: Record<string, unknown>[] = []
  readonly #socket = createSocket('udp4', (message) => {
    this.segments.push(JSON.parse(message.toString().split('\n')[1]!))
  })

  static async open(): Promise<Daemon> {
    const daemon = new Daemon()
    await new Promise<void>((resolve) => daemon.#socket.bind(0, '127.0.0.1', resolve))
    return daemon
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()))
  }
}

const xray: Party = {
  name: 'xray-python',
  title: "AWS X-Ray's SDK for Python 2.15.0, behind a load balancer that sends a trace header without Parent",
  prepare: () => python('xray-python', 'aws-xray-sdk==2.15.0', 'awslambdaric==4.2.2'),
  async run(program, folder) {
    await using daemon = await Daemon.open()
    const env = { AWS_XRAY_DAEMON_ADDRESS: daemon.address, LAMBDA_TASK_ROOT: folder }
    await using emulator = await startEmulator(program, pythonFunction(folder, 'app.traced'), { env })
    const root = '1-5e1b4151-5ac6c58dc39a6b6b5a4d5d2d'
    const self = 'Self=1-5e1b4152-0123456789abcdef01234567'
    const sampled = await emulator.invoke({}, { 'X-Amzn-Trace-Id': `${self};Root=${root};Sampled=1` })
    const { trace } = success(sampled) as { trace: string }
    const parent = /Parent=([0-9a-f]{16})/.exec(trace)?.[1]
    ok(parent !== undefined, `no parent in ${trace}`)
    // one that nobody decided to sample is no error, and sends nothing
    success(await emulator.invoke({}, { 'X-Amzn-Trace-Id': 'Root=1-5e1b4151-000000000000000000000001' }))
    const [segment, ...more] = await until('a segment', () => daemon.segments.length > 0 && daemon.segments)
    same([segment?.name, segment?.trace_id, segment?.type], ['work', root, 'subsegment'])
    same([segment?.parent_id, more.length], [parent, 0])
  },
}

const javaFolder = () =>
  cached(
    'java-callers',
    '5.6.5',
    {
      install: (folder) =>
        run([need('mvn'), '-q', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], { cwd: folder }),
      build: (folder) =>
        run([need('javac'), '-cp', 'lib/*', '-d', 'classes', 'Caller.java', 'Echo.java', 'Components.java'], {
          cwd: folder,
        }),
    },
    programs('java'),
  )

const java = (folder: string, name: string, ...words: readonly string[]): string[] => [
  need('java'),
  '-cp',
  `${join(folder, 'classes')}:${join(folder, 'lib/*')}`,
  name,
  ...words,
]

const javaCaller: Party = {
  name: 'java-httpclient',
  title: "Java's HttpClient, which waits for 100 Continue, as a caller and as a runtime",
  prepare: javaFolder,
  async run(program, folder) {
    await using emulator = await startEmulator(program, { command: java(folder, 'Echo'), cwd: folder })
    const said = await output(java(folder, 'Caller', `${emulator.url}${invokePath}`), { cwd: folder })
    same(answers(said), [
      [200, echoed],
      [200, echoed],
    ])
  },
}

const components: Party = {
  name: 'httpcomponents',
  title: 'Apache HttpComponents 5.6.5, which waits for 100 Continue and sends trailers',
  prepare: javaFolder,
  async run(program, folder) {
    await using emulator = await startEmulator(program, anyFunction)
    const said = await output(java(folder, 'Components', `${emulator.url}${invokePath}`), { cwd: folder })
    same(answers(said), [
      [200, echoed],
      [200, echoed],
    ])
  },
}

const curl: Party = {
  name: 'curl',
  title:
    'curl: a health check with -f, an upload with -T that waits for 100 Continue, a stream of unknown length',
  prepare: async () => need('curl'),
  async run(program, curl) {
    await using emulator = await startEmulator(program, anyFunction)
    const url = `${emulator.url}${invokePath}`
    using folder = tempDir()
    await Bun.write(join(folder.path, 'event.json'), JSON.stringify(echoed))
    const ask = async (...words: readonly string[]) =>
      JSON.parse(await output([curl, '-fsS', '--max-time', '60', ...words, url], { cwd: folder.path }))
    ok((await ask()) !== undefined)
    same(await ask('-T', 'event.json', '-H', 'Expect: 100-continue', '--expect100-timeout', '15'), echoed)
    same(await ask('-XPOST', '-H', 'Transfer-Encoding: chunked', '-d', '@event.json'), echoed)
    same(await ask('--http1.0', '-d', '@event.json'), echoed)
  },
}

const ab: Party = {
  name: 'ab',
  title: "Apache's ab: 200 events, 8 at a time, with and without keep-alive",
  prepare: async () => need('ab'),
  async run(program, ab) {
    await using emulator = await startEmulator(program, anyFunction)
    using folder = tempDir()
    await Bun.write(join(folder.path, 'event.json'), JSON.stringify(echoed))
    for (const keepAlive of [[], ['-k']]) {
      const words = [
        ab,
        ...keepAlive,
        '-q',
        '-n',
        '200',
        '-c',
        '8',
        '-p',
        'event.json',
        '-T',
        'application/json',
      ]
      const said = await output([...words, `${emulator.url}${invokePath}`], { cwd: folder.path })
      same(/Complete requests: +(\d+)/.exec(said)?.[1], '200')
      same(/Failed requests: +(\d+)/.exec(said)?.[1], '0')
      ok(!said.includes('Non-2xx'), said)
    }
  },
}

// those of Datadog, New Relic and others come as layers and images: npm and PyPI have none of them
const otelExtension = '@serverless/aws-lambda-otel-extension-dist@0.1.11'

const serverlessExtension: Party = {
  name: 'serverless-otel',
  title: `${otelExtension}: a vendor's extension, which makes metrics of the records of the Logs API`,
  async prepare() {
    const folder = await node('serverless-otel', otelExtension)
    const zip = join(folder, 'node_modules/@serverless/aws-lambda-otel-extension-dist/extension.zip')
    await run([need('python3'), '-m', 'zipfile', '-e', zip, join(folder, 'layer')], { cwd: folder })
    const file = join(folder, 'extensions/otel-extension')
    await Bun.write(file, `#!/bin/sh\nexec '${need('node')}' '${folder}/layer/otel-extension/index.js'\n`)
    await chmod(file, 0o755)
    return folder
  },
  async run(program, folder) {
    // what it remembers from one life to the next
    for (const file of ['/tmp/sls-save-log.json', '/tmp/sent-requests.json']) await rm(file, { force: true })
    const launch = { command: ['--handler', 'vendor.handler'], cwd: folder }
    // it listens on the name `sandbox` elsewhere
    const env = { AWS_SAM_LOCAL: 'true', SLS_OTEL_REPORT_TYPE: 'json' }
    const flags = ['--extensions-dir', join(folder, 'extensions')]
    await using emulator = await startEmulator(program, launch, { env, flags })
    for (let n = 0; n < 3; n++) {
      const answer = await emulator.invoke({})
      same(answer.text, '200')
      const id = answer.headers.get('x-amzn-requestid') ?? ''
      // in milliseconds, as REPORT has it
      const measured = await until(`the duration of ${id}`, () => durationOf(emulator.output(), id))
      const reported = new RegExp(`REPORT RequestId: ${id}\\tDuration: ([\\d.]+) ms`).exec(
        emulator.output(),
      )?.[1]
      ok(Math.abs(measured - Number(reported)) < 0.0056, `${measured} is not ${reported}`)
    }
  },
}

/** What the extension has printed as the metric `faas.duration` of an invocation; 0 where there is none. */
function durationOf(output: string, requestId: string): number {
  interface Metric {
    readonly name: string
    readonly histogram?: { readonly dataPoints: readonly { readonly sum: number }[] }
  }
  for (const line of output.split('\n')) {
    if (!line.startsWith('[{"resourceMetrics"') || !line.includes(requestId)) continue
    const [{ resourceMetrics }] = JSON.parse(line)
    const metrics: readonly Metric[] = resourceMetrics[0].instrumentationLibraryMetrics[0].metrics
    const found = metrics.find(({ name }) => name === 'faas.duration')?.histogram?.dataPoints[0]?.sum
    if (found !== undefined) return found
  }
  return 0
}

export const parties: readonly Party[] = [
  testcontainersPython,
  testcontainersGo,
  serverlessOffline,
  powertoolsPython,
  powertoolsNode,
  openTelemetry,
  xray,
  serverlessExtension,
  javaCaller,
  components,
  curl,
  ab,
]
