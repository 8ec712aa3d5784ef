/** Differences of the chapter about odd requests. */
import { type Difference, of } from './difference.ts'

export const requestDifferences: readonly Difference[] = [
  of(
    'hands on, ignores or answers 404 to every value',
    'answers 400 InvalidParameterValueException that says what is allowed',
    'the service does; a typing error shows up',
    [
      'an invocation type',
      'a log type',
      'a tenant',
      'a qualifier',
      'a function name',
      'a second, different qualifier',
    ].map((kind) => `refuses ${kind} that is none`),
  ),
  of(
    'never sends the runtime a trace header',
    'sends it, made up where the one that came is not ASCII',
    "bytes beyond ASCII in a header end Rust's runtime client and cut Java's",
    ['reads the first trace of two, and makes one up in place of what is not ASCII'],
  ),
  of(
    'sends neither the version that ran nor the trace',
    'sends X-Amz-Executed-Version, and to a signed caller X-Amzn-Trace-Id',
    'the service does',
    [
      'answers with the version that runs, which is no alias',
      'answers a signed caller with its trace, in the lower case of the service',
    ],
  ),
  of(
    'cuts an event over its limit, and runs the function with the rest',
    'answers 413, for an Event from 1 MiB on',
    'the service does',
    [
      'takes an event of the largest size in chunks, and not a byte more',
      'refuses an event over the limit that says its length twice',
      'takes 1 MiB for an Event, and not a byte more',
    ],
  ),
  of('hands on every event', 'refuses what is not JSON in UTF-8 of a signed caller', 'the service does', [
    'refuses what is not UTF-8 of a signed caller',
    'refuses six megabytes of brackets of a signed caller, and stays small',
  ]),
  of('sends on to the path without dots', 'serves it', 'one request less', [
    'takes a path with dots for what it comes to',
  ]),
  of(
    'answers 404 in plain text, and runs the function for every method',
    'answers with x-amzn-ErrorType and x-amzn-RequestId',
    'SDKs show both',
    ['tells an SDK by header and id that it does not serve something'],
  ),
]
