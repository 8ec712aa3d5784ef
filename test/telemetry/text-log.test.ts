import { describe, expect, test } from 'bun:test'
import type { Verdict } from '../../src/core/failure.ts'
import type { RequestId } from '../../src/core/ids.ts'
import type { PlatformEvent } from '../../src/engine/platform-event.ts'
import type { Report } from '../../src/engine/ports.ts'
import { bytesOf, type Lines } from '../../src/telemetry/sink.ts'
import { createTail, type Tail } from '../../src/telemetry/tail.ts'
import {
  extensionLine,
  initReportLine,
  reportLine,
  textLog,
  twoDecimals,
} from '../../src/telemetry/text-log.ts'

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

const started: PlatformEvent = { type: 'start', at: 0, id, traceId: '' }
const over: PlatformEvent = {
  type: 'report',
  at: 0,
  id,
  traceId: '',
  runtimeDoneAt: null,
  respondingAt: null,
  respondedAt: null,
  ...report(),
}
const wrote = (text: string): PlatformEvent => ({
  type: 'log',
  at: 0,
  process: 'runtime',
  bytes: bytes(text),
  recordedAt: null,
})

interface Told {
  tell(...events: readonly PlatformEvent[]): void
  readonly tail: Tail
  readonly text: () => string
}

function log(): Told {
  let text = ''
  const tail = createTail({
    write: (lines: Lines) => {
      text += new TextDecoder().decode(bytesOf(lines))
    },
  })
  const listener = textLog({
    functionVersion: '$LATEST',
    memorySize: '128',
    managed: false,
    write: tail.write,
  })
  const tell = (...events: readonly PlatformEvent[]): void => {
    for (const event of events) listener(event)
  }
  return { tell, tail, text: () => text }
}

describe('REPORT', () => {
  const rows: [name: string, report: Report, rest: string][] = [
    ['of a warm invocation', report(), ''],
    ['of a cold one', report({ initMs: 107.136 }), 'Init Duration: 107.14 ms\t'],
    [
      'of one that was restored',
      report({ restoreMs: 60.786 }),
      'Restore Duration: 60.79 ms\tBilled Restore Duration: 61 ms\t',
    ],
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

  test('of Managed Instances has no figures of what others use too', () => {
    expect(reportLine(id, report(), null)).toBe('REPORT RequestId: an-id\tDuration: 1.87 ms\n')
    const odd = report({ verdict: failed('Function.Oops') })
    expect(reportLine(id, odd, null)).toBe(
      'REPORT RequestId: an-id\tDuration: 1.87 ms\tStatus: error\tError Type: Function.Oops\n',
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
    initReportLine({ phase: 'init', verdict: timeout, durationMs: 10_000.4 }),
    initReportLine({ phase: 'invoke', verdict: failed('Extension.Crash'), durationMs: 7 }),
    initReportLine({ phase: 'init', verdict: failed(null), durationMs: 7 }),
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

test('the log has the lines of an invocation between its START and its END', () => {
  const { tell, text } = log()
  tell(
    { type: 'initStart', at: 0, phase: 'init' },
    wrote('loading\n'),
    { type: 'extension', at: 0, name: 'watch', state: 'Ready', events: ['INVOKE'] },
    { type: 'initReport', at: 0, phase: 'init', verdict: success, durationMs: 5 },
    started,
    wrote('one\ntwo\n'),
    over,
    { type: 'initReport', at: 0, phase: 'init', verdict: timeout, durationMs: 5 },
  )
  expect(text()).toBe(
    'loading\n' +
      'EXTENSION\tName: watch\tState: Ready\tEvents: [INVOKE]\n' +
      'START RequestId: an-id Version: $LATEST\n' +
      'one\ntwo\n' +
      'END RequestId: an-id\n' +
      reportLine(id, report(), '128') +
      'INIT_REPORT Init Duration: 5.00 ms\tPhase: init\tStatus: timeout\n',
  )
})

describe('the tail', () => {
  const tailOf = (write: (told: Told) => void): string => {
    const told = log()
    told.tell(wrote('before\n'))
    told.tail.keep()
    write(told)
    const tail = new TextDecoder().decode(told.tail.take())
    told.tell(wrote('after\n'))
    expect(new TextDecoder().decode(told.tail.take())).toBe('')
    return tail
  }

  test('is what the log got since it was kept, START and REPORT included', () => {
    expect(tailOf(({ tell }) => tell(started, wrote('line é\n'), over))).toBe(
      `START RequestId: an-id Version: $LATEST\nline é\nEND RequestId: an-id\n${reportLine(id, report(), '128')}`,
    )
  })

  test('is the last 4 KB, however it was written', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}\n`)
    const expected = lines.join('').slice(-4096)
    expect(tailOf(({ tell }) => tell(wrote(lines.join(''))))).toBe(expected)
    expect(tailOf(({ tell }) => tell(...lines.map(wrote)))).toBe(expected)
    const halves = [lines.slice(0, 900).join(''), ...lines.slice(900)]
    expect(tailOf(({ tell }) => tell(...halves.map(wrote)))).toBe(expected)
  })

  test('is exact at its limit', () => {
    for (const size of [4095, 4096, 4097]) {
      const text = `${'x'.repeat(size - 1)}\n`
      expect(tailOf(({ tell }) => tell(wrote(text)))).toBe(text.slice(-4096))
    }
  })
})

test.each([0, 0.004, 0.006, 0.05, 1, 1.1, 9.999, 12.34, 99.995001, 1000.5, 900_000.25, 21_474_836.47, 3e9])(
  '%d ms have two decimals',
  (ms) => {
    expect(twoDecimals(ms)).toBe(ms.toFixed(2))
  },
)

test('SnapStart has a line for each init and each restore', () => {
  const lines: string[] = []
  const listener = textLog({
    functionVersion: '$LATEST',
    memorySize: '128',
    managed: false,
    snapStart: true,
    write: (written) => lines.push(new TextDecoder().decode(bytesOf(written))),
  })
  const at = 0
  listener({ type: 'initReport', at, phase: 'init', verdict: success, durationMs: 200.123 })
  listener({ type: 'restoreReport', at, verdict: success, durationMs: 60.786 })
  listener({ type: 'restoreReport', at, verdict: failed('Runtime.Oops'), durationMs: 1 })
  expect(lines).toEqual([
    'INIT_REPORT Init Duration: 200.12 ms\tPhase: init\tStatus: success\n',
    'RESTORE_REPORT Restore Duration: 60.79 ms\n',
    'RESTORE_REPORT Restore Duration: 1.00 ms\tStatus: error\tError Type: Runtime.Oops\n',
  ])
})
