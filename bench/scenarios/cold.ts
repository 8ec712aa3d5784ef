/** From the start of the process to the first answer, the start of the runtime included. */
import { probeStart } from '../load.ts'
import { setupFor, variables } from '../running.ts'
import type { Scenario } from '../scenario.ts'
import { Unavailable } from '../subject.ts'
import { median } from '../table.ts'

const startCount = 20

export const cold: Scenario = {
  name: 'cold',
  about: `process start to first answer, median of ${startCount} starts`,
  metrics: ['start', 'errors'],
  subjects: ['reference', 'ours', 'bun-relay', 'native-relay', 'c-relay'],
  goals: [{ metric: 'start', is: 'at most', factor: 1, of: 'reference' }],
  async measure(subject, { cpu }) {
    const took: number[] = []
    let errors = 0
    for (let i = 0; i <= startCount; i++) {
      const setup = setupFor({})
      const launch = subject.launch(setup)
      try {
        const microseconds = await probeStart({ ...launch, env: variables(launch, setup) }, setup.port, cpu)
        // The first start reads the binary from disk.
        if (i > 0) took.push(microseconds / 1000)
      } catch (error) {
        if (!(error instanceof Unavailable) || ++errors > startCount / 4) throw error
      }
    }
    return { start: median(took), errors }
  },
}
