// Makes the calls that come as lines of JSON, and says in a line of JSON what its user gets to see.
import { createInterface } from 'node:readline'
import {
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda'

const commands = {
  Invoke: InvokeCommand,
  InvokeWithResponseStream: InvokeWithResponseStreamCommand,
  ListFunctions: ListFunctionsCommand,
}

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

async function streamed({ StatusCode, ExecutedVersion, EventStream, ResponseStreamContentType, $metadata }) {
  const pieces = []
  let complete
  let first
  for await (const event of EventStream) {
    first ??= performance.now()
    if (event.PayloadChunk) pieces.push(Buffer.from(event.PayloadChunk.Payload).toString())
    if (event.InvokeComplete) complete = event.InvokeComplete
  }
  return {
    status: StatusCode,
    executedVersion: ExecutedVersion ?? null,
    contentType: ResponseStreamContentType ?? null,
    pieces,
    complete,
    spread: performance.now() - first,
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
  const read = operation === 'InvokeWithResponseStream' ? streamed : success
  const seen = await client.send(new commands[operation](input)).then(read).catch(failure)
  console.log(JSON.stringify(seen))
}
