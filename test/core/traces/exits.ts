/** The rules as conversations: the end of a process that is waited for, after `/init/error` and after a broken upload. */

import {
  accepted,
  arm,
  armDeadline,
  at,
  begun,
  brokenOff,
  call,
  code,
  cold,
  cooled,
  crash,
  deadline,
  disarm,
  discover,
  discovered,
  document,
  exit0,
  exit1,
  exits,
  exitWaitOver,
  ext,
  external,
  failed,
  faulted,
  faultOf,
  finish,
  generation,
  initError,
  initLimit,
  initReport,
  initStart,
  invoke,
  next,
  one,
  received,
  recycle,
  released,
  reply,
  report,
  response,
  runtimeRefused,
  same,
  second,
  serving,
  settle,
  several,
  shutdown,
  sigkill,
  signalled,
  spawn,
  starting,
  stop,
  stopping,
  succeeded,
  type Trace,
  toCold,
  toRetry,
  toStart,
  toStopped,
  trace,
  truncatedUpload,
  two,
} from '../script.ts'

const failure = { errorType: 'Runtime.Bad', text: 'The runtime reported an error during init', document }
const reported = { runtime: 'InitError', failure } as const
const killWait = arm('kill-wait', 2000)
const watch = (over: Parameters<typeof external>[1] = {}) =>
  external('watch', { events: ['INVOKE'], ...over })
const working = { state: 'Running', poll: null } as const

/** How the first attempt ends. */
const attemptFails = [
  disarm('exit-wait'),
  disarm('init'),
  faulted('runtime', failure),
  initReport(failed('Runtime.Bad')),
  shutdown('failure'),
] as const

const afterInitError: readonly Trace[] = [
  trace(
    'a runtime that reports an init error may end by itself; what it reported ends the first attempt, and is the answer of the second',
    starting({ runtime: 'Started', waiting: [one] }),
    [
      [initError(1), reported, reply(1, accepted), arm('exit-wait', 300)],
      [next(2), same, reply(2, runtimeRefused('InitError', 'Ready'))],
      [initError(3), same, reply(3, runtimeRefused('InitError', 'InitError'))],
      [response(4), same, reply(4, runtimeRefused('InitError', 'InvocationResponse'))],
      [
        exits('runtime'),
        starting({ ...second, waiting: [one] }),
        ...attemptFails,
        ...released,
        armDeadline(),
        initStart('invoke'),
        discover,
      ],
      [discovered(), { runtime: 'Started' }, spawn('runtime')],
      [initError(5), reported, reply(5, accepted), arm('exit-wait', 300)],
      [
        exits('runtime', code(0)),
        cold({ generation: second.generation }),
        disarm('exit-wait'),
        settle(faultOf(failure)),
        disarm('init'),
        faulted('runtime', failure),
        initReport(failed('Runtime.Bad'), [], 'invoke'),
        begun(),
        report(failed('Runtime.Bad')),
        finish(),
        shutdown('failure'),
        ...released,
      ],
    ],
  ),
  trace(
    'race: a runtime that reports an init error and stays is stopped when the wait is over',
    starting({ runtime: 'Started', waiting: [one] }),
    [
      [initError(1), reported, reply(1, accepted), arm('exit-wait', 300)],
      [
        exitWaitOver,
        stopping({ step: 'extensions', runtimeState: 'InitError', afterwards: toStart('invoke', one) }),
        ...attemptFails,
        sigkill('runtime'),
        killWait,
      ],
      [next(2), same, reply(2, runtimeRefused('InitError', 'Ready'))],
      [
        exits('runtime', signalled('SIGKILL')),
        starting({ ...second, waiting: [one] }),
        ...released,
        armDeadline(),
        initStart('invoke'),
        discover,
      ],
      // a timer that fires for a wait that is over moves nothing
      [exitWaitOver, same],
    ],
  ),
  trace(
    'race: what a runtime reported is the cause when the init limit passes while its end is waited for',
    starting({ ...reported, waiting: [one] }),
    [
      [
        initLimit,
        stopping({ step: 'extensions', runtimeState: 'InitError', afterwards: toStart('invoke', one) }),
        ...attemptFails,
        sigkill('runtime'),
        killWait,
      ],
    ],
  ),
  trace(
    'race: what a runtime reported is the answer when the deadline passes while its end is waited for',
    starting({ ...reported, attempt: 'invoke', waiting: [one] }),
    [
      [
        deadline(),
        stopping({ step: 'extensions', runtimeState: 'InitError', afterwards: toCold }),
        disarm('exit-wait'),
        settle(faultOf(failure)),
        disarm('init'),
        faulted('runtime', failure),
        initReport(failed('Runtime.Bad'), [], 'invoke'),
        begun(),
        report(failed('Runtime.Bad')),
        finish(),
        shutdown('failure'),
        sigkill('runtime'),
        killWait,
      ],
    ],
  ),
  trace(
    'race: what a runtime reported is the cause when an extension ends while its end is waited for',
    starting({ ...reported, extensions: [watch()] }),
    [
      [
        exits(ext('watch')),
        stopping({ runtimeState: 'InitError', extensions: [watch({ alive: false })], afterwards: toRetry }),
        disarm('exit-wait'),
        disarm('init'),
        faulted('runtime', failure),
        initReport(failed('Runtime.Bad'), [{ name: 'watch', state: 'Registered', events: ['INVOKE'] }]),
        shutdown('failure'),
        arm('budget', 2000),
        { do: 'signal', process: 'runtime', signal: 'SIGTERM' },
        arm('grace', 600),
      ],
    ],
  ),
  trace('a stop does not wait for the end of a runtime that reported an init error', starting(reported), [
    [
      stop,
      stopping({ reason: 'spindown', step: 'extensions', runtimeState: 'InitError', afterwards: toStopped }),
      disarm('init'),
      disarm('exit-wait'),
      shutdown('spindown'),
      sigkill('runtime'),
      killWait,
    ],
  ]),
  trace('new code does not wait for it either', starting(reported), [
    [
      recycle,
      stopping({ reason: 'spindown', step: 'extensions', runtimeState: 'InitError', afterwards: toCold }),
      disarm('init'),
      disarm('exit-wait'),
      shutdown('spindown'),
      sigkill('runtime'),
      killWait,
    ],
  ]),
  trace('an invocation that comes while the end is waited for gets the second attempt', starting(reported), [
    [invoke(), { waiting: [one] }],
    [
      exits('runtime'),
      starting({ generation: generation(2), attempt: 'invoke', waiting: [one] }),
      ...attemptFails,
      ...released,
      armDeadline(),
      initStart('invoke'),
      discover,
    ],
  ]),
  trace('a document that is too large is left out', starting({ runtime: 'Started' }), [
    [
      { type: 'runtime/init-error', call: call(1), errorType: 'Runtime.Bad', document: null },
      { runtime: 'InitError', failure: { errorType: 'Runtime.Bad', text: failure.text } },
      reply(1, accepted),
      arm('exit-wait', 300),
    ],
  ]),
  trace('the wait of an attempt that has reported nothing is none', starting(), [[exitWaitOver, same]]),
]

const broken = (over: Parameters<typeof at>[1] = {}) => at('broken', over)
const wait = arm('exit-wait', 100)
const truncatedVerdict = failed('Runtime.TruncatedResponse')

const afterBrokenUploads: readonly Trace[] = [
  trace(
    'race: an upload breaks off, then its runtime is seen to have died: the death is the answer',
    serving({ inflight: [at('responding')] }),
    [
      [received(1, truncatedUpload), { inflight: [broken()] }, reply(1, accepted), wait],
      [response(2), same, reply(2, runtimeRefused('RuntimeResponseSentState', 'InvocationResponse'))],
      [
        exits('runtime'),
        cooled,
        settle(faultOf(exit1)),
        disarm('exit-wait'),
        report(failed('Runtime.ExitError')),
        finish(),
        shutdown('failure'),
        ...released,
        faulted('runtime', exit1),
      ],
      [exitWaitOver, same],
    ],
  ),
  trace(
    'race: the runtime is seen to have died, then its upload breaks off: the death is the answer',
    serving({ inflight: [at('responding')] }),
    [
      [exits('runtime', code(0)), { exited: exit0 }, faulted('runtime', exit0)],
      [
        received(1, truncatedUpload),
        cooled,
        settle(faultOf(exit0)),
        reply(1, accepted),
        report(failed('Runtime.ExitError')),
        finish(),
        shutdown('failure'),
        ...released,
      ],
    ],
  ),
  trace(
    'race: an upload breaks off and no death follows in time: the break is the answer',
    serving({ inflight: [at('erroring')] }),
    [
      [received(1, truncatedUpload), { inflight: [broken()] }, reply(1, accepted), wait],
      [
        exitWaitOver,
        { inflight: [at('responded', { verdict: truncatedVerdict })] },
        disarm('exit-wait'),
        settle(faultOf(brokenOff)),
      ],
      [
        exits('runtime'),
        cooled,
        report(truncatedVerdict),
        finish(),
        shutdown('failure'),
        ...released,
        faulted('runtime', exit1),
      ],
    ],
  ),
  trace(
    'race: a runtime that asks for the next event after a broken upload lives, and is not waited for',
    serving({ inflight: [broken()] }),
    [
      [
        next(2),
        { polls: [call(2)], inflight: [] },
        disarm('exit-wait'),
        settle(faultOf(brokenOff)),
        report(truncatedVerdict),
        finish(),
      ],
    ],
  ),
  trace(
    'race: a runtime that has asked already, when its upload breaks off, is waited for no longer than others',
    serving({ polls: [call(2)], inflight: [at('responding')] }),
    [
      [received(1, truncatedUpload), { inflight: [broken()] }, reply(1, accepted), wait],
      [
        exitWaitOver,
        { inflight: [] },
        disarm('exit-wait'),
        settle(faultOf(brokenOff)),
        report(truncatedVerdict),
        finish(),
      ],
    ],
  ),
  trace(
    'race: the deadline passes while the death is waited for: the break came first',
    serving({ inflight: [broken()] }),
    [
      [
        deadline(),
        stopping({
          reason: 'timeout',
          step: 'extensions',
          runtimeState: 'RuntimeResponseSentState',
          afterwards: toCold,
        }),
        settle(faultOf(brokenOff)),
        disarm('exit-wait'),
        report(truncatedVerdict),
        finish(),
        shutdown('timeout'),
        sigkill('runtime'),
        killWait,
      ],
    ],
  ),
  trace(
    'race: a stop comes while the death is waited for: the break came first',
    serving({ inflight: [broken()] }),
    [
      [
        stop,
        stopping({
          reason: 'spindown',
          step: 'extensions',
          runtimeState: 'RuntimeResponseSentState',
          afterwards: toStopped,
        }),
        settle(faultOf(brokenOff)),
        disarm('exit-wait'),
        report(truncatedVerdict),
        finish(),
        shutdown('spindown'),
        sigkill('runtime'),
        killWait,
      ],
    ],
  ),
  trace(
    'race: an extension ends while the death of the runtime is waited for: the break came first',
    serving({ inflight: [broken()], extensions: [watch(working)] }),
    [
      [
        exits(ext('watch')),
        stopping({
          runtimeState: 'RuntimeResponseSentState',
          extensions: [watch({ ...working, alive: false })],
          afterwards: toCold,
        }),
        disarm('exit-wait'),
        settle(faultOf(brokenOff)),
        report(truncatedVerdict),
        finish(),
        shutdown('failure'),
        arm('budget', 2000),
        { do: 'signal', process: 'runtime', signal: 'SIGTERM' },
        arm('grace', 600),
        faulted(ext('watch'), crash),
      ],
    ],
  ),
  trace(
    'several: two uploads break off, one wait; a poll of another worker says nothing',
    serving({ inflight: [at('responding'), at('responding', { id: two })] }),
    [
      [
        received(1, truncatedUpload),
        { inflight: [broken(), at('responding', { id: two })] },
        reply(1, accepted),
        wait,
      ],
      [
        received(2, truncatedUpload, null, two),
        { inflight: [broken(), broken({ id: two })] },
        reply(2, accepted),
      ],
      [next(3), { polls: [call(3)] }],
      [
        deadline(),
        { inflight: [broken({ id: two })] },
        settle(faultOf(brokenOff)),
        report(truncatedVerdict),
        finish(),
      ],
      [
        exitWaitOver,
        { inflight: [] },
        disarm('exit-wait'),
        settle(faultOf(brokenOff), two),
        report(truncatedVerdict, two),
        finish(two),
      ],
    ],
    several,
  ),
  trace(
    'the wait of an environment in which no upload broke off is none',
    serving({ inflight: [at('responded', { verdict: succeeded })] }),
    [[exitWaitOver, same]],
  ),
]

export const exitTraces: readonly Trace[] = [...afterInitError, ...afterBrokenUploads]
