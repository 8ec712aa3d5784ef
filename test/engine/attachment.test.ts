import { describe, expect, test } from 'bun:test'
import { withAttachedRuntime } from '../../src/process/attached.ts'
import { until } from '../harness.ts'
import { type Asked, FakeProcesses, invocation, respond, type Stage, stage } from './fakes.ts'

interface AttachedStage extends Stage {
  /** Polls as the API does; the poller goes away with `gone`. */
  poll(): Asked & { gone(): void }
}

/** An environment whose runtime is somebody else's; extensions are started. */
function attached(extensions: string[] = []): AttachedStage {
  const processes = new FakeProcesses()
  const staged = stage({
    attached: true,
    processes: withAttachedRuntime(processes, () => 0),
    discover: () => extensions,
    initTimeoutMs: 0,
  })
  const { environment } = staged
  environment.dispatch({ type: 'start' })
  return {
    ...staged,
    processes,
    poll() {
      const replies: Asked['replies'] = []
      const call = environment.newCall()
      environment.next(call, { reply: (reply) => void replies.push(reply) })
      return { call, replies, gone: () => environment.gone(call) }
    },
  }
}

describe('an attached runtime', () => {
  test('is not started, but waited for as long as it takes', () => {
    const { environment, processes, clock, poll } = attached()
    const caller = invocation('a')
    environment.invoke(caller)
    clock.advance(100_000_000)
    expect(caller.outcomes).toEqual([])
    expect(processes.all).toEqual([])
    const { replies } = poll()
    expect(replies).toMatchObject([{ kind: 'invocation', id: 'a' }])
    respond(environment, caller.id)
    expect(caller.outcomes).toMatchObject([{ kind: 'response' }])
  })

  test('that goes while nothing runs makes room for the next one', () => {
    const { environment, lines, poll } = attached()
    const first = poll()
    expect(environment.free).toBe(true)
    first.gone()
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2, runtime: 'Started' })
    expect(lines.map(({ message }) => message)).not.toContain('an execution environment failed')
    const caller = invocation('a')
    environment.invoke(caller)
    expect(caller.outcomes).toEqual([])
    expect(poll().replies).toMatchObject([{ kind: 'invocation', id: 'a' }])
  })

  test('that goes in an invocation leaves the event to the next one', () => {
    const { environment, poll } = attached()
    poll()
    const caller = invocation('a')
    environment.invoke(caller)
    const next = poll()
    expect(next.replies).toMatchObject([{ kind: 'invocation', id: 'a' }])
    respond(environment, caller.id)
    expect(caller.outcomes).toMatchObject([{ kind: 'response' }])
  })

  test('that comes back after a timeout is welcome, at once or later', async () => {
    const { environment, clock, poll } = attached()
    poll()
    const caller = invocation('a')
    environment.invoke(caller)
    clock.advance(3000)
    environment.dispatch({ type: 'deadline', id: caller.id })
    expect(caller.outcomes).toMatchObject([{ kind: 'timeout' }])
    // its late answer is refused, its next poll is not
    expect(respond(environment, caller.id).replies).toMatchObject([{ kind: 'refused' }])
    expect(environment.free).toBe(false)
    expect(poll().replies).toEqual([])
    await until('the next start', () => environment.free)
  })

  test('race: it polls before the extensions have registered, and waits for them', () => {
    const { environment, poll } = attached(['watch'])
    expect(environment.state).toMatchObject({ phase: 'starting', runtime: 'absent' })
    const { replies } = poll()
    expect(replies).toEqual([])
    const call = environment.park({ reply() {} })
    const registration = { id: 'e1' as never, name: 'watch', events: ['INVOKE'] }
    environment.dispatch({ type: 'extension/register', call, registration } as never)
    expect(environment.state).toMatchObject({ phase: 'starting', runtime: 'Ready' })
    expect(replies).toEqual([])
  })

  test('race: it polls, goes away before it is expected, and is forgotten', () => {
    const { environment, poll } = attached(['watch'])
    poll().gone()
    const call = environment.park({ reply() {} })
    const registration = { id: 'e1' as never, name: 'watch', events: [] }
    environment.dispatch({ type: 'extension/register', call, registration } as never)
    expect(environment.state).toMatchObject({ phase: 'starting', runtime: 'Started' })
  })

  test('an extension that fails init is not started for ever: the next poll does it, nothing else', async () => {
    const { environment, processes, poll } = attached(['watch'])
    processes.failures.set('extension:watch', { reason: 'entrypoint', text: 'no such file' })
    processes.process('extension:watch').exit()
    await until('the end of the attempt', () => environment.state.phase === 'cold')
    expect(environment.state).toMatchObject({ retry: true })
    const specs = processes.specs.length
    poll()
    expect(processes.specs.length).toBe(specs + 1)
    expect(environment.state).toMatchObject({ phase: 'cold', retry: true })
  })

  test('a stop ends it like any other', () => {
    const { environment, poll } = attached()
    poll()
    environment.dispatch({ type: 'stop' })
    expect(environment.stopped).toBe(true)
  })
})
