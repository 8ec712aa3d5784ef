/** Differences in how the emulator is started: addresses, values of variables, and what children inherit. */
import { type Difference, of } from './difference.ts'

const headerVariables = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_FUNCTION_HANDLER',
  '_HANDLER',
]
const bad = ['a character beyond Latin-1', 'a line feed', 'a carriage return within', 'a control character']

export const startDifferences: readonly Difference[] = [
  of(
    'hands on port 0 as 0, and does not say where it listens',
    'takes the same free port for both families, and says which',
    'tests need it',
    ['serves both families on one and the same free port'],
  ),
  of('serves runtimes on IPv4 alone', 'serves them on ::1 as well', '`localhost` is ::1 for many clients', [
    'serves callers and runtimes on IPv4 and IPv6 by default',
  ]),
  of(
    'has flags alone for its addresses, and ends where 9001 is taken',
    'has variables too, and takes a free port where 9001 was not asked for',
    'entry scripts of images take no flags; two may run on one host',
    [
      'listens where its variables say',
      'ends with exit code 2 for AWS_LAMBDA_RIE_ADDRESS without a port',
      'ends with exit code 2 for AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS without a port',
      'takes a free port for runtimes where 9001 is taken and nobody asked for it, and says so',
    ],
  ),
  of(
    'says what it runs for a command alone, before it listens, in text',
    'says it for a bootstrap that it has found too, once it listens, in JSON',
    'tools wait for the line before they send anything',
    [
      'says what it runs when it has found a bootstrap',
      'says what it runs once, and after both listeners are open',
      'says what it runs at the level info, and not above it',
    ],
  ),
  of(
    'hands a carriage return on as a blank or not at all, and other characters as raw bytes',
    'cuts it off and warns; ends with exit code 2 for what fits into no header',
    'an `.env` with Windows line ends is no reason to fail, a value that cannot be sent is',
    headerVariables.flatMap((name) => [
      `cuts the carriage return off ${name} from a file with Windows line ends, and says so`,
      ...bad.map((kind) => `ends with exit code 2 for ${name} with ${kind}`),
    ]),
  ),
  of(
    'prints any memory size, has a fixed account, ends for a log level that it does not know',
    "takes the default, warns, and passes the function's own value on",
    'such variables are read by other programs too',
    [
      ...['your-account-id', '1234', '$ACCOUNT', '1234-5678-9012'].map((value) => `AWS_ACCOUNT_ID=${value}`),
      ...['512MB', 'plenty', '-1'].map((value) => `AWS_LAMBDA_FUNCTION_MEMORY_SIZE=${value}`),
      ...['CRITICAL', 'verbose', '20'].map((value) => `LOG_LEVEL=${value}`),
    ]
      .map((set) => `starts with ${set}, which is the function's own, warns, and passes it on`)
      .concat(
        'takes a flag before a variable with a wrong value, and does not warn of it',
        'ends with exit code 2 for a log level of the flag that nobody knows, whatever the variable says',
      ),
  ),
  of(
    'raises the soft limit of open files to the hard one, for its children too',
    "gives its children Lambda's limit, 1024",
    'programs that close every descriptor they may have take minutes for a million',
    [
      "gives its children Lambda's limit of open files where it has a higher one",
      "gives its children Lambda's limit of open files where it has a lower one",
      'keeps the limit of open files of a child that starts again',
    ],
  ),
  of('does not have the option', 'AWS_LAMBDA_RIE_DISABLE_EXTENSIONS, --recycle-after', 'options of ours', [
    ...['1', 'true', 'TRUE'].map(
      (value) => `starts no extension with AWS_LAMBDA_RIE_DISABLE_EXTENSIONS=${value}`,
    ),
    'starts an environment anew after every invocation with --recycle-after 1',
    'keeps an environment for as many invocations as --recycle-after says',
    'keeps an environment for good with --recycle-after 0',
  ]),
  of(
    '(the portable layer, for macOS)',
    'replaces bytes that are not UTF-8 in variables and arguments',
    'Bun reads and writes text; without /proc and execve there are no other bytes to be had',
    ['hands variables and arguments on byte for byte, also when they are not UTF-8'],
    ['portable'],
  ),
  of(
    '(the portable layer, for macOS)',
    'knows no memory of a runtime that somebody else starts',
    'POSIX has no way from a connection to the process at its other end',
    ['charges an invocation with the memory of the attached runtime'],
    ['portable'],
  ),
  of(
    '(the portable layer, for macOS)',
    'hands on the variable that chose the layer on Linux',
    'variables are handed on as they are; on a Mac there is none',
    ['sets nothing else'],
    ['portable'],
  ),
]
