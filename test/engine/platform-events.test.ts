import { describe, expect, test } from 'bun:test'
import type { ProcessName } from '../../src/core/failure.ts'
import { success } from '../../src/core/failure.ts'
import type { PlatformEvent } from '../../src/engine/platform-event.ts'
import { PlatformEvents } from '../../src/engine/platform-events.ts'
import { splitOutput } from '../../src/process/frames.ts'
import { at, call, serving as servingState, starting as startingState } from '../core/script.ts'
import { FakeClock, FakeProcesses, invocation } from './fakes.ts'

const text = (event: PlatformEvent): string =>
  event.type === 'log' ? `${event.process}: ${new TextDecoder().decode(event.bytes)}` : event.type

function stream() {
  const clock = new FakeClock()
  const processes = new FakeProcesses()
  const events: PlatformEvent[] = []
  const running = new Map()
  const platform = new PlatformEvents(
    { clock, processes, listeners: [(event) => events.push(event)], cutter: splitOutput },
    running,
  )
  const write = (process: ProcessName, chunk: string): void =>
    platform.output(process, new TextEncoder().encode(chunk))
  return { clock, events, platform, write, running }
}

describe('lines', () => {
  test('that are unfinished end before an event of the platform', () => {
    const { events, platform, write } = stream()
    platform.write({ type: 'init-start', phase: 'init' }, undefined, 0)
    write('runtime', 'init')
    write('extension:watch', 'here')
    platform.write({ type: 'init-report', phase: 'init', verdict: success, extensions: [] }, undefined, 1)
    write('runtime', 'again')
    const one = invocation('a')
    platform.start(one, 2)
    write('runtime', 'first\npart')
    write('runtime', ' and rest')
    platform.report(one, success, 3)
    expect(events.map(text)).toEqual([
      'initStart',
      'runtime: init\n',
      'extension:watch: here\n',
      'initReport',
      'runtime: again\n',
      'start',
      'runtime: first\n',
      'runtime: part and rest\n',
      'report',
    ])
  })

  test('of processes are kept apart, and have the time at which they were read', () => {
    const { clock, events, write } = stream()
    write('runtime', 'run')
    write('extension:watch', 'wat')
    clock.advance(5)
    write('runtime', 'time\n')
    clock.advance(5)
    write('extension:watch', 'ch\n')
    expect(events.map(text)).toEqual(['runtime: runtime\n', 'extension:watch: watch\n'])
    expect(events.map(({ at }) => at)).toEqual([1005, 1010])
  })
})

test('each extension is told of before the report of its init', () => {
  const { events, platform } = stream()
  const extensions = [{ name: 'watch', state: 'Ready', events: ['INVOKE'] }]
  platform.write({ type: 'init-start', phase: 'init' }, undefined, 10)
  platform.write({ type: 'init-report', phase: 'init', verdict: success, extensions }, undefined, 22.5)
  expect(events).toEqual([
    { type: 'initStart', at: 10, phase: 'init' },
    { type: 'extension', at: 22.5, name: 'watch', state: 'Ready', events: ['INVOKE'] },
    { type: 'initReport', at: 22.5, phase: 'init', verdict: success, durationMs: 12.5 },
  ])
})

describe('the runtime is done', () => {
  const details = { wanted: true }
  const succeeded = { kind: 'response', payload: { size: 3, chunks: [] }, contentType: null } as const

  function watched() {
    const clock = new FakeClock()
    const events: PlatformEvent[] = []
    const platform = new PlatformEvents(
      {
        clock,
        processes: new FakeProcesses(),
        listeners: [(event) => events.push(event)],
        cutter: splitOutput,
        details,
      },
      new Map(),
    )
    const one = invocation('a')
    const serving = (stage: 'running' | 'responding' | 'responded', polls: number): void => {
      const verdict = stage === 'responded' ? success : null
      const inflight = [at(stage, { id: one.id, verdict })]
      platform.observe(servingState({ polls: Array(polls).fill(call(1)), inflight }), () => one)
    }
    return { clock, events, platform, one, serving, types: () => events.map(({ type }) => type) }
  }

  test('with an init when it asks for its first event, and with a failed one when that is reported', () => {
    const { platform, types } = watched()
    const starting = (runtime: 'Started' | 'Ready'): void =>
      platform.observe(startingState({ runtime }), () => undefined)
    platform.write({ type: 'init-start', phase: 'init' }, undefined, 0)
    platform.runtimeStarts()
    starting('Started')
    expect(types()).toEqual(['initStart'])
    starting('Ready')
    starting('Ready')
    platform.write({ type: 'init-report', phase: 'init', verdict: success, extensions: [] }, undefined, 1)
    expect(types()).toEqual(['initStart', 'initRuntimeDone', 'initReport'])
    platform.write({ type: 'init-start', phase: 'invoke' }, undefined, 2)
    platform.runtimeStarts()
    const verdict = { status: 'error', errorType: 'Runtime.ExitError' } as const
    platform.write({ type: 'init-report', phase: 'invoke', verdict, extensions: [] }, undefined, 3)
    expect(types().slice(3)).toEqual(['initStart', 'initRuntimeDone', 'initReport'])
  })

  test('with an invocation when it asks again, once, with the times of its response', () => {
    const { clock, events, platform, one, serving } = watched()
    platform.start(one, clock.now())
    clock.advance(5)
    serving('responding', 0)
    clock.advance(2)
    serving('responding', 0)
    platform.settled(one, succeeded, clock.now())
    clock.advance(3)
    serving('responded', 1)
    serving('responded', 1)
    clock.advance(10)
    platform.report(one, success, clock.now())
    const [, , done, report] = events
    expect(done).toMatchObject({
      type: 'runtimeDone',
      durationMs: 10,
      producedBytes: 3,
      respondingAt: 1005,
      respondedAt: 1007,
    })
    expect(report).toMatchObject({
      type: 'report',
      durationMs: 20,
      runtimeDoneAt: 1010,
      respondingAt: 1005,
      respondedAt: 1007,
    })
    expect(events).toHaveLength(4)
  })

  test('at the latest with the report', () => {
    const { clock, events, platform, one } = watched()
    platform.start(one, clock.now())
    clock.advance(5)
    platform.settled(one, { kind: 'timeout' }, clock.now())
    platform.report(one, { status: 'timeout', errorType: null }, clock.now())
    expect(events.map(({ type }) => type)).toEqual(['start', 'answered', 'runtimeDone', 'report'])
    expect(events[2]).toMatchObject({ producedBytes: null, respondingAt: null, respondedAt: null })
    expect(platform.observes).toBe(false)
  })

  test('and nobody is told who does not want to know', () => {
    const { events, platform, write } = stream()
    const one = invocation('a')
    platform.start(one, 0)
    write('runtime', 'x\n')
    platform.settled(one, succeeded, 1)
    platform.report(one, success, 2)
    expect(events.map(({ type }) => type)).toEqual(['start', 'log', 'answered', 'report'])
    expect(platform.observes).toBe(false)
  })
})
