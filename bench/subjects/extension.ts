/** A folder with the extension in C that subscribes to INVOKE. */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { compileC, root } from '../build.ts'

/** Returns the path of the extension, which is alone in its folder. */
export async function layExtension(): Promise<string> {
  const folder = join(root, '.cache', 'bench', 'invoke-extension')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'told')
  copyFileSync(await compileC('functions/extension.c'), file)
  return file
}
