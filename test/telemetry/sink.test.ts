import { describe, expect, test } from 'bun:test'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { LineBuffer, openSink } from '../../src/telemetry/sink.ts'
import { Output, tempDir, until } from '../harness.ts'

/** A named pipe: both its ends, and what has been read of it. */
function pipe() {
  const folder = tempDir()
  const path = join(folder.path, 'pipe')
  Bun.spawnSync(['mkfifo', path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  const buffer = new Uint8Array(1 << 20)
  let open = true
  return {
    writer,
    /** What the pipe holds now. */
    read(): string {
      let text = ''
      try {
        for (let size = readSync(reader, buffer); size > 0; size = readSync(reader, buffer)) {
          text += Buffer.from(buffer.subarray(0, size)).toString('latin1')
        }
      } catch {
        // it is empty
      }
      return text
    },
    closeReader() {
      if (open) closeSync(reader)
      open = false
    },
    [Symbol.dispose]() {
      this.closeReader()
      closeSync(writer)
      folder[Symbol.dispose]()
    },
  }
}

/** A file, and what stands in it. */
function file() {
  const folder = tempDir()
  const path = join(folder.path, 'file')
  const fd = openSync(path, 'w')
  return {
    fd,
    text: () => readFileSync(path, 'utf8'),
    [Symbol.dispose]() {
      closeSync(fd)
      folder[Symbol.dispose]()
    },
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('lines', () => {
  test('are written in their order, whatever they are', async () => {
    using out = file()
    const sink = openSink(out.fd)
    sink.write('one\n')
    sink.write(bytes('twö\n'))
    sink.write('thrée\n')
    await until('them to be written', () => out.text() !== '')
    expect(out.text()).toBe('one\ntwö\nthrée\n')
  })

  test('that come together are written together, and soon', async () => {
    using out = file()
    const sink = openSink(out.fd)
    sink.write('one\n')
    expect(out.text()).toBe('')
    sink.write('two\n')
    await until('them to be written', () => out.text() !== '')
    expect(out.text()).toBe('one\ntwo\n')
    sink.write('three\n')
    await until('the next', () => out.text().endsWith('three\n'))
  })

  test('are written at once when there are many', () => {
    using out = file()
    const sink = openSink(out.fd)
    const line = `${'x'.repeat(1023)}\n`
    for (let count = 0; count < 64; count++) sink.write(line)
    expect(out.text()).toBe(line.repeat(64))
  })

  test('are written when they are flushed', () => {
    using out = file()
    const sink = openSink(out.fd)
    sink.flush()
    sink.write('one\n')
    sink.flush()
    expect(out.text()).toBe('one\n')
    sink.write('two\n')
    sink.flush(true)
    sink.flush(true)
    expect(out.text()).toBe('one\ntwo\n')
  })
})

describe('a pipe', () => {
  test('whose reader has stopped does not stop the writer, and nothing is lost', async () => {
    using through = pipe()
    const sink = openSink(through.writer)
    const lines = Array.from({ length: 20_000 }, (_, index) => `${`line ${index} `.padEnd(99, '.')}\n`)
    // two megabytes into a pipe of 64 KB that nobody reads: a write that blocked would never come back
    for (const line of lines) sink.write(line)
    let text = ''
    await until('everything to be read', () => {
      text += through.read()
      return text.length >= lines.length * 100
    })
    expect(text).toBe(lines.join(''))
  })

  test('keeps its order when the reader comes and goes', async () => {
    using through = pipe()
    const sink = openSink(through.writer)
    let written = ''
    let text = ''
    for (let round = 0; round < 20; round++) {
      const line = `${String(round).padStart(9_999, '0')}\n`
      for (let count = 0; count < 10; count++) {
        sink.write(line)
        written += line
      }
      if (round % 3 === 0) text += through.read()
    }
    await until('everything to be read', () => {
      text += through.read()
      return text.length >= written.length
    })
    expect(text).toBe(written)
  })

  test('is flushed to a reader that is slow', async () => {
    using through = pipe()
    const path = `/proc/${process.pid}/fd/${through.writer}`
    const sink = openSink(through.writer)
    const text = 'x'.repeat(299_999)
    // read by another process, since this one is going to wait
    const reader = Bun.spawn(['sh', '-c', `exec 3<${path}; echo ready; head -c 300000 <&3 | wc -c`], {
      stdout: 'pipe',
      stderr: 'inherit',
    })
    const output = new Output('stdout', reader.stdout)
    await output.until(/ready/)
    sink.write(`${text}\n`)
    sink.flush(true)
    await output.ended
    expect(output.text).toBe('ready\n300000\n')
    expect(await reader.exited).toBe(0)
  })

  test('that is full, and more is held than memory is for, makes the writer wait', async () => {
    using through = pipe()
    const path = `/proc/${process.pid}/fd/${through.writer}`
    const sink = openSink(through.writer)
    const chunk = new Uint8Array(1_000_000)
    const reader = Bun.spawn(
      ['sh', '-c', `exec 3<${path}; echo ready; sleep 0.2; head -c 20000000 <&3 | wc -c`],
      { stdout: 'pipe', stderr: 'inherit' },
    )
    const output = new Output('stdout', reader.stdout)
    await output.until(/ready/)
    for (let count = 0; count < 20; count++) sink.write(chunk)
    sink.flush(true)
    await output.ended
    expect(output.text).toBe('ready\n20000000\n')
    expect(await reader.exited).toBe(0)
  })

  test('that nobody reads for too long is not waited for, and what is lost is told', async () => {
    using through = pipe()
    const said: string[] = []
    const warn = (message: string) => said.push(message)
    const sink = openSink(through.writer, { patienceMs: 20, maxHeld: 1_000_000, warn })
    const line = `${'x'.repeat(99_999)}\n`
    // two megabytes: one of them is more than is held
    for (let count = 0; count < 20; count++) sink.write(line)
    expect(said).toEqual(['nobody reads stdout; what comes is lost until somebody does'])
    let text = ''
    await until('the reader to have what was held', () => {
      text += through.read()
      return said.length === 2 && text.length % line.length === 0 && text.length >= 1_000_000
    })
    const lines = text.length / line.length
    expect(text).toBe(line.repeat(lines))
    expect(said[1]).toBe(`stdout is read again; ${(20 - lines) * line.length} bytes were lost`)
    sink.write('and on it goes\n')
    await until('the next line', () => through.read() === 'and on it goes\n')
  })

  test('that nobody reads does not hold up the end, however much is held', () => {
    using through = pipe()
    const sink = openSink(through.writer, { patienceMs: 20, maxHeld: 1_000_000 })
    for (let count = 0; count < 3; count++) sink.write(new Uint8Array(500_000))
    sink.flush(true)
    expect(through.read()).not.toBe('')
  })

  test('that nobody reads any more is written to in vain, which is told once', async () => {
    using through = pipe()
    const said: string[] = []
    const sink = openSink(through.writer, { warn: (message) => said.push(message) })
    sink.write('read\n')
    sink.flush()
    expect(through.read()).toBe('read\n')
    through.closeReader()
    sink.write('lost\n')
    sink.flush()
    sink.write('lost, too\n')
    sink.flush(true)
    expect(said).toEqual(['stdout cannot be written, and what goes there is lost: EPIPE'])
  })
})

test('a full disk is told once', () => {
  const said: string[] = []
  const full = openSync('/dev/full', 'w')
  const sink = openSink(full, { warn: (message) => said.push(message) })
  for (const line of ['one\n', 'two\n']) {
    sink.write(line)
    sink.flush()
  }
  closeSync(full)
  expect(said).toEqual(['stdout cannot be written, and what goes there is lost: ENOSPC'])
})

test('whoever shares the pipe is not made to write without blocking', () => {
  using through = pipe()
  openSink(through.writer)
  const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${through.writer}`, 'utf8'))?.[1]
  expect(Number.parseInt(flags ?? '', 8) & constants.O_NONBLOCK).toBe(0)
})

describe('a batch', () => {
  const late = (text: string) => ({ render: () => text })
  const textOf = (batch: LineBuffer, parts: Parameters<LineBuffer['encode']>[0]) =>
    Buffer.from(batch.encode(parts)).toString()

  test('is its lines in their order, also after others', () => {
    const batch = new LineBuffer(64)
    expect(textOf(batch, ['a longer one\n', late('and another\n')])).toBe('a longer one\nand another\n')
    expect(textOf(batch, ['one\n', bytes('twö\n'), late('thrée\n')])).toBe('one\ntwö\nthrée\n')
    expect(textOf(batch, [])).toBe('')
  })

  test('that does not fit has memory of its own', () => {
    const batch = new LineBuffer(16)
    const lines = 'x'.repeat(15)
    for (const parts of [
      [lines, bytes(lines)],
      [bytes(lines), lines],
      [bytes(lines), bytes(lines)],
      [late(lines), late(lines)],
    ])
      expect(textOf(batch, parts)).toBe(lines + lines)
    expect(textOf(batch, [bytes(lines)])).toBe(lines)
  })

  test('of much text is whole', () => {
    const line = `${'äöü€'.repeat(300)}\n`
    const parts = Array.from({ length: 40 }, (_, index) => (index % 7 === 3 ? bytes(line) : line))
    expect(textOf(new LineBuffer(1_000_000), parts)).toBe(line.repeat(40))
    expect(textOf(new LineBuffer(65_536), parts)).toBe(line.repeat(40))
  })
})
