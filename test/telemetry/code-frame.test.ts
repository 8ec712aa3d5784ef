import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reportedError } from '../../src/telemetry/code-frame.ts'
import { tempDir } from '../harness.ts'

const post = (document: unknown) => {
  const bytes = new TextEncoder().encode(typeof document === 'string' ? document : JSON.stringify(document))
  return reportedError({ size: bytes.length, chunks: [bytes.subarray(0, 5), bytes.subarray(5)] })
}

describe('what a runtime posted', () => {
  test('is shown with the line that the first frame of its own names', () => {
    using folder = tempDir()
    const file = join(folder.path, 'index.ts')
    writeFileSync(file, 'const a = 1\n  call(a.b.c)\n')
    const trace = [
      'TypeError: undefined',
      `    at node_modules (${folder.path}/node_modules/x.js:1:1)`,
      '    at gone (/nowhere/x.js:1:1)',
      `    at handler (${file}:2:8)`,
    ]
    expect(post({ errorType: 'TypeError', errorMessage: 'undefined', trace })).toEqual<unknown>({
      name: 'TypeError',
      message: 'undefined',
      stack: `${file}:2\n  call(a.b.c)\n       ^\n\n${trace.join('\n')}`,
    })
  })

  test('is shown without a line of a minified bundle', () => {
    using folder = tempDir()
    const file = join(folder.path, 'index.mjs')
    writeFileSync(file, `${'a();'.repeat(126)}`)
    const trace = ['TypeError: undefined', `    at handler (${file}:1:480)`]
    expect(post({ errorType: 'TypeError', errorMessage: 'undefined', trace })?.stack).toBe(trace.join('\n'))
  })

  test('keeps the line that it has', () => {
    const trace = ['/x/index.ts:2', '  const x = ;', '            ^', '', 'SyntaxError: Unexpected ;']
    expect(post({ errorType: 'E', errorMessage: 'm', trace })?.stack).toBe(trace.join('\n'))
  })

  test('of Python has its lines in the stack', () => {
    const stackTrace = ['  File "/x/app.py", line 1, in <module>\n    import gone\n']
    expect(post({ errorType: 'E', errorMessage: 'm', stackTrace })?.stack).toBe(
      '  File "/x/app.py", line 1, in <module>\n    import gone',
    )
  })

  test.each([['no JSON'], ['null'], ['{"errorType":1}'], ['[]'], ['']])('%p is no error', (document) => {
    expect(post(document)).toBeUndefined()
  })

  test('may have no stack at all', () => {
    expect(post({ errorType: 'E', errorMessage: 'm' })).toEqual<unknown>({
      name: 'E',
      message: 'm',
      stack: '',
    })
  })
})
