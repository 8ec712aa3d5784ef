/** The reference serves no handler by itself: none of these chapters is for it. */
import { type Difference, of } from './difference.ts'
import { handlerDebug } from './handler-debug.ts'
import { handlerNode } from './handler-node.ts'
import { handlerSeveral } from './handler-several.ts'
import { handlerStart } from './handler-start.ts'
import { handlerStream } from './handler-stream.ts'
import { handlerTsconfig } from './handler-tsconfig.ts'

const chapters = [handlerDebug, handlerNode, handlerSeveral, handlerStart, handlerStream, handlerTsconfig]

export const handlerDifferences: readonly Difference[] = [
  of(
    'does not have the option',
    '--handler without a command',
    'options of ours',
    chapters.flatMap(({ cases }) => cases.map(({ title }) => title)),
  ),
]
