import { expect, test } from 'bun:test'
import { join } from 'node:path'

test('there is a command also while no descriptor is left to look at the project', async () => {
  const source = join(import.meta.dir, '../../src/handler/command.ts')
  const program = `
    import { openSync } from 'node:fs'
    import { handlerCommand } from ${JSON.stringify(source)}
    const served = { execPath: 'bun', isCompiled: true, mainPath: '', handler: 'index.handler', cwd: '/', taskRoot: undefined }
    try { for (;;) openSync('/dev/null', 'r') } catch {}
    console.log(JSON.stringify(handlerCommand(served).argv))
    process.exit()`
  const child = Bun.spawn(['sh', '-c', 'ulimit -n 64; exec "$0" -e "$1"', process.execPath, program])
  expect(await child.stdout.text()).toBe('["bun"]\n')
})
