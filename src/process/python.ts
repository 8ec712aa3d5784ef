/** Whether Python has AWS's runtime client. Loaded where a template has functions for Python. */

/** Looks for the module from this folder, as `python3 -m` would, and imports nothing. Takes some 50 ms. */
export function hasRuntimeClient(folder: string, env: Readonly<Record<string, string>>): boolean {
  const look = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("awslambdaric") is None)'
  try {
    const { exitCode } = Bun.spawnSync(['python3', '-c', look], {
      cwd: folder,
      env: { ...env, PYTHONDONTWRITEBYTECODE: '1' },
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
      timeout: 10_000,
    })
    return exitCode === 0
  } catch {
    // there is no python3
    return false
  }
}
