import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { Peer } from '../../../src/process/linux/peer.ts'
import { kill, until } from '../../harness.ts'

/** A server, and a process that holds a connection to it. */
function connected() {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const code = `Bun.connect({ hostname: '127.0.0.1', port: ${server.port}, socket: { data() {}, open: () => console.log('open') } })`
  const child = Bun.spawn([process.execPath, '--no-env-file', '-e', code], {
    stdout: 'pipe',
    detached: true,
  })
  return {
    port: server.port,
    child,
    opened: async () => {
      for await (const _ of child.stdout) return
    },
    async [Symbol.asyncDispose]() {
      kill(child.pid, 'SIGKILL')
      await child.exited
      server.stop(true)
    },
  }
}

const peakOf = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024

test('the process that is connected to the port is measured, until it ends', async () => {
  await using it = connected()
  using peer = new Peer(
    () => it.port,
    () => false,
  )
  await it.opened()
  const peak = peer.peak()
  expect(peak).toBeGreaterThan(1_000_000)
  expect(peak).toBeLessThanOrEqual(peakOf(it.child.pid))
  kill(it.child.pid, 'SIGKILL')
  await it.child.exited
  expect(peer.peak()).toBe(0)
})

test('the next process on the port is another peer', async () => {
  await using first = connected()
  let port = first.port
  using peer = new Peer(
    () => port,
    () => false,
  )
  await first.opened()
  expect(peer.peak()).toBeGreaterThan(0)
  kill(first.child.pid, 'SIGKILL')
  await first.child.exited
  await using second = connected()
  port = second.port
  await second.opened()
  await until('the second one', () => peer.peak() > 0)
})

test('a process of ours is no peer, and nobody is none', async () => {
  await using it = connected()
  await it.opened()
  using ours = new Peer(
    () => it.port,
    (session) => session === it.child.pid,
  )
  expect(ours.peak()).toBe(0)
  using nobody = new Peer(
    () => 1,
    () => false,
  )
  expect(nobody.peak()).toBe(0)
})
