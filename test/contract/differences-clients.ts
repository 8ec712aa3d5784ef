/** Differences in what callers' HTTP clients may send, and in what the runtime is told of an invocation. */
import { type Difference, of } from './difference.ts'

const methods = ['GET', 'PUT', 'PATCH', 'DELETE']
const posts = ['response', 'error']

export const clientDifferences: readonly Difference[] = [
  of(
    'runs the function for every method, HEAD and OPTIONS and those that nobody knows too',
    'runs it for GET, POST, PUT, PATCH and DELETE, for a signed caller for POST alone; answers 405 to others',
    'health checks are GETs; a browser that asks what it may send must not run the function',
    [
      ...methods.map((method) => `refuses ${method} of a signed caller with 405 and runs nothing`),
      ...['HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'].map(
        (method) => `refuses ${method} on the invoke path with 405 and runs nothing`,
      ),
      'refuses a GET with --dialect lambda, and runs nothing',
    ],
  ),
  of(
    'delivers no bytes for a request without a body, and knows the name `function` only',
    'delivers `{}`, and takes any name',
    "Node's runtime client ends on an empty event",
    [
      ...methods.map((method) => `runs the function for ${method} without a body`),
      'takes a qualifier and an ARN with a GET',
    ],
  ),
  of(
    'answers 502 after the first error of init',
    'tries once more within the invocation',
    'the service does',
    ['says 100 Continue to a runtime before it reports an error of init'],
  ),
  of('cuts an event over the limit', 'answers 413', 'the service does', [
    'refuses an event that is announced as too large, to a caller that waits for 100 Continue',
  ]),
  of(
    'hands on raw bytes of an identity of Cognito',
    'hands on ASCII JSON',
    "raw bytes in a header end Rust's runtime client and cut Java's",
    ['hands an identity of Cognito on in ASCII'],
  ),
  of(
    'answers 500 without a body to an identity of Cognito that cannot be read, and takes null for none',
    'answers 400 with an error that names the header',
    'a caller can see what was wrong',
    [
      ...['junk', '{"half":', '[]', '"text"', '1', '{"cognitoIdentityId":1}', '{} {}', 'e30='].map(
        (sent) => `refuses ${sent} for an identity of Cognito with 400, names the header and runs nothing`,
      ),
      'refuses null for an identity of Cognito of a signed caller as the service refuses content',
    ],
  ),
  of(
    'numbers no deliveries on demand, only where one environment has several invocations',
    'sends Lambda-Runtime-Invocation-Id with every event, and refuses an answer to another delivery with 410',
    'runtime clients of 2026 echo it; an answer that comes too late must not end another invocation',
    [
      'numbers every delivery of an event with a UUID of its own',
      ...['another number', 'the id of the request in place of the number', 'what is no number'].flatMap(
        (what) => posts.map((post) => `refuses ${what} in ${post} with 410, and the invocation goes on`),
      ),
      'gives a runtime that asks twice without answering the number that it can answer with',
    ],
  ),
  of(
    'tells the runtime no trace, extensions the one that the caller sent, as it is',
    'completes it by Parent and Sampled, and tells all the same',
    "X-Ray's SDK drops the segments of a trace header with a Root alone, as load balancers send it",
    [
      ...[
        'a Root alone',
        "a load balancer's Self and Root",
        'no Parent',
        'no Sampled',
        'a Lineage',
        'names in lower case',
        'a decision that is left open',
      ].map((kind) => `completes a trace header with ${kind}, and keeps what it has`),
      'leaves a whole trace header as it is',
      'tells extension, runtime and signed caller the same completed trace',
    ],
  ),
  of(
    'has one environment, in the availability zone use1-az1',
    'has as many as --max-environments, and AWS_LAMBDA_RIE_AVAILABILITY_ZONE_ID',
    'options of ours',
    [
      'gives the availability zone that it was told',
      'gives each environment a metadata token of its own, and takes no other',
    ],
  ),
]
