import { describe, expect, test } from 'bun:test'
import { extensionEnvironment, runtimeEnvironment } from '../../src/process/environ.ts'
import { keepsInspector, withoutInspector } from '../../src/process/inspector.ts'

const given = { BUN_INSPECT: 'ws://127.0.0.1:1/x', BUN_INSPECT_NOTIFY: 'unix:///x', PATH: '/bin' }

describe("Bun's variables for a debugger", () => {
  test('are kept from the emulator under other names', () => {
    const kept = withoutInspector(given)!
    expect(kept).toEqual({
      _LAMBDA_RIE_BUN_INSPECT: 'ws://127.0.0.1:1/x',
      _LAMBDA_RIE_BUN_INSPECT_NOTIFY: 'unix:///x',
      PATH: '/bin',
    })
    expect([keepsInspector(kept), keepsInspector(given)]).toEqual([true, false])
    // a second start would be one without end
    expect(withoutInspector(kept)).toBeUndefined()
  })

  test('have their names again in the runtime, and do not reach extensions', () => {
    const of = {
      name: 'f',
      version: '1',
      memorySize: '128',
      region: 'eu-west-1',
      taskRoot: '/',
      handler: undefined,
      environment: withoutInspector(given)!,
    }
    const runtime = runtimeEnvironment(of, { runtimeApi: 'x:1', metadataToken: 'token' })
    expect(runtime).toMatchObject(given)
    const names = Object.keys({
      ...runtime,
      ...extensionEnvironment(of, { runtimeApi: 'x:1', metadataToken: 'token' }),
    })
    expect(names.filter((name) => name.startsWith('_LAMBDA_RIE'))).toEqual([])
    expect(
      Object.keys(extensionEnvironment(of, { runtimeApi: 'x:1', metadataToken: 'token' })),
    ).not.toContain('BUN_INSPECT')
  })
})
