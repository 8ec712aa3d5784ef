/** The JSON schema of a file of functions, for editors. */

import { toJsonSchema } from '@valibot/to-json-schema'
import { functionsSchema } from '../config/functions-schema.ts'

/** As text. What JSON schema has no words for, as what two keys rule out together, is left out. */
export function functionsJsonSchema(): string {
  const schema = toJsonSchema(functionsSchema, { errorMode: 'ignore' })
  return `${JSON.stringify({ title: 'Functions of aws-lambda-rie', ...schema }, null, 2)}\n`
}
