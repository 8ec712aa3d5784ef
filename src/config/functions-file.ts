/** `--functions FILE`: several functions, and what each has of its own. Loaded where there is such a file. */

import { dirname, resolve } from 'node:path'
import type { FunctionsOutside } from './configure.ts'
import { type DocumentPath, type ParsedDocument, readDocument } from './document.ts'
import { checkFunctions, type FunctionEntry, type SchemaMistake } from './functions-schema.ts'
import { type Option, ownOptions, type Variable, variableOptions } from './options.ts'
import type { FoundFunctions, FunctionSetup } from './system.ts'
import type { Given } from './variables.ts'

/** What a key of the file stands for. */
const keys = {
  timeout: ownOptions.functionTimeoutMs,
  memorySize: ownOptions.memorySize,
  version: variableOptions.functionVersion,
  maxEnvironments: ownOptions.maxEnvironments,
  maxQueue: ownOptions.maxQueue,
  initTimeout: ownOptions.initTimeoutMs,
  extensionsDir: ownOptions.extensionsDirectory,
  logFormat: ownOptions.logFormat,
  logLevel: variableOptions.applicationLogLevel,
} as const

const urlKeys = {
  address: ownOptions.functionUrl,
  invokeMode: ownOptions.functionUrlInvokeMode,
  cors: ownOptions.functionUrlCors,
} as const

const asyncKeys = {
  maxRetries: ownOptions.asyncMaxRetries,
  maxAge: ownOptions.asyncMaxAgeMs,
  retryDelays: ownOptions.asyncRetryDelaysMs,
  onSuccess: ownOptions.onSuccess,
  onFailure: ownOptions.onFailure,
} as const

const durableKeys = {
  executionTimeout: ownOptions.durableExecutionTimeout,
  retentionDays: ownOptions.durableRetentionDays,
  retryDelays: ownOptions.durableRetryDelaysMs,
} as const

/** Throws `ConfigError` for a file that cannot be read, and for what is no document. */
export function readFunctions(file: string, { probe }: FunctionsOutside): FoundFunctions {
  const path = resolve(probe.cwd(), file)
  const document = readDocument(file, path)
  const { functions, mistakes } = checkFunctions(document.value)
  const folder = dirname(path)
  return {
    setups: Object.entries(functions).map(([name, entry]) => setupOf(document, folder, name, entry)),
    mistakes: mistakes.map((mistake) => described(document, mistake)),
    warnings: [],
  }
}

function described(document: ParsedDocument, { path, text, known }: SchemaMistake): string {
  const where = `${place(document, path)} ${text}`
  if (known === undefined) return where
  const { nearest } = require('./suggest.ts') as typeof import('./suggest.ts')
  const near = nearest(String(path.at(-1)), known)
  return near === undefined
    ? `${where}; allowed: ${known.join(', ')}`
    : `${where}; the nearest one is ${near}`
}

/** `FILE:LINE: functions.orders.timeout` */
function place(document: ParsedDocument, path: DocumentPath): string {
  return `${document.file}:${document.lineOf(path)}: ${path.join('.') || 'the file'}`
}

function setupOf(
  document: ParsedDocument,
  folder: string,
  name: string,
  entry: FunctionEntry,
): FunctionSetup {
  const at = ['functions', name]
  const values = new Map<Variable<unknown>, Given>()
  function give(option: Variable<unknown> | Option<unknown>, path: DocumentPath, value: unknown): void {
    if (value === undefined) return
    const where = place(document, [...at, ...path])
    // printed as it is, so it is a text elsewhere
    const isText = option === ownOptions.memorySize
    values.set(option, isText ? { name: where, text: String(value) } : { name: where, value })
  }
  const { command, handler, functionUrl, async: asynchronous, durable } = entry
  for (const [key, option] of Object.entries(keys)) give(option, [key], entry[key as keyof typeof keys])
  for (const [key, option] of Object.entries(asyncKeys)) {
    give(option, ['async', key], asynchronous?.[key as keyof typeof asyncKeys])
  }
  for (const [key, option] of Object.entries(urlKeys)) {
    give(option, ['functionUrl', key], functionUrl?.[key as keyof typeof urlKeys])
  }
  if (durable !== undefined) give(ownOptions.durable, ['durable'], durable !== false)
  if (typeof durable === 'object') {
    for (const [key, option] of Object.entries(durableKeys)) {
      give(option, ['durable', key], durable[key as keyof typeof durableKeys])
    }
  }
  const extensions = entry.extensionsDir
  if (extensions !== undefined) give(keys.extensionsDir, ['extensionsDir'], resolve(folder, extensions))
  return {
    name,
    aliases: [],
    place: place(document, at),
    placeOf: (key) => place(document, [...at, ...key]),
    command: command ?? [],
    handler,
    cwd: resolve(folder, entry.cwd ?? '.'),
    directory: folder,
    environment: Object.fromEntries(
      Object.entries(entry.environment ?? {}).map(([variable, value]) => [variable, String(value)]),
    ),
    layers: (entry.layers ?? []).map((layer) => resolve(folder, layer)),
    url: functionUrl === undefined ? null : { path: functionUrl.path ?? null },
    values,
    broken: null,
    namesUrls: false,
  }
}
