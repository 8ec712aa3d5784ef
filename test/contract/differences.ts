/**
 * Where we differ from AWS's emulator on purpose. Each entry names the cases that assert our side of it; the reference
 * fails every one of them, which `CONTRACT_VERIFY_DIFFERENCES=1 bun run contract` proves. A difference that is not in
 * this list is a bug. `bun run contract` prints the list as a table.
 */

import { diagnostics } from './diagnostics.ts'
import { type Difference, of } from './difference.ts'
import { clientDifferences } from './differences-clients.ts'
import { extensionDifferences } from './differences-extensions.ts'
import { handlerDifferences } from './differences-handler.ts'
import { managedDifferences } from './differences-managed.ts'
import { requestDifferences } from './differences-requests.ts'
import { startDifferences } from './differences-start.ts'
import { durableChapter } from './durable.ts'
import { functionUrl } from './function-url.ts'
import { functionUrlAnswers } from './function-url-answers.ts'
import { functionUrlStreams } from './function-url-streams.ts'
import { pages } from './pages.ts'
import { streams } from './streams.ts'
import { telemetry } from './telemetry.ts'
import { telemetryDelivery } from './telemetry-delivery.ts'
import { telemetryLogs } from './telemetry-logs.ts'
import { telemetryRecords } from './telemetry-records.ts'

const initStates = ['response', 'error'].map(
  (call) => `Started, with the id of the invocation that waits: ${call} gets 403`,
)
const exit2 = (...what: string[]): string[] => what.map((each) => `ends with exit code 2 for ${each}`)

export const differences: readonly Difference[] = [
  of(
    'delivers no bytes',
    'delivers `{}`',
    "Node's runtime client ends on an empty event; curl -XPOST without -d is to work with every client",
    ['delivers an empty body as an empty object'],
  ),
  of(
    'sends no headers of its own; the type is guessed from the bytes',
    'sends x-amzn-RequestId, X-Amz-Executed-Version, the declared type or application/json',
    'the service sends them and SDKs read them',
    [
      'names the request, the version and the type in the headers of its answer',
      'hands a streaming response on whole, with the type that the runtime declared',
    ],
  ),
  of(
    "takes a caller's request id whatever it is, even one in flight",
    'takes it if it is a UUID that is not in flight, else makes one up',
    'the service accepts UUIDs only; two invocations must not share one id',
    [
      "makes up a request id where the caller's is not a UUID",
      "makes up a request id where the caller's is in flight already",
    ],
  ),
  of(
    'never sends the runtime a trace header',
    "sends the caller's, or one made up",
    'the service always sends one; tracing libraries need it',
    ['hands the trace header on to the runtime', 'makes up a trace header where the caller sends none'],
  ),
  of(
    'hands on raw bytes',
    'hands on ASCII JSON',
    "raw bytes in a header end Rust's runtime client and cut Java's",
    ['hands a client context on in ASCII'],
  ),
  of(
    'answers 500 without a body, or hands the value on',
    'answers 400 with an error that names the header',
    'a caller can see what was wrong',
    ['is not base64', 'is base64 of something else than JSON', 'is base64 of JSON that is not an object'].map(
      (kind) => `refuses a client context that ${kind} with 400 and names the header`,
    ),
  ),
  of(
    'cuts the event at the limit and runs the function with the rest',
    'answers 413 and runs nothing',
    'the service answers 413; half an event is no event',
    [
      "refuses an event over the limit with 413 and the service's document, dialect rie",
      "refuses an event over the limit with 413 and the service's document, dialect lambda",
      'refuses an event over the limit that comes in chunks',
    ],
  ),
  of(
    'knows the name `function` only',
    'takes any name, ARN and qualifier; the qualifier appears in the ARN that the runtime sees',
    'SDKs and CLIs call a function by its name',
    [
      'takes another name for the function',
      'takes a name with a qualifier for the function',
      'takes a partial ARN for the function',
      'takes a full ARN for the function',
      'takes a percent-encoded ARN for the function',
      'tells the runtime the ARN with the qualifier that the caller gave',
    ],
  ),
  of('answers 404 in plain text', 'answers 404 in JSON that says where the function is', 'it helps', [
    'tells in a 404 where the function is',
  ]),
  of(
    'answers when the runtime has asked for its next event',
    'answers when the runtime has responded',
    'the service does; a runtime that is slow to come back must not cost its caller the answer',
    [
      'answers as soon as the runtime has responded',
      'lets the next invocation wait until the runtime asks for it',
      'answers the caller of a runtime that responds and never asks again',
    ],
  ),
  of(
    'ends with a nil pointer when invocations overlap',
    'queues them in their order',
    'overlapping requests are no mistake of the caller',
    [
      'runs overlapping invocations in the order of their arrival',
      'survives callers that go away while they wait in the queue',
    ],
  ),
  of(
    'ignores X-Amz-Invocation-Type and X-Amz-Log-Type',
    'answers Event with 202, DryRun with 204, Tail with X-Amz-Log-Result',
    'as the service does',
    [
      'takes Event for an answer of 202 at once',
      'takes DryRun for an answer of 204 that runs nothing',
      'adds the end of the log to the answer for Tail',
      'cuts what Tail adds to its last 4 KB',
    ],
  ),
  of(
    'runs every event once, for a caller who waits',
    'tries Events again, and hands their records on',
    'as the service does',
    [
      'takes Events beside the queue, and runs them and the callers in their order',
      'tries an Event again after an error, with the same id and trace, and a deadline of its own',
      'gives an Event up after its retries, and hands its record on',
      'tries an Event again after a time-out, a crash and a failed init',
      'holds no environment while an Event waits for its next try, and keeps its id',
      'makes no try of an Event that would be too old for it',
      'tries an Event a second later that finds no environment where none may wait',
      'gathers a stream for the record of an Event',
      'posts records to an address, three times if need be, and then says so',
      'says with its id that a record found no place: the disk is full',
      'is not held up by a destination that hangs, not at its end either',
      'survives a destination that speaks no HTTP',
      'runs Events that never ran within the drain time, and tells of all others',
      'tells of Events that the drain limit cuts',
      'takes InvokeAsync as an Event, with and without a slash at its end',
      'refuses destinations that there are not',
    ],
  ),
  of(
    'answers 400 to the mode `buffered`, and a runtime that was refused a mode can never answer again',
    'takes `buffered`, and a runtime may answer after a refusal',
    'a wrong header must not block the environment until its time is over',
    ['takes the response mode buffered', 'lets a runtime answer after a response mode was refused'],
  ),
  of(
    'ignores trailers: an error in a stream looks like a success',
    'marks the answer by X-Amz-Function-Error',
    'runtime clients report errors of streams in trailers only',
    [
      'answers with the document of a stream that ended in trailers',
      'answers with the document of a stream that ended in trailers before its first byte',
    ],
  ),
  of(
    'drops the connection and blocks until the time is over',
    'answers 413 and goes on',
    'an error may be too large as a response may',
    ['refuses an error over the limit and goes on with the same runtime'],
  ),
  of(
    'blocks until the time is over',
    'answers 502 with Runtime.TruncatedResponse',
    'nothing more can come of that upload',
    ['with a length', 'in chunks'].map((kind) => `ends the invocation when an upload ${kind} breaks off`),
  ),
  of(
    'takes an init error that breaks off for one without a document, and fails the init',
    'takes it for none; if its process has died, the death is the failure',
    'half a report says nothing',
    ['takes an init error that breaks off for none'],
  ),
  of(
    'drops the connection of an init error that ends when its process is gone',
    'answers 403 InvalidStateTransition, and the next attempt goes on',
    'a process that is gone cannot fail the next one',
    ['takes an init error that ends in the next attempt for none of that'],
  ),
  of(
    'drops the connection when no runtime is expected',
    'answers 403 InvalidStateTransition',
    'a runtime in a debugger, started by hand, needs to know why',
    [
      'before the first invocation: next gets 403',
      'before the first invocation: init/error gets 403',
      'refuses a poll after a time-out, when no runtime is expected',
      ...initStates,
    ],
  ),
  of(
    'refuses a poll that overtakes the end of its own response',
    'lets it wait',
    "Node's client polls while the upload of a broken stream is still open",
    [
      'InvocationResponse, while the body arrives: next waits',
      'InvocationErrorResponse, while the body arrives: next waits',
      'answers a poll that was made before the end of its own response was accepted',
    ],
  ),
  of(
    'keeps a second answer waiting while the first one arrives',
    'answers 403 at once',
    'its own state table says so',
    [
      'InvocationResponse, while the body arrives: response gets 403',
      'InvocationResponse, while the body arrives: error gets 403',
    ],
  ),
  of(
    'gives the event to a poller that has gone away, and the invocation times out',
    'forgets a poller that has gone away',
    'an event is for those who are there',
    [
      'forgets a poller that has gone away',
      'forgets a poller that goes away before the answer to its invocation was taken',
    ],
  ),
  of(
    'never sends X-Amz-Function-Error',
    'sends it with every outcome that is not a success',
    'SDKs tell an error from a result by it',
    [
      "marks a handler's error by a header",
      'marks the answer for a runtime that exits by a header and a type',
      'marks a time-out by a header',
    ],
  ),
  of(
    'has one dialect',
    'answers a signed request as the service would',
    'SDKs expect the service, curl expects the reference',
    [
      'answers a signed caller 200 with the reason when a runtime exits',
      'answers a signed caller with the JSON of the service when the time is over',
      'answers a signed caller 200 when the command does not exist',
      'says to a signed caller that a response was too large, without its size',
    ],
  ),
  of(
    'answers 502 with the good answer when the runtime exits after it',
    'answers 200',
    'what comes after an answer does not change it',
    [
      'keeps the answer of a runtime that exits after it has responded',
      'keeps the error of a runtime that exits after it has reported it',
      'keeps its answer for a runtime that exits on the 413',
    ],
  ),
  of(
    'fails the next invocation for a process that died while nothing ran',
    'notices the death, logs it and starts again',
    'the next caller has nothing to do with it',
    [
      'lets no invocation fail because a runtime died while nothing ran',
      'lets no invocation fail that comes at once after the death of an idle runtime, thirty times',
      'kills what is left of a group before the next init',
      'logs a death that happens while nothing runs',
    ],
  ),
  of(
    'has left the size out of the text since 1.170.0 or before',
    'says the size to a caller without a signature',
    'it helps',
    ['says in a 200 that a response was too large'],
  ),
  of(
    'answers 502 without a body when init fails, and keeps what it answered for later failures',
    'answers with the reason, each failure its own',
    'an empty answer helps nobody, a stale one misleads',
    [
      'answers with the reason when every init ends in an exit',
      'stays alive and names the command in its answers when that does not exist',
      'stays alive and names the command in its answers when that is not in PATH',
      'stays alive and names the command in its answers when that is a folder',
      'names a command that may not be executed in its answers',
      'names a command of no format that can be executed in its answers',
      'names a working directory that does not exist in its answers',
      'never answers with the document of an earlier failure',
    ],
  ),
  of(
    'fails the invocation when the first init fails',
    'tries once more within the invocation',
    'the service does',
    [
      'tries a failed init once more within the invocation',
      'limits the second attempt at init by the time of the function',
      'reports an init that failed, and starts the invocation when the second attempt is through',
      'writes START right before END when no attempt at init came through',
    ],
  ),
  of(
    'waits for the time of the function when a runtime has posted to /init/error and stays',
    'ends the attempt at once',
    'nothing more can come of that runtime',
    ['ends an init attempt when the runtime has reported an error, alive or not'],
  ),
  of(
    'has no limit for init; the time of the function counts from the arrival of the request',
    'gives init 10 s of its own and counts from the delivery of the event',
    'the service does',
    [
      'limits the init of a runtime apart from its invocation',
      'counts the time from the delivery of the event',
      'stops an init that takes too long and tries once more',
      'gives an init ten seconds',
      'reports an init that took too long',
    ],
  ),
  of('stops the processes first, then answers', 'answers first', 'the caller has waited long enough', [
    'answers before it stops the processes',
  ]),
  of(
    'starts with every value, drops the connections of callers or panics later; ends with 1 where it notices',
    'ends with exit code 2 and names what is wrong',
    'a mistake is cheapest at the start',
    [
      ...exit2(
        'a limit of abc',
        'a limit of 1.5',
        'a limit of 0',
        'a limit of -1',
        'a limit of 10s',
        'an address without a port',
        'an empty address',
        'a Runtime API port that is no number',
        'a port that does not exist',
        'a host that nobody knows',
        'a log level that nobody knows',
        'a flag without its value',
      ),
      'ends with exit code 2 where there is nothing to run',
    ],
  ),
  of(
    'ends, or takes the value as it is, and says nothing',
    'warns, takes the default, and hands the value on',
    "the variables are the function's own too: placeholders, units and levels of its own logger stand there",
    ['LOG_LEVEL=CRITICAL', 'AWS_ACCOUNT_ID=your-account-id', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512MB'].map(
      (each) => `warns of ${each}, takes the default, and hands the value on`,
    ),
  ),
  of(
    'does not have the option',
    'checks its value at the start',
    'options of ours',
    exit2(
      'a dialect that nobody knows',
      'a number that is none',
      'too many environments',
      'a negative queue',
      'AWS_LAMBDA_RIE_DIALECT=klingon',
      'AWS_LAMBDA_RIE_INIT_TIMEOUT=soon',
      'AWS_LAMBDA_RIE_DRAIN_SECONDS=-1',
      'AWS_LAMBDA_RIE_MAX_ENVIRONMENTS=1.5',
    ),
  ),
  of(
    'takes an unknown flag or a double dash before the command for the command',
    'refuses the flag, and ends the flags at the double dash',
    'a typing error shows up, and a command can have any arguments',
    [
      ...exit2('a flag that nobody knows'),
      'leaves everything after -- to the command',
      'runs a program that is called invoke behind --',
      'passes every kind of flag before a double dash',
    ],
  ),
  of('takes an empty LOG_LEVEL for a wrong one', 'takes it for the default', 'as with every other variable', [
    'takes an empty LOG_LEVEL for the default',
  ]),
  of('does not have the flag', '--version, --help, --handler, --dialect, --eager-init', 'options of ours', [
    'tells its version',
    'tells how it is used',
    'takes --handler before every variable for the handler',
    'prefers a flag to its variable',
    'starts the runtime at once with --eager-init',
    'tries an eager init that failed once more within the first invocation',
  ]),
  of(
    'has no page',
    'serves a console at `/_rie/`',
    'to send an event, and see what happened without reading raw logs',
    [
      'serves a page that loads nothing from elsewhere, and stands in no frame',
      'keeps nothing before its first visitor, then the newest invocation first',
      'keeps the first 64 KiB of an event and of an answer',
      'tells an open page of every invocation',
      'is not reached under the name of somebody else, nor from another page',
      'is not there with --no-console',
    ],
  ),
  of(
    'always starts the runtime, and hurries it',
    '`--attach` waits for one that an IDE starts, `--debug` takes the limits off',
    'a debugger stops a function for minutes, and starts it itself',
    [
      'waits for a runtime that it does not start, and an invocation waits with it',
      'charges an invocation with the memory of the attached runtime',
      'lets an attached runtime go and come again, while nothing runs and in an invocation',
      'answers when an attached runtime takes too long, and takes it back',
      'runs extensions beside an attached runtime',
      'refuses a command beside --attach',
      'hurries nobody with --debug: no limit passes, and deadlines are a day ahead',
    ],
  ),
  of(
    'runs the code that it started with',
    'runs new code after a save with `--watch`',
    'the new code is there when one calls again',
    [
      'answers from the new code after a save, of the handler and of what it imports',
      'lets what runs finish when the code changes, and runs the next one on the new code',
      'takes ten saves in a row for one change',
      'says why new code does not load, with file, line and text, and runs it when it is mended',
      'starts the new code at once where init was eager, also after code that did not load',
      'leaves alone what is no code, and with patterns all that they do not name',
      'watches a handler in a folder that Git ignores',
      'starts a command anew after a change',
      'looks at times with --watch-poll alone',
      'runs the old code for ever without --watch',
    ],
  ),
  of(
    'has no client: `invoke` is a command to run',
    '`aws-lambda-rie invoke` sends an event to a running emulator',
    'a call whose exit status says how it ended, without a long address to type',
    [
      "prints the function's answer alone, and ends with 0",
      "prints a function's error and its log on stderr, and ends with 1",
      'ends with 2 for an event that it cannot read, and with 3 where nobody listens',
      'sends an example event',
      'prints a streamed answer with --stream',
      'queues an event that nobody waits for',
    ],
  ),
  of(
    'panics on IPv6 literals, and hands on port 0 as 0',
    'binds both and hands on the address that was bound',
    'tests and IPv6 networks need it',
    [
      'listens on IPv6 and hands a runtime its address in brackets',
      'hands a runtime the port that was really bound',
    ],
  ),
  of(
    'says nothing until the first invocation',
    'logs an error at the start',
    'a mistake is cheapest at the start',
    ['logs at once that a command cannot be run'],
  ),
  of('runs a bootstrap that may not be executed, in vain', 'passes over it', 'the next one may do', [
    'passes over a bootstrap that may not be executed',
  ]),
  of(
    'ends at once on SIGTERM and drops its callers',
    'lets running invocations finish for a while, answers 503 to the others',
    'a deployment must not cost answers',
    [
      'lets a running invocation finish before it ends',
      'refuses with 503 what waits when it is told to end',
      'answers 503 for an invocation that it cuts at the end of its patience',
      'answers 503 for an init that it cuts at the end of its patience',
    ],
  ),
  of('leaves its children behind when it is killed', 'no child outlives it', 'nobody else looks after them', [
    'leaves no process behind when it is killed',
    'leaves no process behind when its terminal hangs up',
  ]),
  of(
    'measures the start of a thread as Init Duration, includes init in Duration, prints Memory Size as memory used',
    "prints the service's line, measured",
    'people read these numbers',
    [
      'writes REPORT as the service does, with Init Duration on a cold start',
      'measures init apart from the invocation',
      'measures the memory of the processes',
    ],
  ),
  of(
    'prints neither END nor REPORT after a failure, and no status',
    'prints them after every invocation, with Status and Error Type',
    'as the service does',
    [
      'writes END and a REPORT with the status after a crash',
      'writes END and a REPORT with the status after a time-out',
      "writes a REPORT with the status after a handler's error",
    ],
  ),
  of(
    "lets a function's output run between and into its own lines",
    'keeps lines whole, and what init prints before START',
    'as the service does',
    [
      'writes what is printed during init before START',
      'writes lines whole: one without an end does not run into the next',
    ],
  ),
  of('logs in lines of text', 'logs in JSON', 'programs read logs', [
    'writes its own log as JSON, one record a line',
  ]),
  of(
    'logs each start, init and invocation at the level info',
    'logs them at debug',
    'START, END and REPORT tell of them already',
    ['says nothing of an invocation at the level info when all goes well'],
  ),
  of(
    'sets only name, version, memory size and log names, these to a fixed group',
    'sets what the service sets, where it is absent',
    "Node's, Rust's and Java's clients end without some of it",
    [
      'fills in what the service sets',
      'sets nothing else',
      'takes the working directory for the task root where there is no /var/task',
      'fills in an empty memory size and empty log names',
      'names the log group after the function',
      'takes AWS_DEFAULT_REGION from AWS_REGION',
      'takes AWS_REGION from AWS_DEFAULT_REGION',
    ],
  ),
  of(
    'sets missing credentials to the empty string',
    'leaves them unset',
    'SDKs take empty ones for credentials and do not look elsewhere',
    ['leaves credentials unset that are not set'],
  ),
  of('has a fixed region and account', 'takes them from the environment', 'functions take their ARN apart', [
    'names region and account in the ARN',
  ]),
  of('has one environment and no queue', 'has --max-environments and --max-queue', 'options of ours', [
    'runs as many invocations at a time as there may be environments',
    'starts an environment anew after as many invocations as were asked for',
    'gives the first environment the configured address',
    'starts no second environment while the first is free',
    'keeps the other environments when one crashes',
    'stops all environments on SIGTERM',
    'throttles what does not fit into the queue',
    'throttles at once without a queue',
    'lets a throttled caller try again',
    'never serves two tenants in one environment',
    'serves 64 callers at once in the order of their arrival',
    'lets none of 64 callers who come back at once overtake another',
    'runs as many at once as there are environments, each with an API of its own',
    'starts exactly as many environments as invocations wait for one',
    'throttles exactly what is over the bound, in dialect rie',
    'throttles exactly what is over the bound, in dialect lambda',
    'runs the invocation of a caller who goes away while it waits, in its turn',
    'starts the function timeout when the invocation has stopped waiting',
    'keeps one environment at work while another one times out',
    'keeps one environment at work while the init of another one fails',
    'refuses who waits at SIGTERM with 503, and lets what runs finish',
  ]),
  of(
    'has no such endpoint',
    'answers on /_rie/health, /_rie/ready, /_rie/state, /_rie/metrics and /_rie/dashboard.json',
    'containers are looked after by health checks',
    [
      'is healthy as soon as it listens, and says so in JSON',
      'tells in its health what the environment is doing',
      'is not ready before an environment is initialised',
      'is ready while an environment is free, and only then',
      'becomes ready without an invocation after an eager init',
      'stays healthy while an invocation runs',
      'tells its figures in the text format of Prometheus',
      'serves a dashboard whose queries name figures that it tells',
      'tells its state as JSON',
    ],
  ),
  of('has no report of a run', 'writes one as JSON with --report', 'figures of a load test are to be kept', [
    'writes a report of its run when it ends',
    'ends with exit code 2 for a report that cannot be written',
  ]),
  of(
    '(our source, `bun run dev`)',
    'serves a sample function when there is nothing to run',
    'to try it out without writing one',
    ['ends with exit code 2 where there is nothing to run'],
    ['source', 'portable'],
  ),
  of(
    'answers a caller that has closed its side of the connection (`nc -N`)',
    'drops it; the invocation runs to its end',
    'a known limit: Bun closes a connection as soon as its peer has closed one side of it',
    ['answers a caller that has closed its side of the connection'],
    ['source', 'portable', 'binary'],
  ),
  of(
    'gathers every response, loses the errors of streams, and has no InvokeWithResponseStream',
    'hands a stream on as it comes, and tells of its errors',
    'the service does; what is read piece by piece is to be tried out piece by piece',
    streams.cases.map(({ title }) => title),
  ),
  of(
    'runs what any web page sends, and answers no page',
    'runs what its own pages send and those that --cors names',
    'a page on the internet could otherwise run the function of whoever visits it',
    pages.cases.map(({ title }) => title).filter((title) => title !== 'runs what its own page sends'),
  ),
  of(
    'has no durable executions',
    'runs them, with their API on the port of callers, where `--durable` asks for it',
    'functions that checkpoint, wait and go on can be tried nowhere else without a second program',
    durableChapter.cases
      .map(({ title }) => title)
      .filter((title) => !title.startsWith('is an ordinary function')),
  ),
  of(
    'has no Function URL',
    'has one: a listener whose requests are events of payload format 2.0, as on the service',
    'web frameworks and browsers are served as by the service',
    [...functionUrl.cases, ...functionUrlAnswers.cases, ...functionUrlStreams.cases].map(
      ({ title }) => title,
    ),
  ),
  of(
    'answers every subscription to telemetry with 202 and delivers nothing',
    'delivers every record to extensions that subscribe, as the service does',
    'extensions for observability can be tried nowhere else than in the cloud',
    [telemetry, telemetryRecords, telemetryDelivery]
      .flatMap(({ cases }) => cases.map(({ title }) => title))
      .filter((title) => !title.startsWith('refuses other methods')),
  ),
  of(
    'logs lines of text about its own steps, and is ready whatever happened',
    'says in JSON what failed, what took long, with which limit, and what to do; readiness names the last failure',
    'somebody has to find out why it does not answer',
    diagnostics.cases.map(({ title }) => title),
  ),
  ...clientDifferences,
  of(
    'writes lines of text only, and takes no records from loggers',
    'writes the log in JSON too, with levels, and takes the records of loggers whole',
    'functions with JSON logs are looked at as they are on the service; a stack trace is one record',
    telemetryLogs.cases.map(({ title }) => title).filter((title) => !title.includes('the format of text')),
  ),
  ...startDifferences,
  ...requestDifferences,
  ...extensionDifferences,
  ...handlerDifferences,
  ...managedDifferences,
]
