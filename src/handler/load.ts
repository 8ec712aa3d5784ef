/**
 * From the name of a handler to the function itself, by the rules and with the errors of AWS's client for Node.js.
 *
 * `folder/file.export` is looked up in the folder where the user typed it, then in `LAMBDA_TASK_ROOT`, then among
 * the installed packages of both. The first dot of the last path segment ends the name of the file.
 */

import { statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { SAMPLE_HANDLER } from './command.ts'
import { RuntimeError } from './errors.ts'
import { repairForBundle } from './node-http.ts'

/** A handler of any kind; what it returns decides how its result is awaited. */
export type Handler = ((...args: unknown[]) => unknown) & { readonly [key: symbol]: unknown }

const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '']

/** Splits the name of a handler into the path of its module and the path of its export. */
export const parseHandler = (name: string): { module: string; exported: string } => {
  if (name.includes('..')) {
    const hint = 'Use absolute paths when specifying root directories in handler names.'
    throw new RuntimeError('MalformedHandlerName', `'${name}' is not a valid handler name. ${hint}`)
  }
  const file = basename(name)
  const dot = file.indexOf('.')
  if (dot < 0) throw new RuntimeError('MalformedHandlerName', 'Bad handler')
  const folder = name.slice(0, name.length - file.length)
  return { module: folder + file.slice(0, dot), exported: file.slice(dot + 1) }
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

const findFile = (module: string, roots: readonly string[]) => {
  for (const root of roots) {
    const path = resolve(root, module)
    const extension = EXTENSIONS.find((candidate) => isFile(path + candidate))
    if (extension !== undefined) return path + extension
  }
  return undefined
}

const findPackage = (module: string, roots: readonly string[]) => {
  // A path is not the name of a package, and resolving it would find folders.
  if (/^\.?\//.test(module)) return undefined
  for (const root of roots) {
    try {
      return Bun.resolveSync(module, root)
    } catch {
      // Not there: the next root may have it.
    }
  }
  return undefined
}

/** What bun throws for a file that it cannot parse; it is neither a SyntaxError nor has it a stack. */
const parseFailure = (thrown: unknown): BuildMessage | undefined => {
  const first = thrown instanceof AggregateError ? thrown.errors[0] : thrown
  return first instanceof BuildMessage ? first : undefined
}

const translate = (thrown: unknown) => {
  const parse = parseFailure(thrown)
  if (parse) {
    const { file = '', line = 0, column = 1, lineText = '' } = parse.position ?? {}
    const message = `SyntaxError: ${parse.message}`
    const stack = `${file}:${line}\n${lineText}\n${' '.repeat(Math.max(0, column - 1))}^\n\n${message}`
    return new RuntimeError('UserCodeSyntaxError', message, stack)
  }
  if (thrown instanceof SyntaxError) {
    const message = `SyntaxError: ${thrown.message}`
    return new RuntimeError('UserCodeSyntaxError', message, thrown.stack ?? message)
  }
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code
  if (!(thrown instanceof Error)) return thrown
  if (code === 'MODULE_NOT_FOUND') return new RuntimeError('ImportModuleError', `Error: ${thrown.message}`)
  return code === 'ERR_MODULE_NOT_FOUND' ? importFailure(thrown.message) : thrown
}

/** An `import` of what is not there: an ordinary error to AWS's client, with the whole path of a file, as Node has it. */
const importFailure = (text: string): Error => {
  const [, name, from] = /^Cannot find module '(\.[^']*)' imported from (.+)$/s.exec(text) ?? []
  const message =
    name && from ? `Cannot find module '${resolve(dirname(from), name)}' imported from ${from}` : text
  return Object.assign(new Error(message), { stack: `Error [ERR_MODULE_NOT_FOUND]: ${message}` })
}

const importModule = async (name: string, module: string, roots: readonly string[]): Promise<unknown> => {
  // The literal path is what puts the sample into the compiled program.
  if (name === SAMPLE_HANDLER) return import('./sample.ts')
  const path = findFile(module, roots) ?? findPackage(module, roots)
  if (path === undefined) {
    const places = roots.map((root) => `\n- ${root}`).join('')
    throw new RuntimeError('ImportModuleError', `Error: Cannot find module '${module}'\nLooked in:${places}`)
  }
  // where Node has the file that runs
  process.argv[1] = path
  try {
    const loaded = await import(path)
    repairForBundle(path)
    return loaded
  } catch (thrown) {
    throw translate(thrown)
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'

const findExport = (module: unknown, exported: string): unknown =>
  exported.split('.').reduce((value, key) => (isObject(value) ? value[key] : undefined), module)

/** Loads the handler; everything it throws is meant for `/runtime/init/error`. */
export const loadHandler = async (name: string, roots: readonly string[]): Promise<Handler> => {
  const { module: path, exported } = parseHandler(name)
  const module = await importModule(name, path, roots)
  const handler = findExport(module, exported) || findExport(findExport(module, 'default'), exported)
  if (!handler) throw new RuntimeError('HandlerNotFound', `${name} is undefined or not exported`)
  if (typeof handler !== 'function') throw new RuntimeError('HandlerNotFound', `${name} is not a function`)
  return handler as Handler
}
