/** The page of durable executions in a browser: what a person does with it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { patience } from '../harness.ts'
import { type Launched, launch, root } from '../kit/launch.ts'
import { spell } from '../kit/wire.ts'

setDefaultTimeout(4 * patience)

const executable = ['chromium', 'chromium-browser', 'google-chrome']
  .map((name) => Bun.which(name))
  .find(Boolean)
/** Gives every text of a page that is hard to read. */
const lowContrast = await Bun.file(join(import.meta.dir, '../fixtures/console/low-contrast.js')).text()

if (!executable) {
  test.skip('durable executions in a browser: chromium is not installed', () => {})
} else {
  describe('durable executions in a browser', () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox'] })
    })
    afterAll(() => browser.close())

    async function started(): Promise<{
      emulator: Launched
      url: string
      begin(name: string): Promise<void>
    }> {
      const emulator = launch({
        flags: [
          '--durable',
          '--task-root',
          join(root, 'test/fixtures/console'),
          '--handler',
          'durable.handler',
        ],
      })
      const url = `http://${spell((await emulator.listening()).gateway)}`
      return {
        emulator,
        url,
        async begin(name) {
          const headers = { 'X-Amz-Invocation-Type': 'Event', 'X-Amz-Durable-Execution-Name': name }
          const path = '/2015-03-31/functions/function/invocations'
          expect((await fetch(url + path, { method: 'POST', headers, body: '{}' })).status).toBe(202)
        },
      }
    }

    async function visit(url: string, width = 1280): Promise<Page> {
      const page = await browser.newPage({ viewport: { width, height: 860 } })
      await page.goto(url)
      await page.getByText('connected', { exact: true }).waitFor()
      return page
    }

    test('shows runs, what they wait for, and completes a callback', async () => {
      const { emulator, url, begin } = await started()
      await using _ = emulator
      const page = await visit(`${url}/_rie/`)
      await page.getByRole('link', { name: 'Durable executions' }).click()
      await page.getByText('None yet.').waitFor()
      await begin('<b>order</b>'.replaceAll(/[^a-z]/g, '-'))
      const run = page.getByRole('list', { name: 'Runs' }).getByRole('button')
      await run.click()
      await page.getByText('waits for Callback approve').waitFor()
      await page.getByLabel('Result of the callback').fill('"<i>fine</i>"')
      await page.getByRole('button', { name: 'Succeed' }).click()
      await page.locator('#status', { hasText: 'SUCCEEDED' }).waitFor()
      // what the function says is never markup
      expect(await page.locator('#result').innerHTML()).toContain('&lt;i&gt;fine')
      expect(await page.locator('#history tr').count()).toBeGreaterThan(5)
      await page.close()
    })

    test('pauses, resumes and stops a run, by keyboard too', async () => {
      const { emulator, url, begin } = await started()
      await using _ = emulator
      await begin('one')
      const page = await visit(`${url}/_rie/runs`)
      const run = page.getByRole('list', { name: 'Runs' }).getByRole('button')
      await run.focus()
      await page.keyboard.press('Enter')
      await page.getByText('waits for Callback approve').waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.locator('#status', { hasText: 'PAUSED' }).waitFor()
      await page.getByRole('button', { name: 'Resume' }).click()
      await page.locator('#status', { hasText: 'RUNNING' }).waitFor()
      await page.getByRole('button', { name: 'Stop' }).focus()
      await page.keyboard.press('Space')
      await page.locator('#status', { hasText: 'STOPPED' }).waitFor()
      expect(await page.getByRole('button', { name: 'Stop', exact: true }).isDisabled()).toBe(true)
      await page.close()
    })

    test('is whole on a narrow screen, and can be read in light and dark', async () => {
      const { emulator, url, begin } = await started()
      await using _ = emulator
      await begin('one')
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await visit(`${url}/_rie/runs`, 420)
        await page.emulateMedia({ colorScheme })
        await page.getByRole('list', { name: 'Runs' }).getByRole('button').click()
        await page.getByText('waits for Callback approve').waitFor()
        expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
        expect(await page.evaluate<unknown[]>(lowContrast)).toEqual([])
        await page.close()
      }
    })
  })
}
