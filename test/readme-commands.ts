/**
 * The commands of the README on a clean clone of the commit that is checked out. A comment before a block says what is
 * done with it, and `, in FOLDER` at its end where, below the home directory:
 *
 * - `run: NAME` runs it to its end.
 * - `serve: NAME` starts it, and waits until it listens; `serve-each` does so for each line.
 * - `call: TEXT` runs it beside every `serve` since the last `call`; its output contains TEXT.
 * - `run-beside: NAME` and `sdk: TEXT, beside NAME` start that one again, and run the block to its end.
 * - `extension: TEXT, beside NAME` starts that one with the block as its extension; its log contains TEXT after a call.
 * - `attach: TEXT` starts the first line, then the rest; an invocation's answer contains TEXT.
 *
 * Ports are others than those of the page, so that nobody is in the way. `readme.test.ts` sees to it that every block of
 * the page has such a comment, or a reason to have none. With words, only the blocks whose name contains one of them
 * are run, and those that prepare.
 */
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { killMarked, mark, Output, tempDir, until } from './harness.ts'
import { freePort } from './kit/launch.ts'

const root = join(import.meta.dir, '..')

export interface Block {
  /** what the comment before it says is done; null without one */
  readonly kind: string | null
  /** what follows the colon of the comment */
  readonly rest: string
  readonly language: string
  readonly code: string
}

/** The fenced blocks of a text, in their order. */
export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^(?:<!-- ([\w-]+)(?:: (.*?))? -->\n)?```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, kind = null, rest = '', language = '', code = '']) => ({ kind, rest, language, code }),
  )
}

/** What is done with a block, by the word in its comment. */
export const commandKinds = [
  'run',
  'serve',
  'serve-each',
  'call',
  'run-beside',
  'sdk',
  'extension',
  'attach',
] as const

const invocationPath = '/2015-03-31/functions/function/invocations'

async function main(words: readonly string[]): Promise<number> {
  const blocks = blocksOf(await Bun.file(join(root, 'README.md')).text())
  using home = tempDir()
  const tools = join(home.path, 'tools')
  mkdirSync(tools)
  symlinkSync(process.execPath, join(tools, 'bun'))
  const [port, apiPort, urlPort, debugPort] = [freePort(), freePort(), freePort(), freePort()]
  const base = {
    ...process.env,
    HOME: home.path,
    PATH: `${tools}:${tools}/venv/bin:${home.path}/bun-lambda-rie/dist:${process.env.PATH}`,
    AWS_LAMBDA_RIE_ADDRESS: `localhost:${port}`,
    AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS: `localhost:${apiPort}`,
    AWS_ENDPOINT_URL_LAMBDA: `http://localhost:${port}`,
    // caches of whoever runs this
    BUN_INSTALL_CACHE_DIR: process.env.BUN_INSTALL_CACHE_DIR ?? `${process.env.HOME}/.bun/install/cache`,
    npm_config_cache: process.env.npm_config_cache ?? `${process.env.HOME}/.npm`,
  }
  const adapt = (code: string): string =>
    code
      .replaceAll('localhost:8080', `localhost:${port}`)
      .replaceAll('127.0.0.1:9001', `127.0.0.1:${apiPort}`)
      .replaceAll(/(127\.0\.0\.1|localhost):8081/g, `$1:${urlPort}`)
      .replaceAll('=6499/', `=${debugPort}/`)
      .replaceAll('--inspect ', `--inspect=${debugPort} `)
      .replace(/https:\S+\/bun-lambda-rie\.git/, `${root} bun-lambda-rie`)

  /** Runs a block in a shell; gives its output, or throws with it. */
  async function run(
    code: string,
    shell = ['bash', '-e', '-u', '-o', 'pipefail', '-c', code],
    cwd = home.path,
  ): Promise<string> {
    const child = Bun.spawn(shell, { cwd, env: base, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
    const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    if (status !== 0) throw new Error(`it ended with ${status}\n${out}${err}`)
    return out
  }

  /** Starts a block. */
  function start(code: string, cwd: string) {
    const marks = mark()
    const child = Bun.spawn(['bash', '-e', '-c', adapt(code)], {
      cwd,
      env: { ...base, ...marks },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    return {
      child,
      stdout: new Output('stdout', child.stdout),
      stderr: new Output('stderr', child.stderr),
      [Symbol.asyncDispose]: () => killMarked(marks),
    }
  }

  /** Starts a block; it listens when this resolves. */
  async function serve({ code, folder }: { readonly code: string; readonly folder: string }) {
    const started = start(code, folder)
    const { child, stdout, stderr } = started
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
      await started[Symbol.asyncDispose]()
      throw error
    }
    return started
  }

  async function invoke(): Promise<string> {
    const signal = AbortSignal.timeout(60_000)
    const answer = await fetch(`http://localhost:${port}${invocationPath}`, {
      method: 'POST',
      body: '{"name":"Ada"}',
      signal,
    })
    return answer.text()
  }

  let passed = 0
  let failed = 0
  async function attempt(name: string, action: () => Promise<void>, always = false): Promise<void> {
    if (!always && words.length > 0 && !words.some((word) => name.includes(word))) return
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

  /** What a block needs and a newcomer would have. */
  async function tool(what: string): Promise<void> {
    const pip = 'python3 -m venv tools/venv && tools/venv/bin/pip install --quiet'
    if (what.includes('aws lambda')) await run(`[ -x tools/venv/bin/aws ] || { ${pip} awscli; }`)
    else if (what.includes('awslambdaric')) await run(`${pip} awslambdaric`)
    else if (what === 'python') await run(`${pip} boto3`)
    else if (what === 'js')
      await run('cd tools && npm init --yes >/dev/null && npm install --silent @aws-sdk/client-lambda')
  }

  interface Served {
    readonly name: string
    readonly code: string
    readonly folder: string
  }
  const served = new Map<string, Served>()
  const waiting: Served[] = []
  for (const { kind, rest, language, code } of blocks) {
    const [, subject = '', below = ''] = /^(.*?)(?:, in (\S+))?$/.exec(rest) ?? []
    const folder = join(home.path, below)
    if (kind === 'run') {
      await attempt(subject, async () => void (await run(adapt(code), undefined, folder)), true)
    } else if (kind === 'serve') {
      const one = { name: subject, code, folder }
      served.set(subject, one)
      waiting.push(one)
    } else if (kind === 'serve-each') {
      for (const line of code.trim().split('\n')) {
        await attempt(`${subject}: ${line}`, async () => {
          await tool(line)
          await using _ = await serve({ code: line, folder })
        })
      }
    } else if (kind === 'call') {
      for (const one of waiting.splice(0)) {
        await attempt(one.name, async () => {
          await using _ = await serve(one)
          const said = await run(adapt(code))
          if (!said.includes(subject)) throw new Error(`it answered ${said}, without ${subject}`)
        })
      }
    } else if (kind === 'run-beside') {
      await attempt(code.split('\n')[0] as string, async () => {
        await tool(code)
        await using _ = await serve(served.get(subject) as Served)
        await run(adapt(code))
      })
    } else if (kind === 'sdk') {
      const [, text = '', name = ''] = /^(.*), beside (.*)$/.exec(rest) ?? []
      await attempt(`${language} SDK beside ${name}`, async () => {
        await tool(language)
        await using _ = await serve(served.get(name) as Served)
        const file = join(tools, language === 'python' ? 'call.py' : 'call.mjs')
        await Bun.write(file, adapt(code))
        const said = await run('', [language === 'python' ? 'python3' : 'node', file])
        if (!said.includes(text)) throw new Error(`it printed ${said}`)
      })
    } else if (kind === 'extension') {
      const [, text = '', name = ''] = /^(.*), beside (.*)$/.exec(rest) ?? []
      await attempt(`extension beside ${name}`, async () => {
        const directory = join(home.path, 'extensions')
        await Bun.write(join(directory, 'watch'), code)
        chmodSync(join(directory, 'watch'), 0o755)
        const { code: how, folder } = served.get(name) as Served
        const line = how.replace('aws-lambda-rie ', `aws-lambda-rie --extensions-dir ${directory} `)
        await using emulator = await serve({ code: line, folder })
        await invoke()
        await emulator.stdout.until(RegExp(`"type": "${text}"`))
      })
    } else if (kind === 'attach') {
      await attempt(code.split('\n')[0] as string, async () => {
        const [first = '', ...others] = code.split('\n')
        await tool(code)
        await using _ = await serve({ code: first, folder })
        await using runtime = start(others.join('\n'), folder)
        const answer = await invoke()
        if (!answer.includes(subject))
          throw new Error(`it answered ${answer}, without ${subject}\n${runtime.stderr.text}`)
      })
    }
  }
  for (const one of waiting) {
    await attempt(one.name, async () => {
      await using _ = await serve(one)
    })
  }
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)))
