/**
 * Limits of runs. Quotas of the service are at
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; sizes stand in the API model
 * (https://docs.aws.amazon.com/lambda/latest/api/API_OperationUpdate.html).
 */

/** Largest payload or error of one operation, in bytes: 1 MiB. */
export const maxOperationBytes = 1_048_576
/** Largest result of a run whose caller waits for it, in bytes: 6 MiB. */
export const maxSynchronousResultBytes = 6_291_456
/** The same of a run that was started as an Event, or by another run: 1 MiB. */
export const maxAsyncResultBytes = 1_048_576
/** Most operations of a run. */
export const maxOperations = 3000
/** Most that a run may store, in bytes: 100 MiB of payloads, errors and names. */
export const maxStoredBytes = 104_857_600
/** Invocations in a row that may end as suspended with nothing to wait for; this one fails the run. */
export const maxEmptySuspensions = 3

/** Bytes of a text in UTF-8. A surrogate without its other half counts as the replacement character, three bytes. */
export function bytesOf(text: string | null | undefined): number {
  if (text === null || text === undefined) return 0
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    else if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00) {
      // a pair is four bytes, and two units were counted
      bytes += 2
      index++
    } else bytes += 2
  }
  return bytes
}
