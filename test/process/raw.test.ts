/** What is not UTF-8 is handed on as it is. */

import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { createProcesses } from '../../src/process/processes.ts'
import { decode, encode, isRaw } from '../../src/process/raw.ts'
import { tempDir } from '../harness.ts'
import { fixtureFolder, searchPath, spawn, start } from './system.ts'

test.each([
  [[0x61, 0xff, 0x62], 'a\udcffb'],
  [[0x63, 0xe9], 'c\udce9'],
  // cut off within a character, and overlong
  [[0xe2, 0x82, 0x41], '\udce2\udc82A'],
  [[0xc0, 0xaf], '\udcc0\udcaf'],
  // a surrogate in UTF-8 is none
  [[0xed, 0xb0, 0x80], '\udced\udcb0\udc80'],
  [[0xe2, 0x82, 0xac, 0xff], '€\udcff'],
  [[0xef, 0xbf, 0xbd], '\ufffd'],
  [[0xef, 0xbb, 0xbf, 0x41], '\ufeffA'],
  [[0xf0, 0x9f, 0x98, 0x80], '😀'],
])('%p becomes %j, and again what it was', (bytes, text) => {
  expect(decode(Uint8Array.from(bytes))).toBe(text)
  expect([...encode(text)]).toEqual(bytes)
})

test('only what came from such bytes is treated as such', () => {
  expect([isRaw('\udcff'), isRaw('€'), isRaw('\ud83d'), isRaw('😀')]).toEqual([true, false, false, false])
})

const self = [process.execPath, '--no-env-file', join(import.meta.dir, '../../src/main.ts')]

test('such a process ignores no signal, and is told apart from one that cannot be run', async () => {
  using processes = createProcesses({ self })
  const env = { PATH: searchPath, ODD: '\udcff' }
  const { output, exited } = start(processes, {
    argv: ['cat', '/proc/self/status', '/proc/self/environ'],
    env,
  })
  expect(await exited).toEqual({ kind: 'code', code: 0 })
  expect(output()).toMatch(/SigBlk:\t0{16}\nSigIgn:\t0{16}\n/)
  expect(output()).toContain('ODD=\ufffd')
  for (const [path, reason] of [
    ['/no/such/file', 'no such file or directory'],
    ['/tmp', 'permission denied'],
    [join(fixtureFolder, 'not-executable'), 'permission denied'],
  ] as const) {
    expect(spawn(processes, { argv: [path], env })).toEqual({
      reason: 'entrypoint',
      text: `fork/exec ${path}: ${reason}`,
    })
  }
})

/** Runs the emulator from source in a shell, which can make variables of any bytes, with a Python runtime that tells them. */
const report = `
import json, os, signal, sys, resource, urllib.request
told = [
  {k.decode('latin1'): v.decode('latin1') for k, v in os.environb.items() if b'ODD' in k},
  [os.fsencode(a).decode('latin1') for a in sys.argv[1:]],
  sorted(int(fd) for fd in os.listdir('/proc/self/fd') if int(fd) < 3 or os.path.exists('/proc/self/fd/' + fd)),
  [resource.getrlimit(resource.RLIMIT_NOFILE)[0], int(os.getsid(0) == os.getpid())],
  [k for k in os.environ if 'RIE_EXEC' in k],
  os.getcwd(),
]
print('told ' + json.dumps(told), flush=True)
api = os.environ['AWS_LAMBDA_RUNTIME_API']
with urllib.request.urlopen('http://' + api + '/2018-06-01/runtime/invocation/next') as event:
  id = event.headers['Lambda-Runtime-Aws-Request-Id']
urllib.request.urlopen('http://' + api + '/2018-06-01/runtime/invocation/' + id + '/response', b'{}')
urllib.request.urlopen('http://' + api + '/2018-06-01/runtime/invocation/next')
`

test('variables and arguments that are not UTF-8 reach the runtime byte for byte', async () => {
  using folder = tempDir()
  await Bun.write(join(folder.path, 'runtime.py'), report)
  const main = join(import.meta.dir, '../../src/main.ts')
  const flags =
    '--runtime-interface-emulator-address 127.0.0.1:0 --runtime-api-address 127.0.0.1:0 --eager-init'
  const big = "$(printf 'x%.0s' $(seq 1 100000))"
  const emulator = Bun.spawn(
    [
      'bash',
      '-c',
      `export ODD1=$'a\\xffb' ODD2=$'\\xe9' ODD3=plain€ ODD4="${big}"$'\\xfe' ODD5=; exec "$0" --no-env-file "$1" ${flags} python3 -S runtime.py $'x\\xe9y' '' last€`,
      process.execPath,
      main,
    ],
    { cwd: folder.path, stdout: 'pipe', stderr: 'inherit', env: { PATH: process.env.PATH } },
  )
  try {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of emulator.stdout) {
      text += decoder.decode(chunk, { stream: true })
      if (/^told .*\n/m.test(text)) break
    }
    const [variables, argv, fds, [files, leader], markers, cwd] = JSON.parse(
      /^told (.*)$/m.exec(text)?.[1] as string,
    )
    const { ODD4, ...rest } = variables
    const utf8 = (word: string) => Buffer.from(word).toString('latin1')
    expect(rest).toEqual({ ODD1: 'a\xffb', ODD2: '\xe9', ODD3: utf8('plain€'), ODD5: '' })
    expect([ODD4.length, ODD4.at(-1)]).toEqual([100_001, '\xfe'])
    expect(argv).toEqual(['x\xe9y', '', utf8('last€')])
    expect(fds).toEqual([0, 1, 2, 3])
    expect([files, leader, markers, cwd]).toEqual([1024, 1, [], folder.path])
  } finally {
    emulator.kill()
    await emulator.exited
  }
})
