/**
 * This emulator without what only some use: what watch, console, debugger, attach, clients and durable executions cost those
 * who use none of them.
 */
import { join } from 'node:path'
import { compile, released } from '../../build.ts'
import { cacheFolder, root } from '../build.ts'
import { type Subject, Unavailable } from '../subject.ts'
import { launchOurs, ours } from './ours.ts'

const binary = join(cacheFolder, 'ours-bare')

/** Files that are left out, each with what it exports to those who stay. */
const leftOut: Readonly<Record<string, string>> = {
  'reload.ts': 'export const reloadOnChange = () => null',
  'open-console.ts': 'export const openConsole = () => null',
  'invoke/main.ts': 'export const main = () => 2\nexport const avoidProxies = () => {}',
  'invoke/durable.ts': 'export const durable = () => 2',
  'open-durable.ts': 'export const openDurable = () => null',
  'gateway/start-run.ts': 'export const startRun = () => {}',
  'process/attached.ts': 'export const withAttachedRuntime = (processes) => processes',
  'engine/attachment.ts': 'export class Attachment {}',
  'process/inspector.ts': `export const inspectorVariables = []
    export const withoutInspector = () => undefined
    export const withoutOwnInspector = (env) => env
    export const startWithoutInspector = () => {}
    export const keepsInspector = () => false
    export const giveInspector = () => {}`,
}

/** Lines that those who stay have for it. */
const cuts: Readonly<Record<string, RegExp>> = {
  // tells the console
  'engine/pool.ts': /^\s*this\.tap\?\..*\n/gm,
  // hand calls to durable executions
  'gateway/server.ts': /^ +if \(durable\?\.serves\(target\)\) \{\n(.*\n)*?^ +\}\n/gm,
  'gateway/invoke.ts': /^ +if \(served\.durable !== null && this\.startsRun\(.*\n/gm,
}

const withoutParts: Bun.BunPlugin = {
  name: 'without what only some use',
  setup(build) {
    build.onLoad({ filter: /\/src\/[\w/-]+\.ts$/ }, async ({ path }) => {
      const name = path.slice(join(root, 'src/').length)
      const stub = leftOut[name]
      if (stub !== undefined) return { contents: stub, loader: 'ts' }
      const text = await Bun.file(path).text()
      const contents = text.replaceAll(cuts[name] ?? /$^/g, '')
      if (name in cuts && contents === text) throw new Error(`${path} has other lines than this file cuts`)
      return { contents, loader: 'ts' }
    })
  },
}

let compiled: Promise<unknown> | undefined

export const bare: Subject = {
  name: 'ours-bare',
  about:
    'the same sources, compiled without watch, console, debugger, attach, clients and durable executions',
  async prepare() {
    await ours.prepare()
    const artifact = released.find(({ arch, name }) => arch === process.arch && !name.endsWith('-musl'))
    if (artifact === undefined) throw new Unavailable(`there is no program for ${process.arch}`)
    compiled ??= compile({ ...artifact, name: 'ours-bare' }, cacheFolder, [withoutParts])
    await compiled
  },
  launch: (setup) => launchOurs(binary, setup),
}
