/**
 * The licences of the packages whose code is in the programs, as their authors wrote them: each asks that its text goes with
 * every copy, and the bundle leaves comments out.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packagesOf } from './sbom.ts'

const line = '-'.repeat(80)

/** The notices for programs that are made of these modules. Throws for a package without a licence file. */
export function notices(modules: ReadonlySet<string>): string {
  const parts = [...packagesOf(modules)].map(([folder, { name, version, license }]) => {
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    if (files.length === 0) throw new Error(`${folder} has no file with its licence, ${license}`)
    const texts = files.toSorted().map((file) => readFileSync(join(folder, file), 'utf8').trim())
    return `${line}\n${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`
  })
  return `The programs contain Bun ${Bun.version}, whose licence and those of the libraries in it are on
https://bun.com/docs/project/license, and code of these packages:

${parts.join('\n')}`
}
