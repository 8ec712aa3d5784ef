import { describe, expect, test } from 'bun:test'
import type { Verdict } from '../../src/core/failure.ts'
import type { RequestId } from '../../src/core/ids.ts'
import type { Journal, Report } from '../../src/engine/ports.ts'
import {
  createJournal,
  extensionLine,
  initReportLine,
  type LineCutter,
  reportLine,
} from '../../src/telemetry/journal.ts'
import { bytesOf, type Lines } from '../../src/telemetry/sink.ts'

const id = 'an-id' as RequestId
const success: Verdict = { status: 'success', errorType: null }
const failed = (errorType: string | null): Verdict => ({ status: 'error', errorType })
const timeout: Verdict = { status: 'timeout', errorType: null }
const report = (over: Partial<Report> = {}): Report => ({
  verdict: success,
  durationMs: 1.874,
  initMs: null,
  memoryBytes: 30 * 1024 * 1024,
  ...over,
})
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Cuts at newlines, and ends an unfinished line when it is flushed. */
function cutter(emit: (lines: Uint8Array) => void): LineCutter {
  let rest = ''
  return {
    push(chunk) {
      rest += new TextDecoder().decode(chunk)
      const end = rest.lastIndexOf('\n') + 1
      if (end > 0) emit(bytes(rest.slice(0, end)))
      rest = rest.slice(end)
    },
    flush() {
      if (rest !== '') emit(bytes(`${rest}\n`))
      rest = ''
    },
  }
}

function journal(): { readonly journal: Journal; readonly text: () => string } {
  let text = ''
  const sink = {
    write: (lines: Lines) => {
      text += new TextDecoder().decode(bytesOf(lines))
    },
    flush() {},
  }
  return {
    journal: createJournal({ sink, functionVersion: '$LATEST', memorySize: '128', cutter }),
    text: () => text,
  }
}

describe('REPORT', () => {
  const rows: [name: string, report: Report, rest: string][] = [
    ['of a warm invocation', report(), ''],
    ['of a cold one', report({ initMs: 107.136 }), 'Init Duration: 107.14 ms\t'],
    ['of an error', report({ verdict: failed('Function.Oops') }), ' Status: error Error Type: Function.Oops'],
    ['of an error without a type', report({ verdict: failed(null) }), ' Status: error'],
    ['of a timeout', report({ verdict: timeout }), ' Status: timeout'],
    [
      'of a cold one that failed',
      report({ initMs: 5, verdict: failed('Runtime.ExitError') }),
      'Init Duration: 5.00 ms\t Status: error Error Type: Runtime.ExitError',
    ],
  ]
  test.each(rows)('%s', (_, value, rest) => {
    expect(reportLine(id, value, '128')).toBe(
      `REPORT RequestId: an-id\tDuration: 1.87 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t${rest}\n`,
    )
  })

  test('rounds what is billed and what was used up', () => {
    const used = (durationMs: number, memoryBytes: number) =>
      /Duration: (.*?)\tBilled Duration: (.*?)\t.*Used: (.*?)\t/
        .exec(reportLine(id, report({ durationMs, memoryBytes }), 'x'))
        ?.slice(1)
    expect([used(0, 0), used(1, 1), used(2999.999, 1048576), used(3000.001, 1048577)]).toEqual([
      ['0.00 ms', '0 ms', '0 MB'],
      ['1.00 ms', '1 ms', '1 MB'],
      ['3000.00 ms', '3000 ms', '1 MB'],
      ['3000.00 ms', '3001 ms', '2 MB'],
    ])
  })

  test('shows the memory size as it was configured', () => {
    expect(reportLine(id, report(), 'lots')).toContain('\tMemory Size: lots MB\t')
  })
})

test('INIT_REPORT tells of an attempt that failed', () => {
  expect([
    initReportLine('init', timeout, 10_000.4),
    initReportLine('invoke', failed('Extension.Crash'), 7),
    initReportLine('init', failed(null), 7),
  ]).toEqual([
    'INIT_REPORT Init Duration: 10000.40 ms\tPhase: init\tStatus: timeout\n',
    'INIT_REPORT Init Duration: 7.00 ms\tPhase: invoke\tStatus: error\tError Type: Extension.Crash\n',
    'INIT_REPORT Init Duration: 7.00 ms\tPhase: init\tStatus: error\n',
  ])
})

test('EXTENSION tells what an extension has come to', () => {
  expect([
    extensionLine({ name: 'watch', state: 'Ready', events: ['INVOKE', 'SHUTDOWN'] }),
    extensionLine({ name: 'quiet', state: 'Registered', events: [] }),
    extensionLine({ name: 'bad', state: 'LaunchError', events: [] }),
  ]).toEqual([
    'EXTENSION\tName: watch\tState: Ready\tEvents: [INVOKE,SHUTDOWN]\n',
    'EXTENSION\tName: quiet\tState: Registered\tEvents: []\n',
    'EXTENSION\tName: bad\tState: LaunchError\tEvents: []\tError Type: UnknownError\n',
  ])
})

describe('the log of an environment', () => {
  test('has the lines of an invocation between its START and its END', () => {
    const { journal: log, text } = journal()
    log.output('runtime', bytes('loading\n'))
    log.initReport('init', success, 5, [{ name: 'watch', state: 'Ready', events: ['INVOKE'] }])
    log.start(id)
    log.output('runtime', bytes('one\ntwo\n'))
    log.report(id, report())
    expect(text()).toBe(
      'loading\n' +
        'EXTENSION\tName: watch\tState: Ready\tEvents: [INVOKE]\n' +
        'START RequestId: an-id Version: $LATEST\n' +
        'one\ntwo\n' +
        'END RequestId: an-id\n' +
        reportLine(id, report(), '128'),
    )
  })

  test('finishes lines before it writes one of its own', () => {
    const { journal: log, text } = journal()
    log.output('runtime', bytes('init'))
    log.output('extension:watch', bytes('here'))
    log.initReport('init', timeout, 1, [])
    log.output('runtime', bytes('again'))
    log.start(id)
    log.output('runtime', bytes('first\npart'))
    log.output('runtime', bytes(' and rest'))
    log.report(id, report())
    expect(text()).toBe(
      'init\nhere\nINIT_REPORT Init Duration: 1.00 ms\tPhase: init\tStatus: timeout\n' +
        'again\nSTART RequestId: an-id Version: $LATEST\n' +
        'first\npart and rest\nEND RequestId: an-id\n' +
        reportLine(id, report(), '128'),
    )
  })

  test('keeps the lines of processes apart', () => {
    const { journal: log, text } = journal()
    log.output('runtime', bytes('run'))
    log.output('extension:watch', bytes('wat'))
    log.output('runtime', bytes('time\n'))
    log.output('extension:watch', bytes('ch\n'))
    expect(text()).toBe('runtime\nwatch\n')
  })
})

describe('the tail', () => {
  const tailOf = (write: (log: Journal) => void): string => {
    const { journal: log } = journal()
    log.output('runtime', bytes('before\n'))
    log.keepTail()
    write(log)
    const tail = new TextDecoder().decode(log.takeTail())
    log.output('runtime', bytes('after\n'))
    expect(new TextDecoder().decode(log.takeTail())).toBe('')
    return tail
  }

  test('is what the log got since it was kept, START and REPORT included', () => {
    const tail = tailOf((log) => {
      log.start(id)
      log.output('runtime', bytes('line é\n'))
      log.report(id, report())
    })
    expect(tail).toBe(
      `START RequestId: an-id Version: $LATEST\nline é\nEND RequestId: an-id\n${reportLine(id, report(), '128')}`,
    )
  })

  test('is the last 4 KB, however it was written', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}\n`)
    const all = lines.join('')
    const expected = all.slice(-4096)
    expect(tailOf((log) => log.output('runtime', bytes(all)))).toBe(expected)
    const single = tailOf((log) => {
      for (const line of lines) log.output('runtime', bytes(line))
    })
    expect(single).toBe(expected)
    const halves = tailOf((log) => {
      log.output('runtime', bytes(lines.slice(0, 900).join('')))
      for (const line of lines.slice(900)) log.output('runtime', bytes(line))
    })
    expect(halves).toBe(expected)
  })

  test('is exact at its limit', () => {
    for (const size of [4095, 4096, 4097]) {
      const text = `${'x'.repeat(size - 1)}\n`
      expect(tailOf((log) => log.output('runtime', bytes(text)))).toBe(text.slice(-4096))
    }
  })
})
