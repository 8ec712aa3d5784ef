/**
 * Makes what programs get that embed the emulator, in `lib/`: `src` file by file, without types and comments, which are
 * half of it. `bun pm pack` runs it; within this repository, the package's name means `src/index.ts` (tsconfig.json).
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = import.meta.dir
const from = join(root, 'src')
const to = join(root, 'lib')

/** What is the program's alone: the client, its example events, and the script of `bun run dev`. */
const leftOut = /^(invoke|events)\/|^dev\.ts$/

const transpiler = new Bun.Transpiler({ loader: 'ts', target: 'bun' })

rmSync(to, { recursive: true, force: true })
for (const path of new Bun.Glob('**/*').scanSync(from)) {
  if (leftOut.test(path)) continue
  mkdirSync(dirname(join(to, path)), { recursive: true })
  const isCode = path.endsWith('.ts') && !path.endsWith('.d.ts')
  if (isCode)
    await Bun.write(join(to, path), transpiler.transformSync(await Bun.file(join(from, path)).text()))
  else cpSync(join(from, path), join(to, path))
}
