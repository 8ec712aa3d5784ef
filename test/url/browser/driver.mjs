// Does one step in a browser and prints what it saw as JSON: driver.mjs CHROMIUM STEP URL [ARGUMENT…]
import { chromium } from 'playwright-core'

const [executablePath, step, url, ...rest] = process.argv.slice(2)
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']

const steps = {
  async page(page) {
    await page.goto(url)
    const title = await page.title()
    const heading = await page.textContent('h1')
    await page.evaluate(() => window.follow())
    const events = await page.locator('#events li').allTextContents()
    const arrivals = await page.evaluate(() => window.arrivals)
    return { title, heading, events, spread: arrivals.at(-1) - arrivals[0] }
  },
  /** Opens a page of another origin, which runs a module that calls the emulator. */
  async sdk(page) {
    const problems = []
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await page.goto(url)
    await page.waitForFunction(() => window.outcome !== undefined, undefined, { timeout: 30_000 })
    return { outcome: await page.evaluate(() => window.outcome), problems, rest }
  },
}

const browser = await chromium.launch({ executablePath, headless: true, args })
try {
  console.log(JSON.stringify(await steps[step](await browser.newPage())))
} finally {
  await browser.close()
}
