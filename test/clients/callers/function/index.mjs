// The function that SDKs call. What it does is in the event: {"do": …}.
import { existsSync } from 'node:fs'

if (process.env.FAIL_INIT) throw new RangeError(process.env.FAIL_INIT)

/** Writes `parts` some time apart; then it fails, if it is to. */
export const stream = awslambda.streamifyResponse(async (event, response) => {
  const { parts = ['whole'], fail, ms = 0 } = event ?? {}
  response.setContentType('text/plain')
  for (const part of parts) {
    response.write(part)
    await new Promise((resolve) => setTimeout(resolve, ms))
  }
  if (fail) throw new RangeError(fail)
  response.end()
})

export async function handler(event, context) {
  switch (event?.do) {
    case 'throw':
      throw new RangeError(event.message)
    case 'exit':
      process.exit(event.code)
      break
    case 'sleep':
      await new Promise((resolve) => setTimeout(resolve, event.ms))
      return null
    case 'hold':
      while (!existsSync(event.file)) await new Promise((resolve) => setTimeout(resolve, 5))
      return null
    case 'log':
      console.log(event.text)
      return null
    case 'context':
      return {
        requestId: context.awsRequestId,
        arn: context.invokedFunctionArn,
        custom: context.clientContext?.custom ?? null,
        tenant: context.tenantId ?? null,
      }
    case 'large':
      return 'x'.repeat(event.bytes - 2)
    default:
      return typeof event === 'string' ? event.length : event
  }
}
