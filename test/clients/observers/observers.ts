/** Extensions that have telemetry delivered, and how each is brought here by its own package manager. */
import { chmod, copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, need, run } from '../client.ts'
import { rustFolder } from '../clients.ts'

export interface Observer {
  readonly name: string
  /** Name and version, as the table shows them. */
  readonly title: string
  /** which of the two APIs it subscribes to */
  readonly api: 'telemetry' | 'logs'
  /** Cases that this extension cannot have, each with the reason. */
  readonly lacks: Readonly<Record<string, string>>
  /** Installs and builds, once: the folder of the extension, and its variables. Throws `Unavailable`. */
  prepare(): Promise<Watching>
}

export interface Watching {
  readonly directory: string
  readonly env: Readonly<Record<string, string>>
}

const noSpans = 'this extension makes no spans'

/** Lays a program as the only extension into a folder of its own. */
async function laid(
  folder: string,
  name: string,
  program: string | { readonly script: string },
): Promise<string> {
  const directory = join(folder, `extensions-${name}`)
  const file = join(directory, name)
  await mkdir(directory, { recursive: true })
  if (typeof program === 'string') await copyFile(program, file)
  else await Bun.write(file, `#!/bin/sh\nexec ${program.script}\n`)
  await chmod(file, 0o755)
  return directory
}

const inRust = (name: string, api: Observer['api'], what: string, lacks: Observer['lacks']): Observer => ({
  name,
  title: `Rust, lambda-extension 1.1.1, ${what}`,
  api,
  lacks,
  async prepare() {
    const folder = await rustFolder()
    return {
      directory: await laid(folder, name, join(folder, 'target/release/observer')),
      env: { OBSERVE: api },
    }
  },
})

const otelVersion = '1.45.2'

const otel: Observer = {
  name: 'otel',
  title: `Python, a collector on opentelemetry-sdk ${otelVersion}`,
  api: 'telemetry',
  lacks: {},
  async prepare() {
    const folder = await cached(
      'observer-otel',
      otelVersion,
      {
        async install(folder) {
          await run([need('python3'), '-m', 'venv', 'venv'], { cwd: folder })
          await run(['venv/bin/pip', 'install', '--quiet', `opentelemetry-sdk==${otelVersion}`], {
            cwd: folder,
          })
        },
      },
      join(import.meta.dir, 'otel'),
    )
    const script = `'${folder}/venv/bin/python' '${folder}/observer.py'`
    return { directory: await laid(folder, 'otel', { script }), env: { OBSERVER_NAME: 'otel' } }
  },
}

export const allObservers: readonly Observer[] = [
  inRust('telemetry', 'telemetry', 'telemetry processor', {
    'observe-spans': noSpans,
    'observe-json': 'this crate asks for the first schema of records, which has lines as text',
  }),
  inRust('logs', 'logs', 'logs processor', {
    'observe-spans': noSpans,
    'observe-stream': 'records of the Logs API do not tell how much was produced',
    'observe-json': 'records of the Logs API have lines as text',
  }),
  otel,
]
