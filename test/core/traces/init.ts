/** The rules as conversations: how an init goes. */

import {
  armDeadline,
  at,
  begun,
  call,
  disarm,
  discovered,
  ext,
  extNext,
  extRefused,
  fresh,
  gone,
  idOf,
  initReport,
  invocation,
  invokeEvent,
  next,
  one,
  refused,
  registered,
  registers,
  reply,
  runtimeRefused,
  same,
  serving,
  spawn,
  starting,
  succeeded,
  type Trace,
  trace,
} from '../script.ts'
import { inner, quiet, ready, watch, working } from './cast.ts'

export const initialising: readonly Trace[] = [
  trace(
    'extensions register, then the runtime starts, then everyone asks for an event',
    starting({ waiting: [one] }),
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
    starting({ runtime: 'Started', waiting: [one], extensions: [watch()] }),
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
