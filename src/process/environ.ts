/**
 * The environment variables of children (behaviour.md 6.1 to 6.4).
 */

import type { Address, Config } from '../config.ts'

/** An empty one of these ends Node's, Rust's or Java's runtime client, so that empty counts as absent. */
const neverEmpty = (config: Config): Record<string, string> => ({
  AWS_LAMBDA_FUNCTION_NAME: config.functionName,
  AWS_LAMBDA_FUNCTION_VERSION: config.functionVersion,
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: config.memorySize,
  AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${config.functionName}`,
  AWS_LAMBDA_LOG_STREAM_NAME: '$LATEST',
})

/** Added when absent; an empty one was meant. */
const defaults = (config: Config): Record<string, string> => ({
  AWS_REGION: config.region,
  AWS_DEFAULT_REGION: config.region,
  LAMBDA_TASK_ROOT: config.taskRoot,
  LAMBDA_RUNTIME_DIR: '/var/runtime',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  TZ: ':UTC',
})

/**
 * What the runtime gets. `runtimeApi` is `host:port` as made by `childAddress`. Credentials that are not set stay
 * unset, where the reference sets them to nothing.
 */
export const runtimeEnvironment = (config: Config, runtimeApi: string): Record<string, string> => {
  const environment = { ...defaults(config), ...config.inherited }
  for (const [name, value] of Object.entries(neverEmpty(config))) environment[name] ||= value
  if (config.handler !== undefined) environment._HANDLER = config.handler
  environment.AWS_LAMBDA_RUNTIME_API = runtimeApi
  return environment
}

/** Not for extensions (behaviour.md 6.3), and no name that starts with `_` (behaviour.md 6.4). */
const runtimeOnly =
  /^(?:_|AWS_XRAY_|(?:AWS_EXECUTION_ENV|AWS_LAMBDA_LOG_GROUP_NAME|AWS_LAMBDA_LOG_STREAM_NAME|LAMBDA_RUNTIME_DIR|LAMBDA_TASK_ROOT)$)/

/** What every external extension gets; nothing in it is about one of them. */
export const extensionEnvironment = (config: Config, runtimeApi: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(runtimeEnvironment(config, runtimeApi)).filter(([name]) => !runtimeOnly.test(name)),
  )

/**
 * The address that children are given for a listener: the one that was really bound, IPv6 in brackets. A listener on
 * all interfaces is reached by way of this machine's own.
 */
export const childAddress = ({ hostname, port }: Address): string => {
  if (hostname === '0.0.0.0') return `127.0.0.1:${port}`
  if (hostname === '::') return `[::1]:${port}`
  return hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`
}
