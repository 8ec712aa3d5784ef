/** What `.ci/run` makes of what its steps say. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from './harness.ts'

// the script starts a dozen processes for each step
setDefaultTimeout(60_000)

const script = join(import.meta.dir, '..', '.ci', 'run')
const steps = [
  'build',
  'check',
  'test',
  'contract',
  'clients',
  'system',
  'durable',
  'conformance',
  'url',
  'images',
  'field',
] as const

interface Said {
  readonly text: string
  readonly code?: number | 'crash'
}

const good: Record<(typeof steps)[number], Said> = {
  build: { text: 'dist/one  112.1 MB  runs\n' },
  check: { text: 'Checked 3 files\n' },
  test: { text: '(skip) a thing that needs a tool\n\n 30 pass\n 1 skip\n 0 fail\n 90 expect() calls\n' },
  contract: { text: 'reference: not examined, no pip\n\n20 passed, 0 failed, 1 skipped\n' },
  clients: { text: 'node    panic           skipped: it ends\n\n10 passed, 0 failed, 1 skipped\n' },
  system: { text: 'system skipped: python3 is not installed\n\n0 passed, 0 failed, 2 skipped\n' },
  durable: { text: '0 passed, 0 failed, 0 skipped\n' },
  conformance: { text: '0 passed, 0 failed, 0 skipped\n' },
  url: { text: '0 passed, 0 failed, 0 skipped\n' },
  field: { text: 'ab skipped: ab is not installed\n\n2 passed, 0 failed, 1 skipped\n' },
  images: { text: 'skip  one: podman is not installed\n\n5 passed, 0 failed, 1 skipped\n' },
}

/** Runs the script where `bun run STEP`, or `bun run clients STEP`, says and ends as told, and nothing is ever installed. */
async function ci(said: Partial<typeof good>): Promise<{ code: number; lines: string[] }> {
  using folder = tempDir()
  const bin = join(folder.path, 'bin')
  mkdirSync(join(folder.path, '.ci'))
  mkdirSync(bin)
  cpSync(script, join(folder.path, '.ci/run'))
  for (const [name, { text, code = 0 }] of Object.entries({ ...good, ...said })) {
    writeFileSync(join(folder.path, name), text)
    writeFileSync(join(folder.path, `${name}.code`), String(code))
  }
  const bun = `#!/bin/sh
[ "$1" = --version ] && exec echo 1.4.5
[ "$1" = install ] && exit 0
step=$2; for word in "$3" "$4"; do [ -f "$word.code" ] && step=$word; done
cat "$step"; code=$(cat "$step.code")
[ "$code" = crash ] && kill -SEGV $$
exit "$code"\n`
  for (const [name, text] of Object.entries({ bun, 'apt-get': '#!/bin/sh\n' })) {
    writeFileSync(join(bin, name), text)
    chmodSync(join(bin, name), 0o755)
  }
  const child = Bun.spawn(['bash', '.ci/run'], {
    cwd: folder.path,
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, code] = await Promise.all([child.stdout.text(), child.exited, child.stderr.text()])
  return { code, lines: out.trimEnd().split('\n') }
}

describe.concurrent('.ci/run', () => {
  test('adds up what its steps say, and counts a step that says nothing as one', async () => {
    const { code, lines } = await ci({})
    expect([code, lines.at(-1), lines.at(-3)]).toEqual([0, '69 passed, 0 failed', '7 skipped, see above'])
  })

  test('shows the reason of every skip', async () => {
    const { lines } = await ci({
      test: { text: `(skip) early on\n${'more\n'.repeat(99)} 1 pass\n 0 fail\n` },
    })
    expect(lines).toContain('(skip) early on')
    expect(lines).toContain('reference: not examined, no pip')
    expect(lines).toContain('node    panic           skipped: it ends')
    expect(lines).toContain('skip  one: podman is not installed')
    expect(lines).toContain('system skipped: python3 is not installed')
  })

  const failures: [kind: string, said: Partial<Record<string, Said>>, last: string][] = [
    ['names its failures', { test: { text: ' 28 pass\n 2 fail\n', code: 1 } }, '67 passed, 2 failed'],
    [
      'names its failures and ends with 0',
      { images: { text: '4 passed, 1 failed\n' } },
      '68 passed, 1 failed',
    ],
    ['fails without naming a failure', { check: { text: 'bad\n', code: 2 } }, '68 passed, 1 failed'],
    [
      'counts nothing but passes, and fails',
      { clients: { text: '10 passed, 0 failed\n', code: 1 } },
      '69 passed, 1 failed',
    ],
    ['crashes', { test: { text: '(pass) one\n', code: 'crash' } }, '39 passed, 1 failed'],
    ['gives no figures and ends with 0', { test: { text: 'nothing\n' } }, '39 passed, 1 failed'],
    ['crashes in the build', { build: { text: '', code: 'crash' } }, '68 passed, 1 failed'],
  ]
  for (const [kind, said, last] of failures) {
    test(`ends with 1 and counts a step that ${kind}`, async () => {
      const { code, lines } = await ci(said)
      expect([code, lines.at(-1)]).toEqual([1, last])
    })
  }

  test('names what failed again before the sums, with what was expected', async () => {
    const { lines } = await ci({
      check: { text: 'a\nfile.ts:1 lint/bad\n', code: 1 },
      test: {
        text: '(pass) one\nerror: expect(received).toBe(expected)\n\nExpected: 1\nReceived: 2\n\n(fail) two [3ms]\n 1 pass\n 1 fail\n',
        code: 1,
      },
      contract: { text: 'output\n  failed: Logs: three: waited\n\n20 passed, 1 failed\n', code: 1 },
      clients: { text: 'java      echo                failed: no such\n\n1 passed, 1 failed\n', code: 1 },
      field: { text: 'curl failed: 22\n\n1 passed, 1 failed, 0 skipped\n', code: 1 },
      images: { text: 'FAIL  four: five\nskip  six: no failed: seven\n\n4 passed, 1 failed\n', code: 1 },
    })
    const at = lines.indexOf('== what failed')
    expect(lines.slice(at + 1)).toEqual([
      'check: a',
      'check: file.ts:1 lint/bad',
      'clients: java      echo                failed: no such',
      'test: (fail) two [3ms] | error: expect(received).toBe(expected) | Expected: 1 | Received: 2',
      'contract: failed: Logs: three: waited',
      'images: FAIL  four: five',
      'field: curl failed: 22',
      '',
      '2 skipped, see above',
      '',
      '28 passed, 6 failed',
    ])
    expect(lines).not.toContain('(pass) one')
  })

  test('counts no pass for a step that skipped everything', async () => {
    const { code, lines } = await ci({
      images: { text: 'skip  one: no podman\n\n0 passed, 0 failed, 9 skipped\n' },
    })
    expect([code, lines.at(-1), lines.at(-3)]).toEqual([0, '64 passed, 0 failed', '15 skipped, see above'])
  })
})
