/** Differences of Managed Instances, which the reference has in a program of its own, and of SnapStart, which it has not. */
import { type Difference, of } from './difference.ts'

const named = (...titles: readonly string[]): string[] => titles.map((title) => `several at a time: ${title}`)

export const managedDifferences: readonly Difference[] = [
  of(
    'refuses an invocation for which no poll is parked, also right after an answer, and loses one to a poll whose peer has gone',
    'has it wait (`--max-queue`), counts the polls of peers that are there, and refuses when no worker comes back',
    'callers of a local function do not expect to have to try again',
    named(
      'has an invocation wait for a poll',
      'takes the slot of a poller that has gone',
      'has those wait on for which no poll has come when init ends',
      'refuses those that wait for workers of which none comes back',
    ),
  ),
  of(
    'has as many in flight as polls are parked',
    'has no more than AWS_LAMBDA_MAX_CONCURRENCY in flight',
    'the variable says how many; the service keeps to it',
    named('has no more in flight than it may, however many polls are parked'),
  ),
  of(
    'takes any value of AWS_LAMBDA_MAX_CONCURRENCY, an empty one too, and any other flag',
    'runs on demand with an empty one, and ends with exit code 2 for what is no number or excludes it',
    'an empty variable counts as absent everywhere; a wrong one is a mistake',
    named(
      'is on demand with an empty AWS_LAMBDA_MAX_CONCURRENCY',
      ...['0', '1601', 'many'].map(
        (value) => `ends with exit code 2 for AWS_LAMBDA_MAX_CONCURRENCY=${value}`,
      ),
      'ends with exit code 2 for SnapStart as well',
    ),
  ),
  of(
    'has no 429',
    'throttles an SDK as the service does',
    'SDKs try again after a 429, not after a 400',
    named('throttles such an invocation of an SDK'),
  ),
  of(
    'tells a deadline that is years ahead',
    'tells when the time is over',
    'clients compute the time that is left from it',
    named('tells the runtime when its time is over'),
  ),
  of(
    'has no limit once an answer has begun',
    'has the function timeout cover the whole answer',
    'as the service; a runtime that hangs in mid-answer would hang its caller',
    named('has the time cover the whole of an answer'),
  ),
  of(
    'ends with the first process that ends',
    'tries a failed init once more, stays, and starts the function anew for the next invocation',
    'a tool for people is not to be started again by hand; `--exit-on-crash` ends it',
    named('starts the function anew for the next invocation', 'tries once more before it answers them'),
  ),
  of(
    'has an error take over an answer that is being read, and keeps it waiting until then',
    'refuses it as a second answer',
    'the first answer stands, as on demand',
    named('refuses an error, too, while an answer is read'),
  ),
  of(
    'cuts what runs when it is told to stop',
    'gives it the drain time',
    'as on demand: `docker stop` is not to fail callers',
    named('lets what runs finish when it is told to stop'),
  ),
  of(
    'ends an invocation whose caller has gone, and refuses its answer',
    'lets it run to its end',
    'as on demand and on the service',
    named('lets an invocation run on whose caller has gone'),
  ),
  of(
    'refuses an id that is in flight',
    'makes up another one',
    'as on demand: two invocations must not share one id',
    named('makes up a request id where that of the caller is in flight'),
  ),
  of(
    'writes START, END and REPORT as text in any format of the log',
    'writes them as JSON where the format is JSON, which it is by default',
    'the service has JSON logs only in this mode',
    named('writes lines of JSON, each with the id of its invocation'),
  ),
  of(
    'has one pipe for all workers of a runtime',
    'has a stream for each worker that asks for one (`_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET`)',
    'as the service; lines of parallel workers must not mix',
    named('keeps the lines of parallel workers apart'),
  ),
  of(
    'gathers a stream',
    'hands its bytes on as they come',
    'as on demand',
    named('hands streams of several invocations on as they come'),
  ),
  of(
    'has one environment and no tenants',
    'has up to --max-environments of them, which tenants never share',
    'as on demand',
    named(
      'has slots of their own for several environments, and for tenants',
      'ends nothing of one tenant to make room for another',
    ),
  ),
  of(
    'gives AWS_LAMBDA_MAX_CONCURRENCY to extensions too',
    'gives it to the runtime alone',
    'it says how a runtime is to poll',
    named('gives extensions those that are theirs'),
  ),
  of(
    'releases `restore/next` with the first event itself, so that the poll after it waits for ever; has no limit and no report of it',
    'answers it with an empty 200, has hooks run, and begins the invocation with the poll after them',
    'as the service; hooks can be tried',
    [
      'initialises at the start, and restores with the first invocation, which begins then',
      'restores once, and reports it once',
      'is meant by AWS_LAMBDA_INITIALIZATION_TYPE as well, which runtimes are told',
      'answers with the document of a hook that failed, and starts the function anew for the next invocation',
      'answers a signed caller with 200 and that document',
      'limits a restore',
      'begins the time of an invocation after its restore',
      'replaces a runtime that ends before its restore',
      'refuses a restore error before a restore',
      'tells subscribers of a restore',
      'is ready while it waits to be restored',
      'ends with exit code 2 for --attach',
    ],
  ),
  of(
    'serves credentials whose expiry is the year 1, and names the address also where it has none',
    'serves them with a time to come, and names the address where there are credentials',
    'SDKs refuse what has expired',
    ['serves credentials to the runtime in place of variables', 'names no credentials where there are none'],
  ),
]
