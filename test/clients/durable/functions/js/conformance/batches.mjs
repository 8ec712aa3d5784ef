/** What cases of maps and of parallel branches have in common. */
import { failing } from './kit.mjs'

/** One after the other, so that the history has one order. */
export const inTurn = (completionConfig) => ({
  maxConcurrency: 1,
  ...(completionConfig === undefined ? {} : { completionConfig }),
})

/** The members of a batch's result that a case asks for. */
export const told = (batch, ...members) =>
  Object.fromEntries(members.map((member) => [member, batch[member]]))
export const allCounts = ['completionReason', 'status', 'successCount', 'failureCount', 'totalCount']
export const countsOnly = ['completionReason', 'successCount', 'failureCount', 'totalCount']

/** Branches in words: `-` fails, what else is there is what they give. */
export const branches = (words) => words.split(' ').map((word) => (word === '-' ? failing : async () => word))

/** The same for the items of a map. */
export const items = (words) => words.split(' ')
export const each = async (_, word) => (word === '-' ? await failing() : word)
