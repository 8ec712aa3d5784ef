/** A function that tells the vendor's extension beside it of each invocation, as the vendor's wrapper does. */

import { gzipSync } from 'node:zlib'

export const handler = async (_event, context) => {
  const now = new Date().toISOString()
  const told = {
    function: { startTime: now, endTime: now },
    traces: { resourceSpans: [{ instrumentationLibrarySpans: [] }] },
  }
  const record = `${now}\t${context.awsRequestId}\tINFO\t⚡.${gzipSync(JSON.stringify(told)).toString('base64')}`
  const body = JSON.stringify([{ type: 'function', record }])
  return (await fetch('http://127.0.0.1:2772/', { method: 'POST', body })).status
}
