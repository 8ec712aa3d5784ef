/** A handler within another program is served as it is from the command line. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, startEmulator } from 'bun-lambda-rie'
import { patience, tempDir } from '../harness.ts'

setDefaultTimeout(4 * patience)

const decorated = `
function decorate(_: object, __: string, descriptor: PropertyDescriptor) { descriptor.value = () => 'decorated' }
class Greeter { @decorate greet() { return 'plain' } }
export const handler = async () => [new Greeter().greet(), process.env.BUN_INSPECT ?? null]
`

test.each([
  ['itself', { 'tsconfig.json': '{"compilerOptions":{"experimentalDecorators":true}}' }],
  [
    'what it extends',
    {
      'tsconfig.json': '{"extends":["./base"]}',
      'base.json': '{"compilerOptions":{"experimentalDecorators":true}}',
    },
  ],
])("obeys the function's tsconfig.json: %s", async (_, files) => {
  using folder = tempDir()
  for (const [name, text] of Object.entries({ ...files, 'index.ts': decorated })) {
    writeFileSync(join(folder.path, name), text)
  }
  await using emulator = await startEmulator({ cwd: folder.path, handler: 'index.handler' })
  expect((await emulator.invoke()).json()).toEqual(['decorated', null])
})

test.each([
  ['a module that is missing', 'nowhere.handler', /^handler: there is no module nowhere in /],
  ['a typing error', 'indx.handler', /did you mean index.handler /],
  [
    'an export that is missing',
    'index.nothing',
    /index.nothing is not exported: \S+index.ts exports handler$/,
  ],
])('rejects for %s', async (_, handler, message) => {
  using folder = tempDir()
  writeFileSync(join(folder.path, 'index.ts'), decorated)
  const started = startEmulator({ cwd: folder.path, handler })
  expect(started).rejects.toBeInstanceOf(ConfigError)
  expect(started).rejects.toThrow(message)
})

test("leaves the program's own debugger to the program", async () => {
  using folder = tempDir()
  writeFileSync(join(folder.path, 'index.ts'), decorated)
  writeFileSync(join(folder.path, 'tsconfig.json'), '{"compilerOptions":{"experimentalDecorators":true}}')
  const before = process.env.BUN_INSPECT
  // as the program's own inspector, which has the address already
  using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  process.env.BUN_INSPECT = `ws://127.0.0.1:${server.port}/of-the-program`
  try {
    await using emulator = await startEmulator({ cwd: folder.path, handler: 'index.handler' })
    expect((await emulator.invoke()).json()).toEqual(['decorated', null])
  } finally {
    if (before === undefined) delete process.env.BUN_INSPECT
    else process.env.BUN_INSPECT = before
  }
})
