/** The names of the handlers in the fixture `compared.mjs`, which can only be loaded where `awslambda` is. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const text = readFileSync(join(import.meta.dir, '../fixtures/handlers/compared.mjs'), 'utf8')

export const same: string[] = [...text.matchAll(/^export const (\w+) = streamed\(/gm)].map(
  ([, name]) => name!,
)
