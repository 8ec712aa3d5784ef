/** What one environment has for itself, with processes that are objects and a listener that is real. */

import { describe, expect, test } from 'bun:test'
import type { Config } from '../src/config/config.ts'
import type { Address } from '../src/config/kinds.ts'
import { parseConfig } from '../src/config/parse.ts'
import type { EnvironmentId } from '../src/core/ids.ts'
import { onDemand } from '../src/core/mode.ts'
import type { PlatformEvent } from '../src/engine/platform-event.ts'
import type { Log } from '../src/engine/ports.ts'
import { FunctionProcesses } from '../src/function-processes.ts'
import { HostedEnvironment, type HostedParts } from '../src/hosted-environment.ts'
import { ListenError } from '../src/listen.ts'
import { FunctionTelemetry } from '../src/telemetry/function-telemetry.ts'
import { Metrics } from '../src/telemetry/metrics.ts'
import { FakeClock, FakeProcesses, fakeLog, type LogLine } from './engine/fakes.ts'

const facts = {
  managed: false,
  functionName: 'f',
  functionVersion: '$LATEST',
  functionArn: 'arn:aws:lambda:us-east-1:012345678912:function:f',
  memorySizeMb: 128,
  instanceId: '$LATEST',
  initializationType: 'on-demand',
}

function stage(runtimeApi: Address, over: Partial<HostedParts> = {}) {
  const { function: config } = parseConfig(['--max-environments', '2', 'bootstrap'], {}) as Config
  const clock = new FakeClock()
  const lines: LogLine[] = []
  const events: PlatformEvent[] = []
  const children: object[] = []
  const written: string[] = []
  const log = fakeLog(lines)
  const child = (fields: object): Log => {
    children.push(fields)
    return log
  }
  const processes = new FakeProcesses()
  const parts: HostedParts = {
    config,
    mode: onDemand,
    facts,
    processes,
    clock,
    functionProcesses: new FunctionProcesses(config, () => null),
    telemetry: new FunctionTelemetry({ clock, metrics: new Metrics(), facts, json: false }),
    log: { ...log, child },
    sinkOf: (id) => ({ write: (text) => written.push(`${id}: ${text}`), flush() {} }),
    listenersOf: () => [(event) => events.push(event)],
    served() {},
    runtimeApi,
    anyRuntimeApi: false,
    portable: true,
    endpoint: () => undefined,
    durableEndpoint: () => null,
    ...over,
  }
  const calls = { changed() {}, giveBack() {}, failWaiting() {} }
  const open = (id: number, primary: boolean): HostedEnvironment =>
    new HostedEnvironment(id as EnvironmentId, primary, calls, parts)
  return { open, processes, lines, events, children }
}

const ping = async (address: string): Promise<string> =>
  (await fetch(`http://${address}/2018-06-01/ping`)).text()
const portOf = (address: string): number => Number(address.split(':').at(-1))

describe('one environment', () => {
  test('answers where its processes are told that it does, until it is let go of', async () => {
    const { open, processes, children } = stage({ hostname: '127.0.0.1', port: 0 })
    const hosted = open(2, true)
    expect(await ping(hosted.runtimeApi)).toBe('pong')
    hosted.environment.dispatch({ type: 'start' })
    expect(processes.specs[0]?.env.AWS_LAMBDA_RUNTIME_API).toBe(hosted.runtimeApi)
    expect(children).toEqual([{ environment: 2 }])
    hosted[Symbol.dispose]()
    expect(await ping(hosted.runtimeApi).catch(() => 'gone')).toBe('gone')
  })

  test('tells its own listeners first to last, those that come later too', () => {
    const { open, events } = stage({ hostname: '127.0.0.1', port: 0 })
    using hosted = open(1, true)
    const later: string[] = []
    hosted.environment.dispatch({ type: 'start' })
    hosted.observe(({ type }) => later.push(type))
    hosted.environment.dispatch({ type: 'stop' })
    expect(events.map(({ type }) => type)[0]).toBe('initStart')
    expect(later).not.toContain('initStart')
    expect(later.length).toBeGreaterThan(0)
  })

  test('has a port of its own on this machine, unless it has the configured one', () => {
    const { open } = stage({ hostname: 'localhost', port: 0 })
    using first = open(1, true)
    using second = open(2, false)
    expect(second.runtimeApi).toStartWith('127.0.0.1:')
    expect(portOf(second.runtimeApi)).not.toBe(portOf(first.runtimeApi))
  })

  test('takes a free port where the configured one is taken and nobody insists on it, and says so', async () => {
    using other = stage({ hostname: '127.0.0.1', port: 0 }).open(1, true)
    const taken = { hostname: '127.0.0.1', port: portOf(other.runtimeApi) }
    const { open, lines } = stage(taken, { anyRuntimeApi: true })
    using hosted = open(1, true)
    expect(await ping(hosted.runtimeApi)).toBe('pong')
    expect(portOf(hosted.runtimeApi)).not.toBe(taken.port)
    expect(lines).toEqual([
      {
        level: 'warn',
        fields: { runtimeApi: hosted.runtimeApi },
        message: `port ${taken.port} is in use, the Runtime API has a free one (--runtime-api-address)`,
      },
    ])
  })

  test('is not made where its port is taken; of the first one the program tells, of others the log', () => {
    using other = stage({ hostname: '127.0.0.1', port: 0 }).open(1, true)
    const { open, lines } = stage({ hostname: '127.0.0.1', port: portOf(other.runtimeApi) })
    expect(() => open(1, true)).toThrow(ListenError)
    expect(lines).toEqual([])
    expect(() => open(2, true)).toThrow(ListenError)
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['error', 'an execution environment could not be made'],
    ])
  })
})
