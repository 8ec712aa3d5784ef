/**
 * The environment variables of children (behaviour.md 6.1 to 6.4).
 */

import { giveInspector, inspectorVariables } from './inspector.ts'

/** What the variables of a function's processes are made from. */
export interface FunctionVariables {
  readonly name: string
  readonly version: string
  readonly memorySize: string
  readonly region: string
  readonly taskRoot: string
  readonly handler: string | undefined
  /** passed on; what stands here goes before the defaults */
  readonly environment: Readonly<Record<string, string>>
}

/** An empty one of these ends Node's, Rust's or Java's runtime client, so that empty counts as absent. */
function neverEmpty(of: FunctionVariables): Record<string, string> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: of.name,
    AWS_LAMBDA_FUNCTION_VERSION: of.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: of.memorySize,
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${of.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: '$LATEST',
  }
}

/** Added when absent; an empty one was meant. */
function defaults(of: FunctionVariables): Record<string, string> {
  return {
    AWS_REGION: of.region,
    AWS_DEFAULT_REGION: of.region,
    LAMBDA_TASK_ROOT: of.taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    TZ: ':UTC',
  }
}

/** What an execution environment has of its own. */
export interface EnvironmentVariables {
  /** `host:port` as made by `childAddress` */
  readonly runtimeApi: string
  /** for the metadata endpoint, which is at the same address */
  readonly metadataToken: string
  /** where functions of this emulator are reached by their names; undefined: nowhere, there is one */
  readonly endpoint?: string | undefined
  /** for the credentials endpoint, which is at the same address; null: the plain credentials are passed on */
  readonly credentialsToken?: string | null
  /** where parallel workers connect to have a stream of their own for their lines; undefined: nowhere */
  readonly logSocket?: string | undefined
}

/** What the runtime gets. Credentials that are not set stay unset, where the reference sets them to nothing. */
export function runtimeEnvironment(
  of: FunctionVariables,
  { runtimeApi, metadataToken, credentialsToken = null, logSocket, endpoint }: EnvironmentVariables,
): Record<string, string> {
  const environment = { ...defaults(of), ...of.environment }
  for (const [name, value] of Object.entries(neverEmpty(of))) environment[name] ||= value
  if (of.handler !== undefined) environment._HANDLER = of.handler
  environment.AWS_LAMBDA_RUNTIME_API = runtimeApi
  environment.AWS_LAMBDA_METADATA_API = runtimeApi
  environment.AWS_LAMBDA_METADATA_TOKEN = metadataToken
  if (endpoint !== undefined) environment.AWS_ENDPOINT_URL_LAMBDA ??= endpoint
  if (logSocket !== undefined) environment._LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET = logSocket
  if (credentialsToken !== null) {
    // those of a snapshot would have expired
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'])
      delete environment[name]
    environment.AWS_CONTAINER_CREDENTIALS_FULL_URI = `http://${runtimeApi}/2021-04-23/credentials`
    environment.AWS_CONTAINER_AUTHORIZATION_TOKEN = credentialsToken
  }
  giveInspector(environment)
  return environment
}

/** Variables of which one says where credentials come from. */
const credentialSources = [
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
]

/**
 * What the SDKs of durable executions need: where their API is, and any keys, without which their first call fails.
 * What is set stays. `endpoint` as `http://host:port`.
 */
export function giveDurable(environment: Record<string, string>, endpoint: string): void {
  environment.AWS_ENDPOINT_URL_LAMBDA ||= endpoint
  if (credentialSources.some((name) => Boolean(environment[name]))) return
  environment.AWS_ACCESS_KEY_ID = 'local'
  environment.AWS_SECRET_ACCESS_KEY = 'local'
}

/** Not for extensions (behaviour.md 6.3), and no name that starts with `_` (behaviour.md 6.4). */
const runtimeOnly =
  /^(?:_|AWS_XRAY_|(?:AWS_EXECUTION_ENV|AWS_LAMBDA_MAX_CONCURRENCY|AWS_LAMBDA_LOG_GROUP_NAME|AWS_LAMBDA_LOG_STREAM_NAME|LAMBDA_RUNTIME_DIR|LAMBDA_TASK_ROOT)$)/

/** What every external extension gets; nothing in it is about one of them. */
export function extensionEnvironment(
  of: FunctionVariables,
  own: EnvironmentVariables,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(runtimeEnvironment(of, own)).filter(
      ([name]) => !runtimeOnly.test(name) && !inspectorVariables.includes(name),
    ),
  )
}

/** A listener's or a peer's address; `hostname` is without brackets. */
interface HostPort {
  readonly hostname: string
  readonly port: number
}

/** As it was bound, IPv6 in brackets. */
export function boundAddress({ hostname, port }: HostPort): string {
  return hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`
}

/** The bound address of a listener that was asked for every address of the machine is no address to connect to. */
export function reachable(asked: HostPort, bound: HostPort): HostPort {
  return asked.hostname === '' ? { hostname: '127.0.0.1', port: bound.port } : bound
}

/**
 * The address that children are given for a listener, IPv6 in brackets. A listener on all interfaces is reached by way
 * of this machine's own.
 */
export function childAddress({ hostname, port }: HostPort): string {
  if (hostname === '0.0.0.0') return `127.0.0.1:${port}`
  if (hostname === '::') return `[::1]:${port}`
  return boundAddress({ hostname, port })
}
