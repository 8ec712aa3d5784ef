/** What a long run prints. */

export type Row = Readonly<Record<string, number>>

/** One promise, and what came of it. */
export interface Check {
  readonly name: string
  readonly good: boolean
  readonly figure: string
}

/** Whether it stayed within a share of the earlier figure. Less is always good. */
export function steady(name: string, early: number, late: number, share: number): Check {
  const grown = early === 0 ? 0 : late / early - 1
  const figure = `${round(early)} → ${round(late)} (${grown >= 0 ? '+' : ''}${(grown * 100).toFixed(1)} %)`
  return { name: `${name} within ${share * 100} %`, good: late <= early * (1 + share), figure }
}

/** Whether a small number stayed where it was; a few more may be on their way out at the moment of looking. */
export function flat(name: string, early: number, late: number): Check {
  return { name: `${name} flat`, good: late <= early + 5, figure: `${early} → ${late}` }
}

export const mean = (rows: readonly Row[], name: string): number =>
  rows.reduce((sum, row) => sum + (row[name] ?? 0), 0) / rows.length

/** The heading once, then one line for each new row. */
export function print(rows: readonly Row[]): void {
  const row = rows.at(-1)
  if (row === undefined) return
  const names = Object.keys(row)
  if (rows.length === 1) console.log(names.map((name) => name.padStart(12)).join('  '))
  console.log(names.map((name) => round(row[name] as number).padStart(Math.max(12, name.length))).join('  '))
}

const round = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1))
