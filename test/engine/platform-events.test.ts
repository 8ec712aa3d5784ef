import { describe, expect, test } from 'bun:test'
import type { ProcessName } from '../../src/core/failure.ts'
import { success } from '../../src/core/failure.ts'
import { type PlatformEvent, PlatformEvents } from '../../src/engine/platform-events.ts'
import { splitOutput } from '../../src/process/frames.ts'
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
