/** What children inherit, and whether extensions run. */
import { expect } from 'bun:test'
import { both, puppetsNamed, ready } from './actor.ts'
import { chapter } from './chapter.ts'

export const children = chapter('Children', (it) => {
  for (const value of ['1', 'true', 'TRUE']) {
    it.external(`starts no extension with AWS_LAMBDA_RIE_DISABLE_EXTENSIONS=${value}`, async ({ start }) => {
      const env = { AWS_LAMBDA_RIE_DISABLE_EXTENSIONS: value }
      await using rie = await start({ extensions: puppetsNamed('agent'), env })
      expect((await rie.exchange()).answer.status).toBe(200)
      expect(rie.extensions()).toEqual([])
      expect((await rie.register('inner', ['INVOKE'])).status).toBe(404)
    })
  }

  for (const value of ['', '0', 'false']) {
    it.external(`starts extensions with AWS_LAMBDA_RIE_DISABLE_EXTENSIONS=${value}`, async ({ start }) => {
      const env = { AWS_LAMBDA_RIE_DISABLE_EXTENSIONS: value }
      await using rie = await start({ extensions: puppetsNamed('agent'), env })
      rie.invoke()
      await ready(rie, { agent: both })
      expect((await rie.reply()).status).toBe(200)
    })
  }
})
