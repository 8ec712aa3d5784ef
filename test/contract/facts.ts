/** Texts and shapes that several chapters speak of. */

export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** A request as an AWS SDK signs it: it gets the service's answers. */
export const signed: Readonly<Record<string, string>> = {
  Authorization:
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=00',
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64')

export const maxRequest: number = 6 * 1024 * 1024
export const maxResponse: number = 6 * 1024 * 1024 + 100

/** A JSON string of exactly so many bytes. */
export const jsonOf = (size: number): string => `"${'x'.repeat(size - 2)}"`

/** The body of a platform-made error, in the reference's order of keys. */
export const fault = (type: string, id: string, text: string): string =>
  `{"errorType":"${type}","errorMessage":"RequestId: ${id} Error: ${text}"}`

/** The body of a refusal of the Runtime or Extensions API, byte for byte. */
export const refusal = (errorType: string, errorMessage: string): string =>
  `{"errorMessage":"${errorMessage}","errorType":"${errorType}"}\n`

export const illegal = (from: string, to: string): string =>
  refusal(
    'InvalidStateTransition',
    `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`,
  )

export const accepted = '{"status":"OK"}\n'

export const unknownId: string = refusal('InvalidRequestID', 'Invalid request ID')

/** An id that no invocation has unless its caller says so. */
export const someId = '6f1d3b1e-4a5c-4c39-9d0f-0a1b2c3d4e5f'
