/** Races about parked polls that a fault run has found, each put into order by hand. */
import { expect, test } from 'bun:test'
import { runtimePath, started } from '../api/stage.ts'
import { until } from '../harness.ts'
import { connect } from '../kit/peer.ts'

test('a dying process that has closed its poll, and is not dead yet, is handed no invocation', async () => {
  await using staged = started()
  const { environment, api } = staged
  const polls = (): number => ('polls' in environment.state ? environment.state.polls.length : 0)
  using wire = await connect(api.port)
  wire.send(`GET ${runtimePath}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n`)
  await until('the poll', () => polls() === 1)
  wire.leave()
  // the listener has seen the end of that connection when it has answered on later ones
  for (let round = 0; round < 3; round++) await (await staged.fetch('/2018-06-01/ping')).text()
  expect(environment.noticeDeaths()).toBe(false)
  expect(polls()).toBe(0)
})
