// The function behind the Node client. What it does is in the event: {"do": …}.
export async function handler(event, context) {
  switch (event.do) {
    case 'throw':
      throw new RangeError(event.message)
    case 'panic':
      setTimeout(() => {
        throw new Error('outside of the handler')
      })
      return await new Promise(() => {})
    case 'exit':
      process.exit(event.code)
      break
    case 'sleep':
      await new Promise((resolve) => setTimeout(resolve, event.ms))
      return { instance: process.pid }
    case 'environment':
      return Object.fromEntries(event.names.map((name) => [name, process.env[name] ?? null]))
    case 'context':
      return {
        requestId: context.awsRequestId,
        arn: context.invokedFunctionArn,
        remaining: context.getRemainingTimeInMillis(),
        trace: process.env._X_AMZN_TRACE_ID ?? null,
        custom: context.clientContext?.custom ?? null,
      }
    case 'large':
      return 'x'.repeat(event.bytes)
    case 'print':
      for (let line = 0; line < event.lines; line++) {
        process.stdout.write(`out ${event.n} ${line}\n`)
        process.stderr.write(`err ${event.n} ${line}\n`)
      }
      return event
    case 'log':
      console.log(`log ${event.n}`)
      await new Promise((resolve) => setTimeout(resolve, event.ms))
      return { requestId: context.awsRequestId, n: event.n }
    case 'instance':
      return { instance: process.pid }
    default:
      return event
  }
}

// The same client in its other mode: {"parts": […], "fail"?: …}, which is a request's body at a Function URL.
export const stream = awslambda.streamifyResponse(async (given, answer) => {
  const event = given.requestContext ? JSON.parse(given.body) : given
  if (!event.parts) return answer.end(JSON.stringify(event))
  answer.setContentType('text/plain')
  for (const part of event.parts) {
    answer.write(part)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  if (event.fail) throw new RangeError(event.fail)
  answer.end()
})
