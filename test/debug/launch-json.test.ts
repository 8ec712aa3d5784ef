/**
 * The README's `.vscode/launch.json`: what each debugger of VS Code takes in an `attach`, as the `configurationAttributes` of its
 * extension's package.json have it (vscode-js-debug, vscode-python-debugger, vscode-go, vscode-java-debug), as far as it is used here.
 * An attribute that the editor does not know it underlines, and ignores.
 */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv, { type SchemaObject } from 'ajv'

const text = { type: 'string' }
const port = { type: 'integer', minimum: 1, maximum: 65_535 }
const local = { const: '127.0.0.1' }
/** The folder that the editor has open, and the one that the container has. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: so it is called in launch.json
const workspace = { const: '${workspaceFolder}' }
const task = { const: '/var/task' }

const object = (properties: Readonly<Record<string, SchemaObject>>, optional: readonly string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
})

/** What every configuration has. */
const shared = (type: string) => ({ name: text, type: { const: type }, request: { const: 'attach' } })

const schemas: Readonly<Record<string, SchemaObject>> = {
  node: object({
    ...shared('node'),
    address: local,
    port,
    localRoot: workspace,
    remoteRoot: task,
    // to whom it attaches may come again
    restart: { const: true },
  }),
  debugpy: object({
    ...shared('debugpy'),
    connect: object({ host: local, port }),
    pathMappings: { type: 'array', minItems: 1, items: object({ localRoot: workspace, remoteRoot: task }) },
    // read by debugpy's adapter itself
    restart: { const: true },
  }),
  go: object({
    ...shared('go'),
    mode: { const: 'remote' },
    host: local,
    port,
    substitutePath: { type: 'array', minItems: 1, items: object({ from: workspace, to: task }) },
  }),
  java: object({ ...shared('java'), hostName: local, port }),
}

const readme = readFileSync(join(import.meta.dir, '../../README.md'), 'utf8')
const [, chapter = ''] = /\n## Stop in it with a debugger\n([\s\S]*?)\n## /.exec(readme) ?? []
const [, json = ''] = /```jsonc\n([\s\S]*?)```/.exec(chapter) ?? []
const { version, configurations } = Bun.JSONC.parse(json) as {
  version: string
  configurations: ({ type: string } & Record<string, unknown>)[]
}

test('there is a configuration for each runtime of the table, with the port that it publishes', () => {
  expect(version).toBe('0.2.0')
  const published = [...chapter.matchAll(/^\| (\w+) \|.*`-p 127\.0\.0\.1:(\d+):\2` \|$/gm)].map(
    ([, runtime, number]) => [runtime, Number(number)],
  )
  const portOf = ({ port, connect }: Record<string, unknown>) =>
    port ?? (connect as { port: number } | undefined)?.port
  const names: Record<string, string> = { node: 'Node', debugpy: 'Python', go: 'Go', java: 'Java' }
  expect(configurations.map((one) => [names[one.type], portOf(one)])).toEqual(published)
})

test.each(configurations.map((one) => [one.type, one] as const))(
  'the configuration of %s has what its debugger takes, and no more',
  (type, configuration) => {
    const ajv = new Ajv({ allErrors: true })
    ajv.validate(schemas[type] ?? { not: {} }, configuration)
    expect(ajv.errors ?? []).toEqual([])
  },
)
