/** The section "In your image" of the README: its snippets are what the cases run. */
import { chmodSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { root } from './podman.ts'

const text = await Bun.file(join(root, 'README.md')).text()
const [, found = ''] = /<!-- image:begin -->([\s\S]*)<!-- image:end -->/.exec(text) ?? []

/** The whole section, or nothing when the README has none. */
export const section: string = found

const snippets = new Map<string, string>()
for (const [, name = '', code = ''] of section.matchAll(/<!-- test: (\S+) -->\n```\w+\n([\s\S]*?)```\n/g))
  snippets.set(name, code)

const used = new Set<string>()

/** A snippet, word for word. */
export function snippet(name: string): string {
  const code = snippets.get(name)
  if (code === undefined) throw new Error(`the README has no snippet ${name}`)
  used.add(name)
  return code
}

/** Code in the section that no case has run, and how many blocks of code have no name at all. */
export function untried(): { readonly names: string[]; readonly nameless: number } {
  const blocks = section.match(/^```\w+$/gm)?.length ?? 0
  return { names: [...snippets.keys()].filter((name) => !used.has(name)), nameless: blocks - snippets.size }
}

/** Writes a snippet where the documentation says; a script is made executable, as it says too. */
export async function save(name: string, file: string, before = ''): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await Bun.write(file, before + snippet(name))
  if (file.endsWith('.sh')) chmodSync(file, 0o755)
}

/** What one sees where something is missing: the section must show it. */
export function documented(message: string): void {
  if (!section.includes(message)) throw new Error(`the README does not show: ${message}`)
}
