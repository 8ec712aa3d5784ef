import { describe, expect, test } from 'bun:test'
import {
  allReady,
  allRegistered,
  dropPoll,
  type Extension,
  type ExtensionState,
  exitFault,
  findPoller,
  findReporter,
  identify,
  launched,
  markExited,
  noneOwed,
  overtaken,
  pollRefusal,
  processOf,
  register,
} from '../../src/core/extensions.ts'
import { onDemand } from '../../src/core/mode.ts'
import { call, external, extRefused, fresh, idOf, internal, refused } from './script.ts'

const asks = (name: string, ...events: string[]) => ({ name, id: idOf(name), events })

test('an extension that was launched has not registered', () => {
  expect(launched('watch')).toEqual({
    name: 'watch',
    id: null,
    external: true,
    events: [],
    state: 'Started',
    poll: null,
    subscribed: false,
    pendingInvoke: null,
    alive: true,
    shutdownSent: false,
    errorType: null,
  })
  expect(processOf(launched('watch'))).toBe('extension:watch')
})

test('an external extension registers under its own name', () => {
  const all = [fresh('a'), fresh('b')]
  expect(register(all, true, asks('b', 'SHUTDOWN', 'INVOKE', 'INVOKE'), onDemand)).toBeNull()
  expect(all).toEqual([fresh('a'), external('b', { events: ['SHUTDOWN', 'INVOKE'] })])
})

test('an external extension may register when the runtime has started', () => {
  const all = [fresh('a')]
  expect(register(all, false, asks('a'), onDemand)).toBeNull()
  expect(all).toEqual([external('a')])
})

test('any other name is an internal extension', () => {
  const all = [fresh('a')]
  expect(register(all, true, asks('inner', 'INVOKE'), onDemand)).toBeNull()
  expect(all).toEqual([fresh('a'), internal('inner', { events: ['INVOKE'] })])
})

describe('the checks of a registration, in their order', () => {
  const ten = Array.from({ length: 10 }, (_, index) => internal(`i${index}`))
  const rows: [
    name: string,
    all: readonly Extension[],
    open: boolean,
    asked: ReturnType<typeof asks>,
    reply: unknown,
  ][] = [
    [
      'an event that does not exist',
      [],
      true,
      asks('x', 'invoke'),
      refused('Extension.InvalidEventType', 'invoke: ErrorInvalidEventType'),
    ],
    [
      'the first bad event is named',
      [],
      true,
      asks('x', 'INVOKE', 'A', 'B'),
      refused('Extension.InvalidEventType', 'A: ErrorInvalidEventType'),
    ],
    [
      'SHUTDOWN for an internal one',
      [],
      true,
      asks('x', 'SHUTDOWN'),
      refused('Extension.InvalidEventType', 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension'),
    ],
    [
      'SHUTDOWN for a known internal one',
      [internal('x')],
      true,
      asks('x', 'SHUTDOWN'),
      refused('Extension.InvalidEventType', 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension'),
    ],
    [
      'events before closed',
      ten,
      false,
      asks('x', 'BAD'),
      refused('Extension.InvalidEventType', 'BAD: ErrorInvalidEventType'),
    ],
    [
      'closed before too many',
      ten,
      false,
      asks('x'),
      refused('Extension.RegistrationClosed', 'Extension registration closed already'),
    ],
    [
      'closed before taken',
      [internal('x')],
      false,
      asks('x'),
      refused('Extension.RegistrationClosed', 'Extension registration closed already'),
    ],
    [
      'too many before taken',
      ten,
      true,
      asks('i3'),
      refused('Extension.TooManyExtensions', 'Extension limit (10) reached'),
    ],
    [
      'external ones count',
      [...ten.slice(1), external('e')],
      true,
      asks('x'),
      refused('Extension.TooManyExtensions', 'Extension limit (10) reached'),
    ],
    [
      'taken',
      [internal('x')],
      true,
      asks('x'),
      refused('Extension.InvalidExtensionState', 'Extension with this name already registered'),
    ],
    ['an external one twice', [external('e')], true, asks('e'), extRefused('e', 'Registered', 'Registered')],
    [
      'events before the state of an external one',
      [external('e')],
      true,
      asks('e', 'BAD'),
      refused('Extension.InvalidEventType', 'BAD: ErrorInvalidEventType'),
    ],
    [
      'an external one that is ready',
      [external('e', { state: 'Ready' })],
      false,
      asks('e', 'SHUTDOWN'),
      extRefused('e', 'Ready', 'Registered'),
    ],
  ]
  test.each(rows)('%s', (_, all, open, asked, reply) => {
    const given = all.map((one) => ({ ...one }))
    expect(register(given, open, asked, onDemand)).toEqual(reply as never)
    // a refusal changes nothing
    expect(given).toEqual([...all])
  })

  test('nine extensions leave room for a tenth', () => {
    const nine = ten.slice(1)
    expect(register(nine, true, asks('x'), onDemand)).toBeNull()
    expect(nine).toEqual([...ten.slice(1), internal('x')])
  })
})

test('an identifier is looked up, and the two refusals differ', () => {
  const all = [fresh('a'), external('b')]
  expect(identify(all, idOf('b'), 'next')).toBe(all[1] as Extension)
  expect(identify(all, idOf('a'), 'next')).toEqual(
    refused('Extension.UnknownExtensionIdentifier', 'Unknown extension id-of-a'),
  )
  expect(identify(all, idOf('a'), 'report')).toEqual(
    refused('Extension.UnknownExtensionIdentifier', 'Unknown Lambda-Extension-Identifier'),
  )
})

test('what an extension may call in each state', () => {
  const states: ExtensionState[] = ['Started', 'Registered', 'Ready', 'Running', 'InitError', 'ExitError']
  const table = states.map((state) => {
    const extension = external('a', { state, poll: state === 'Ready' ? call(1) : null })
    const id = idOf('a')
    const found = [
      findPoller([extension], id),
      findReporter([extension], id, 'InitError'),
      findReporter([extension], id, 'ExitError'),
    ]
    return [state, ...found.map((one) => (one === extension ? null : one))]
  })
  const no = (from: string, to: string) => extRefused('id-of-a', from, to)
  expect(table).toEqual([
    ['Started', no('Started', 'Ready'), no('Started', 'InitError'), no('Started', 'Exited')],
    ['Registered', null, null, null],
    ['Ready', no('Ready', 'Ready'), no('Ready', 'InitError'), null],
    ['Running', null, no('Running', 'InitError'), null],
    ['InitError', no('InitError', 'Ready'), null, no('InitError', 'Exited')],
    ['ExitError', no('ExitError', 'Ready'), no('ExitError', 'InitError'), null],
  ])
})

test('a ready extension whose poller went away may ask again', () => {
  expect(pollRefusal(external('a', { state: 'Ready' }))).toBeNull()
})

test('a poll that its own exit error overtook', () => {
  expect(overtaken(external('a'))).toEqual(
    extRefused('id-of-a', 'ExitError', 'Ready', 'Concurrent state modification'),
  )
})

test('an exit is named by what was reported before, by the process itself or by another extension', () => {
  const reported = external('b', { state: 'ExitError' })
  const cases = [
    [external('a')],
    [external('a', { state: 'InitError' })],
    [external('a', { state: 'ExitError' })],
    [reported, external('a')],
    [reported, external('a', { state: 'InitError' })],
    [internal('a', { state: 'ExitError' })],
  ]
  const one = { kind: 'code', code: 1 } as const
  expect(cases.map((all) => exitFault(all, 'extension:a', one).errorType)).toEqual([
    'Extension.Crash',
    'Extension.InitError',
    'Extension.ExitError',
    'Extension.ExitError',
    'Extension.InitError',
    'Extension.ExitError',
  ])
  expect([exitFault([external('a')], 'runtime', one), exitFault([reported], 'runtime', one)]).toEqual([
    { errorType: 'Runtime.ExitError', text: 'Runtime exited with error: exit status 1' },
    { errorType: 'Extension.ExitError', text: 'Runtime exited with error: exit status 1' },
  ])
})

test('who is waited for', () => {
  const [started, registered] = [fresh('a'), external('b')]
  const ready = external('c', { state: 'Ready', events: ['INVOKE'] })
  const running = external('d', { state: 'Running', events: ['INVOKE'] })
  const idle = external('e', { state: 'ExitError', events: ['SHUTDOWN'] })
  const sets = [[], [started], [registered], [ready], [ready, running], [ready, idle]]
  expect(sets.map((all) => [allRegistered(all), allReady(all), noneOwed(all)])).toEqual([
    [true, true, true],
    [false, false, true],
    [true, false, true],
    [true, true, true],
    [true, false, false],
    [true, false, true],
  ])
})

test('a poll is dropped from where it is parked', () => {
  const state = { polls: [call(1), call(2)], extensions: [external('a', { state: 'Ready', poll: call(3) })] }
  dropPoll(state, call(9))
  dropPoll(state, call(1))
  dropPoll(state, call(3))
  expect(state).toEqual({ polls: [call(2)], extensions: [external('a', { state: 'Ready' })] })
})

test('the end of a process belongs to the external extension of its name', () => {
  const all = [external('a'), internal('b', { alive: true }), external('c')]
  for (const process of ['runtime', 'extension:b', 'extension:c', 'extension:d'] as const)
    markExited(all, process)
  expect(all.map(({ alive }) => alive)).toEqual([true, true, false])
})
