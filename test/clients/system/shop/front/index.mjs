// An order: asks Python for the stock, synchronously and as a stream, and leaves a note without waiting.
import { InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda'

const lambda = new LambdaClient({})
const stock = process.env.STOCK
const parsed = (bytes) => JSON.parse(Buffer.from(bytes).toString())

export const handler = async ({ item, note }) => {
  const payload = JSON.stringify({ item })
  const direct = await lambda.send(new InvokeCommand({ FunctionName: stock, Payload: payload }))
  const stream = await lambda.send(
    new InvokeWithResponseStreamCommand({ FunctionName: stock, Payload: payload }),
  )
  const pieces = []
  for await (const { PayloadChunk } of stream.EventStream) if (PayloadChunk) pieces.push(PayloadChunk.Payload)
  const event = {
    FunctionName: 'ledger',
    InvocationType: 'Event',
    Payload: JSON.stringify({ note, text: `sold ${item}` }),
  }
  const { StatusCode } = await lambda.send(new InvokeCommand(event))
  const missing = await lambda
    .send(new InvokeCommand({ FunctionName: 'nobody', Payload: payload }))
    .catch((error) => `${error.name}: ${error.message}`)
  return {
    direct: parsed(direct.Payload),
    streamed: parsed(Buffer.concat(pieces)),
    noted: StatusCode,
    missing,
  }
}
