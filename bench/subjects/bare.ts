/** This emulator without the inner loop: what watch, console, debugger, attach and client cost those who use none of them. */
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
  'process/attached.ts': 'export const withAttachedRuntime = (processes) => processes',
  'engine/attachment.ts': 'export class Attachment {}',
  'process/inspector.ts': `export const inspectorVariables = []
    export const withoutInspector = () => undefined
    export const withoutOwnInspector = (env) => env
    export const startWithoutInspector = () => {}
    export const keepsInspector = () => false
    export const giveInspector = () => {}`,
}

/** A line of the pool that tells the console. */
const tap = /^\s*this\.tap\?\..*\n/m

const withoutInnerLoop: Bun.BunPlugin = {
  name: 'without the inner loop',
  setup(build) {
    build.onLoad({ filter: /\/src\/[\w/-]+\.ts$/ }, async ({ path }) => {
      const name = path.slice(join(root, 'src/').length)
      const stub = leftOut[name]
      if (stub !== undefined) return { contents: stub, loader: 'ts' }
      const contents = await Bun.file(path).text()
      if (name !== 'engine/pool.ts') return { contents, loader: 'ts' }
      if (!tap.test(contents)) throw new Error(`${path} has another tap than this file expects`)
      return { contents: contents.replaceAll(new RegExp(tap, 'gm'), ''), loader: 'ts' }
    })
  },
}

let compiled: Promise<unknown> | undefined

export const bare: Subject = {
  name: 'ours-bare',
  about: 'the same sources, compiled without watch, console, debugger, attach and client',
  async prepare() {
    await ours.prepare()
    const artifact = released.find(({ arch, name }) => arch === process.arch && !name.endsWith('-musl'))
    if (artifact === undefined) throw new Unavailable(`there is no program for ${process.arch}`)
    compiled ??= compile({ ...artifact, name: 'ours-bare' }, cacheFolder, [withoutInnerLoop])
    await compiled
  },
  launch: (setup) => launchOurs(binary, setup),
}
