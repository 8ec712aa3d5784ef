/** Several functions in one emulator, from a file of functions. */
import { expect } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tempDir, until } from '../harness.ts'
import { freePort, parse } from '../kit/launch.ts'
import { request } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { Debugger } from './debugger.ts'
import type { Emulator } from './emulator.ts'
import type { Options } from './launch.ts'

/** Tells what it is, or does what its event asks for. */
const source = `
import { appendFileSync } from 'node:fs'
const endpoint = process.env.AWS_ENDPOINT_URL_LAMBDA
let count = 0
export const handler = async (event, context) => {
  count++
  console.log('runs ' + context.functionName)
  if (event.fail) throw new RangeError('too far')
  if (event.call) {
    const { name, payload = {}, type = 'RequestResponse' } = event.call
    const response = await fetch(endpoint + '/2015-03-31/functions/' + name + '/invocations', {
      method: 'POST', headers: { 'X-Amz-Invocation-Type': type }, body: JSON.stringify(payload),
    })
    const text = await response.text()
    return { status: response.status, answer: text === '' ? null : JSON.parse(text) }
  }
  if (event.note) appendFileSync(event.note, JSON.stringify(event) + '\\n')
  if (event.requestContext?.condition && process.env.NOTES) appendFileSync(process.env.NOTES, JSON.stringify(event) + '\\n')
  const { functionName, functionVersion, memoryLimitInMB, invokedFunctionArn } = context
  // to ten seconds: a busy machine takes some of them
  const remaining = Math.ceil(context.getRemainingTimeInMillis() / 10_000) * 10
  const names = (event.env ?? []).map((name) => [name, process.env[name] ?? null])
  return { count, functionName, functionVersion, memoryLimitInMB, invokedFunctionArn, remaining, endpoint, cwd: process.cwd(),
    root: process.env.LAMBDA_TASK_ROOT, env: Object.fromEntries(names), path: event.rawPath }
}
`

interface Files extends Disposable {
  readonly path: string
  readonly options: Options
}

/** A folder with these functions: each has a folder of its own with the same code, unless it says where it is. */
function files(
  functions: Record<string, object>,
  over: Record<string, string> = {},
  flags: string[] = [],
): Files {
  const folder = tempDir()
  const all = Object.entries(functions).map(([name, entry]) => {
    mkdirSync(join(folder.path, name), { recursive: true })
    writeFileSync(join(folder.path, name, 'index.mjs'), source)
    return [name, { handler: 'index.handler', cwd: name, ...entry }]
  })
  const file = join(folder.path, 'functions.json')
  writeFileSync(file, JSON.stringify({ functions: Object.fromEntries(all) }))
  for (const [name, text] of Object.entries(over)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true })
    writeFileSync(join(folder.path, name), text)
  }
  return {
    path: folder.path,
    options: { flags: ['--functions', file, ...flags], command: [] },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

/** The Function URL of a function, as it is told at the start. */
const urlOf = (rie: Emulator, name: string): Promise<string> =>
  until(`the Function URL of ${name}`, () => rie.log.find((line) => line.function === name)?.functionUrl)

const fixture = (path: string): string => join(import.meta.dir, '../fixtures/templates', path)

const pathOf = (name: string): string => `/2015-03-31/functions/${name}/invocations`

async function call(rie: Emulator, name: string, event: object = {}, headers: Record<string, string> = {}) {
  return await rie.invoke(JSON.stringify(event), headers, pathOf(name))
}

const notFound = (name: string): string =>
  `{"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:012345678912:function:${name}"}`

export const functions = chapter('Several functions', (it) => {
  it('reaches each by its name, partial ARN and ARN, with and without a qualifier', async ({ start }) => {
    using folder = files({ orders: {}, bills: {} })
    await using rie = await start(folder.options)
    const arn = 'arn:aws:lambda:us-east-1:012345678912:function'
    for (const [target, name, invoked] of [
      ['orders', 'orders', `${arn}:orders`],
      ['bills:live', 'bills', `${arn}:bills:live`],
      ['012345678912:function:orders', 'orders', `${arn}:orders`],
      [`${arn}:bills`, 'bills', `${arn}:bills`],
      [encodeURIComponent(`${arn}:orders:$LATEST`), 'orders', `${arn}:orders:$LATEST`],
      ['arn:aws:lambda:eu-west-1:999999999999:function:orders', 'orders', `${arn}:orders`],
    ] as const) {
      const { json } = await call(rie, target)
      expect([json.functionName, json.invokedFunctionArn]).toEqual([name, invoked])
    }
  })

  for (const dialect of ['rie', 'lambda'] as const) {
    it(`says that there is no other function, whatever is asked of it, in dialect ${dialect}`, async ({
      start,
    }) => {
      using folder = files({ orders: {} }, {}, ['--dialect', dialect])
      await using rie = await start(folder.options)
      for (const [path, headers] of [
        [pathOf('nobody'), {}],
        [pathOf('nobody'), { 'X-Amz-Invocation-Type': 'Event' }],
        [pathOf('nobody'), { 'X-Amz-Invocation-Type': 'DryRun' }],
        ['/2021-11-15/functions/nobody/response-streaming-invocations', {}],
        ['/2014-11-13/functions/nobody/invoke-async/', {}],
      ] as const) {
        const answer = await rie.invoke('{}', headers, path)
        expect([answer.status, answer.header('x-amzn-ErrorType'), answer.text]).toEqual([
          404,
          'ResourceNotFoundException',
          notFound('nobody:$LATEST'),
        ])
        expect(answer.header('x-amzn-RequestId')).toBeString()
      }
      expect((await call(rie, 'function')).text).toBe(notFound('function:$LATEST'))
      expect((await call(rie, 'nobody:7')).text).toBe(notFound('nobody:7'))
      expect((await call(rie, 'a%20b')).header('x-amzn-ErrorType')).toBe('InvalidParameterValueException')
    })
  }

  it('gives each its own folder, variables, limits and version, and what is absent from the flags', async ({
    start,
  }) => {
    using folder = files(
      {
        a: { timeout: 70, memorySize: 256, version: '12', environment: { TEXT: 'x', COUNT: 3, ON: true } },
        b: { environment: { TEXT: 'y' } },
      },
      {},
      ['--timeout', '200', '--memory-size', '512', '--env', 'SHARED=1'],
    )
    await using rie = await start(folder.options)
    const env = ['TEXT', 'COUNT', 'ON', 'SHARED']
    const a = await call(rie, 'a', { env })
    expect(a.header('X-Amz-Executed-Version')).toBe('12')
    expect(a.json).toMatchObject({
      functionVersion: '12',
      memoryLimitInMB: '256',
      remaining: 70,
      cwd: join(folder.path, 'a'),
      root: join(folder.path, 'a'),
      env: { TEXT: 'x', COUNT: '3', ON: 'true', SHARED: '1' },
    })
    expect((await call(rie, 'b', { env })).json).toMatchObject({
      functionVersion: '$LATEST',
      memoryLimitInMB: '512',
      remaining: 200,
      cwd: join(folder.path, 'b'),
      env: { TEXT: 'y', COUNT: null, SHARED: '1' },
    })
  })

  it('starts nothing before it is called, and keeps their environments apart', async ({ start }) => {
    using folder = files({ a: {}, b: { maxEnvironments: 2 } })
    await using rie = await start(folder.options)
    const state = async (): Promise<Record<string, { environments: { starts: number }[] }>> =>
      (await rie.ask({ path: '/_rie/state' })).json.functions
    const started = Object.values(await state()).flatMap(({ environments }) =>
      environments.filter(({ starts }) => starts > 0),
    )
    expect(started).toEqual([])
    for (const count of [1, 2]) expect((await call(rie, 'a')).json.count).toBe(count)
    expect((await call(rie, 'b')).json.count).toBe(1)
    expect(await state()).toMatchObject({
      a: { status: 'ok', maxEnvironments: 1, environments: [{ id: 1, starts: 1 }] },
      b: { maxEnvironments: 2, environments: [{ id: 1, starts: 1 }], asyncEvents: { waiting: 0 } },
    })
    const { text } = await rie.ask({ path: '/_rie/metrics' })
    expect(text).toContain('lambda_rie_invocations_total{function="a",outcome="success"} 2\n')
    expect(text).toContain('lambda_rie_invocations_total{function="b",outcome="success"} 1\n')
    expect(text).toContain('lambda_rie_invocation_duration_seconds_count{function="a"} 2\n')
  })

  it('is ready when all are', async ({ start }) => {
    using folder = files({ a: {}, b: {} })
    await using rie = await start(folder.options)
    await call(rie, 'a')
    const ready = (query = '') => rie.ask({ path: `/_rie/ready${query}` })
    // the runtime of the first asks for its next event after the answer
    const answer = await until('the first to be ready', async () => {
      const told = await ready()
      return Object.keys(told.json.functions).length === 1 && told
    })
    expect([answer.status, Object.keys(answer.json.functions)]).toEqual([503, ['b']])
    expect(answer.json.functions.b.state).toBe('idle')
    await ready('?init=1')
    await until('all to be ready', async () => (await ready()).status === 200)
  })

  it('lets functions call each other, with one environment each', async ({ start }) => {
    using folder = files({ a: {}, b: {}, c: {} })
    await using rie = await start(folder.options)
    // a calls b, which calls c
    const chain = { call: { name: 'b', payload: { call: { name: 'c' } } } }
    const answers = await Promise.all(Array.from({ length: 4 }, () => call(rie, 'a', chain)))
    for (const { json } of answers) {
      expect(json).toMatchObject({ status: 200, answer: { status: 200, answer: { functionName: 'c' } } })
    }
    const note = join(folder.path, 'note')
    const event = { call: { name: 'c', type: 'Event', payload: { note } } }
    expect((await call(rie, 'a', event)).json).toEqual({ status: 202, answer: null })
    await until('the event to run', () => existsSync(note))
    expect((await call(rie, 'a', { call: { name: 'nobody' } })).json.status).toBe(404)
    expect((await call(rie, 'b')).json.endpoint).toBe(`http://${rie.gateway.host}:${rie.gateway.port}`)
  })

  it('leaves an endpoint that was given, and tells a single function none', async ({ start }) => {
    const given = { AWS_ENDPOINT_URL_LAMBDA: 'http://example.com' }
    using folder = files({ a: { environment: given }, b: {} })
    await using rie = await start(folder.options)
    expect((await call(rie, 'a')).json.endpoint).toBe('http://example.com')
    const options = { flags: ['--handler', 'index.handler'], command: [], cwd: join(folder.path, 'b') }
    await using single = await start(options)
    expect((await single.invoke()).json.endpoint).toBeUndefined()
  })

  it('hands the record of an event to another function, by its name or ARN', async ({ start }) => {
    using folder = files({
      worker: {
        async: {
          maxRetries: 0,
          onFailure: 'failed',
          onSuccess: 'arn:aws:lambda:us-east-1:012345678912:function:audit',
        },
      },
      audit: {},
      failed: {},
    })
    const notes = join(folder.path, 'notes')
    await using rie = await start({ ...folder.options, env: { NOTES: notes } })
    const event = { 'X-Amz-Invocation-Type': 'Event' }
    const ids: (string | null | undefined)[] = []
    for (const payload of [{ n: 1 }, { n: 2, fail: true }]) {
      ids.push((await call(rie, 'worker', payload, event)).header('x-amzn-RequestId'))
      await until(
        'its record',
        () => existsSync(notes) && readFileSync(notes, 'utf8').split('\n').length > ids.length,
      )
    }
    const records = readFileSync(notes, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(records).toMatchObject([
      { requestContext: { requestId: ids[0], condition: 'Success' }, requestPayload: { n: 1 } },
      { requestContext: { requestId: ids[1], condition: 'RetriesExhausted' }, requestPayload: { n: 2 } },
    ])
    const { functions } = (await rie.ask({ path: '/_rie/state' })).json
    expect([functions.audit.environments[0].starts, functions.failed.environments[0].starts]).toEqual([1, 1])
  })

  for (const eager of [[], ['--eager-init']]) {
    it(
      `throttles a function that may have no environment, and ends its events at once ${eager}`.trim(),
      async ({ start }) => {
        using records = tempDir()
        const file = join(records.path, 'failed')
        using folder = files(
          { off: { maxEnvironments: 0, async: { onFailure: `file:${file}` } }, on: {} },
          {},
          eager,
        )
        await using rie = await start(folder.options)
        expect((await call(rie, 'on')).json.functionName).toBe('on')
        await until('all to be ready', async () => (await rie.ask({ path: '/_rie/ready' })).status === 200)
        const refused = await call(rie, 'off')
        expect([refused.status, refused.header('x-amzn-ErrorType'), refused.json.Reason]).toEqual([
          429,
          'TooManyRequestsException',
          'ReservedFunctionConcurrentInvocationLimitExceeded',
        ])
        const event = await call(rie, 'off', { n: 1 }, { 'X-Amz-Invocation-Type': 'Event' })
        expect(event.status).toBe(202)
        await until('its record', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'))
        const record = JSON.parse(readFileSync(file, 'utf8'))
        expect(record).toMatchObject({
          requestContext: {
            requestId: event.header('x-amzn-RequestId'),
            condition: 'ZeroReservedConcurrency',
            approximateInvokeCount: 0,
          },
          requestPayload: { n: 1 },
        })
        expect(record).not.toHaveProperty('responseContext')
        const { functions } = (await rie.ask({ path: '/_rie/state' })).json
        expect(functions.off.environments.filter(({ starts }: { starts: number }) => starts > 0)).toEqual([])
      },
    )
  }

  it('listens for a debugger of each function with a handler, at one port after the other', async ({
    start,
  }) => {
    const port = freePort()
    using folder = files({ a: {}, tool: { handler: undefined, command: ['sleep', '1000'] }, b: {} }, {}, [
      `--inspect=${port}/app`,
    ])
    await using rie = await start(folder.options)
    for (const [name, at] of [
      ['a', port],
      ['b', port + 1],
    ] as const) {
      const url = `ws://127.0.0.1:${at}/app`
      await rie.stderr.until(new RegExp(`"function":"${name}","inspector":"${url}"`))
      using attached = await Debugger.attach(url)
      await attached.breakAt(join(folder.path, name, 'index.mjs'), 'count++')
      const answer = call(rie, name)
      const [frame] = await attached.stop(1)
      expect(await attached.evaluate(frame!, 'context.functionName')).toBe(name)
      await attached.resume()
      expect((await answer).json.functionName).toBe(name)
    }
    expect(rie.log.filter(({ inspector }) => inspector !== undefined)).toHaveLength(2)
  })

  it('refuses a debugger that no function can have, and ports beyond the last', async ({ run }) => {
    using none = files({ tool: { handler: undefined, command: ['true'] } }, {}, ['--inspect'])
    using many = files({ a: {}, b: {} }, {}, ['--inspect-brk=65535'])
    for (const [folder, text] of [
      [none, /--inspect is for functions with a handler, and there is none/],
      [many, /--inspect-brk has no port left after 65535/],
    ] as const) {
      const { code, stderr } = await run(folder.options)
      expect([code, stderr]).toEqual([2, expect.stringMatching(text)])
    }
  })

  it('opens Function URLs on listeners of their own, and below one', async ({ start }) => {
    using folder = files(
      {
        own: { functionUrl: { address: '127.0.0.1:0' } },
        a: { functionUrl: { path: '/a' } },
        ab: { functionUrl: { path: '/a/b' } },
      },
      {},
      ['--function-url-address', '127.0.0.1:0'],
    )
    await using rie = await start(folder.options)
    const urls = { own: await urlOf(rie, 'own'), a: await urlOf(rie, 'a'), ab: await urlOf(rie, 'ab') }
    const visit = async (url: string) => {
      const { host, pathname, search } = new URL(url)
      const answer = await request(parse(host), { path: pathname + search })
      return answer.status === 200
        ? [answer.json.functionName, answer.json.path]
        : [answer.status, answer.text]
    }
    expect(await visit(`${urls.own}/x/y`)).toEqual(['own', '/x/y'])
    expect(await visit(`${urls.a}/x?q=1`)).toEqual(['a', '/x'])
    expect(await visit(urls.a)).toEqual(['a', '/'])
    expect(await visit(`${urls.ab}/x`)).toEqual(['ab', '/x'])
    expect(await visit(urls.a.replace(/\/a$/, '/abc'))).toEqual([403, '{"Message":"Forbidden"}'])
  })

  it('gives functions their layers, the last one first, and starts the extensions in them', async ({
    start,
  }) => {
    using folder = files(
      { a: { layers: ['low', 'high'] } },
      {
        'low/bin/tool': '',
        'low/lib/x': '',
        'high/bin/tool': '',
        'high/python/x.py': '',
        'high/nodejs/node_modules/x/index.js': '',
        'high/extensions/ext': '#!/bin/sh\nexit 7\n',
      },
    )
    chmodSync(join(folder.path, 'high/extensions/ext'), 0o755)
    await using rie = await start({ ...folder.options, env: { PYTHONPATH: '/before' } })
    const answer = await call(rie, 'a')
    // it does not register, so init fails, which shows that it was started
    expect(answer.json.errorType).toBe('Extension.Crash')
    await Bun.write(join(folder.path, 'high/extensions/ext'), '')
    chmodSync(join(folder.path, 'high/extensions/ext'), 0o644)
    await rie.stop()
    await Bun.file(join(folder.path, 'high/extensions/ext')).delete()
    await using again = await start({ ...folder.options, env: { PYTHONPATH: '/before' } })
    const { env } = (await call(again, 'a', { env: ['PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH', 'NODE_PATH'] }))
      .json
    expect(env.PATH).toStartWith(`${folder.path}/high/bin:${folder.path}/low/bin:`)
    expect(env.LD_LIBRARY_PATH.split(':')[0]).toBe(`${folder.path}/low/lib`)
    expect(env.PYTHONPATH).toBe(`${folder.path}/high/python:/before`)
    expect(env.NODE_PATH.split(':')[0]).toBe(`${folder.path}/high/nodejs/node_modules`)
  })

  it('tells all mistakes of a file at once, each with its line and key', async ({ run }) => {
    using folder = tempDir()
    const file = join(folder.path, 'functions.yaml')
    writeFileSync(
      file,
      `functions:
  a:
    handler: index.handler
    timout: 3
    timeout: three
    cwd: nowhere
  b:
    functionUrl:
      path: orders
  c:
    handler: index.handler
    async: { onFailure: nobody }
  d: {}
`,
    )
    const { code, stderr } = await run({ flags: ['--functions', file], command: [] })
    expect(code).toBe(2)
    expect(JSON.parse(stderr).msg.split('\n')).toEqual([
      `${file}:4: functions.a.timout is not known; the nearest one is timeout`,
      `${file}:5: functions.a.timeout must be a number, and is "three"`,
      `${file}:9: functions.b.functionUrl.path must be a path as /orders, without a slash at its end`,
      expect.stringContaining(
        `${file}:12: functions.c.async.onFailure is "nobody"; there is no other function`,
      ),
      `${file}:13: functions.d has nothing to run: give it a command, or a handler as index.handler`,
    ])
  })

  it('keeps the digits of numbers in variables, of a file of functions and of a template', async ({
    start,
  }) => {
    const variables = '{ ACCOUNT: 012345678901, LONG: 12345678901234567890 }'
    using folder = files(
      { a: {} },
      {
        'functions.yaml': `functions:\n  a: { cwd: a, handler: index.handler, environment: ${variables} }\n`,
        'template.yaml': `Resources:
  a:
    Type: AWS::Serverless::Function
    Properties:
      { Runtime: nodejs22.x, CodeUri: a, Handler: index.handler, Environment: { Variables: ${variables} } }
`,
      },
    )
    for (const [flag, file] of [
      ['--functions', 'functions.yaml'],
      ['--template', 'template.yaml'],
    ] as const) {
      await using rie = await start({ flags: [flag, join(folder.path, file)], command: [] })
      const { env } = (await call(rie, 'a', { env: ['ACCOUNT', 'LONG'] })).json
      expect(env).toEqual({ ACCOUNT: '012345678901', LONG: '12345678901234567890' })
    }
  })

  it('takes a file of functions alone', async ({ run }) => {
    using folder = files({ a: {} })
    const { flags = [] } = folder.options
    for (const [more, command, says] of [
      [['--handler', 'index.handler'], [], '--handler is for one function'],
      [['--name', 'x'], [], '--name is for one function'],
      [[], ['./bootstrap'], 'the command \\"./bootstrap\\" would not'],
    ] as const) {
      const { code, stderr } = await run({ flags: [...flags, ...more], command })
      expect([code, stderr]).toEqual([2, expect.stringContaining(says)])
    }
    const missing = await run({ flags: ['--functions', join(folder.path, 'none.yaml')], command: [] })
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('there is no such file')])
  })

  it('tells of a function that ends what the others go on without', async ({ start }) => {
    using folder = files({ a: {}, b: { command: ['./missing'], handler: 'x.y' } })
    await using rie = await start(folder.options)
    const answer = await call(rie, 'b')
    expect([answer.status, answer.json.errorType]).toEqual([502, 'Runtime.InvalidEntrypoint'])
    expect((await call(rie, 'a')).status).toBe(200)
    const said = 'the command cannot be run; every invocation will say so'
    await until('it to be told', () => rie.log.find(({ msg, function: of }) => msg === said && of === 'b'))
  })

  it('runs the functions of a template, which know the addresses of Function URLs', async ({ start }) => {
    await using rie = await start({ flags: ['--template', fixture('urls/template.yaml')], command: [] })
    const url = await urlOf(rie, 'Site')
    expect((await call(rie, 'Caller')).json).toEqual({ site: `${url}/`, page: `${url}/page` })
    const answer = await request(parse(new URL(url).host), { path: '/x' })
    expect(answer.json).toEqual({ path: '/x' })
  })

  it('answers to the logical id and to the name, with parameters and variables from the command line', async ({
    start,
  }) => {
    using folder = tempDir()
    const variables = join(folder.path, 'env.json')
    writeFileSync(variables, JSON.stringify({ Always: { LEVEL: 'mine' }, Parameters: { SUB: 'for all' } }))
    await using rie = await start({
      flags: [
        ...['--template', fixture('conditions/template.yaml')],
        ...['--parameter-overrides', 'Stage=prod', '--env-vars', variables],
      ],
      command: [],
    })
    expect((await call(rie, 'OnlyProd')).json).toBe(1)
    expect((await call(rie, 'OnlyDev')).status).toBe(404)
    const env = (await call(rie, 'Always')).json
    expect(env).toBe(1)
    await using events = await start({ flags: ['--template', fixture('events/template.yaml')], command: [] })
    for (const name of ['Audit', 'local-audit'])
      expect((await call(events, name, { a: 1 })).json).toEqual({ a: 1 })
  })

  it('tells callers of what cannot run what it needs, and runs the rest', async ({ start }) => {
    await using rie = await start({ flags: ['--template', fixture('cfn/stack.template')], command: [] })
    const needs =
      'its code is not on this machine, nor in .aws-sam/build/Packaged: build it first, with sam build'
    const answer = await call(rie, 'packaged')
    expect([answer.status, answer.json.errorType]).toEqual([502, 'Runtime.InvalidEntrypoint'])
    expect(answer.json.errorMessage).toEndWith(needs)
    expect((await call(rie, 'Local', { a: 1 })).json).toEqual({ a: 1 })
    const told = 'this function cannot run; every invocation will say so'
    expect(await until('it to be told', () => rie.log.find(({ msg }) => msg === told))).toMatchObject({
      function: 'packaged',
      reason: needs,
    })
  })

  it('ends for a template of which nothing can run', async ({ run }) => {
    const { code, stderr } = await run({ flags: ['--template', fixture('java/template.yaml')], command: [] })
    expect(code).toBe(2)
    expect(stderr).toContain('java21 is not started by this emulator')
    expect(stderr).toContain('it is an image')
  })
})
