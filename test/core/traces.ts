/**
 * The rules as conversations: given a state, each line is what happens, what it changes, and what is to be done, in
 * that order. Every cell of the transition table and both orders of every race have a line here.
 */

import {
  accepted,
  arm,
  armDeadline,
  armInit,
  at,
  begun,
  budgetOver,
  call,
  code,
  cold,
  complete,
  cooled,
  crash,
  deadline,
  disarm,
  disarmDeadline,
  discover,
  discovered,
  document,
  error,
  exit0,
  exit1,
  exits,
  ext,
  extExitError,
  external,
  extInitError,
  extNext,
  extRefused,
  failed,
  faulted,
  faultOf,
  finish,
  flush,
  flushed,
  fresh,
  generation,
  givenUp,
  gone,
  graceOver,
  idOf,
  initError,
  initLimit,
  initReport,
  initStart,
  initTimedOut,
  internal,
  invalidId,
  invocation,
  invoke,
  invokeEvent,
  launchFailed,
  next,
  noEntrypoint,
  noLaunch,
  one,
  oversizeUpload,
  payload,
  read,
  received,
  recycle,
  refused,
  registered,
  registers,
  reply,
  report,
  responded,
  response,
  runtimeRefused,
  same,
  second,
  serving,
  settle,
  shutdown,
  shutdownEvent,
  sigkill,
  signalled,
  sigterm,
  spawn,
  start,
  starting,
  stop,
  stopped,
  stopping,
  subscribe,
  subscribed,
  succeeded,
  swept,
  type Trace,
  timedOut,
  toCold,
  toRetry,
  toStart,
  toStopped,
  trace,
  trailers,
  truncatedUpload,
  two,
} from './script.ts'

const cut = { kind: 'shutdown' } as const
const parkedTooLong = runtimeRefused('Stopped', 'Ready')
/** The same, of an extension. */
const pollTooLong = (name: string) => extRefused(idOf(name), 'Stopped', 'Ready')

// the extensions of most traces: one that wants everything, one that wants only SHUTDOWN
const watch = (over: Parameters<typeof external>[1] = {}) =>
  external('watch', { events: ['INVOKE', 'SHUTDOWN'], ...over })
const quiet = (over: Parameters<typeof external>[1] = {}) =>
  external('quiet', { events: ['SHUTDOWN'], ...over })
const inner = (over: Parameters<typeof internal>[1] = {}) =>
  internal('inner', { events: ['INVOKE'], ...over })
const ready = (number: number) => ({ state: 'Ready', poll: call(number) }) as const
const working = { state: 'Running', poll: null } as const
const told = { state: 'Ready', poll: null, shutdownSent: true } as const
const dead = { alive: false } as const

const unknown = (name: string) =>
  refused('Extension.UnknownExtensionIdentifier', `Unknown extension ${idOf(name)}`)
const telemetryClosed = refused('Telemetry.SubscriptionClosed', 'Telemetry API subscription is closed')
const logsClosed = refused('Logs.SubscriptionClosed', 'Logs API subscription is closed')
const exitedWithOne = { errorType: 'Runtime.ExitError', text: 'Runtime exited with error: exit status 1' }

const budget = arm('budget', 2000)
const grace = arm('grace', 600)
const giveUp = arm('give-up', 2000)

const fromCold: readonly Trace[] = [
  trace('an invocation starts the runtime, which is handed the event and answers it', cold(), [
    [invoke(), starting({ waiting: one }), armInit, initStart(), discover],
    [discovered(), { runtime: 'Started' }, spawn('runtime')],
    [
      next(1),
      serving({ inflight: [at('running')] }),
      disarm('init'),
      initReport(succeeded),
      armDeadline(),
      begun(),
      reply(1, invocation()),
    ],
    [response(2), { inflight: [at('responding')] }, reply(2, read)],
    [
      received(2),
      { inflight: [at('responded', { verdict: succeeded })] },
      settle(responded),
      reply(2, accepted),
    ],
    [next(3), { polls: [call(3)], inflight: [] }, report(succeeded), finish()],
    [
      invoke(two),
      { polls: [], inflight: [at('running', { id: two })] },
      armDeadline(two),
      begun(two),
      reply(3, invocation(two)),
    ],
  ]),
  trace('an eager start that nobody waits for ends in a free environment', cold(), [
    [start, starting(), armInit, initStart(), discover],
    [discovered(), { runtime: 'Started' }, spawn('runtime')],
    [next(1), serving({ polls: [call(1)] }), disarm('init'), initReport(succeeded)],
    [invoke(), { polls: [], inflight: [at('running')] }, armDeadline(), begun(), reply(1, invocation())],
  ]),
  trace(
    'an invocation that arrives during an eager start gets what starts',
    starting({ runtime: 'Started' }),
    [
      [invoke(), { waiting: one }],
      [
        next(1),
        serving({ inflight: [at('running')] }),
        disarm('init'),
        initReport(succeeded),
        armDeadline(),
        begun(),
        reply(1, invocation()),
      ],
    ],
  ),
  trace('after an eager start that failed, the invocation makes the second attempt', cold({ retry: true }), [
    [invoke(), starting({ attempt: 'invoke', waiting: one }), armDeadline(), initStart('invoke'), discover],
  ]),
  trace('a cold environment that is told to stop has nothing to wait for', cold(), [
    [stop, stopped({ generation: cold().generation })],
  ]),
  trace('new code makes an eager start that failed a first attempt again', cold({ retry: true }), [
    [recycle, cold()],
    [recycle, same],
  ]),
  trace('a poller that goes away after everything has ended is not answered', cold(), [[gone(1), same]]),
  trace('a poller that goes away after the end is not answered', stopped(), [[gone(1), same]]),
]

const initialising: readonly Trace[] = [
  trace(
    'extensions register, then the runtime starts, then everyone asks for an event',
    starting({ waiting: one }),
    [
      [
        discovered('quiet', 'watch'),
        { extensions: [fresh('quiet'), fresh('watch')] },
        spawn(ext('quiet')),
        spawn(ext('watch')),
      ],
      [
        registers(1, 'watch', 'INVOKE', 'SHUTDOWN'),
        { extensions: [fresh('quiet'), watch()] },
        reply(1, registered('watch')),
      ],
      [next(2), same, reply(2, runtimeRefused('NotStarted', 'Ready'))],
      [
        registers(3, 'quiet', 'SHUTDOWN'),
        { extensions: [quiet(), watch()], runtime: 'Started' },
        reply(3, registered('quiet')),
        spawn('runtime'),
      ],
      [extNext(4, 'watch'), { extensions: [quiet(), watch(ready(4))] }],
      [next(5), { runtime: 'Ready', polls: [call(5)] }],
      [
        extNext(6, 'quiet'),
        serving({ inflight: [at('running')], extensions: [quiet(ready(6)), watch(working)] }),
        disarm('init'),
        initReport(succeeded, [
          { name: 'quiet', state: 'Ready', events: ['SHUTDOWN'] },
          { name: 'watch', state: 'Ready', events: ['INVOKE', 'SHUTDOWN'] },
        ]),
        armDeadline(),
        begun(),
        reply(5, invocation()),
        reply(4, invokeEvent()),
      ],
    ],
  ),
  trace(
    'an internal extension may register until the runtime asks for an event',
    starting({ runtime: 'Started' }),
    [
      [registers(1, 'inner', 'INVOKE'), { extensions: [inner()] }, reply(1, registered('inner'))],
      [next(2), { runtime: 'Ready', polls: [call(2)] }],
      [
        registers(3, 'late'),
        same,
        reply(3, refused('Extension.RegistrationClosed', 'Extension registration closed already')),
      ],
      [
        extNext(4, 'inner'),
        serving({ polls: [call(2)], extensions: [inner(ready(4))] }),
        disarm('init'),
        initReport(succeeded, [{ name: 'inner', state: 'Ready', events: ['INVOKE'] }]),
      ],
    ],
  ),
  trace(
    'an extension asks only once, and only under its own identifier',
    starting({ extensions: [fresh('quiet'), watch()] }),
    [
      [extNext(1, 'watch'), { extensions: [fresh('quiet'), watch(ready(1))] }],
      [extNext(2, 'watch'), same, reply(2, extRefused(idOf('watch'), 'Ready', 'Ready'))],
      [
        extNext(3, 'nobody'),
        same,
        reply(3, refused('Extension.UnknownExtensionIdentifier', `Unknown extension ${idOf('nobody')}`)),
      ],
    ],
  ),
  trace(
    'a runtime whose poller went away stays ready, and gets its event when it asks again',
    starting({ runtime: 'Started', waiting: one, extensions: [watch()] }),
    [
      [next(1), { runtime: 'Ready', polls: [call(1)] }],
      [gone(1), { polls: [] }],
      [
        extNext(2, 'watch'),
        serving({ inflight: [at('waiting')], extensions: [watch(ready(2))] }),
        disarm('init'),
        initReport(succeeded, [{ name: 'watch', state: 'Ready', events: ['INVOKE', 'SHUTDOWN'] }]),
        armDeadline(),
      ],
      [
        next(3),
        { inflight: [at('running')], extensions: [watch(working)] },
        begun(),
        reply(3, invocation()),
        reply(2, invokeEvent()),
      ],
    ],
  ),
  trace(
    'an extension whose poller went away stays ready',
    starting({ runtime: 'Started', extensions: [watch(ready(1))] }),
    [
      [gone(1), { extensions: [watch({ state: 'Ready' })] }],
      [
        next(2),
        serving({ polls: [call(2)], extensions: [watch({ state: 'Ready' })] }),
        disarm('init'),
        initReport(succeeded, [{ name: 'watch', state: 'Ready', events: ['INVOKE', 'SHUTDOWN'] }]),
      ],
    ],
  ),
  trace(
    'a request that nobody knows goes away without a trace',
    starting({ polls: [call(1)], extensions: [watch(ready(2))] }),
    [[gone(9), same]],
  ),
]

const failing: readonly Trace[] = [
  trace(
    'an init that fails is tried once more inside the invocation; the second failure is the answer',
    starting({ runtime: 'Started', waiting: one }),
    [
      [
        exits('runtime'),
        starting({ ...second, waiting: one }),
        disarm('init'),
        faulted('runtime', exit1),
        initReport(failed('Runtime.ExitError')),
        shutdown('failure'),
        ...swept,
        armDeadline(),
        initStart('invoke'),
        discover,
      ],
      [discovered(), { runtime: 'Started' }, spawn('runtime')],
      [
        exits('runtime', code(0)),
        cold({ generation: second.generation }),
        settle(faultOf(exit0)),
        disarm('init'),
        faulted('runtime', exit0),
        initReport(failed('Runtime.ExitError'), [], 'invoke'),
        begun(),
        report(failed('Runtime.ExitError')),
        finish(),
        shutdown('failure'),
        ...swept,
      ],
    ],
  ),
  trace(
    'a second attempt that succeeds serves the invocation under the deadline that runs',
    starting({ ...second, runtime: 'Started', waiting: one }),
    [
      [
        next(1),
        serving({ generation: second.generation, inflight: [at('running')] }),
        disarm('init'),
        initReport(succeeded, [], 'invoke'),
        armDeadline(),
        begun(),
        reply(1, invocation()),
      ],
    ],
  ),
  trace(
    'an eager init that fails leaves the second attempt to the next invocation',
    starting({ runtime: 'Started' }),
    [
      [
        exits('runtime', signalled('SIGSEGV')),
        cold({ generation: cooled.generation, retry: true }),
        disarm('init'),
        faulted('runtime', {
          errorType: 'Runtime.ExitError',
          text: 'Runtime exited with error: signal: segmentation fault',
        }),
        initReport(failed('Runtime.ExitError')),
        shutdown('failure'),
        ...swept,
      ],
    ],
  ),
  trace('a runtime that cannot be started fails both attempts', starting({ waiting: one }), [
    [discovered(), { runtime: 'Started' }, spawn('runtime')],
    [
      launchFailed('runtime', noEntrypoint),
      starting({ ...second, waiting: one }),
      disarm('init'),
      faulted('runtime', noEntrypoint),
      initReport(failed('Runtime.InvalidEntrypoint')),
      shutdown('failure'),
      ...swept,
      armDeadline(),
      initStart('invoke'),
      discover,
    ],
    [discovered(), { runtime: 'Started' }, spawn('runtime')],
    [
      launchFailed('runtime', noEntrypoint),
      cold({ generation: second.generation }),
      settle(faultOf(noEntrypoint)),
      disarm('init'),
      faulted('runtime', noEntrypoint),
      initReport(failed('Runtime.InvalidEntrypoint'), [], 'invoke'),
      begun(),
      report(failed('Runtime.InvalidEntrypoint')),
      finish(),
      shutdown('failure'),
      ...swept,
    ],
  ]),
  trace('an extension that cannot be started takes the others with it', starting(), [
    [
      discovered('quiet', 'watch'),
      { extensions: [fresh('quiet'), fresh('watch')] },
      spawn(ext('quiet')),
      spawn(ext('watch')),
    ],
    [
      launchFailed(ext('quiet'), noLaunch),
      stopping({
        step: 'extensions',
        runtime: false,
        runtimeState: 'NotStarted',
        extensions: [fresh('quiet', dead), fresh('watch')],
        afterwards: toRetry,
      }),
      disarm('init'),
      faulted(ext('quiet'), noLaunch),
      initReport(failed('Extension.LaunchError'), [
        { name: 'quiet', state: 'LaunchError', events: [] },
        { name: 'watch', state: 'Started', events: [] },
      ]),
      shutdown('failure'),
      budget,
      sigkill(ext('watch')),
    ],
    [
      exits(ext('watch'), signalled('SIGKILL')),
      cold({ generation: cooled.generation, retry: true }),
      ...swept,
    ],
  ]),
  trace(
    'two extensions that cannot be started are one failure',
    starting({ extensions: [fresh('quiet'), fresh('watch')] }),
    [
      [
        launchFailed(ext('quiet'), noLaunch),
        stopping({
          step: 'extensions',
          runtime: false,
          runtimeState: 'NotStarted',
          extensions: [fresh('quiet', dead), fresh('watch')],
          afterwards: toRetry,
        }),
        disarm('init'),
        faulted(ext('quiet'), noLaunch),
        initReport(failed('Extension.LaunchError'), [
          { name: 'quiet', state: 'LaunchError', events: [] },
          { name: 'watch', state: 'Started', events: [] },
        ]),
        shutdown('failure'),
        budget,
        sigkill(ext('watch')),
      ],
      [launchFailed(ext('watch'), noLaunch), cold({ generation: cooled.generation, retry: true }), ...swept],
    ],
  ),
  trace('an eleventh external extension fails init before anything is started', starting({ waiting: one }), [
    [
      discovered('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'),
      starting({ ...second, waiting: one }),
      disarm('init'),
      faulted(null, { errorType: 'Extension.LaunchError', text: 'ErrTooManyExtensions' }),
      initReport(failed('Extension.LaunchError')),
      shutdown('failure'),
      ...swept,
      armDeadline(),
      initStart('invoke'),
      discover,
    ],
  ]),
  trace('ten external extensions are not too many', starting(), [
    [
      discovered('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'),
      { extensions: [...'abcdefghij'].map((name) => fresh(name)) },
      ...[...'abcdefghij'].map((name) => spawn(ext(name))),
    ],
  ]),
  trace(
    'a runtime reports an init error only between its start and its first poll',
    starting({ extensions: [fresh('watch')] }),
    [
      [initError(1), same, reply(1, runtimeRefused('NotStarted', 'InitError'))],
      [
        registers(2, 'watch'),
        { extensions: [external('watch')], runtime: 'Started' },
        reply(2, registered('watch')),
        spawn('runtime'),
      ],
      [next(3), { runtime: 'Ready', polls: [call(3)] }],
      [initError(4), same, reply(4, runtimeRefused('Ready', 'InitError'))],
    ],
  ),
  trace(
    'an extension reports an init error, once or twice; its exit is the failure',
    starting({ runtime: 'Started', waiting: one, extensions: [watch()] }),
    [
      [extInitError(1, 'watch'), { extensions: [watch({ state: 'InitError' })] }, reply(1, accepted)],
      [extInitError(2, 'watch'), { extensions: [watch({ state: 'InitError' })] }, reply(2, accepted)],
      [extNext(3, 'watch'), same, reply(3, extRefused(idOf('watch'), 'InitError', 'Ready'))],
      [extExitError(4, 'watch'), same, reply(4, extRefused(idOf('watch'), 'InitError', 'Exited'))],
      [
        extInitError(5, 'nobody'),
        same,
        reply(5, refused('Extension.UnknownExtensionIdentifier', 'Unknown Lambda-Extension-Identifier')),
      ],
      [
        exits(ext('watch')),
        stopping({
          runtimeState: 'Started',
          extensions: [watch({ state: 'InitError', alive: false })],
          afterwards: toStart('invoke', one),
        }),
        disarm('init'),
        faulted(ext('watch'), { errorType: 'Extension.InitError', text: 'exit status 1' }),
        initReport(failed('Extension.InitError'), [
          { name: 'watch', state: 'InitError', events: ['INVOKE', 'SHUTDOWN'] },
        ]),
        shutdown('failure'),
        budget,
        sigterm('runtime'),
        grace,
      ],
    ],
  ),
  trace(
    'an extension that is ready reports no init error, but an exit error, which its poll is refused for',
    starting({ runtime: 'Started', extensions: [watch(ready(1))] }),
    [
      [extInitError(2, 'watch'), same, reply(2, extRefused(idOf('watch'), 'Ready', 'InitError'))],
      [
        extExitError(3, 'watch'),
        { extensions: [watch({ state: 'ExitError' })] },
        reply(3, accepted),
        reply(1, extRefused(idOf('watch'), 'ExitError', 'Ready', 'Concurrent state modification')),
      ],
      [extExitError(4, 'watch'), { extensions: [watch({ state: 'ExitError' })] }, reply(4, accepted)],
      [
        extExitError(5, 'nobody'),
        same,
        reply(5, refused('Extension.UnknownExtensionIdentifier', 'Unknown Lambda-Extension-Identifier')),
      ],
      [
        exits(ext('watch'), code(0)),
        stopping({
          runtimeState: 'Started',
          extensions: [watch({ state: 'ExitError', alive: false })],
          afterwards: toRetry,
        }),
        disarm('init'),
        faulted(ext('watch'), { errorType: 'Extension.ExitError', text: 'exit code 0' }),
        initReport(failed('Extension.ExitError'), [
          { name: 'watch', state: 'ExitError', events: ['INVOKE', 'SHUTDOWN'] },
        ]),
        shutdown('failure'),
        budget,
        sigterm('runtime'),
        grace,
      ],
    ],
  ),
  trace('race: the init limit passes before the last poll', starting({ runtime: 'Started', waiting: one }), [
    [
      initLimit,
      stopping({
        reason: 'timeout',
        step: 'extensions',
        runtimeState: 'Started',
        afterwards: toStart('invoke', one),
      }),
      disarm('init'),
      faulted(null, initTimedOut('the runtime did not ask for an event')),
      initReport(timedOut),
      shutdown('timeout'),
      sigkill('runtime'),
      giveUp,
    ],
    [next(1), { polls: [call(1)] }],
    [
      exits('runtime', signalled('SIGKILL')),
      starting({ ...second, waiting: one }),
      ...swept,
      reply(1, parkedTooLong),
      armDeadline(),
      initStart('invoke'),
      discover,
    ],
  ]),
  trace(
    'race: the last poll comes before the init limit passes',
    starting({ runtime: 'Started', waiting: one }),
    [
      [
        next(1),
        serving({ inflight: [at('running')] }),
        disarm('init'),
        initReport(succeeded),
        armDeadline(),
        begun(),
        reply(1, invocation()),
      ],
      [initLimit, same],
    ],
  ),
  trace(
    'race: the deadline passes before the last poll of the second attempt',
    starting({ ...second, runtime: 'Started', waiting: one }),
    [
      [deadline(two), same],
      [
        deadline(),
        stopping({
          generation: second.generation,
          reason: 'timeout',
          step: 'extensions',
          runtimeState: 'Started',
        }),
        settle({ kind: 'timeout' }),
        faulted(null, initTimedOut('the runtime did not ask for an event')),
        initReport(timedOut, [], 'invoke'),
        begun(),
        report(timedOut),
        finish(),
        shutdown('timeout'),
        sigkill('runtime'),
        giveUp,
      ],
      [next(1), { polls: [call(1)] }],
      [
        exits('runtime', signalled('SIGKILL')),
        cold({ generation: second.generation }),
        ...swept,
        reply(1, parkedTooLong),
      ],
    ],
  ),
  trace(
    'race: the last poll of the second attempt comes before the deadline',
    starting({ ...second, runtime: 'Started', waiting: one }),
    [
      [
        next(1),
        serving({ generation: second.generation, inflight: [at('running')] }),
        disarm('init'),
        initReport(succeeded, [], 'invoke'),
        armDeadline(),
        begun(),
        reply(1, invocation()),
      ],
      [
        deadline(),
        stopping({
          generation: second.generation,
          reason: 'timeout',
          step: 'extensions',
          runtimeState: 'Running',
        }),
        settle({ kind: 'timeout' }),
        report(timedOut),
        finish(),
        shutdown('timeout'),
        sigkill('runtime'),
        giveUp,
      ],
    ],
  ),
  trace(
    'a stop during init answers the invocation that waits',
    starting({ runtime: 'Started', waiting: one }),
    [
      [
        stop,
        stopping({ reason: 'spindown', step: 'extensions', runtimeState: 'Started', afterwards: toStopped }),
        disarm('init'),
        settle(cut),
        begun(),
        report(failed('Sandbox.Failure')),
        finish(),
        shutdown('spindown'),
        sigkill('runtime'),
        giveUp,
      ],
      [exits('runtime', signalled('SIGKILL')), stopped(), ...swept],
    ],
  ),
  trace('new code during an init for nobody: its processes end', starting({ runtime: 'Started' }), [
    [
      recycle,
      stopping({ reason: 'spindown', step: 'extensions', runtimeState: 'Started', afterwards: toCold }),
      disarm('init'),
      shutdown('spindown'),
      sigkill('runtime'),
      giveUp,
    ],
    [exits('runtime', signalled('SIGKILL')), cooled, ...swept],
  ]),
  trace(
    'new code during the second attempt: the invocation that waits gets a first attempt, without its deadline',
    starting({ runtime: 'Started', attempt: 'invoke', waiting: one }),
    [
      [
        recycle,
        stopping({
          reason: 'spindown',
          step: 'extensions',
          runtimeState: 'Started',
          afterwards: toStart('init', one),
        }),
        disarm('init'),
        disarmDeadline(),
        shutdown('spindown'),
        sigkill('runtime'),
        giveUp,
      ],
      [
        exits('runtime', signalled('SIGKILL')),
        starting({ generation: generation(2), waiting: one }),
        ...swept,
        armInit,
        initStart('init'),
        discover,
      ],
    ],
  ),
  trace('a stop during an init for nobody, before the runtime was started', starting(), [
    [stop, stopped(), disarm('init'), shutdown('spindown'), ...swept],
    [discovered('watch'), same],
  ]),
]

const invoking: readonly Trace[] = [
  trace(
    'the runtime posts an error, which passes through untouched',
    serving({ inflight: [at('running')] }),
    [
      [error(1, one, 'Function.Oops'), { inflight: [at('erroring')] }, reply(1, read)],
      [
        received(1, complete, 'Function.Oops'),
        { inflight: [at('responded', { verdict: failed('Function.Oops') })] },
        settle({ kind: 'error', payload, errorType: 'Function.Oops' }),
        reply(1, accepted),
      ],
      [next(2), { polls: [call(2)], inflight: [] }, report(failed('Function.Oops')), finish()],
    ],
  ),
  trace(
    'a response over the limit is a failure of the function, and the runtime goes on',
    serving({ inflight: [at('responding')] }),
    [
      [
        received(1, oversizeUpload),
        { inflight: [at('responded', { verdict: failed('Function.ResponseSizeTooLarge') })] },
        settle({ kind: 'oversize', bytes: 6_291_557 }),
        reply(1, refused('RequestEntityTooLarge', 'Exceeded maximum allowed payload size (6291556 bytes).')),
      ],
      [
        next(2),
        { polls: [call(2)], inflight: [] },
        report(failed('Function.ResponseSizeTooLarge')),
        finish(),
      ],
    ],
  ),
  trace(
    'a runtime client that ends on the 413 changes nothing for the caller',
    serving({ inflight: [at('responding')] }),
    [
      [
        received(1, oversizeUpload),
        { inflight: [at('responded', { verdict: failed('Function.ResponseSizeTooLarge') })] },
        settle({ kind: 'oversize', bytes: 6_291_557 }),
        reply(1, refused('RequestEntityTooLarge', 'Exceeded maximum allowed payload size (6291556 bytes).')),
      ],
      [error(2), same, reply(2, runtimeRefused('RuntimeResponseSentState', 'InvocationErrorResponse'))],
      [
        exits('runtime'),
        cooled,
        report(failed('Function.ResponseSizeTooLarge')),
        finish(),
        shutdown('failure'),
        ...swept,
        faulted('runtime', exit1),
      ],
    ],
  ),
  trace(
    'a response stream that ends in trailers is a failure of their type, with their document',
    serving({ inflight: [at('responding')] }),
    [
      [
        received(1, trailers),
        { inflight: [at('responded', { verdict: failed('Function.Oops') })] },
        settle({
          kind: 'broken-stream',
          payload,
          contentType: 'text/plain',
          errorType: 'Function.Oops',
          document,
        }),
        reply(1, accepted),
      ],
    ],
  ),
  trace(
    'a runtime that asks again before it answers is handed its event again',
    serving({ inflight: [at('running')] }),
    [[next(1), same, reply(1, invocation())]],
  ),
  trace(
    'the id is checked before the state, and both before the body',
    serving({ inflight: [at('running')] }),
    [
      [response(1, two), same, reply(1, invalidId)],
      [error(2, two), same, reply(2, invalidId)],
      [response(3), { inflight: [at('responding')] }, reply(3, read)],
      [response(4), same, reply(4, runtimeRefused('InvocationResponse', 'InvocationResponse'))],
      [error(5), same, reply(5, runtimeRefused('InvocationResponse', 'InvocationErrorResponse'))],
      [received(6, complete, null, two), same, reply(6, invalidId)],
    ],
  ),
  trace('a response is refused until the event was handed out', serving({ inflight: [at('waiting')] }), [
    [response(1), same, reply(1, runtimeRefused('Ready', 'InvocationResponse'))],
    [error(2), same, reply(2, runtimeRefused('Ready', 'InvocationErrorResponse'))],
    [received(3), same, reply(3, invalidId)],
  ]),
  trace(
    'a second response is refused as long as extensions are at work, then its id is unknown',
    serving({
      polls: [call(1)],
      inflight: [at('responded', { verdict: succeeded })],
      extensions: [watch(working)],
    }),
    [
      [response(2), same, reply(2, runtimeRefused('Ready', 'InvocationResponse'))],
      [extNext(3, 'watch'), { inflight: [], extensions: [watch(ready(3))] }, report(succeeded), finish()],
      [response(4), same, reply(4, invalidId)],
    ],
  ),
  trace(
    'an unknown response mode is refused, and the runtime can still answer',
    serving({ inflight: [at('running')] }),
    [
      [
        response(1, one, 'bogus'),
        same,
        reply(1, refused('InvalidFunctionResponseMode', 'Invalid function response mode')),
      ],
      [response(2, one, 'buffered'), { inflight: [at('responding')] }, reply(2, read)],
    ],
  ),
  trace('response mode streaming is a response mode', serving({ inflight: [at('running')] }), [
    [response(1, one, 'streaming'), { inflight: [at('responding')] }, reply(1, read)],
  ]),
  trace('an empty response mode is none', serving({ inflight: [at('running')] }), [
    [response(1, one, ''), { inflight: [at('responding')] }, reply(1, read)],
  ]),
  trace(
    'subscribers get the event, and the environment is free when all have asked again',
    serving({ polls: [call(1)], extensions: [quiet(ready(2)), watch(ready(3)), inner(ready(4))] }),
    [
      [
        invoke(),
        {
          polls: [],
          inflight: [at('running')],
          extensions: [quiet(ready(2)), watch(working), inner(working)],
        },
        armDeadline(),
        begun(),
        reply(1, invocation()),
        reply(3, invokeEvent()),
        reply(4, invokeEvent()),
      ],
      [extNext(5, 'inner'), { extensions: [quiet(ready(2)), watch(working), inner(ready(5))] }],
      [response(6), { inflight: [at('responding')] }, reply(6, read)],
      [
        received(6),
        { inflight: [at('responded', { verdict: succeeded })] },
        settle(responded),
        reply(6, accepted),
      ],
      [next(7), { polls: [call(7)] }],
      [
        extNext(8, 'watch'),
        { inflight: [], extensions: [quiet(ready(2)), watch(ready(8)), inner(ready(5))] },
        report(succeeded),
        finish(),
      ],
    ],
  ),
  trace(
    'nobody registers, and nobody reports an init error, while the environment serves',
    serving({ polls: [call(1)], extensions: [watch(ready(2))] }),
    [
      [
        registers(3, 'late'),
        same,
        reply(3, refused('Extension.RegistrationClosed', 'Extension registration closed already')),
      ],
      [registers(4, 'watch'), same, reply(4, extRefused('watch', 'Ready', 'Registered'))],
      [extInitError(5, 'watch'), same, reply(5, extRefused(idOf('watch'), 'Ready', 'InitError'))],
      [
        extInitError(6, 'nobody'),
        same,
        reply(6, refused('Extension.UnknownExtensionIdentifier', 'Unknown Lambda-Extension-Identifier')),
      ],
      [initError(7), same, reply(7, runtimeRefused('Ready', 'InitError'))],
      [extNext(8, 'watch'), same, reply(8, extRefused(idOf('watch'), 'Ready', 'Ready'))],
      [
        extNext(9, 'nobody'),
        same,
        reply(9, refused('Extension.UnknownExtensionIdentifier', `Unknown extension ${idOf('nobody')}`)),
      ],
    ],
  ),
  trace(
    'an extension that reports an exit error owes its poll for ever, and its exit is the answer',
    serving({ inflight: [at('running')], extensions: [watch(working)] }),
    [
      [extExitError(1, 'watch'), { extensions: [watch({ state: 'ExitError' })] }, reply(1, accepted)],
      [extNext(2, 'watch'), same, reply(2, extRefused(idOf('watch'), 'ExitError', 'Ready'))],
      [
        exits(ext('watch')),
        stopping({
          runtimeState: 'Running',
          extensions: [watch({ state: 'ExitError', alive: false })],
        }),
        settle(faultOf({ errorType: 'Extension.ExitError', text: 'exit status 1' })),
        report(failed('Extension.ExitError')),
        finish(),
        shutdown('failure'),
        budget,
        sigterm('runtime'),
        grace,
        faulted(ext('watch'), { errorType: 'Extension.ExitError', text: 'exit status 1' }),
      ],
    ],
  ),
  trace(
    'one external extension beside an internal one has the budget of external ones',
    serving({ polls: [call(1)], extensions: [watch(ready(2)), inner(ready(3))] }),
    [
      [
        { type: 'stop' },
        stopping({
          reason: 'spindown',
          runtimeState: 'Ready',
          polls: [call(1)],
          extensions: [watch(ready(2)), inner(ready(3))],
          afterwards: { to: 'stopped' },
        }),
        shutdown('spindown'),
        budget,
        sigterm('runtime'),
        grace,
      ],
    ],
  ),
  trace(
    'a runtime that ends after its own extension has reported an exit error ends for that reason',
    serving({ inflight: [at('running')], extensions: [inner(working)] }),
    [
      [extExitError(1, 'inner'), { extensions: [inner({ state: 'ExitError' })] }, reply(1, accepted)],
      [
        exits('runtime', code(0)),
        cooled,
        settle(faultOf({ ...exit0, errorType: 'Extension.ExitError' })),
        report(failed('Extension.ExitError')),
        finish(),
        shutdown('failure'),
        arm('budget', 500),
        ...swept,
        faulted('runtime', { ...exit0, errorType: 'Extension.ExitError' }),
      ],
    ],
  ),
  trace(
    'an extension that ends during an invocation ends the invocation',
    serving({ inflight: [at('running')], extensions: [watch(working)] }),
    [
      [
        exits(ext('watch')),
        stopping({ runtimeState: 'Running', extensions: [watch({ ...working, ...dead })] }),
        settle(faultOf(crash)),
        report(failed('Extension.Crash')),
        finish(),
        shutdown('failure'),
        budget,
        sigterm('runtime'),
        grace,
        faulted(ext('watch'), crash),
      ],
    ],
  ),
  trace(
    'a runtime that ends while nothing runs is replaced by the next invocation',
    serving({ polls: [call(1)] }),
    [
      [
        exits('runtime', code(0)),
        cooled,
        faulted('runtime', exit0, true),
        shutdown('failure'),
        ...swept,
        reply(1, parkedTooLong),
      ],
      [invoke(), starting({ generation: second.generation, waiting: one }), armInit, initStart(), discover],
    ],
  ),
  trace(
    'an extension that ends while nothing runs takes the environment with it',
    serving({ polls: [call(1)], extensions: [watch(ready(2))] }),
    [
      [
        exits(ext('watch')),
        stopping({ polls: [call(1)], extensions: [watch({ ...ready(2), ...dead })] }),
        faulted(ext('watch'), crash, true),
        shutdown('failure'),
        budget,
        sigterm('runtime'),
        grace,
      ],
      [
        exits('runtime', signalled('SIGTERM')),
        cooled,
        disarm('grace'),
        ...swept,
        reply(1, parkedTooLong),
        reply(2, pollTooLong('watch')),
      ],
    ],
  ),
  trace('new code while nothing runs: the processes end, and nothing starts', serving({ polls: [call(1)] }), [
    [
      recycle,
      stopping({ reason: 'spindown', step: 'extensions', polls: [call(1)], afterwards: toCold }),
      shutdown('spindown'),
      sigkill('runtime'),
      giveUp,
    ],
    [exits('runtime', signalled('SIGKILL')), cooled, ...swept, reply(1, parkedTooLong)],
  ]),
  trace('new code while an invocation runs moves nothing', serving({ inflight: [at('running')] }), [
    [recycle, same],
  ]),
  trace('a stop while nothing runs', serving({ polls: [call(1)] }), [
    [
      stop,
      stopping({ reason: 'spindown', step: 'extensions', polls: [call(1)], afterwards: toStopped }),
      shutdown('spindown'),
      sigkill('runtime'),
      giveUp,
    ],
    [exits('runtime', signalled('SIGKILL')), stopped(), ...swept, reply(1, parkedTooLong)],
  ]),
  trace('a stop cuts the invocation that runs', serving({ inflight: [at('running')] }), [
    [
      stop,
      stopping({ reason: 'spindown', step: 'extensions', runtimeState: 'Running', afterwards: toStopped }),
      settle(cut),
      report(failed('Sandbox.Failure')),
      finish(),
      shutdown('spindown'),
      sigkill('runtime'),
      giveUp,
    ],
  ]),
]

const racing: readonly Trace[] = [
  trace(
    'race: the response is complete before the deadline passes',
    serving({ inflight: [at('responding')] }),
    [
      [
        received(1),
        { inflight: [at('responded', { verdict: succeeded })] },
        settle(responded),
        reply(1, accepted),
      ],
      [next(2), { polls: [call(2)], inflight: [] }, report(succeeded), finish()],
      [deadline(), same],
    ],
  ),
  trace(
    'race: the response is complete, but the poll comes too late',
    serving({ inflight: [at('responded', { verdict: succeeded })] }),
    [
      [
        deadline(),
        stopping({ reason: 'timeout', step: 'extensions', runtimeState: 'RuntimeResponseSentState' }),
        report(timedOut),
        finish(),
        shutdown('timeout'),
        sigkill('runtime'),
        giveUp,
      ],
    ],
  ),
  trace(
    'race: the response is complete and failed, and the poll comes too late: the first verdict stands',
    serving({ inflight: [at('responded', { verdict: failed('Function.Oops') })] }),
    [
      [
        deadline(),
        stopping({ reason: 'timeout', step: 'extensions', runtimeState: 'RuntimeResponseSentState' }),
        report(failed('Function.Oops')),
        finish(),
        shutdown('timeout'),
        sigkill('runtime'),
        giveUp,
      ],
    ],
  ),
  trace('race: the deadline passes before the response begins', serving({ inflight: [at('running')] }), [
    [
      deadline(),
      stopping({ reason: 'timeout', step: 'extensions', runtimeState: 'Running' }),
      settle({ kind: 'timeout' }),
      report(timedOut),
      finish(),
      shutdown('timeout'),
      sigkill('runtime'),
      giveUp,
    ],
    [response(1), same, reply(1, invalidId)],
    [error(2), same, reply(2, invalidId)],
    [exits('runtime', signalled('SIGKILL')), cooled, ...swept],
  ]),
  trace(
    'race: the deadline passes while the response is being read',
    serving({ inflight: [at('running')] }),
    [
      [response(1), { inflight: [at('responding')] }, reply(1, read)],
      [
        deadline(),
        stopping({ reason: 'timeout', step: 'extensions', runtimeState: 'InvocationResponse' }),
        settle({ kind: 'timeout' }),
        report(timedOut),
        finish(),
        shutdown('timeout'),
        sigkill('runtime'),
        giveUp,
      ],
      [received(1), same, reply(1, runtimeRefused('InvocationResponse', 'RuntimeResponseSentState'))],
    ],
  ),
  trace('race: the runtime ends before it begins to answer', serving({ inflight: [at('running')] }), [
    [
      exits('runtime', signalled('SIGKILL')),
      cooled,
      settle(faultOf({ errorType: 'Runtime.ExitError', text: 'Runtime exited with error: signal: killed' })),
      report(failed('Runtime.ExitError')),
      finish(),
      shutdown('failure'),
      ...swept,
      faulted('runtime', {
        errorType: 'Runtime.ExitError',
        text: 'Runtime exited with error: signal: killed',
      }),
    ],
    [response(1), same, reply(1, invalidId)],
  ]),
  trace(
    'race: the runtime ends while its answer is being read, which then is complete',
    serving({ inflight: [at('responding')] }),
    [
      [exits('runtime', code(0)), { inflight: [at('responding')], exited: exit0 }, faulted('runtime', exit0)],
      [
        received(1),
        cooled,
        settle(responded),
        reply(1, accepted),
        report(failed('Runtime.ExitError')),
        finish(),
        shutdown('failure'),
        ...swept,
      ],
    ],
  ),
  trace(
    'race: the runtime ends while its error is being read, which then breaks off: the exit is the cause',
    serving({ inflight: [at('erroring')] }),
    [
      [exits('runtime'), { inflight: [at('erroring')], exited: exit1 }, faulted('runtime', exit1)],
      [
        received(1, truncatedUpload),
        cooled,
        settle(faultOf(exit1)),
        reply(1, accepted),
        report(failed('Runtime.ExitError')),
        finish(),
        shutdown('failure'),
        ...swept,
      ],
    ],
  ),
  trace(
    'race: the runtime ends after its answer was read',
    serving({ inflight: [at('responded', { verdict: succeeded })] }),
    [
      [
        exits('runtime'),
        cooled,
        report(failed('Runtime.ExitError')),
        finish(),
        shutdown('failure'),
        ...swept,
        faulted('runtime', exit1),
      ],
    ],
  ),
  trace(
    'race: the runtime ends while its answer is being read, and the deadline passes',
    serving({ inflight: [at('responding')] }),
    [
      [exits('runtime'), { inflight: [at('responding')], exited: exit1 }, faulted('runtime', exit1)],
      [
        deadline(),
        cooled,
        settle({ kind: 'timeout' }),
        report(timedOut),
        finish(),
        shutdown('timeout'),
        ...swept,
      ],
      [received(1), same, reply(1, runtimeRefused('NotStarted', 'RuntimeResponseSentState'))],
    ],
  ),
  trace(
    'race: the runtime ends while its answer is being read, and a stop comes',
    serving({ inflight: [at('responding')] }),
    [
      [exits('runtime'), { inflight: [at('responding')], exited: exit1 }, faulted('runtime', exit1)],
      [
        stop,
        stopped(),
        settle(cut),
        report(failed('Sandbox.Failure')),
        finish(),
        shutdown('spindown'),
        ...swept,
      ],
    ],
  ),
  trace(
    'race: the runtime ends while its answer is being read, then an extension does: the runtime was first',
    serving({ inflight: [at('responding')], extensions: [watch(working)] }),
    [
      [exits('runtime'), { inflight: [at('responding')], exited: exit1 }, faulted('runtime', exit1)],
      [
        exits(ext('watch')),
        cooled,
        settle(faultOf(exit1)),
        report(failed('Runtime.ExitError')),
        finish(),
        shutdown('failure'),
        budget,
        ...swept,
        faulted(ext('watch'), crash),
      ],
    ],
  ),
  trace('race: the poll overtakes the end of its own response', serving({ inflight: [at('responding')] }), [
    [next(2), { polls: [call(2)] }],
    [received(1), { inflight: [] }, settle(responded), reply(1, accepted), report(succeeded), finish()],
  ]),
  trace(
    'race: the response is complete before its runtime polls',
    serving({ inflight: [at('responding')] }),
    [
      [
        received(1),
        { inflight: [at('responded', { verdict: succeeded })] },
        settle(responded),
        reply(1, accepted),
      ],
      [next(2), { polls: [call(2)], inflight: [] }, report(succeeded), finish()],
    ],
  ),
  trace(
    'race: the poller goes away before the invocation comes, and asks again',
    serving({ polls: [call(1)], extensions: [watch(ready(2)), quiet(ready(3))] }),
    [
      [gone(1), { polls: [] }],
      [gone(2), { extensions: [watch({ state: 'Ready' }), quiet(ready(3))] }],
      [invoke(), { inflight: [at('waiting')] }, armDeadline()],
      [
        next(4),
        {
          inflight: [at('running')],
          extensions: [watch({ ...working, pendingInvoke: one }), quiet(ready(3))],
        },
        begun(),
        reply(4, invocation()),
      ],
      [extNext(5, 'watch'), { extensions: [watch(working), quiet(ready(3))] }, reply(5, invokeEvent())],
    ],
  ),
  trace(
    'race: the poller goes away before the invocation comes, because the runtime is dead',
    serving({ polls: [call(1)] }),
    [
      [gone(1), { polls: [] }],
      [invoke(), { inflight: [at('waiting')] }, armDeadline()],
      [
        exits('runtime'),
        starting({ generation: second.generation, waiting: one }),
        faulted('runtime', exit1),
        disarmDeadline(),
        shutdown('failure'),
        ...swept,
        armInit,
        initStart(),
        discover,
      ],
      [discovered(), { runtime: 'Started' }, spawn('runtime')],
      [
        next(2),
        serving({ generation: second.generation, inflight: [at('running')] }),
        disarm('init'),
        initReport(succeeded),
        armDeadline(),
        begun(),
        reply(2, invocation()),
      ],
    ],
  ),
  trace(
    'an invocation that waits for a poll outlives an extension, too',
    serving({ inflight: [at('waiting')], extensions: [watch({ state: 'Ready' })] }),
    [
      [
        exits(ext('watch')),
        stopping({ extensions: [watch({ state: 'Ready', ...dead })], afterwards: toStart('init', one) }),
        faulted(ext('watch'), crash),
        disarmDeadline(),
        shutdown('failure'),
        budget,
        sigterm('runtime'),
        grace,
      ],
      [
        exits('runtime', signalled('SIGTERM')),
        starting({ generation: second.generation, waiting: one }),
        disarm('grace'),
        ...swept,
        armInit,
        initStart(),
        discover,
      ],
    ],
  ),
  trace(
    'race: the poller goes away before the invocation comes, and nobody asks again',
    serving({ polls: [call(1)] }),
    [
      [gone(1), { polls: [] }],
      [invoke(), { inflight: [at('waiting')] }, armDeadline()],
      [
        deadline(),
        stopping({ reason: 'timeout', step: 'extensions' }),
        settle({ kind: 'timeout' }),
        begun(),
        report(timedOut),
        finish(),
        shutdown('timeout'),
        sigkill('runtime'),
        giveUp,
      ],
    ],
  ),
  trace('race: the invocation comes before the poller goes away', serving({ polls: [call(1)] }), [
    [invoke(), { polls: [], inflight: [at('running')] }, armDeadline(), begun(), reply(1, invocation())],
    [gone(1), same],
    [next(2), same, reply(2, invocation())],
  ]),
  trace('race: a stop comes while an invocation waits for a poll', serving({ inflight: [at('waiting')] }), [
    [
      stop,
      stopping({ reason: 'spindown', step: 'extensions', afterwards: toStopped }),
      settle(cut),
      begun(),
      report(failed('Sandbox.Failure')),
      finish(),
      shutdown('spindown'),
      sigkill('runtime'),
      giveUp,
    ],
  ]),
]

const ending: readonly Trace[] = [
  trace(
    'the runtime gets SIGTERM and its share, then the extensions are told and finish',
    serving({ polls: [call(1)], extensions: [quiet(ready(2)), watch(working), external('deaf', ready(3))] }),
    [
      [
        stop,
        stopping({
          reason: 'spindown',
          polls: [call(1)],
          extensions: [quiet(ready(2)), watch(working), external('deaf', ready(3))],
          afterwards: toStopped,
        }),
        shutdown('spindown'),
        budget,
        sigterm('runtime'),
        grace,
      ],
      [
        exits('runtime', code(0)),
        {
          runtime: false,
          step: 'extensions',
          extensions: [quiet(told), watch(working), external('deaf', ready(3))],
        },
        disarm('grace'),
        reply(2, shutdownEvent('spindown')),
        sigkill(ext('deaf')),
      ],
      [
        extNext(4, 'watch'),
        { extensions: [quiet(told), watch(told), external('deaf', ready(3))] },
        reply(4, shutdownEvent('spindown')),
      ],
      [
        exits(ext('deaf'), signalled('SIGKILL')),
        { extensions: [quiet(told), watch(told), external('deaf', { ...ready(3), ...dead })] },
      ],
      [
        extNext(5, 'quiet'),
        {
          extensions: [
            quiet({ ...told, poll: call(5) }),
            watch(told),
            external('deaf', { ...ready(3), ...dead }),
          ],
        },
        sigkill(ext('quiet')),
      ],
      [
        exits(ext('quiet'), signalled('SIGKILL')),
        {
          extensions: [
            quiet({ ...told, poll: call(5), ...dead }),
            watch(told),
            external('deaf', { ...ready(3), ...dead }),
          ],
        },
      ],
      [
        exits(ext('watch'), code(0)),
        stopped(),
        ...swept,
        reply(1, parkedTooLong),
        reply(5, pollTooLong('quiet')),
        reply(3, pollTooLong('deaf')),
      ],
    ],
  ),
  trace(
    'a runtime that ignores SIGTERM is killed when its share is over',
    stopping({ extensions: [quiet(ready(1))] }),
    [
      [graceOver, same, sigkill('runtime')],
      [
        exits('runtime', signalled('SIGKILL')),
        { runtime: false, step: 'extensions', extensions: [quiet(told)] },
        disarm('grace'),
        reply(1, shutdownEvent('failure')),
      ],
      [graceOver, same],
      [budgetOver, same, sigkill(ext('quiet')), giveUp],
      [exits(ext('quiet'), signalled('SIGKILL')), cooled, ...swept],
    ],
  ),
  trace(
    'an extension subscribes to telemetry during init, also a second time; nobody else does',
    starting({ runtime: 'Started', extensions: [watch()] }),
    [
      [subscribe(1, 'watch'), { extensions: [watch({ subscribed: true })] }, reply(1, subscribed)],
      [subscribe(2, 'watch', 'logs'), same, reply(2, subscribed)],
      [subscribe(3, 'nobody'), same, reply(3, unknown('nobody'))],
    ],
  ),
  trace('telemetry is closed when init has ended', serving({ extensions: [watch(ready(1))] }), [
    [subscribe(2, 'watch'), same, reply(2, telemetryClosed)],
    [subscribe(3, 'watch', 'logs'), same, reply(3, logsClosed)],
  ]),
  trace('telemetry is closed while the environment stops', stopping({ extensions: [watch()] }), [
    [subscribe(2, 'watch'), same, reply(2, telemetryClosed)],
  ]),
  trace('telemetry is closed where nothing runs', cold(), [
    [subscribe(2, 'watch', 'logs'), same, reply(2, logsClosed)],
  ]),
  trace(
    'telemetry is delivered when the runtime has ended, before SHUTDOWN; a poll waits for that',
    stopping({ extensions: [watch({ ...ready(1), subscribed: true }), quiet({ state: 'Running' })] }),
    [
      [exits('runtime', signalled('SIGTERM')), { runtime: false, step: 'flush' }, disarm('grace'), flush],
      [extNext(2, 'quiet'), { extensions: [watch({ ...ready(1), subscribed: true }), quiet(ready(2))] }],
      [flushed(0), same],
      [
        flushed(),
        {
          step: 'extensions',
          extensions: [watch({ ...told, subscribed: true }), quiet(told)],
        },
        reply(1, shutdownEvent('failure')),
        reply(2, shutdownEvent('failure')),
      ],
      [flushed(), same],
    ],
  ),
  trace(
    'race: the budget ends while telemetry is delivered, then that is done',
    stopping({ runtime: false, step: 'flush', extensions: [watch({ ...ready(1), subscribed: true })] }),
    [
      [budgetOver, { step: 'extensions' }, sigkill(ext('watch')), giveUp],
      [flushed(), same],
      [exits(ext('watch'), signalled('SIGKILL')), cooled, ...swept, reply(1, pollTooLong('watch'))],
    ],
  ),
  trace(
    'race: the extension ends while its telemetry is delivered',
    stopping({ runtime: false, step: 'flush', extensions: [watch({ state: 'Running', subscribed: true })] }),
    [
      [exits(ext('watch')), { extensions: [watch({ state: 'Running', subscribed: true, ...dead })] }],
      [flushed(), cooled, ...swept],
    ],
  ),
  trace(
    'telemetry is delivered at once where the runtime has ended by itself',
    serving({ polls: [call(1)], extensions: [watch({ ...ready(2), subscribed: true })] }),
    [
      [
        exits('runtime'),
        stopping({
          runtime: false,
          step: 'flush',
          runtimeState: 'Exited',
          polls: [call(1)],
          extensions: [watch({ ...ready(2), subscribed: true })],
        }),
        faulted('runtime', exitedWithOne, true),
        shutdown('failure'),
        arm('budget', 2000),
        flush,
      ],
    ],
  ),
  trace(
    'nobody waits for telemetry of an extension that has ended, or lives in the runtime',
    stopping({
      extensions: [
        watch({ ...ready(1), ...dead, subscribed: true }),
        inner({ state: 'Ready', subscribed: true }),
      ],
    }),
    [
      [
        exits('runtime', signalled('SIGTERM')),
        cooled,
        disarm('grace'),
        ...swept,
        reply(1, pollTooLong('watch')),
      ],
    ],
  ),
  trace(
    'internal extensions give the runtime a budget of its own, and are told nothing',
    serving({ polls: [call(1)], extensions: [inner(ready(2))] }),
    [
      [
        stop,
        stopping({
          reason: 'spindown',
          polls: [call(1)],
          extensions: [inner(ready(2))],
          afterwards: toStopped,
        }),
        shutdown('spindown'),
        arm('budget', 500),
        sigterm('runtime'),
      ],
      [budgetOver, { step: 'extensions' }, sigkill('runtime'), giveUp],
      [
        exits('runtime', signalled('SIGKILL')),
        stopped(),
        ...swept,
        reply(1, parkedTooLong),
        reply(2, pollTooLong('inner')),
      ],
    ],
  ),
  trace(
    'a runtime with internal extensions may end by itself',
    stopping({ extensions: [inner({ state: 'Ready' })] }),
    [[exits('runtime', signalled('SIGTERM')), cooled, disarm('grace'), ...swept]],
  ),
  trace(
    'processes that outlive SIGKILL are not waited for',
    stopping({ step: 'extensions', runtimeState: 'Running' }),
    [
      [next(1), { polls: [call(1)] }],
      [givenUp, cooled, ...swept, reply(1, parkedTooLong)],
      [exits('runtime', signalled('SIGKILL')), same],
    ],
  ),
  trace(
    'an extension that outlives SIGKILL is not waited for either',
    stopping({
      step: 'extensions',
      runtime: false,
      extensions: [watch({ ...told, poll: call(1) })],
      afterwards: toStart('invoke', one),
    }),
    [
      [
        givenUp,
        starting({ ...second, waiting: one }),
        ...swept,
        reply(1, pollTooLong('watch')),
        armDeadline(),
        initStart('invoke'),
        discover,
      ],
    ],
  ),
  trace('an extension ends before the runtime does', stopping({ extensions: [quiet(ready(1))] }), [
    [exits(ext('quiet')), { extensions: [quiet({ ...ready(1), ...dead })] }],
    [exits('runtime'), cooled, disarm('grace'), ...swept, reply(1, pollTooLong('quiet'))],
  ]),
  trace('a process that nobody knows ends', stopping({ extensions: [quiet(ready(1))] }), [
    [exits(ext('nobody')), same],
  ]),
  trace(
    'an extension that asks while the runtime has its time is told when that is over',
    stopping({ extensions: [watch(working), quiet()] }),
    [
      [extNext(1, 'watch'), { extensions: [watch(ready(1)), quiet()] }],
      [extNext(2, 'watch'), same, reply(2, extRefused(idOf('watch'), 'Ready', 'Ready'))],
      [
        extNext(3, 'nobody'),
        same,
        reply(3, refused('Extension.UnknownExtensionIdentifier', `Unknown extension ${idOf('nobody')}`)),
      ],
      [
        exits('runtime'),
        { runtime: false, step: 'extensions', extensions: [watch(told), quiet()] },
        disarm('grace'),
        reply(1, shutdownEvent('failure')),
      ],
      [extNext(4, 'quiet'), { extensions: [watch(told), quiet(told)] }, reply(4, shutdownEvent('failure'))],
    ],
  ),
  trace(
    'what an extension has left behind asks after its end',
    stopping({ step: 'extensions', extensions: [quiet({ ...told, ...dead })] }),
    [
      [extNext(1, 'quiet'), { extensions: [quiet({ ...told, ...dead, poll: call(1) })] }],
      [exits('runtime'), cooled, ...swept, reply(1, pollTooLong('quiet'))],
    ],
  ),
  trace(
    'an extension that has failed is not told, but killed',
    stopping({ extensions: [watch({ state: 'ExitError' }), quiet({ state: 'InitError' })] }),
    [
      [extNext(1, 'watch'), same, reply(1, extRefused(idOf('watch'), 'ExitError', 'Ready'))],
      [extNext(2, 'quiet'), same, reply(2, extRefused(idOf('quiet'), 'InitError', 'Ready'))],
      [
        exits('runtime'),
        { runtime: false, step: 'extensions' },
        disarm('grace'),
        sigkill(ext('watch')),
        sigkill(ext('quiet')),
      ],
    ],
  ),
  trace(
    'an extension reports its init error while the runtime has its time',
    stopping({ extensions: [watch(), quiet(ready(1))] }),
    [
      [
        extInitError(2, 'watch'),
        { extensions: [watch({ state: 'InitError' }), quiet(ready(1))] },
        reply(2, accepted),
      ],
      [extInitError(3, 'watch'), same, reply(3, accepted)],
      [extInitError(4, 'quiet'), same, reply(4, extRefused(idOf('quiet'), 'Ready', 'InitError'))],
      [
        extInitError(5, 'nobody'),
        same,
        reply(5, refused('Extension.UnknownExtensionIdentifier', 'Unknown Lambda-Extension-Identifier')),
      ],
    ],
  ),
  trace(
    'an extension reports its exit error while it is being shut down',
    stopping({ step: 'extensions', runtime: false, extensions: [watch(told), quiet(ready(1))] }),
    [
      [
        extExitError(2, 'watch'),
        { extensions: [watch({ ...told, state: 'ExitError' }), quiet(ready(1))] },
        reply(2, accepted),
      ],
      [
        extExitError(3, 'quiet'),
        { extensions: [watch({ ...told, state: 'ExitError' }), quiet({ state: 'ExitError' })] },
        reply(3, accepted),
        reply(1, extRefused(idOf('quiet'), 'ExitError', 'Ready', 'Concurrent state modification')),
      ],
      [
        extExitError(4, 'nobody'),
        same,
        reply(4, refused('Extension.UnknownExtensionIdentifier', 'Unknown Lambda-Extension-Identifier')),
      ],
    ],
  ),
  trace(
    'pollers that go away during a stop are not answered at its end',
    stopping({ polls: [call(1), call(2)], extensions: [quiet({ ...ready(3), ...dead })] }),
    [
      [gone(1), { polls: [call(2)] }],
      [gone(3), { extensions: [quiet({ state: 'Ready', ...dead })] }],
      [exits('runtime'), cooled, disarm('grace'), ...swept, reply(2, parkedTooLong)],
    ],
  ),
  trace(
    'a stop during a reset: the reset goes on, nothing starts after it, and who waited is answered',
    stopping({ step: 'extensions', afterwards: toStart('invoke', one) }),
    [
      [stop, { afterwards: toStopped }, settle(cut), begun(), report(failed('Sandbox.Failure')), finish()],
      [stop, { afterwards: toStopped }],
      [exits('runtime', signalled('SIGKILL')), stopped(), ...swept],
    ],
  ),
  trace(
    'a stop during a reset that nothing would have followed',
    stopping({ step: 'extensions', afterwards: toCold }),
    [
      [stop, { afterwards: toStopped }],
      [exits('runtime', signalled('SIGKILL')), stopped(), ...swept],
    ],
  ),
  trace('nothing stirs an environment that has stopped', stopped(), [
    [invoke(), same],
    [next(1), same, reply(1, runtimeRefused('NotStarted', 'Ready'))],
    [stop, same],
    [exits('runtime'), same],
  ]),
]

export const traces: readonly Trace[] = [
  ...fromCold,
  ...initialising,
  ...failing,
  ...invoking,
  ...racing,
  ...ending,
]
