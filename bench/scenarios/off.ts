/** What watch, console, debugger, attach and client cost those who use none of them: the same program with and without. */
import type { Goal, Scenario } from '../scenario.ts'
import { cold } from './cold.ts'
import { warm } from './load.ts'
import { memory } from './memory.ts'

const without = (scenario: Scenario, goals: readonly Goal[]): Scenario => ({
  ...scenario,
  name: `off-${scenario.name}`,
  about: `${scenario.about}, with and without what the inner loop has`,
  subjects: ['ours', 'ours-bare'],
  goals,
})

/** The margins are what two runs of one program differ by on this machine. */
export const off: readonly Scenario[] = [
  without(warm, [
    { metric: 'rate', is: 'at least', factor: 0.97, of: 'ours-bare' },
    { metric: 'cpu', is: 'at most', factor: 1.03, of: 'ours-bare' },
  ]),
  without(cold, [{ metric: 'start', is: 'at most', factor: 1.05, of: 'ours-bare' }]),
  without(memory, [{ metric: 'rss', is: 'at most', factor: 1.02, of: 'ours-bare' }]),
]
