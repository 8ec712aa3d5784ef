/** Web frameworks behind the Function URL, and how each is brought here by its own package manager. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, type Launch, need, run } from '../clients/client.ts'
import { allClients } from '../clients/clients.ts'
import { freePort } from '../kit/launch.ts'

export interface Framework {
  readonly name: string
  /** Name and version, as the table shows them. */
  readonly title: string
  /** Installs and builds, once; throws `Unavailable` where that is impossible. */
  prepare(): Promise<Served>
  /** Cases that this framework cannot have, each with the reason. */
  readonly lacks: Readonly<Record<string, string>>
}

export interface Served {
  readonly launch: Launch
  /** the same site with streamed answers */
  readonly streamed?: Launch
  /** options of the emulator */
  readonly flags?: readonly string[]
}

const app = (name: string): string => join(import.meta.dir, 'apps', name)

/** All serve the same page. */
const withPage = (folder: string): Promise<void> =>
  cp(join(import.meta.dir, 'page.mjs'), join(folder, 'page.mjs'))

const hono: Framework = {
  name: 'hono',
  title: 'Node, hono 4.13.19',
  lacks: {},
  async prepare() {
    const client = await allClients.find(({ name }) => name === 'node')!.prepare()
    const folder = await cached(
      'url-hono',
      '4.13.19',
      {
        async install(folder) {
          await Bun.write(join(folder, 'package.json'), '{"private":true}')
          const install = [need('npm'), 'install', '--no-audit', '--no-fund', '--save-exact']
          await run([...install, 'hono@4.13.19'], { cwd: folder })
        },
      },
      app('hono'),
    )
    await withPage(folder)
    const runtime = client.command.slice(0, 2)
    return {
      launch: { command: [...runtime, 'index.handler'], cwd: folder },
      streamed: { command: [...runtime, 'index.stream'], cwd: folder },
    }
  },
}

const mangum: Framework = {
  name: 'mangum',
  title: 'Python, mangum 0.22.0 with starlette 1.10.0',
  lacks: { follow: "Python's runtime client has no streamed answers" },
  async prepare() {
    const folder = await cached(
      'url-mangum',
      '0.22.0',
      {
        async install(folder) {
          await run([need('python3'), '-m', 'venv', 'venv'], { cwd: folder })
          const packages = [
            'awslambdaric==4.2.2',
            'mangum==0.22.0',
            'starlette==1.10.0',
            'python-multipart==0.0.34',
          ]
          await run(['venv/bin/pip', 'install', '--quiet', ...packages], { cwd: folder })
        },
      },
      app('mangum'),
    )
    await withPage(folder)
    return {
      launch: {
        command: [join(folder, 'venv/bin/python'), '-m', 'awslambdaric', 'app.handler'],
        cwd: folder,
      },
    }
  },
}

const webAdapter: Framework = {
  name: 'web-adapter',
  title: "AWS's web adapter 1.0.0-rc1, any web server",
  lacks: {},
  async prepare() {
    const node = need('node')
    const folder = await cached(
      'url-web-adapter',
      '1.0.0-rc1',
      {
        install: (folder) =>
          run(
            [
              need('cargo'),
              'install',
              'lambda_web_adapter',
              '--version',
              '1.0.0-rc1',
              '--locked',
              '--root',
              folder,
            ],
            { cwd: folder },
          ),
      },
      app('web-adapter'),
    )
    await withPage(folder)
    const command = [node, 'server.mjs']
    const port = String(freePort())
    const env = { PORT: port, AWS_LWA_PORT: port }
    return {
      launch: { command, cwd: folder, env },
      streamed: { command, cwd: folder, env: { ...env, AWS_LWA_INVOKE_MODE: 'response_stream' } },
      flags: ['--extensions-dir', join(folder, 'bin')],
    }
  },
}

export const allFrameworks: readonly Framework[] = [hono, mangum, webAdapter]
