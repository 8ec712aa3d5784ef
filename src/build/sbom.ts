/**
 * What the programs contain, as CycloneDX defines it: the packages whose code is in them, Bun, which runs that code,
 * and the libraries that Bun is linked with, as far as Bun tells of them.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import lock from '../../bun.lock'
import self from '../../package.json'

interface Package {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const purl = ({ name, version }: { name: string; version: string }): string =>
  `pkg:npm/${name.replace('@', '%40')}@${version}`

/** The packages that these modules belong to, by folder, in the order of their names. */
export function packagesOf(modules: ReadonlySet<string>): Map<string, Package> {
  const folders = new Set<string>()
  for (const path of modules) folders.add(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? '')
  folders.delete('')
  const found = [...folders].map((folder): [string, Package] => [
    folder,
    JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')),
  ])
  return new Map(found.sort(([, a], [, b]) => (purl(a) < purl(b) ? -1 : 1)))
}

/** Of a package that may be there in several versions, the one that another gets, which is the nearest. */
function nearest(name: string, from: string, packages: ReadonlyMap<string, Package>): Package | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = packages.get(folder === '.' ? `node_modules/${name}` : `${folder}/node_modules/${name}`)
    if (found || folder === dirname(folder)) return found
  }
}

/** The SHA-512 of a package as it came from the registry. */
function sumOf({ name, version }: Package): string {
  const entry = Object.values(lock.packages).find(([id]) => id === `${name}@${version}`)
  const [, base64] = /^sha512-(.*)$/.exec(String(entry?.at(-1))) ?? []
  if (base64 === undefined) throw new Error(`bun.lock has no sum of ${name}@${version}`)
  return Buffer.from(base64, 'base64').toString('hex')
}

/** When the commit was made: the same in every build of it. Unknown outside of a repository. */
function commitTime(): string | undefined {
  const git = Bun.spawnSync(['git', 'log', '-1', '--format=%ct'], { stderr: 'ignore' })
  const seconds = process.env.SOURCE_DATE_EPOCH || git.stdout.toString().trim()
  return seconds === '' ? undefined : new Date(Number(seconds) * 1000).toISOString()
}

const component = (type: string, { name, version, license }: Package) => ({
  type,
  'bom-ref': purl({ name, version }),
  name,
  version,
  licenses: [{ license: { id: license } }],
  // ours is on no registry
  purl: type === 'application' ? undefined : purl({ name, version }),
})

const bun: Package = { name: 'bun', version: Bun.version, license: 'MIT' }

/** Names in `process.versions` of what is linked into Bun; the others are interfaces that it claims, or tools. */
const linked = [
  ...['ares', 'boringssl', 'icu', 'libarchive', 'libdeflate', 'llhttp', 'lolhtml', 'lshpack', 'mimalloc'],
  ...['picohttpparser', 'sqlite', 'tinycc', 'usockets', 'uwebsockets', 'webkit', 'zlib', 'zstd'],
]

/** Bun, with the versions, or commits, of the libraries in it; their licences are on a page of Bun's. */
const platform = () => ({
  ...component('platform', bun),
  externalReferences: [{ type: 'license', url: 'https://bun.com/docs/project/license' }],
  components: linked.map((name) => {
    const version = process.versions[name]
    if (version === undefined) throw new Error(`Bun ${bun.version} tells no version of ${name}`)
    return { type: 'library', 'bom-ref': `${purl(bun)}#${name}`, name, version }
  }),
})

/** The bill of materials of programs with these sums that are made of these modules. */
export function billOfMaterials(sums: ReadonlyMap<string, string>, modules: ReadonlySet<string>): object {
  const packages = packagesOf(modules)
  const dependsOn = (names: object = {}, from = '.') =>
    Object.keys(names).flatMap((name) => {
      const found = nearest(name, from, packages)
      return found ? purl(found) : []
    })
  const files = [...sums].map(([name, content]) => ({
    type: 'file',
    name,
    hashes: [{ alg: 'SHA-256', content }],
  }))
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${Bun.randomUUIDv5([...sums.values()].join(), 'url')}`,
    version: 1,
    metadata: {
      timestamp: commitTime(),
      component: { ...component('application', self), description: self.description, components: files },
    },
    components: [
      platform(),
      ...[...packages.values()].map((each) => ({
        ...component('library', each),
        hashes: [{ alg: 'SHA-512', content: sumOf(each) }],
      })),
    ],
    dependencies: [
      { ref: purl(self), dependsOn: [purl(bun), ...dependsOn(self.dependencies)] },
      ...[...packages].map(([folder, each]) => ({
        ref: purl(each),
        dependsOn: dependsOn(each.dependencies, folder),
      })),
    ],
    // Bun does not tell of everything that it is linked with
    compositions: [{ aggregate: 'incomplete', assemblies: [purl(bun)] }],
  }
}
