/**
 * The commands of the README on a clean clone of the commit that is checked out. A comment before a block says what is done
 * with it: `run` runs it to its end; `serve` starts it, and waits until it listens; `call` runs it beside what was started
 * last, and beside every `serve` before the first `call`, and its output has to contain the rest of the comment;
 * `run-beside NAME` starts that one again for it. Ports are others than those of the page, so that nobody is in the way.
 */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { killMarked, mark, Output, tempDir, until } from './harness.ts'

const root = join(import.meta.dir, '..')

interface Block {
  readonly kind: string
  readonly rest: string
  readonly language: string
  readonly code: string
}

/** The named blocks of a text, in their order. */
export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^<!-- ([\w-]+)(?:: (.*?))? -->\n```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, kind = '', rest = '', language = '', code = '']) => ({ kind, rest, language, code }),
  )
}

async function main(): Promise<number> {
  const readme = await Bun.file(join(root, 'README.md')).text()
  const start = /^## Start$([\s\S]*?)^## /m.exec(readme)?.[1] ?? ''
  const blocks = blocksOf(start)
  using home = tempDir()
  const tools = join(home.path, 'tools')
  mkdirSync(tools)
  symlinkSync(process.execPath, join(tools, 'bun'))
  const port = await freePort()
  const base = {
    ...process.env,
    HOME: home.path,
    PATH: `${tools}:${home.path}/tools/venv/bin:${home.path}/bun-lambda-rie/dist:${process.env.PATH}`,
    AWS_LAMBDA_RIE_ADDRESS: `localhost:${port}`,
    AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS: 'localhost:0',
    AWS_ENDPOINT_URL_LAMBDA: `http://localhost:${port}`,
    // caches of whoever runs this
    BUN_INSTALL_CACHE_DIR: process.env.BUN_INSTALL_CACHE_DIR ?? `${process.env.HOME}/.bun/install/cache`,
    npm_config_cache: process.env.npm_config_cache ?? `${process.env.HOME}/.npm`,
  }
  const adapt = (code: string): string =>
    code
      .replaceAll('localhost:8080', `localhost:${port}`)
      .replace(/https:\S+\/bun-lambda-rie\.git/, `${root} bun-lambda-rie`)

  /** Runs a block in a shell; gives its output, or throws with it. */
  async function run(
    code: string,
    shell = ['bash', '-e', '-u', '-o', 'pipefail', '-c', code],
  ): Promise<string> {
    const child = Bun.spawn(shell, {
      cwd: home.path,
      env: base,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    if (status !== 0) throw new Error(`it ended with ${status}\n${out}${err}`)
    return out
  }

  /** Starts a block; it listens when this resolves. */
  async function serve(code: string) {
    const marks = mark()
    const env = { ...base, ...marks }
    const child = Bun.spawn(['bash', '-e', '-c', adapt(code)], {
      cwd: home.path,
      env,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const stdout = new Output('stdout', child.stdout)
    const stderr = new Output('stderr', child.stderr)
    try {
      await until(
        'it to listen',
        () => {
          if (child.exitCode !== null)
            throw new Error(`it ended with ${child.exitCode}\n${stdout.text}${stderr.text}`)
          return stderr.text.includes('"msg":"listening')
        },
        240_000,
      )
    } catch (error) {
      await killMarked(marks)
      throw error
    }
    return { [Symbol.asyncDispose]: () => killMarked(marks) }
  }

  let passed = 0
  let failed = 0
  async function attempt(name: string, action: () => Promise<void>): Promise<void> {
    const since = performance.now()
    try {
      await action()
      passed++
      console.log(`ok ${name} (${((performance.now() - since) / 1000).toFixed(1)} s)`)
    } catch (error) {
      failed++
      console.log(`FAILED ${name}: ${(error as Error).message}`)
    }
  }

  const served = new Map(blocks.filter(({ kind }) => kind === 'serve').map(({ rest, code }) => [rest, code]))
  const waiting: Block[] = []
  for (const block of blocks) {
    const { kind, rest, language, code } = block
    if (kind === 'run') await attempt(rest, async () => void (await run(adapt(code))))
    else if (kind === 'serve') waiting.push(block)
    else if (kind === 'call') {
      for (const { rest: name, code: how } of waiting.splice(0)) {
        await attempt(name, async () => {
          await using _ = await serve(how)
          const said = await run(adapt(code))
          if (!said.includes(rest)) throw new Error(`it answered ${said}, without ${rest}`)
        })
      }
    } else if (kind === 'run-beside') {
      await attempt(code.split('\n')[0] as string, async () => {
        await tool(code)
        await using _ = await serve(served.get(rest) ?? '')
        await run(adapt(code))
      })
    } else {
      await attempt(`${language} SDK`, async () => {
        await tool(language)
        await using _ = await serve(served.get('node/program') ?? '')
        const file = join(home.path, 'tools', language === 'python' ? 'call.py' : 'call.mjs')
        await Bun.write(file, adapt(code))
        const said = await run('', [language === 'python' ? 'python3' : 'node', file])
        if (!said.includes('Hello, Ada!')) throw new Error(`it printed ${said}`)
      })
    }
  }
  for (const { rest: name, code: how } of waiting) {
    await attempt(name, async () => {
      await using _ = await serve(how)
    })
  }

  /** What a block needs and a newcomer would have. */
  async function tool(what: string): Promise<void> {
    if (what.includes('aws lambda')) {
      await run(
        '[ -x tools/venv/bin/aws ] || { python3 -m venv tools/venv && tools/venv/bin/pip install --quiet awscli; }',
      )
    } else if (what === 'python') {
      await run('python3 -m venv tools/venv && tools/venv/bin/pip install --quiet boto3')
    } else if (what === 'js') {
      await run('cd tools && npm init --yes >/dev/null && npm install --silent @aws-sdk/client-lambda')
    }
  }
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

async function freePort(): Promise<number> {
  const server = Bun.serve({ port: 0, fetch: () => new Response() })
  const port = server.port as number
  await server.stop(true)
  return port
}

if (import.meta.main) process.exit(await main())
