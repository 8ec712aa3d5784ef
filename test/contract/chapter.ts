/** What a chapter of the contract is made of. Knows no chapter, so that chapters, differences and the suite can all import it. */

import type { Emulator } from './emulator.ts'
import type { Ended, Options } from './launch.ts'
import type { Subject } from './subject.ts'

/** What a case is given. */
export interface Bench {
  readonly subject: Subject
  /** a running emulator, which ends with its scope */
  readonly start: (options?: Options) => Promise<Emulator>
  /** a program that ends by itself */
  readonly run: (options: Options) => Promise<Ended>
}

export type Run = (bench: Bench) => Promise<void>

export interface Case {
  readonly title: string
  readonly run: Run
  /** measures time, so nothing else runs meanwhile */
  readonly alone: boolean
  /** needs /opt or /var laid out for it; `external`: on a subject that looks for extensions nowhere else */
  readonly mounts: 'never' | 'external' | 'always'
  /** needs a network of its own, so that the usual ports are free in it */
  readonly network: boolean
}

export interface Chapter {
  readonly title: string
  readonly cases: readonly Case[]
}

type Add = (title: string, run: Run) => void

export type It = Add & {
  readonly alone: Add
  readonly mounts: Add
  readonly network: Add
  /** with external extensions */
  readonly external: Add & { readonly alone: Add }
}

export function chapter(title: string, define: (it: It) => void): Chapter {
  const cases: Case[] = []
  const add =
    (alone: boolean, mounts: Case['mounts'], network = false) =>
    (title: string, run: Run) => {
      cases.push({ title, run, alone, mounts, network })
    }
  const external = Object.assign(add(false, 'external'), { alone: add(true, 'external') })
  define(Object.assign(add(false, 'never'), {
    alone: add(true, 'never'),
    mounts: add(false, 'always'),
    network: add(false, 'never', true),
    external,
  }))
  return { title, cases }
}
