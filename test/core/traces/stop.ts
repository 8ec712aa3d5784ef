/** The rules as conversations: how an environment stops. */

import {
  accepted,
  arm,
  armDeadline,
  begun,
  budgetOver,
  call,
  code,
  cold,
  cooled,
  disarm,
  discover,
  exits,
  ext,
  extExitError,
  external,
  extInitError,
  extNext,
  extRefused,
  failed,
  faulted,
  finish,
  flush,
  flushed,
  gone,
  graceOver,
  idOf,
  initStart,
  invoke,
  killWaitOver,
  next,
  one,
  refused,
  released,
  reply,
  report,
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
  starting,
  stop,
  stopped,
  stopping,
  subscribe,
  subscribed,
  type Trace,
  toCold,
  toStart,
  toStopped,
  trace,
} from '../script.ts'
import {
  budget,
  cut,
  dead,
  exitedWithOne,
  grace,
  inner,
  killWait,
  logsClosed,
  parkedTooLong,
  pollTooLong,
  quiet,
  ready,
  telemetryClosed,
  told,
  unknown,
  watch,
  working,
} from './cast.ts'

export const ending: readonly Trace[] = [
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
        ...released,
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
      [budgetOver, same, sigkill(ext('quiet')), killWait],
      [exits(ext('quiet'), signalled('SIGKILL')), cooled, ...released],
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
      [budgetOver, { step: 'extensions' }, sigkill(ext('watch')), killWait],
      [flushed(), same],
      [exits(ext('watch'), signalled('SIGKILL')), cooled, ...released, reply(1, pollTooLong('watch'))],
    ],
  ),
  trace(
    'race: the extension ends while its telemetry is delivered',
    stopping({ runtime: false, step: 'flush', extensions: [watch({ state: 'Running', subscribed: true })] }),
    [
      [exits(ext('watch')), { extensions: [watch({ state: 'Running', subscribed: true, ...dead })] }],
      [flushed(), cooled, ...released],
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
        ...released,
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
      [budgetOver, { step: 'extensions' }, sigkill('runtime'), killWait],
      [
        exits('runtime', signalled('SIGKILL')),
        stopped(),
        ...released,
        reply(1, parkedTooLong),
        reply(2, pollTooLong('inner')),
      ],
    ],
  ),
  trace(
    'a runtime with internal extensions may end by itself',
    stopping({ extensions: [inner({ state: 'Ready' })] }),
    [[exits('runtime', signalled('SIGTERM')), cooled, disarm('grace'), ...released]],
  ),
  trace(
    'processes that outlive SIGKILL are not waited for',
    stopping({ step: 'extensions', runtimeState: 'Running' }),
    [
      [next(1), { polls: [call(1)] }],
      [killWaitOver, cooled, ...released, reply(1, parkedTooLong)],
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
        killWaitOver,
        starting({ ...second, waiting: [one] }),
        ...released,
        reply(1, pollTooLong('watch')),
        armDeadline(),
        initStart('invoke'),
        discover,
      ],
    ],
  ),
  trace('an extension ends before the runtime does', stopping({ extensions: [quiet(ready(1))] }), [
    [exits(ext('quiet')), { extensions: [quiet({ ...ready(1), ...dead })] }],
    [exits('runtime'), cooled, disarm('grace'), ...released, reply(1, pollTooLong('quiet'))],
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
      [exits('runtime'), cooled, ...released, reply(1, pollTooLong('quiet'))],
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
      [exits('runtime'), cooled, disarm('grace'), ...released, reply(2, parkedTooLong)],
    ],
  ),
  trace(
    'a stop during a reset: the reset goes on, nothing starts after it, and who waited is answered',
    stopping({ step: 'extensions', afterwards: toStart('invoke', one) }),
    [
      [stop, { afterwards: toStopped }, settle(cut), begun(), report(failed('Sandbox.Failure')), finish()],
      [stop, { afterwards: toStopped }],
      [exits('runtime', signalled('SIGKILL')), stopped(), ...released],
    ],
  ),
  trace(
    'a stop during a reset that nothing would have followed',
    stopping({ step: 'extensions', afterwards: toCold }),
    [
      [stop, { afterwards: toStopped }],
      [exits('runtime', signalled('SIGKILL')), stopped(), ...released],
    ],
  ),
  trace('nothing stirs an environment that has stopped', stopped(), [
    [invoke(), same],
    [next(1), same, reply(1, runtimeRefused('NotStarted', 'Ready'))],
    [stop, same],
    [exits('runtime'), same],
  ]),
]
