// Runs in a browser, in a page of another origin than the emulator's.
import { InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda'

async function main() {
  const endpoint = new URL(import.meta.url).search.slice(1)
  const client = new LambdaClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
  })
  const invoke = (event, rest = {}) =>
    client.send(new InvokeCommand({ FunctionName: 'my-function', Payload: JSON.stringify(event), ...rest }))
  const text = ({ Payload }) => new TextDecoder().decode(Payload)
  const echoed = await invoke('hello', { LogType: 'Tail' })
  const thrown = await invoke({ do: 'throw', message: 'no such fruit' })
  const { EventStream } = await client.send(
    new InvokeWithResponseStreamCommand({ FunctionName: 'my-function', Payload: '"streamed"' }),
  )
  const pieces = []
  for await (const { PayloadChunk, InvokeComplete } of EventStream) {
    pieces.push(InvokeComplete ?? text(PayloadChunk))
  }
  return {
    pieces,
    value: JSON.parse(text(echoed)),
    executedVersion: echoed.ExecutedVersion,
    functionError: thrown.FunctionError,
    errorType: JSON.parse(text(thrown)).errorType,
    log: atob(echoed.LogResult).includes('START RequestId'),
    requestId: /^[0-9a-f-]{36}$/.test(echoed.$metadata.requestId),
  }
}

window.outcome = await main().catch((error) => ({ failed: String(error) }))
