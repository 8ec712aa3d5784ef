/** Takes as many steps as it is told, or opens a callback and waits, without an SDK. */
const api = `${process.env.AWS_ENDPOINT_URL_LAMBDA}/2025-12-01/durable-executions`

export async function handler(event) {
  const [run, ...seen] = event.InitialExecutionState.Operations
  const { steps = 0 } = JSON.parse(run.ExecutionDetails.InputPayload)
  const url = `${api}/${encodeURIComponent(event.DurableExecutionArn)}/checkpoint`
  let token = event.CheckpointToken
  async function checkpoint(update) {
    const body = JSON.stringify({ CheckpointToken: token, Updates: [update] })
    const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    token = (await answer.json()).CheckpointToken
  }
  if (steps === 0) {
    if (seen.length === 0)
      await checkpoint({ Id: 'c', Type: 'CALLBACK', Action: 'START', CallbackOptions: {} })
    return { Status: 'PENDING' }
  }
  const begin = performance.now()
  for (let step = 0; step < steps; step++)
    await checkpoint({ Id: `s${step}`, Type: 'STEP', Action: 'SUCCEED', Payload: '"a result of a step"' })
  return { Status: 'SUCCEEDED', Result: JSON.stringify(performance.now() - begin) }
}
