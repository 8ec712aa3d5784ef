/**
 * From the name of a handler to the function itself, with the errors of AWS's client for Node.js, to which is added
 * what the name is probably meant to be.
 */

import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { sampleHandler } from './command.ts'
import { RuntimeError } from './errors.ts'
import { hintForEnding, hintForMissing, locate, parseHandler } from './locate.ts'
import { repairForBundle } from './node-http.ts'

/** A handler of any kind; what it returns decides how its result is awaited. */
export type Handler = ((...args: unknown[]) => unknown) & { readonly [key: symbol]: unknown }

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
  if (code === 'MODULE_NOT_FOUND') {
    return new RuntimeError('ImportModuleError', `Error: ${thrown.message}${adviceOn(thrown.message)}`)
  }
  return code === 'ERR_MODULE_NOT_FOUND' ? importFailure(thrown.message) : thrown
}

/** What Lambda's own runtimes bring along has to be installed here. */
const adviceOn = (text: string): string => {
  const [, name] = /^Cannot find (?:module|package) '(@(?:aws-sdk|smithy)\/[^'/]+)/.exec(text) ?? []
  return name ? `\nLambda's Node.js runtimes bring it along; here: npm install --save-dev ${name}` : ''
}

/** An `import` of what is not there: an ordinary error to AWS's client, with the whole path of a file, as Node has it. */
const importFailure = (text: string): Error => {
  const [, name, from] =
    /^Cannot find (?:module|package) '([^']*)' (?:imported )?from (.+)$/s.exec(text) ?? []
  const message =
    name?.startsWith('.') && from
      ? `Cannot find module '${resolve(dirname(from), name)}' imported from ${from}`
      : text + adviceOn(text)
  const stack = `Error [ERR_MODULE_NOT_FOUND]: ${message}`
  return Object.assign(new Error(message), { stack: name && from ? stack + importFrame(from, name) : stack })
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** The place in the file that names what it imports, as a frame of a stack: bun tells none. */
function importFrame(file: string, name: string): string {
  const lines = textOf(file).split('\n')
  const names = [`'${name}'`, `"${name}"`]
  for (const [index, line] of lines.entries()) {
    const column = Math.max(...names.map((one) => line.indexOf(one)))
    if (column >= 0) return `\n    at ${file}:${index + 1}:${column + 1}`
  }
  return ''
}

interface Loaded {
  readonly module: unknown
  readonly path: string
}

const importModule = async (name: string, roots: readonly string[]): Promise<Loaded> => {
  // The literal path is what puts the sample into the compiled program.
  if (name === sampleHandler) return { module: await import('./sample.ts'), path: name }
  const parsed = parseHandler(name)
  const path = locate(parsed.module, roots)
  if (path === undefined) {
    const places = [...new Set(roots)].map((root) => `\n- ${root}`).join('')
    const hint = hintForMissing(parsed, roots)
    const looked = `Error: Cannot find module '${parsed.module}'\nLooked in:${places}`
    throw new RuntimeError('ImportModuleError', hint === '' ? looked : `${looked}\n${hint}`)
  }
  // where Node has the file that runs
  process.argv[1] = path
  try {
    const module = await import(path)
    repairForBundle(path)
    return { module, path }
  } catch (thrown) {
    throw translate(thrown)
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'

const findExport = (module: unknown, exported: string): unknown =>
  exported.split('.').reduce((value, key) => (isObject(value) ? value[key] : undefined), module)

/** The names of the functions that a module exports, of a CommonJS module those of its `module.exports`. */
const functionsOf = (module: unknown): string[] => {
  const inner = findExport(module, 'default')
  const all = [module, inner].flatMap((scope) =>
    isObject(scope) ? Object.keys(scope).filter((key) => typeof scope[key] === 'function') : [],
  )
  return [...new Set(all)].filter((name) => name !== 'default' || !isCommonFunction(module))
}

/** Whether it is a CommonJS module that is a function: bun has the properties of one beside `default`. */
const isCommonFunction = (module: unknown): boolean =>
  isObject(module) && typeof module.default === 'function' && Object.hasOwn(module, 'length')

const missingExport = (name: string, { module, path }: Loaded): RuntimeError => {
  const { module: stem, exported } = parseHandler(name)
  const hint = hintForEnding({ module: stem, exported }, path)
  if (hint !== '') return new RuntimeError('HandlerNotFound', `${name} is undefined or not exported; ${hint}`)
  const names = functionsOf(module)
  const some = names.length > 9 ? [...names.slice(0, 9), '…'] : names
  const meant = names.length === 1 && names[0] === 'default' ? `: did you mean ${stem}.default?` : ''
  const known = isCommonFunction(module)
    ? `module.exports of ${path} is the function itself, which has to be exports.${exported}`
    : `${path} exports ${names.length > 0 ? some.join(', ') + meant : 'no function'}`
  return new RuntimeError('HandlerNotFound', `${name} is undefined or not exported; ${known}`)
}

/** Loads the handler; everything it throws is meant for `/runtime/init/error`. */
export const loadHandler = async (name: string, roots: readonly string[]): Promise<Handler> => {
  const { exported } = parseHandler(name)
  const loaded = await importModule(name, roots)
  const { module } = loaded
  const handler = findExport(module, exported) || findExport(findExport(module, 'default'), exported)
  if (!handler) throw missingExport(name, loaded)
  if (typeof handler !== 'function') throw new RuntimeError('HandlerNotFound', `${name} is not a function`)
  return handler as Handler
}
