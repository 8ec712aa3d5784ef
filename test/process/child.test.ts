import { describe, expect, test } from 'bun:test'
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { LaunchFailure } from '../../src/engine/ports.ts'
import { until } from '../harness.ts'
import { fixtureFolder, platforms, type Start, searchPath, spawn, start, survivors } from './system.ts'

describe.each(platforms)('%s', (platform, createProcesses) => {
  const failure = (how: Start): LaunchFailure => {
    using processes = createProcesses()
    const started = spawn(processes, how)
    if ('child' in started) throw new Error('it was started')
    return started
  }

  const fixture = (name: string): string => join(fixtureFolder, name)

  test('a missing program is named', () => {
    const text = 'fork/exec /no/such/file: no such file or directory'
    expect(failure({ argv: ['/no/such/file'] })).toEqual({ reason: 'entrypoint', text })
  })

  test('a name that is not in PATH is named', () => {
    const text = 'exec: "no-such-name": executable file not found in $PATH'
    expect(failure({ argv: ['no-such-name'] })).toEqual({ reason: 'entrypoint', text })
    expect(failure({ argv: ['no-such-name'], env: {} })).toEqual({ reason: 'entrypoint', text })
  })

  test('a name is looked up in the PATH of its own environment', () => {
    const text = 'exec: "sh": executable file not found in $PATH'
    expect(failure({ argv: ['sh'], env: {} })).toEqual({ reason: 'entrypoint', text })
    expect(failure({ argv: ['sh'], env: { PATH: '' } })).toEqual({ reason: 'entrypoint', text })
    expect(failure({ argv: ['sh'], env: { PATH: fixtureFolder } })).toEqual({ reason: 'entrypoint', text })
  })

  test('a file in PATH that is not executable is not found', () => {
    const text = 'exec: "not-executable": executable file not found in $PATH'
    expect(failure({ argv: ['not-executable'], env: { PATH: fixtureFolder } })).toEqual({
      reason: 'entrypoint',
      text,
    })
  })

  test('a file that is not executable is a matter of permission', () => {
    const path = fixture('not-executable')
    expect(failure({ argv: [path] })).toEqual({
      reason: 'entrypoint',
      text: `fork/exec ${path}: permission denied`,
    })
  })

  test('a directory is a matter of permission', () => {
    expect(failure({ argv: ['/tmp'] })).toEqual({
      reason: 'entrypoint',
      text: 'fork/exec /tmp: permission denied',
    })
  })

  test('a text without an interpreter line is not given to a shell', () => {
    const path = fixture('no-interpreter-line')
    const text = `fork/exec ${path}: exec format error`
    expect(failure({ argv: [path] })).toEqual({ reason: 'entrypoint', text })
    expect(failure({ argv: ['no-interpreter-line'], env: { PATH: fixtureFolder } })).toEqual({
      reason: 'entrypoint',
      text,
    })
  })

  test('a script whose interpreter is missing is missing itself', () => {
    const path = fixture('missing-interpreter')
    const text = `fork/exec ${path}: no such file or directory`
    expect(failure({ argv: [path] })).toEqual({ reason: 'entrypoint', text })
  })

  test('a path below a file is not a directory', () => {
    const path = join(fixture('interleaves'), 'below')
    expect(failure({ argv: [path] })).toEqual({
      reason: 'entrypoint',
      text: `fork/exec ${path}: not a directory`,
    })
  })

  test('an empty command is a missing program', () => {
    expect(failure({ argv: [''] })).toEqual({
      reason: 'entrypoint',
      text: 'fork/exec : no such file or directory',
    })
  })

  test('arguments that are too long are no crash of ours', () => {
    const argv = ['/bin/true', 'x'.repeat(200_000)] as const
    expect(failure({ argv: [...argv] })).toEqual({
      reason: 'entrypoint',
      text: 'fork/exec /bin/true: argument list too long',
    })
  })

  test('a missing working directory is not taken for a missing program', () => {
    const text = "the working directory doesn't exist: /no/such/directory"
    const expected: LaunchFailure = { reason: 'working-directory', text }
    expect(failure({ argv: ['/bin/true'], cwd: '/no/such/directory' })).toEqual(expected)
    expect(failure({ argv: ['true'], cwd: '/no/such/directory' })).toEqual(expected)
  })

  test('a file is no working directory', () => {
    const cwd = fixture('interleaves')
    const text = `the working directory doesn't exist: ${cwd}`
    expect(failure({ argv: ['/bin/true'], cwd })).toEqual({ reason: 'working-directory', text })
  })

  test('a relative working directory is refused', () => {
    const text = "the working directory 'src' is invalid, it needs to be an absolute path"
    expect(failure({ argv: ['/bin/true'], cwd: 'src' })).toEqual({ reason: 'working-directory', text })
  })

  test('a process gets exactly the command, directory and environment that were given', async () => {
    using processes = createProcesses()
    const script = 'tr "\\0" "\\n" </proc/self/cmdline; pwd; tr "\\0" "\\n" </proc/$$/environ'
    const env = { PATH: searchPath, EMPTY: '', EQUALS: 'a=b', _HANDLER: 'x y' }
    const { output, exited } = start(processes, {
      argv: ['sh', '-c', `cat /proc/$$/cmdline | tr "\\0" "|"; echo; ${script}`],
      cwd: fixtureFolder,
      env,
    })
    await exited
    const lines = output().trimEnd().split('\n')
    expect(lines[0]).toStartWith('sh|-c|')
    const rest = lines.slice(lines.indexOf(fixtureFolder) + 1)
    expect(rest.sort()).toEqual([`PATH=${searchPath}`, 'EMPTY=', 'EQUALS=a=b', '_HANDLER=x y'].sort())
  })

  test('a process has three descriptors: /dev/null and twice the same pipe', async () => {
    using processes = createProcesses()
    using _server = Bun.serve({ port: 0, fetch: () => new Response() })
    const { child, output } = start(processes, { argv: ['sh', '-c', 'echo ready; kill -STOP $$'] })
    // Before that it may have libraries open.
    await until('it is ready', () => output() === 'ready\n')
    const folder = `/proc/${child.pid}/fd`
    const links = readdirSync(folder).map((fd) => readlinkSync(join(folder, fd)))
    expect(links[1]).toMatch(platform === 'linux' ? /^pipe:\[\d+\]$/ : / \(deleted\)$/)
    expect(links).toEqual(['/dev/null', links[1] ?? '', links[1] ?? ''])
  })

  test('a process that hands over records has the pipe a third time, in one order with the rest', async () => {
    using processes = createProcesses()
    const script = 'echo one; echo two >&3; echo three >&2; echo four >&3'
    const { exited, output } = start(processes, { argv: ['sh', '-c', script], logFd: true })
    expect(await exited).toEqual({ kind: 'code', code: 0 })
    expect(output()).toBe('one\ntwo\nthree\nfour\n')
  })

  test('a process leads a session and a group of its own and blocks or ignores no signal', async () => {
    using processes = createProcesses()
    const { child, output, exited } = start(processes, {
      argv: ['cat', '/proc/self/stat', '/proc/self/status'],
    })
    await exited
    const fields = output()
      .slice(output().indexOf(')') + 2)
      .split(' ')
    expect([fields[2], fields[3]]).toEqual([String(child.pid), String(child.pid)])
    expect(output()).toMatch(/SigBlk:\t0{16}\nSigIgn:\t0{16}\n/)
  })

  test.each([
    ['exit 0', { kind: 'code', code: 0 }],
    ['exit 42', { kind: 'code', code: 42 }],
    ['exit 137', { kind: 'code', code: 137 }],
    ['kill -KILL $$', { kind: 'signal', signal: 'SIGKILL' }],
    ['kill -TERM $$', { kind: 'signal', signal: 'SIGTERM' }],
    ['ulimit -c 0; kill -SEGV $$', { kind: 'signal', signal: 'SIGSEGV' }],
    ['ulimit -c 0; kill -ABRT $$', { kind: 'signal', signal: 'SIGABRT' }],
    ['kill -40 $$', { kind: 'signal', signal: 'SIG40' }],
  ] as const)('the end of "%s" is told as it was', async (script, status) => {
    using processes = createProcesses()
    const { exited } = start(processes, { argv: ['sh', '-c', script] })
    expect(await exited).toEqual(status)
  })

  test('a signal reaches the whole group', async () => {
    using processes = createProcesses()
    const { child, output, exited } = start(processes, { argv: [fixture('leaves-family-behind'), 'stay'] })
    await until('the family is there', () => output() === 'ready\n' && survivors([child.pid]).length === 3)
    child.signal('SIGKILL')
    expect(await exited).toEqual({ kind: 'signal', signal: 'SIGKILL' })
    await until('nobody is left', () => survivors([child.pid]).length === 0)
  })

  test('a signal reaches what a dead leader left behind, and nobody afterwards', async () => {
    using processes = createProcesses()
    const { child, exited } = start(processes, {
      argv: [
        'sh',
        '-c',
        '(trap "exit 0" TERM; echo ready; while :; do sleep 0.01; done) & read x <&1; exit 0',
      ],
    })
    await exited
    await until('one is left behind', () => survivors([child.pid]).length > 0)
    await until('SIGTERM ends it', () => {
      child.signal('SIGTERM')
      return survivors([child.pid]).length === 0
    })
    child.signal('SIGKILL')
    child.signal('SIGTERM')
  })

  test('dispose kills what a dead leader left behind, and may be repeated', async () => {
    using processes = createProcesses()
    const { child, exited } = start(processes, { argv: [fixture('leaves-family-behind'), 'leave'] })
    expect(await exited).toEqual({ kind: 'code', code: 0 })
    expect(survivors([child.pid])).toHaveLength(2)
    child.dispose()
    child.dispose()
    child.signal('SIGKILL')
    await until('nobody is left', () => survivors([child.pid]).length === 0)
  })

  test('dispose of a running process kills it, and its exit is still told', async () => {
    using processes = createProcesses()
    const { child, exited } = start(processes, { argv: ['sleep', '1000000'] })
    child.dispose()
    expect(await exited).toEqual({ kind: 'signal', signal: 'SIGKILL' })
  })

  test('disposing of all kills all', async () => {
    const groups: number[] = []
    const ends: Promise<unknown>[] = []
    {
      using processes = createProcesses()
      for (const argument of ['stay', 'leave']) {
        const { child, output, exited } = start(processes, {
          argv: [fixture('leaves-family-behind'), argument],
        })
        await until('it is ready', () => output() === 'ready\n')
        groups.push(child.pid)
        ends.push(exited)
      }
    }
    await Promise.all(ends)
    await until('nobody is left', () => survivors(groups).length === 0)
  })
})
