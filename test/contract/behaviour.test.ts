/** What a comment cites is there: facts in `behaviour.md` by number, decisions by heading, nothing outside this repository. */

import { describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { root } from '../kit/launch.ts'
import { chapters } from './chapters.ts'

const behaviour = readFileSync(join(import.meta.dir, 'behaviour.md'), 'utf8')
const decisions = readFileSync(join(root, 'DECISIONS.md'), 'utf8')

const oneLine = (text: string): string => text.replace(/\s+/g, ' ')

/** The facts by number. */
const facts = new Map(
  behaviour.split('\n\n').flatMap((block) => {
    const fact = /^\*\*(\d+\.\d+)\*\* /.exec(block)
    return fact === null ? [] : [[fact[1] as string, oneLine(block)] as const]
  }),
)
const headings = [...decisions.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading as string)
const pages = [...behaviour.matchAll(/^\| ([A-Z]+) \| \[[^\]]+\]\(https:\/\//gm)].map(
  ([, key]) => key as string,
)
const titles = new Set(chapters.flatMap(({ cases }) => cases.map(({ title }) => title)))

const citing = [
  ...['src', 'test', 'bench'].flatMap((folder) =>
    [...new Bun.Glob('**/*.{ts,mjs,py,c,go,rs,java,sh,md}').scanSync(join(root, folder))].map(
      (path) => `${folder}/${path}`,
    ),
  ),
  ...['README.md', 'DECISIONS.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'build.ts', '.ci/run'],
].filter((path) => !/(^|\/)(node_modules|\.cache|target)\//.test(path) && path !== own())

function own(): string {
  return `test/contract/${basename(import.meta.path)}`
}

/** What a file says to people, in one line: a page of text as it is, of a program its comments. */
function text(path: string): string {
  const whole = readFileSync(join(root, path), 'utf8')
  if (path.endsWith('.md')) return oneLine(whole)
  const comments = whole.match(/\/\*[\s\S]*?\*\/|(?<![:'"`\w])\/\/.*|^[ \t]*#.*/gm) ?? []
  return oneLine(comments.join('\n').replace(/\n[ \t]*(?:\*|\/\/|#) ?/g, ' '))
}

/** Files of this repository that a text may name, wherever it stands. */
const documents = ['README.md', 'DECISIONS.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'behaviour.md']

describe('behaviour.md', () => {
  test('its facts are numbered one after the other, under the chapter of their number', () => {
    const numbers = [...behaviour.matchAll(/^(?:## (\d+)\. |\*\*(\d+\.\d+)\*\* )/gm)].map(
      ([, chapter, fact]) => chapter ?? fact,
    )
    const expected: string[] = []
    for (const number of numbers) {
      const [chapter, fact] = (number ?? '').split('.').map(Number)
      const [before = 0, last = 0] = (expected.at(-1) ?? '0').split('.').map(Number)
      if (fact === undefined) expected.push(String(before + 1))
      else expected.push(`${before}.${last + 1}`)
      expect(chapter).toBe(Number(expected.at(-1)?.split('.')[0]))
    }
    expect(numbers).toEqual(expected)
    expect(facts.size).toBeGreaterThan(0)
  })

  test('every fact has a source', () => {
    const without = [...facts].filter(([, fact]) => !/\[[A-Z]+\]/.test(fact) && !/ Case: "/.test(fact))
    expect(without.map(([number]) => number)).toEqual([])
  })

  test('every page is listed, and every listed page is a source', () => {
    const named = [...facts.values()].flatMap((fact) =>
      [...fact.matchAll(/\[([A-Z]+)\]/g)].map(([, key]) => key),
    )
    expect([...new Set(named)].toSorted()).toEqual(pages.toSorted())
  })

  test('every case is there', () => {
    const named = [...facts.values()].flatMap((fact) => {
      const cases = fact.split(' Case: ')[1]
      return cases === undefined ? [] : [...cases.matchAll(/"([^"]+)"/g)].map(([, title]) => title as string)
    })
    expect(named.filter((title) => !titles.has(title))).toEqual([])
    expect(named.length).toBeGreaterThan(0)
  })
})

describe('what is cited', () => {
  test('facts of behaviour.md are there', () => {
    const cited = citing.flatMap((path) =>
      [...text(path).matchAll(/behaviour\.md`? (\d+\.\d+(?:(?:, | and | to )\d+\.\d+)*)/g)].flatMap(
        ([, numbers]) => (numbers as string).split(/, | and | to /).map((number) => ({ path, number })),
      ),
    )
    expect(cited.filter(({ number }) => !facts.has(number))).toEqual([])
    expect(cited.length).toBeGreaterThan(1)
  })

  test('decisions are there under the heading that is named', () => {
    const cited = citing.flatMap((path) =>
      [...text(path).matchAll(/DECISIONS\.md, "([^"]+)"/g)].map(([, heading]) => ({ path, heading })),
    )
    expect(cited.filter(({ heading }) => !headings.includes(heading as string))).toEqual([])
    expect(cited.length).toBeGreaterThan(0)
  })

  test('no document is named that a clone does not have', () => {
    const foreign = citing.flatMap((path) =>
      [...text(path).matchAll(/(?<![\w/.<-])((?:[\w.-]+\/)*[\w.-]+\.md)\b/g)]
        .map(([, name]) => name as string)
        .filter((name) => !documents.includes(name) && !existsSync(join(root, name)))
        .filter((name) => !existsSync(join(root, dirname(path), name)))
        .map((name) => `${path} names ${name}`),
    )
    expect(foreign).toEqual([])
  })

  test('files of the program that are named are there, with what is said to be in them', () => {
    const missing: string[] = []
    let named = 0
    // the README names files of its readers, and so do cases about those
    for (const path of citing.filter((one) => /^(src|bench)\/|^(DECISIONS|CONTRIBUTING)\.md$/.test(one))) {
      const found = text(path).matchAll(
        /(?:`(\w+)`(?: and `(\w+)`)? in `?)?(?<![\w./-])((?:[\w-]+\/)*[\w-]+(?:\.test|\.d)?\.ts)\b/g,
      )
      for (const [all, one, other, name] of found) {
        named++
        const place = placeOf(name as string, path)
        if (place === undefined) missing.push(`${path} names ${name}`)
        else {
          const code = readFileSync(place, 'utf8')
          const absent = [one, other].some((word) => word !== undefined && !code.includes(word))
          if (absent) missing.push(`${path} says: ${all}`)
        }
      }
    }
    expect(missing).toEqual([])
    expect(named).toBeGreaterThan(50)
  })
})

/** Beside the file that names it or above; by a longer path also from `src` on; a page of text may give the mere name. */
function placeOf(name: string, path: string): string | undefined {
  const folders = ['src']
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.push(folder)
    if (folder === '.') break
  }
  const found = folders.map((folder) => join(root, folder, name)).find((place) => existsSync(place))
  if (found !== undefined || !path.endsWith('.md') || name.includes('/')) return found
  const own = citing.find((one) => /^(src|test|bench)\//.test(one) && basename(one) === name)
  return own === undefined ? undefined : join(root, own)
}
