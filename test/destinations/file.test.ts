import { afterAll, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appendLine } from '../../src/destinations/file.ts'

const folder = mkdtempSync(join(tmpdir(), 'destination-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('lines are appended to what is there', async () => {
  const path = join(folder, 'a.jsonl')
  writeFileSync(path, 'before\n')
  await appendLine(path, '{"é":1}')
  await appendLine(path, '2')
  expect(readFileSync(path, 'utf8')).toBe('before\n{"é":1}\n2\n')
})

test('many at a time stay whole', async () => {
  const path = join(folder, 'many.jsonl')
  const lines = Array.from({ length: 64 }, (_, index) => `${index}`.repeat(50_000))
  await Promise.all(lines.map((line) => appendLine(path, line)))
  expect(readFileSync(path, 'utf8').trimEnd().split('\n').toSorted()).toEqual(lines.toSorted())
})

test('a full disk, a missing folder and a pipe that nobody reads are errors, and nothing waits', async () => {
  await expect(appendLine('/dev/full', '1')).rejects.toThrow('ENOSPC')
  await expect(appendLine(join(folder, 'no', 'such'), '1')).rejects.toThrow('ENOENT')
  const pipe = join(folder, 'pipe')
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
  await expect(appendLine(pipe, '1')).rejects.toThrow('ENXIO')
})

test('half a line is taken back', async () => {
  const path = join(folder, 'limited.jsonl')
  const program = join(folder, 'limited.ts')
  writeFileSync(
    program,
    `import { appendLine } from ${JSON.stringify(join(import.meta.dir, '../../src/destinations/file.ts'))}
process.on('SIGXFSZ', () => {})
await appendLine(${JSON.stringify(path)}, 'short')
await appendLine(${JSON.stringify(path)}, 'x'.repeat(100_000)).catch((error) => console.log(error.code))
await appendLine(${JSON.stringify(path)}, 'again')
`,
  )
  const script = join(folder, 'limited.sh')
  // a file may have 8 blocks of 512 bytes: the kernel writes the part that fits, and refuses the rest
  writeFileSync(script, `ulimit -f 8; exec "${process.execPath}" "${program}"\n`)
  chmodSync(script, 0o755)
  const { stdout, stderr } = spawnSync('sh', [script], { encoding: 'utf8' })
  expect([stdout.trim(), stderr]).toEqual(['EFBIG', ''])
  expect(existsSync(path) && readFileSync(path, 'utf8')).toBe('short\nagain\n')
})
