import { expect, test } from 'bun:test'
import {
  extensionExit,
  type Fault,
  illegal,
  invalidRequestId,
  type Outcome,
  refusals,
  refused,
  runtimeExit,
  tooLarge,
  tooManyExtensions,
  truncated,
  type Verdict,
  verdict,
} from '../../src/core/failure.ts'
import { maxExtensions, maxRequestBytes, maxResponseBytes, maxStreamBytes } from '../../src/core/limits.ts'
import { code, signalled } from './script.ts'

const payload = { size: 1, chunks: [] }
const fault: Fault = { errorType: 'Runtime.ExitError', text: 'gone' }

const verdicts: [outcome: Outcome, verdict: Verdict][] = [
  [
    { kind: 'response', payload, contentType: null },
    { status: 'success', errorType: null },
  ],
  [
    { kind: 'error', payload, errorType: 'Function.Oops' },
    { status: 'error', errorType: 'Function.Oops' },
  ],
  [
    { kind: 'error', payload, errorType: null },
    { status: 'error', errorType: null },
  ],
  [
    { kind: 'oversize', bytes: 7 },
    { status: 'error', errorType: 'Function.ResponseSizeTooLarge' },
  ],
  [
    { kind: 'broken-stream', payload, contentType: null, errorType: null, document: null },
    { status: 'error', errorType: 'Function.ResponseStreamError' },
  ],
  [
    { kind: 'broken-stream', payload, contentType: null, errorType: 'Function.Oops', document: payload },
    { status: 'error', errorType: 'Function.Oops' },
  ],
  [{ kind: 'timeout' }, { status: 'timeout', errorType: null }],
  [
    { kind: 'fault', fault },
    { status: 'error', errorType: 'Runtime.ExitError' },
  ],
  [{ kind: 'throttled' }, { status: 'error', errorType: 'Sandbox.Failure' }],
  [{ kind: 'shutdown' }, { status: 'error', errorType: 'Sandbox.Failure' }],
]

test.each(verdicts)('the verdict on %j', (outcome, expected) => {
  expect(verdict(outcome)).toEqual(expected)
})

test('a runtime that ends is told of in the words of the reference', () => {
  const texts = [
    code(0),
    code(1),
    code(127),
    signalled('SIGKILL'),
    signalled('SIGSEGV'),
    signalled('SIGTRAP'),
    signalled('SIGRTMIN+1'),
  ].map((status) => runtimeExit(status))
  expect(texts).toEqual(
    [
      'Runtime exited without providing a reason',
      'Runtime exited with error: exit status 1',
      'Runtime exited with error: exit status 127',
      'Runtime exited with error: signal: killed',
      'Runtime exited with error: signal: segmentation fault',
      'Runtime exited with error: signal: trace/breakpoint trap',
      'Runtime exited with error: signal: SIGRTMIN+1',
    ].map((text) => ({ errorType: 'Runtime.ExitError', text })),
  )
})

test('an extension that ends is told of in the words of the reference', () => {
  const texts = [code(0), code(2), signalled('SIGTERM')].map((status) =>
    extensionExit('Extension.Crash', status),
  )
  expect(texts).toEqual(
    ['exit code 0', 'exit status 2', 'signal: terminated'].map((text) => ({
      errorType: 'Extension.Crash',
      text,
    })),
  )
})

test('a transition that is not allowed names its subject, where it is, and where it wanted to go', () => {
  expect(illegal('runtime', 'Ready', 'InitError')).toEqual(
    refused(
      'InvalidStateTransition',
      'State transition from Ready to InitError failed for runtime. Error: State transition is not allowed',
    ),
  )
  expect(illegal('extension x', 'Ready', 'Ready', 'because')).toEqual(
    refused(
      'Extension.InvalidExtensionState',
      'State transition from Ready to Ready failed for extension x. Error: because',
    ),
  )
})

test('what stands for itself', () => {
  expect({ invalidRequestId, tooLarge: tooLarge(), truncated, tooManyExtensions }).toEqual({
    invalidRequestId: { kind: 'refused', code: 'InvalidRequestID', message: 'Invalid request ID' },
    tooLarge: {
      kind: 'refused',
      code: 'RequestEntityTooLarge',
      message: 'Exceeded maximum allowed payload size (6291556 bytes).',
    },
    truncated: {
      errorType: 'Runtime.TruncatedResponse',
      text: 'The connection ended before the response was complete',
    },
    tooManyExtensions: { errorType: 'Extension.LaunchError', text: 'ErrTooManyExtensions' },
  })
  expect({ maxRequestBytes, maxResponseBytes, maxStreamBytes, maxExtensions }).toEqual({
    maxStreamBytes: 209_715_200,
    maxRequestBytes: 6_291_456,
    maxResponseBytes: 6_291_556,
    maxExtensions: 10,
  })
})

test('every refusal is a 403, but for what is wrong with a request itself', () => {
  const others = Object.entries(refusals).filter(([, status]) => status !== 403)
  expect(others).toEqual([
    ['InvalidRequestID', 400],
    ['InvokeTimeout', 410],
    ['InvalidFunctionResponseMode', 400],
    ['RequestEntityTooLarge', 413],
  ])
})
