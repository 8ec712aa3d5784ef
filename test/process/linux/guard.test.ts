import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { guardGroup } from '../../../src/process/linux/guard.ts'
import { tempDir, until } from '../../harness.ts'
import { descriptors, fixtureFolder, killedEmulatorLeaves } from '../system.ts'

test.each(Array.from({ length: 10 }, (_, i) => i + 1))(
  'an emulator that is killed leaves no process behind (round %d)',
  async () => {
    expect(await killedEmulatorLeaves([process.execPath, join(fixtureFolder, 'emulator.ts')])).toEqual([])
  },
)

const compiledLeaves = async (target: Bun.Build.CompileTarget | undefined, prefix: string[]) => {
  using directory = tempDir()
  const outfile = join(directory.path, 'emulator')
  const compile = target === undefined ? { outfile } : { outfile, target }
  const built = await Bun.build({ entrypoints: [join(fixtureFolder, 'emulator.ts')], compile })
  expect(built.success).toBe(true)
  const left: number[] = []
  for (let round = 0; round < 3; round++) left.push(...(await killedEmulatorLeaves([...prefix, outfile])))
  return left
}

test('a compiled emulator that is killed leaves no process behind', async () => {
  expect(await compiledLeaves(undefined, [])).toEqual([])
}, 60_000)

const qemu = 'qemu-aarch64-static'
const sysroot = '/usr/aarch64-linux-gnu'
const mayRunArm =
  process.arch !== 'arm64' && Bun.which(qemu) !== null && existsSync(`${sysroot}/lib/libstdc++.so.6`)
if (!mayRunArm)
  console.log(`guard: arm64 skipped, ${qemu} or ${sysroot} is not installed, or this is an arm64`)

test.skipIf(!mayRunArm)(
  'the same on arm64: the constants are right there',
  async () => {
    expect(await compiledLeaves('bun-linux-arm64', [qemu, '-L', sysroot])).toEqual([])
  },
  60_000,
)

test('a guard that was disposed of has killed nobody', async () => {
  const before = descriptors()
  await using cat = Bun.spawn(['cat'], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const guard = guardGroup(cat.pid)
  expect(guard).not.toBeNull()
  guard?.dispose()
  guard?.dispose()
  guard?.signal('SIGKILL')
  cat.stdin.write('alive')
  cat.stdin.end()
  expect(await cat.stdout.text()).toBe('alive')
  expect(await cat.exited).toBe(0)
  await until('all descriptors are closed', () => descriptors() <= before)
})

test('a signal sent through a guard reaches its group only', async () => {
  await using one = Bun.spawn(['cat'], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  await using other = Bun.spawn(['cat'], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const guard = guardGroup(one.pid)
  const otherGuard = guardGroup(other.pid)
  guard?.signal('SIGTERM')
  await one.exited
  expect(one.signalCode).toBe('SIGTERM')
  other.stdin.write('alive')
  other.stdin.end()
  expect(await other.stdout.text()).toBe('alive')
  guard?.dispose()
  otherGuard?.dispose()
})

test('a group that does not exist cannot be guarded, and nothing is left open', () => {
  const before = descriptors()
  expect(guardGroup(2 ** 22 + 1)).toBeNull()
  expect(descriptors()).toBe(before)
})
