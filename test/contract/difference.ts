import type { SubjectName } from './subject.ts'

export interface Difference {
  /** those that fail the cases */
  readonly subjects: readonly SubjectName[]
  readonly reference: string
  readonly ours: string
  readonly reason: string
  /** titles of cases */
  readonly cases: readonly string[]
}

export const of = (
  reference: string,
  ours: string,
  reason: string,
  cases: readonly string[],
  subjects: readonly SubjectName[] = ['reference'],
): Difference => ({ subjects, reference, ours, reason, cases })
