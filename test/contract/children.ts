/** What children inherit: limits, bytes of variables and arguments, whether extensions run, and for how long. */
import { expect } from 'bun:test'
import { readFileSync } from 'node:fs'
import { both, ready, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { ScriptedProcess } from './scripted-process.ts'

/** Soft and hard limit of open files of a process. */
const openFiles = (process: ScriptedProcess) =>
  /Max open files\s+(\S+)\s+(\S+)/.exec(readFileSync(`/proc/${process.pid}/limits`, 'latin1'))?.slice(1)

const limits = (soft: number, hard: number) => ['prlimit', `--nofile=${soft}:${hard}`, '--']

/** Words that run what follows them with a variable and a last argument that are not UTF-8. */
const foreignBytes = [
  'sh',
  '-c',
  'RAW=$(printf "a\\377\\200=\\303"); export RAW; exec "$@" "$(printf "b\\376")"',
  'sh',
]

/** Bytes of the variables or arguments of a process, one entry each. */
const raw = (process: ScriptedProcess, file: 'environ' | 'cmdline') =>
  readFileSync(`/proc/${process.pid}/${file}`).toString('latin1').split('\0')

export const children = chapter('Children', (it) => {
  it.external(
    'hands variables and arguments on byte for byte, also when they are not UTF-8',
    async ({ start }) => {
      await using rie = await start({ wrap: foreignBytes, extensions: scriptedExtensions('agent') })
      rie.invoke()
      await ready(rie, { agent: both })
      const runtime = await rie.runtime()
      expect(raw(runtime, 'environ')).toContain('RAW=a\xff\x80=\xc3')
      expect(raw(await rie.extension('agent'), 'environ')).toContain('RAW=a\xff\x80=\xc3')
      expect(raw(runtime, 'cmdline')).toContain('b\xfe')
    },
  )

  for (const [kind, soft, hard, expected] of [
    ['a higher one', 4096, 8192, ['1024', '8192']],
    ['a lower one', 256, 8192, ['1024', '8192']],
    ['its own', 1024, 1024, ['1024', '1024']],
    ['a hard one that is lower', 512, 512, ['512', '512']],
  ] as const) {
    it.external(`gives its children Lambda's limit of open files where it has ${kind}`, async ({ start }) => {
      await using rie = await start({ wrap: limits(soft, hard), extensions: scriptedExtensions('agent') })
      rie.invoke()
      await ready(rie, { agent: both })
      expect(openFiles(await rie.runtime())).toEqual([...expected])
      expect(openFiles(await rie.extension('agent'))).toEqual([...expected])
    })
  }

  it('keeps the limit of open files of a child that starts again', async ({ start }) => {
    await using rie = await start({ wrap: limits(4096, 8192) })
    rie.invoke()
    await rie.next()
    ;(await rie.runtime()).kill()
    rie.invoke()
    expect(openFiles(await rie.runtime(2))).toEqual(['1024', '8192'])
  })

  for (const value of ['1', 'true', 'TRUE']) {
    it.external(`starts no extension with AWS_LAMBDA_RIE_DISABLE_EXTENSIONS=${value}`, async ({ start }) => {
      const env = { AWS_LAMBDA_RIE_DISABLE_EXTENSIONS: value }
      await using rie = await start({ extensions: scriptedExtensions('agent'), env })
      expect((await rie.exchange()).answer.status).toBe(200)
      expect(rie.extensions()).toEqual([])
      expect((await rie.register('inner', ['INVOKE'])).status).toBe(404)
    })
  }

  for (const value of ['', '0', 'false']) {
    it.external(`starts extensions with AWS_LAMBDA_RIE_DISABLE_EXTENSIONS=${value}`, async ({ start }) => {
      const env = { AWS_LAMBDA_RIE_DISABLE_EXTENSIONS: value }
      await using rie = await start({ extensions: scriptedExtensions('agent'), env })
      rie.invoke()
      await ready(rie, { agent: both })
      expect((await rie.reply()).status).toBe(200)
    })
  }

  it('starts an environment anew after every invocation with --recycle-after 1', async ({ start }) => {
    await using rie = await start({ flags: ['--recycle-after', '1'] })
    for (const n of [1, 2, 3]) {
      const call = rie.invoke()
      await rie.runtime(n)
      const event = await rie.next()
      await rie.respond(event.id, `${n}`)
      expect((await call).text).toBe(`${n}`)
      rie.park()
      await (await rie.runtime(n, true)).gone()
    }
    await rie.stdout.until(/(REPORT.*Init Duration.*\s+(START.*\s+END.*\s+)?){3}/)
    expect(rie.runtimes()).toHaveLength(3)
  })

  it('keeps an environment for as many invocations as --recycle-after says', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_RECYCLE_AFTER: '2' } })
    for (const [round, n] of [1, 1, 2, 2, 3].entries()) {
      const call = rie.invoke()
      await rie.runtime(n, round % 2 === 1)
      await rie.reply(`${n}`)
      expect((await call).text).toBe(`${n}`)
    }
    expect(rie.runtimes()).toHaveLength(3)
  })

  it('keeps an environment for good with --recycle-after 0', async ({ start }) => {
    await using rie = await start({ flags: ['--recycle-after', '0'] })
    for (let n = 0; n < 5; n++) await rie.exchange()
    expect(rie.runtimes()).toHaveLength(1)
  })
})
