/** What to use in place of a word that is not known: the nearest that is, or what stands for a word of other tools. */

import { closest, distance } from 'fastest-levenshtein'

const address = '--runtime-interface-emulator-address'
const portAdvice = `${address} :PORT`

/** Words that people bring along from AWS SAM, cargo-lambda, serverless-offline, Docker, Node and Bun. */
const ofOthers: Readonly<Record<string, string>> = {
  '--port': portAdvice,
  '-p': portAdvice,
  '--http-port': portAdvice,
  '--httpPort': portAdvice,
  '--lambda-port': portAdvice,
  '--lambdaPort': portAdvice,
  '--invoke-port': portAdvice,
  '--host': `${address} HOST:PORT`,
  '--address': `${address} HOST:PORT`,
  '--listen': `${address} HOST:PORT`,
  '--invoke-address': `${address} HOST:PORT`,
  '-t': '--timeout SECONDS',
  '--function-timeout': '--timeout SECONDS',
  '--no-timeout': '--timeout 2147483',
  '--noTimeout': '--timeout 2147483',
  '-m': '--memory-size MB',
  '--memory': '--memory-size MB',
  '-e': '--env NAME=VALUE',
  '--env-var': '--env NAME=VALUE',
  '--environment': '--env NAME=VALUE',
  '--container-env-vars': '--env-file FILE, of lines NAME=VALUE',
  '-n': '--name NAME',
  '--function': '--name NAME',
  '--function-name': '--name NAME',
  '--concurrency': '--max-environments COUNT',
  '--max-concurrency': '--max-environments COUNT',
  '--warm-containers': '--eager-init',
  '--cwd': '--task-root DIRECTORY',
  '--directory': '--task-root DIRECTORY',
  '--region': 'the variable AWS_REGION',
  '--verbose': '--log-level debug',
  '--quiet': '--log-level warn',
  '-q': '--log-level warn',
  '--silent': '--log-level error',
  '-v': '--version, or --log-level debug',
  '-V': '--version',
  '--hot': '--watch',
  '--reload': '--watch',
  '--reloadHandler': '--watch',
  '--no-watch': '--watch=off',
  '--ignore-changes': '--watch=off',
  '--console': 'there without an option, at /_rie/; --no-console removes it',
  '-d': '--inspect with --handler, else --debug and the debugger of your runtime',
  '--debug-port': '--inspect=PORT with --handler, else --debug and the debugger of your runtime',
  '--inspect-port': '--inspect=PORT',
  '--event': 'aws-lambda-rie invoke -e FILE, from another terminal',
  '--data-file': 'aws-lambda-rie invoke -e FILE, from another terminal',
  '--layers': 'layers in a file for --functions',
  '-?': '--help',
  '--only-lambda-apis': '--attach, and AWS_LAMBDA_RUNTIME_API for the runtime that you start',
}

/**
 * The known word that this one is likely to be, if any is near: the first one that begins with its words, of which
 * there have to be two, since one (`--runtime`) may mean anything; else the one with the fewest slips, one in four letters
 * at most, none in a word of three.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const longer = /[a-z][-_][a-z]/i.test(word)
    ? known.find((each) => each.startsWith(`${word}-`) || each.startsWith(`${word}_`))
    : undefined
  if (longer !== undefined) return longer
  const candidate = word.length < 4 ? undefined : closest(word, known)
  if (candidate === undefined) return undefined
  return distance(word, candidate) <= Math.ceil(word.length / 4) ? candidate : undefined
}

/** The end of a message about an option that is not known. */
export function adviceOn(word: string, known: readonly string[]): string {
  const instead = ofOthers[word]
  if (instead !== undefined) return `; here it is ${instead}`
  const near = nearest(word, known)
  return near === undefined ? '; --help lists all' : `; the nearest one is ${near}`
}
