/**
 * Web frameworks behind the adapters that people use: the real packages, in our runtime and in Node, event by event.
 *
 * Node and npm are needed, and the registry once; the packages are kept in `.cache`.
 */
import { beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { play } from './scripted-api.ts'

const source = join(import.meta.dir, '../fixtures/adapters')
const folder = join(import.meta.dir, '../../.cache/adapters')
const built = join(import.meta.dir, '../../dist/aws-lambda-rie')

setDefaultTimeout(240_000)

/** Installs the packages unless they are there; says why if it cannot. */
function install(): string | undefined {
  const missing = ['node', 'npm'].find((name) => Bun.which(name) === null)
  if (missing) return `${missing} is not installed`
  const stamp = join(folder, 'installed.json')
  const wanted = readFileSync(join(source, 'package.json'), 'utf8')
  cpSync(source, folder, { recursive: true })
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return undefined
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true })
  const command = ['npm', 'install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts']
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: folder, stderr: 'pipe', timeout: 200_000 })
  if (exitCode !== 0) return `npm install ended with ${exitCode}: ${stderr.toString().trim().slice(-300)}`
  writeFileSync(stamp, wanted)
  return undefined
}

const obstacle = install()
if (obstacle) console.log(`adapters: skipped, ${obstacle}`)

interface Request {
  readonly method: string
  readonly path: string
  readonly query?: string
  readonly body?: string
  readonly type?: string
}

const requests: Request[] = [
  { method: 'GET', path: '/' },
  { method: 'GET', path: '/facts', query: 'a=1&b=two' },
  { method: 'HEAD', path: '/facts' },
  { method: 'POST', path: '/echo', body: '{"x":1}', type: 'application/json' },
  { method: 'POST', path: '/echo', body: 'x=1&y=2', type: 'application/x-www-form-urlencoded' },
  ...['pieces', 'bytes', 'redirect', 'large', 'empty', 'pipe', 'fails', 'head', 'finish', 'nowhere'].map(
    (name) => ({ method: 'GET', path: `/${name}` }),
  ),
]
// Hono's and Fastify's sites have fewer pages, and answer what is not there.
const fewer = requests.filter(({ path, type }) => !type?.includes('form') && !/fails|finish/.test(path))

const headersOf = ({ body, type }: Request) => ({
  host: 'site.example',
  accept: '*/*',
  ...(type && { 'content-type': type }),
  ...(body && { 'content-length': String(body.length) }),
})

/** As a Function URL and an HTTP API send it. */
const version2 = (request: Request) => {
  const { method, path, query = '', body } = request
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    cookies: ['k=v'],
    headers: headersOf(request),
    ...(query && { queryStringParameters: Object.fromEntries(new URLSearchParams(query)) }),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'id',
      domainName: 'site.example',
      domainPrefix: 'site',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: 'id',
      routeKey: '$default',
      stage: '$default',
      time: '12/Mar/2020:19:03:58 +0000',
      timeEpoch: 1583348638390,
    },
    ...(body && { body }),
    isBase64Encoded: false,
  }
}

/** As a REST API sends it. */
const version1 = (request: Request) => {
  const { method, path, query, body = null } = request
  const headers = headersOf(request)
  const parameters = query ? Object.fromEntries(new URLSearchParams(query)) : null
  const many = (values: object) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, [value]]))
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: method,
    headers,
    multiValueHeaders: many(headers),
    queryStringParameters: parameters,
    multiValueQueryStringParameters: parameters && many(parameters),
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: {
      accountId: '012345678912',
      resourceId: 'id',
      stage: 'prod',
      requestId: 'id',
      identity: { sourceIp: '192.0.2.1' },
      resourcePath: '/{proxy+}',
      httpMethod: method,
      apiId: 'id',
      path: `/prod${path}`,
    },
    body,
    isBase64Encoded: false,
  }
}

/** What differs between two runs of the same program. */
const steady = (answer: unknown) => {
  const text = JSON.stringify(answer, (key, value) => (key.toLowerCase() === 'date' ? undefined : value))
  return JSON.parse(text) as { statusCode: number }
}

const env = { NODE_ENV: 'production' }

async function inNode(file: string, name: string, events: unknown[]): Promise<unknown[]> {
  const child = Bun.spawn(['node', 'in-node.mjs', `./${file}`, name], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: [Buffer.from(JSON.stringify(events)), 'ignore', 'pipe', 'pipe'],
  })
  const answers = Bun.file(child.stdio[3] as unknown as number).text()
  const complaint = await new Response(child.stderr).text()
  if ((await child.exited) !== 0) throw new Error(complaint)
  return JSON.parse(await answers)
}

const cases: [name: string, file: string, requests: Request[]][] = [
  ['serverlessHttp', 'express.cjs', requests],
  ['serverlessHttp3', 'express.cjs', requests],
  ['vendia', 'express.cjs', requests],
  ['codegenie', 'express.cjs', requests],
  ['koa', 'express.cjs', fewer],
  ['awsServerlessExpress', 'others.cjs', requests],
  ['serverlessAdapter', 'others.cjs', requests],
  ['hono', 'modules.mjs', fewer],
  ['fastify', 'modules.mjs', fewer],
  ['serverlessHttp', 'bundle.mjs', requests],
]

const programs: [name: string, command: string[] | undefined][] = [['from source', undefined]]
if (existsSync(built)) programs.push(['as the built program', [built]])
else console.log('adapters: from source only, dist/aws-lambda-rie does not exist: bun run build')

describe.skipIf(obstacle !== undefined)('a web framework answers as in Node', () => {
  beforeAll(async () => {
    // One module that imports node:http, as bundlers make it.
    const entry = join(folder, 'bundled.cjs')
    writeFileSync(
      entry,
      `exports.serverlessHttp = require('serverless-http')(require('./site.cjs')(require('express')), { binary: ['image/*'] })`,
    )
    const define = { 'process.env.NODE_ENV': '"production"' }
    const { outputs } = await Bun.build({ entrypoints: [entry], target: 'node', format: 'esm', define })
    const code = await outputs[0]?.text()
    // a bundle whose exports are those of the module within
    const exported = code?.replace(
      /export default (\w+\(\));?\s*$/,
      'export const { serverlessHttp } = $1;\n',
    )
    writeFileSync(join(folder, 'bundle.mjs'), exported ?? '')
  })

  for (const [program, command] of programs) {
    test.each(cases)(`%s of %s, ${program}`, async (name, file, asked) => {
      const events = [...asked.map(version2), ...asked.map(version1)]
      const { calls, code, lines } = await play(`${file.replace(/\.\w+$/, '')}.${name}`, {
        cwd: folder,
        events: events.map((event) => ({ body: JSON.stringify(event) })),
        env: { ...env, _LAMBDA_RIE_SERVE_HANDLER: '1' },
        ...(command && { command }),
      })
      const answers = calls.map(({ path, body }) =>
        path.endsWith('/response') ? steady(JSON.parse(body)) : { path, body },
      )
      const expected = await inNode(file, name, events)
      expect(answers).toEqual(expected.map(steady))
      // that they agree would mean little if all were errors
      expect(expected.map(steady).filter(({ statusCode }) => statusCode < 400).length).toBeGreaterThan(9)
      if (asked === requests && file !== 'others.cjs')
        expect(lines).toContainEqual(expect.stringMatching(/\tfinished$/))
      expect(code).toBe(0)
    })
  }
})
