/** An address that records are posted to. */

/** Rejects when the answer is not of the 200s, or does not come within `limitMs`. */
export async function post(url: string, record: string, limitMs: number): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: record,
    redirect: 'manual',
    signal: AbortSignal.timeout(limitMs),
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`it answered ${response.status}`)
}
