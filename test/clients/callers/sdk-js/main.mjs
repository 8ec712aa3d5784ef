// Makes the calls that come as lines of JSON, and says in a line of JSON what its user gets to see.
import { createInterface } from 'node:readline'
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'

const commands = { Invoke: InvokeCommand, ListFunctions: ListFunctionsCommand }

function success({ StatusCode, FunctionError, ExecutedVersion, LogResult, Payload, $metadata }) {
  const payload = Buffer.from(Payload ?? [])
  return {
    status: StatusCode,
    functionError: FunctionError ?? null,
    executedVersion: ExecutedVersion ?? null,
    log: LogResult === undefined ? null : Buffer.from(LogResult, 'base64').toString(),
    payload: payload.length < 65536 ? payload.toString() : null,
    bytes: payload.length,
    requestId: $metadata.requestId,
    attempts: $metadata.attempts,
  }
}

function failure(error) {
  return {
    exception: error.constructor.name,
    code: error.name,
    message: error.message,
    reason: error.Reason ?? null,
    retryAfter: error.retryAfterSeconds ?? null,
    status: error.$metadata?.httpStatusCode,
    requestId: error.$metadata?.requestId ?? null,
    attempts: error.$metadata?.attempts,
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { url, operation, input, attempts } = JSON.parse(line)
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
  const client = new LambdaClient({
    endpoint: url,
    region: 'us-east-1',
    credentials,
    maxAttempts: attempts,
  })
  const seen = await client.send(new commands[operation](input)).then(success, failure)
  console.log(JSON.stringify(seen))
}
