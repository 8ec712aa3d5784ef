/** Where we differ from AWS's emulator about extensions, dialects and handlers; part of `differences.ts`. */
import { type Difference, of } from './difference.ts'

const phases = ['before it registers', 'after it has registered', 'having asked for an event']
const deaths = ['exits with status 0', 'exits with status 5', 'is killed']
const reported = (death: string, phase: string, report: string) =>
  `answers for an extension that ${death} ${phase} and has posted to ${report}, twice`

export const extensionDifferences: readonly Difference[] = [
  of(
    'leaves the handler of the command line and the account out of the answer to register',
    'tells both',
    'the service does; extensions read them',
    [
      'tells an extension a handler that the command line names',
      "tells the account with the features 'accountId'",
      "tells the account with the features ' foo, accountId ,'",
    ],
  ),
  of(
    'registers extensions before the first invocation, without a function',
    'answers 403 InvalidStateTransition when nobody is expected',
    'an extension that is started by hand needs to know why it gets nothing',
    ['register', 'event/next', 'init/error', 'exit/error'].map(
      (what) => `refuses ${what} before the first invocation, when nobody is expected`,
    ),
  ),
  of(
    'counts an extension whose poll has gone away as waiting, refuses its next poll and loses its event',
    'forgets the poll and keeps the event',
    'connections break; an event is for those who are there',
    [
      'forgets the poll of an extension that has gone away',
      'keeps the event for an extension whose poller has gone away',
    ],
  ),
  of(
    'knows the name `function` only; tells extensions no trace unless the caller sends one',
    'tells the ARN with its qualifier, and always a trace',
    'as the service does',
    ['tells the ARN with its qualifier, and the trace that the runtime has'],
  ),
  of(
    'lets the poll of an extension that reports /exit/error wait for the next event before it refuses it',
    'refuses it at once',
    'nothing more can come of that poll',
    ['ends the poll of an extension that reports that it will exit'],
  ),
  of(
    'answers 502 without a body when an extension cannot be started',
    'answers with the reason',
    'an empty answer helps nobody',
    [
      ...[
        'may not be executed',
        'is no program',
        'is empty',
        'leads nowhere',
        'leads to a folder',
        'needs an interpreter that is missing',
        'comes before another that cannot be started either',
      ].map((kind) => `names an extension that ${kind} in its answer`),
      'refuses to start an eleventh',
      'answers a signed caller 200 when an extension cannot be started',
    ],
  ),
  of(
    'hands extensions nearly all that the runtime has',
    'keeps from them what the service keeps from them',
    'an extension that works here must work there',
    ['keeps from an extension what the service keeps from it'],
  ),
  of('does not have the flag', '--extensions-dir', 'to try extensions out without root', [
    'finds the folder by a flag',
    'ends with exit code 2 for a folder that was named and is missing, or is a file',
  ]),
  of(
    'answers when all extensions are done, and with the time-out when one is not',
    'answers when the runtime has responded; what extensions do later changes nothing',
    'as the service does',
    [
      'answers while an extension is still at work',
      'lets the next invocation wait until every extension has asked for it',
      'covers extensions by the time of the function, and lets the answer stand',
      'waits for an extension that reports an error and stays, until the time is over',
      'keeps the answer when an extension exits after it, and reports that',
      'keeps the answer when an extension reports an error and exits after it, and reports that',
      'waits for an internal extension before it takes the next invocation',
      'limits by time an internal extension that never comes back',
    ],
  ),
  of(
    'prints no line about extensions, and START before what they print during init',
    'prints EXTENSION lines when init is over, then START',
    'as the service does',
    [
      'writes what extensions print among the lines of the function',
      'tells of each extension when init is over, in their order',
      'tells of an extension that could not be started',
      'tells of an internal extension too when init is over',
    ],
  ),
  of(
    'fails the invocation when an extension fails in the first init, without a body',
    'tries once more, then answers with the reason',
    'the service does',
    [
      ...phases.flatMap((phase) =>
        deaths.map((death) => `answers for an extension that ${death} ${phase}, twice`),
      ),
      reported('exits with status 0', 'after it has registered', 'init/error'),
      reported('is killed', 'after it has registered', 'init/error'),
      reported('exits with status 5', 'after it has registered', 'exit/error'),
      reported('exits with status 0', 'having asked for an event', 'exit/error'),
      'tries once more when an extension fails in init, and starts all of them anew',
      'waits for the exit of an extension that has reported an error',
    ],
  ),
  of(
    'fails the next invocation for an extension that died while nothing ran',
    'starts all again before it',
    'the next caller has nothing to do with it',
    ['lets no invocation fail because an extension died while nothing ran'],
  ),
  of(
    'prints no REPORT after a failure',
    'prints one that names the cause which the caller got',
    'as the service does',
    ['names one and the same cause everywhere when all end at once'],
  ),
  of(
    'names the reasons Timeout, ReleaseFail and SandboxTerminated, and spindown for a failed init; sends SHUTDOWN without type and identifier',
    'names timeout, failure and spindown; sends JSON with an identifier',
    'as the service does; extensions decide by these words',
    [
      'spindown when the emulator is told to stop',
      'timeout when an invocation takes too long',
      'timeout when init takes too long',
      'failure when the runtime exits in an invocation',
      'failure when the runtime exits in init',
      'failure when the runtime reports an error in init',
      'failure when the runtime dies while nothing runs',
      'failure when another extension exits',
    ].map((kind) => `tells an extension ${kind}`),
  ),
  of(
    'stops the processes first, then answers; ends with overlapping invocations',
    'answers first, and lets the next invocation wait for the stop',
    'the caller has waited long enough',
    ['answers the caller and lets the next one wait, while an extension ends'],
  ),
  of(
    'leaves behind what an extension has started, and all of them when it is killed',
    'leaves no process behind',
    'nobody else looks after them',
    ['kills what an extension leaves behind', 'leaves no extension behind when it is killed'],
  ),
  of(
    'waits two seconds for an extension that asks again after SHUTDOWN',
    'takes it for done',
    "Rust's client asks again and never exits",
    ['takes an extension that asks again after SHUTDOWN for one that is done'],
  ),
  of(
    'has one dialect; hands on what is not JSON, cuts no client context',
    'is as strict as the service with those who expect it',
    'SDKs expect the service, curl expects the reference',
    [
      'answers a signed request as the service would',
      'answers a request that an SDK has numbered as the service would',
      'answers every request with --dialect lambda as the service would',
      'answers every request with the variable at lambda as the service would',
      'answers a signed request with --dialect rie as the reference would',
      'answers a signed request with --dialect auto as the service would',
      ...['a signed caller', 'an SDK'].flatMap((who) =>
        ['not JSON', '{"half":', "{'a':1}"].map((body) => `refuses ${body} of ${who}, and runs nothing`),
      ),
      ...['is not base64', 'is base64 of no JSON', 'is base64 of no object'].map(
        (kind) => `refuses a client context of a signed caller that ${kind}`,
      ),
      'refuses a longer client context of a signed caller',
      'delivers an empty body of a signed caller as an empty object',
      'answers a signed caller 200 for an extension that exits',
    ],
  ),
  of(
    'waits for the time of the function after a broken upload or a report to /init/error',
    'answers at once, 502 to curl, 200 to an SDK',
    'nothing more can come of it',
    [
      'answers 502 for an upload that breaks off, dialect rie',
      'answers 200 for an upload that breaks off, dialect lambda',
      'answers 502 with the document of a failed init, dialect rie',
      'answers 200 with the document of a failed init, dialect lambda',
    ],
  ),
  of('does not have the option', '--handler without a command, --environment-ttl', 'options of ours', [
    'serves a function of the folder that it was started in',
    'leaves NODE_ENV unset for a function of the folder where it is unset',
    'hands NODE_ENV on to a function of the folder',
    "answers with the error of the folder's function",
    'names a file that is missing in its answer',
    'names an export that is missing in its answer',
    'ends with exit code 2 for a handler without an export',
    'stops an environment beyond the first that is idle for the time of --environment-ttl',
    'stops an environment beyond the first that is idle for the time of AWS_LAMBDA_RIE_ENVIRONMENT_TTL',
  ]),
]
