/**
 * Everything of other people's that is run against a built emulator:
 *
 *     bun run clients […]              AWS's runtime clients, and its SDKs as callers (run.ts)
 *     bun run clients url […]          web frameworks behind the Function URL, and a browser (test/url)
 *     bun run clients field […]        other programs that people use with RIE (test/field)
 *     bun run clients debuggers        the debuggers of the README (test/debug)
 *     bun run clients system […]       a system of three functions that call each other (system/run.ts)
 *     bun run clients durable […]      AWS's SDKs for durable executions (durable/run.ts)
 */

const [suite] = process.argv.slice(2)
const isNamed =
  suite === 'system' || suite === 'url' || suite === 'field' || suite === 'debuggers' || suite === 'durable'
// what is left are the suite's own words
if (isNamed) process.argv.splice(2, 1)
if (suite === 'system') await import('./system/run.ts')
else if (suite === 'url') await import('../url/run.ts')
else if (suite === 'field') await import('../field/run.ts')
else if (suite === 'durable') await import('./durable/run.ts')
else if (suite === 'debuggers') {
  const tests = Bun.spawn([process.execPath, '--no-env-file', 'test', './test/debug'], {
    env: { ...process.env, DEBUGGERS: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  process.exitCode = await tests.exited
} else await import('./run.ts')

export {}
