/**
 * What a handler may report of an operation, as a table: from which status each action is allowed, and the words when it
 * is not. `none` is an operation that is not there yet.
 */

import type { Action, Update } from './event.ts'
import { maxOperationBytes } from './limits.ts'
import type { ErrorObject, Operation, OperationStatus } from './operation.ts'

export interface Rule {
  readonly from: readonly ('none' | OperationStatus)[]
  readonly otherwise: string
}

export type Actions = { readonly [T in Update['type']]: { readonly [A in Action]?: Rule } }

const closeStep: Rule = {
  from: ['none', 'STARTED', 'READY'],
  otherwise: 'Invalid current STEP state to close.',
}
const closeContext: Rule = { from: ['STARTED'], otherwise: 'Invalid current CONTEXT state to close.' }
const closeRun: Rule = { from: ['none'], otherwise: '' }

export const actions: Actions = {
  STEP: {
    START: { from: ['none', 'READY'], otherwise: 'Invalid current STEP state to start.' },
    SUCCEED: closeStep,
    FAIL: closeStep,
    RETRY: {
      from: ['none', 'STARTED', 'READY'],
      otherwise: 'Invalid current STEP state to re-attempt.',
    },
  },
  CONTEXT: {
    START: { from: ['none'], otherwise: 'Cannot start a CONTEXT that already exist.' },
    SUCCEED: closeContext,
    FAIL: closeContext,
  },
  WAIT: {
    START: { from: ['none'], otherwise: 'Cannot start a WAIT that already exist.' },
    CANCEL: {
      from: ['STARTED'],
      otherwise: 'Cannot cancel a WAIT that does not exist or has already completed.',
    },
  },
  CALLBACK: {
    START: { from: ['none'], otherwise: 'Cannot start a CALLBACK that already exist.' },
  },
  CHAINED_INVOKE: {
    START: {
      from: ['none'],
      otherwise: 'Cannot start a CHAINED_INVOKE operation that already exists.',
    },
  },
  EXECUTION: { SUCCEED: closeRun, FAIL: closeRun },
}

/** One thing that an update has to be; what it looks at, and what is told when it is not. */
export type Check = (
  update: Update,
  known: Operation | undefined,
  find: (id: string) => Operation | undefined,
) => string | null

const when = (wrong: boolean, message: string): string | null => (wrong ? message : null)

const isStart = ({ action }: Update): boolean => action === 'START'

/** In the order in which they are made; the first that fails is the answer. */
export const checks = {
  parent: ({ parentId }, _, find) =>
    when(parentId !== null && find(parentId)?.type !== 'CONTEXT', 'Invalid parent operation id.'),
  'same type': ({ type }, known) =>
    when(known !== undefined && known.type !== type, 'Inconsistent operation type.'),
  'same subtype': ({ subType }, known) =>
    when(known !== undefined && known.subType !== subType, 'Inconsistent operation subtype.'),
  'same name': ({ name }, known) =>
    when(known !== undefined && known.name !== name, 'Inconsistent operation name.'),
  'same parent': ({ parentId }, known) =>
    when(known !== undefined && known.parentId !== parentId, 'Inconsistent parent operation id.'),
  action: ({ type, action }) =>
    when(actions[type][action] === undefined, 'Invalid action for the given operation type.'),
  status: ({ type, action }, known) => {
    const rule = actions[type][action] as Rule
    return when(!rule.from.includes(known?.status ?? 'none'), rule.otherwise)
  },
  'delay of a retry': ({ type, action, nextAttemptDelaySeconds: delay }) =>
    when(
      type === 'STEP' && (delay !== null) !== (action === 'RETRY'),
      'Invalid StepOptions for the given action.',
    ),
  'time of a wait': (update) =>
    when(
      update.type === 'WAIT' && isStart(update) && update.waitSeconds === null,
      'Update for WAIT operation requires WaitOptions.',
    ),
  'function to invoke': (update) =>
    when(
      update.type === 'CHAINED_INVOKE' && update.invoke === null,
      'Update for CHAINED_INVOKE operation requires ChainedInvokeOptions.',
    ),
  'one outcome of a retry': ({ action, payload, error }) =>
    when(
      action === 'RETRY' && payload !== null && error !== null,
      'Cannot provide both error and payload to RETRY a STEP.',
    ),
  'no payload of a failure': ({ action, payload }) =>
    when(action === 'FAIL' && payload !== null, 'Cannot provide a Payload for FAIL action.'),
  'no error of a success': ({ action, error }) =>
    when(action === 'SUCCEED' && error !== null, 'Cannot provide an Error for SUCCEED action.'),
} as const satisfies Record<string, Check>

/** Whether the second update of one operation may follow the first in one checkpoint: it began and ended meanwhile. */
export const mayFollow = (first: Update, second: Update): boolean =>
  (second.type === 'STEP' || second.type === 'CONTEXT') && isStart(first) && !isStart(second)

/** The refusal of what is too large, in the words of the service. `bytes` is the limit. */
export const tooLarge = (type: Update['type'], bytes: number = maxOperationBytes): string =>
  `${type} output payload size must be less than or equal to ${bytes} bytes.`

/** All texts of an error. What a handler returned may have other members than the type says. */
export function textOf({ ErrorMessage, ErrorType, ErrorData, StackTrace }: ErrorObject): string {
  const lines = Array.isArray(StackTrace) ? StackTrace : []
  return [ErrorMessage, ErrorType, ErrorData, ...lines].filter(Boolean).join('')
}
