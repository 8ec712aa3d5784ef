/** Tables of CONTRIBUTING that are made from the code: each stands between two comments with its name. */

const contributing = new URL('../../CONTRIBUTING.md', import.meta.url)

const between = (name: string): RegExp =>
  new RegExp(`(<!-- ${name}:begin -->\\n)([\\s\\S]*?)(\\n<!-- ${name}:end -->)`)

/** A table as Markdown; the first row has the titles. */
export function markdownTable([titles = [], ...rows]: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => '---'), ...rows]
    .map((cells) => `|${cells.map((cell) => (cell === '' ? ' ' : ` ${cell} `)).join('|')}|`)
    .join('\n')
}

/** The table of this name as CONTRIBUTING has it. */
export async function keptTable(name: string): Promise<string> {
  return between(name).exec(await Bun.file(contributing).text())?.[2] ?? 'missing'
}

/** Puts it there. */
export async function renewTable(name: string, table: string): Promise<void> {
  const text = await Bun.file(contributing).text()
  await Bun.write(
    contributing,
    text.replace(between(name), (_, begin, _old, end) => begin + table + end),
  )
}
