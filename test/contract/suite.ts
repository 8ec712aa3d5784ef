/**
 * One set of cases, several subjects. A case asserts what **we** promise. Where the reference knowingly differs, the case
 * is listed in `differences.ts`; such a case is skipped for it, or, with CONTRACT_VERIFY_DIFFERENCES=1, is the only kind
 * that runs and has to fail.
 */

import { describe, setDefaultTimeout, test } from 'bun:test'
import { appendFileSync } from 'node:fs'
import { patience } from '../harness.ts'
import { type Attempt, type Attempts, attempts } from './attempts.ts'
import type { Case } from './chapter.ts'
import { chapters } from './chapters.ts'
import { differences } from './differences.ts'
import type { Emulator } from './emulator.ts'
import { privateMounts, privateNetworks, run, start } from './launch.ts'
import { smoke } from './smoke.ts'
import type { Missing, Subject, SubjectName } from './subject.ts'

/** What became of one case, for `run.ts`. */
export interface Result {
  readonly subject: SubjectName
  readonly chapter: string
  readonly case: string
  readonly result: 'passed' | 'failed' | 'skipped' | 'differs'
  readonly reason?: string
  /** what a known fault of the subject said, once for each time that the case was run again for it */
  readonly faults?: readonly string[]
}

const inverted = process.env.CONTRACT_VERIFY_DIFFERENCES === '1'
const results = process.env.CONTRACT_RESULTS

/** Titles are names: they must be unique, and a difference must name one. */
function check(): void {
  const titles = chapters.flatMap((chapter) => chapter.cases.map((each) => each.title))
  const twice = titles.find((title, index) => titles.indexOf(title) !== index)
  if (twice !== undefined) throw new Error(`two cases are called "${twice}"`)
  const listed = differences.flatMap(({ cases }) => cases)
  const unknown = listed.find((title) => !titles.includes(title))
  if (unknown !== undefined) throw new Error(`a difference names a case that does not exist: "${unknown}"`)
  const strange = smoke.find((title) => !titles.includes(title))
  if (strange !== undefined) throw new Error(`the smoke part names a case that does not exist: "${strange}"`)
}

export function contract(subject: Subject | Missing, name: SubjectName): void {
  check()
  if ('missing' in subject) {
    test.skip(`the contract, kept by ${name}: ${subject.missing}`, () => {})
    return
  }
  const needy = chapters.flatMap(({ cases }) => cases).filter((each) => needsMounts(each, name))
  if (!privateMounts && needy.length > 0)
    console.log(
      `contract, ${name}: ${needy.length} cases skipped, a mount namespace (unshare -m) is not allowed`,
    )
  // a case waits for a slot in this time too
  setDefaultTimeout(Math.max(120_000, 8 * patience))
  const limit = slots(Number(process.env.CONTRACT_SLOTS ?? 6))
  describe(`the contract, kept by ${name}`, () => {
    for (const chapter of chapters) {
      const cases = chapter.cases.filter((each) => subject.only?.includes(each.title) ?? true)
      if (cases.length === 0) continue
      describe(chapter.title, () => {
        const ordered = [...cases.filter((each) => !each.alone), ...cases.filter((each) => each.alone)]
        for (const each of ordered) {
          const record = (
            result: Result['result'],
            { reason, faults = [] }: { reason?: string; faults?: readonly string[] } = {},
          ) => {
            if (!results) return
            const line: Result = {
              subject: name,
              chapter: chapter.title,
              case: each.title,
              result,
              ...(reason === undefined ? {} : { reason }),
              ...(faults.length === 0 ? {} : { faults }),
            }
            appendFileSync(results, `${JSON.stringify(line)}\n`)
          }
          const difference = differences.find(
            (known) => known.subjects.includes(name) && known.cases.includes(each.title),
          )
          const skip = obstacle(subject, each, difference !== undefined)
          if (skip !== undefined) {
            record(skip.kind, skip)
            test.skip(each.title, () => {})
            continue
          }
          const define = each.alone ? test : test.concurrent
          define(each.title, () =>
            limit(async () => {
              const quiet = difference !== undefined && inverted
              const outcome = await attempts(() => attempt(each, subject, quiet), subject.fault)
              const { error, faults } = quiet ? turnedRound(outcome) : outcome
              if (error === undefined) return record(difference ? 'differs' : 'passed', { faults })
              record('failed', { reason: (error as Error).message, faults })
              throw error
            }),
          )
        }
      })
    }
  })
}

const needsMounts = ({ mounts }: Case, name: SubjectName): boolean =>
  mounts === 'always' || (mounts === 'external' && name === 'reference')

function obstacle(
  subject: Subject,
  each: Case,
  differs: boolean,
): { kind: 'skipped' | 'differs'; reason: string } | undefined {
  if (needsMounts(each, subject.name) && !privateMounts)
    return { kind: 'skipped', reason: 'needs a mount namespace' }
  if (each.network && !privateNetworks) return { kind: 'skipped', reason: 'needs a network namespace' }
  if (inverted && !differs) return { kind: 'skipped', reason: 'not a difference' }
  if (differs && !inverted) return { kind: 'differs', reason: 'differs' }
  return undefined
}

/** Runs a case once; unless `quiet`, what its emulators wrote goes to the test's own stderr when it fails. */
async function attempt(each: Case, subject: Subject, quiet: boolean): Promise<Attempt> {
  const emulators: Emulator[] = []
  const stderr = () => emulators.map((emulator) => emulator.stderr.text).join('')
  try {
    await each.run({
      subject,
      run: (options) => run(subject, options),
      start: async (options = {}) => {
        const emulator = await start(subject, options)
        emulators.push(emulator)
        return emulator
      },
    })
    return { error: undefined, stderr: stderr() }
  } catch (error) {
    for (const emulator of quiet ? [] : emulators) {
      console.error(
        `--- ${each.title}\n--- stdout\n${tail(emulator.stdout.text)}--- stderr\n${tail(emulator.stderr.text)}`,
      )
    }
    return { error: error ?? new Error('failed without an error'), stderr: stderr() }
  }
}

const tail = (text: string) => text.slice(-4000)

/** A listed difference has to fail. */
function turnedRound({ error, stderr, faults }: Attempts): Attempts {
  const passes = error === undefined
  return { error: passes ? new Error('listed as a difference, yet it passes') : undefined, stderr, faults }
}

/** At most so many at a time: more emulators than processors only slow each other down. */
function slots(free: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
