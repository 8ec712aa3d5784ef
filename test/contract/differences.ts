import type { SubjectName } from './subject.ts'

export interface Difference {
  readonly case: string
  readonly subject: SubjectName
  readonly reference: string
  readonly ours: string
  readonly reason: string
}
export const differences: readonly Difference[] = []
