/**
 * How the emulator starts itself as the runtime of a JavaScript or TypeScript handler.
 */

/** `main.ts` serves a handler instead of emulating when this variable is `1`. */
export const SERVE_MARKER = '_LAMBDA_RIE_SERVE_HANDLER'

/** The folder that a relative handler is looked up in first: where the user typed the command. */
export const HANDLER_ROOT = '_LAMBDA_RIE_HANDLER_ROOT'

/** The reserved handler name of the function that comes with the emulator. */
export const SAMPLE_HANDLER = '@sample.handler'

/**
 * What keeps the bun CLI from reading the function's .env and bunfig.toml, and from downloading packages that are
 * missing where no node_modules exists. The compiled program was built not to.
 */
export const CLI_FLAGS = ['--no-env-file', '--config=/dev/null', '--no-install'] as const

/** A command and what its environment needs on top of the function's. */
export type HandlerCommand = {
  readonly argv: [string, ...string[]]
  readonly env: Record<string, string>
}

/** Builds the command of the child that serves `handler`, which is relative to `cwd` unless it is absolute. */
export const handlerCommand = (
  execPath: string,
  isCompiled: boolean,
  mainPath: string,
  handler: string,
  cwd: string,
): HandlerCommand => ({
  argv: isCompiled ? [execPath] : [execPath, ...CLI_FLAGS, mainPath],
  env: { [SERVE_MARKER]: '1', [HANDLER_ROOT]: cwd, _HANDLER: handler },
})
