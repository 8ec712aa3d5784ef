/**
 * The seed of this commit, for tests of random plans: each commit plays some that none before it has played, and what
 * fails is there again in every run of the same commit. Outside of a clone it is the version's.
 */
import { version } from '../../package.json'

const { stdout } = Bun.spawnSync(['git', 'rev-parse', '--short=12', 'HEAD'], {
  cwd: import.meta.dir,
  stderr: 'ignore',
})

export const commitSeed: string = stdout.toString().trim() || version
