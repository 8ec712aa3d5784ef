/** The console in a browser: what a person does with it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { patience, tempDir, until } from '../harness.ts'
import { freePort, type Launched, type LaunchOptions, launch } from '../kit/launch.ts'
import { spell } from '../kit/wire.ts'

setDefaultTimeout(4 * patience)

const executable = ['chromium', 'chromium-browser', 'google-chrome']
  .map((name) => Bun.which(name))
  .find(Boolean)
/** Gives every text of a page that is hard to read. */
const lowContrast = await Bun.file(join(import.meta.dir, '../fixtures/console/low-contrast.js')).text()
/** Where screenshots go if somebody wants to look at them. */
const pictures = process.env.CONSOLE_SCREENSHOTS

const html = { headers: { 'Content-Type': 'text/html' } }

class Emulator implements AsyncDisposable {
  readonly url: string
  readonly #launched: Launched

  private constructor(launched: Launched, url: string) {
    this.#launched = launched
    this.url = url
  }

  static async start(
    port = 0,
    flags: readonly string[] = [],
    handler = 'index.handler',
    cwd = join(import.meta.dir, '../fixtures/console'),
  ): Promise<Emulator> {
    return await Emulator.of(port, {
      flags: ['--name', 'greet', ...flags],
      command: ['--handler', handler],
      cwd,
    })
  }

  static async of(port: number, options: LaunchOptions): Promise<Emulator> {
    const launched = launch({
      addresses: [`127.0.0.1:${port}`, '127.0.0.1:0'],
      env: process.env,
      ...options,
    })
    return new Emulator(launched, `http://${spell((await launched.listening()).gateway)}`)
  }

  async logged(pattern: RegExp): Promise<void> {
    await this.#launched.stderr.until(pattern)
  }

  invoke(event: object): Promise<Response> {
    const path = '/2015-03-31/functions/function/invocations'
    return fetch(this.url + path, { method: 'POST', body: JSON.stringify(event) })
  }

  async end(): Promise<void> {
    this.#launched.process.kill('SIGTERM')
    await this.#launched.exit()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    await this.#launched[Symbol.asyncDispose]()
  }
}

if (executable === undefined || executable === null) {
  test.skip('the console in a browser: chromium is not installed', () => {})
} else {
  describe('the console in a browser', () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox'] })
    })
    afterAll(() => browser.close())

    /** A page of its own; whatever it complains of fails the test. */
    async function visit(rie: Emulator, quiet = true): Promise<Page & AsyncDisposable> {
      const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
      const complaints: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(error.message))
      await page.goto(`${rie.url}/_rie/`)
      await page.getByText('connected', { exact: true }).waitFor()
      return Object.assign(page, {
        async [Symbol.asyncDispose]() {
          await page.close()
          if (quiet) expect(complaints).toEqual([])
        },
      })
    }

    async function picture(page: Page, name: string): Promise<void> {
      if (pictures === undefined) return
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
    }

    const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
    const region = (page: Page, name: string) =>
      page.getByRole('region', { name, exact: true }).locator('pre').first()
    const state = (page: Page, name: string) => page.locator(`#state[data-state="${name}"]`).waitFor()
    /** What a button copies. The clipboard is one for all pages of the browser: what another test has left there is not it. */
    async function copied(page: Page, name: string): Promise<string> {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
      await page.evaluate("navigator.clipboard.writeText('')")
      await button(page, name).click()
      return await until('the line', () => page.evaluate<string>('navigator.clipboard.readText()'))
    }

    test('sends events to one of several functions, which is chosen', async () => {
      using folder = tempDir()
      const functions: Record<string, object> = {}
      for (const name of ['orders', 'bills']) {
        mkdirSync(join(folder.path, name))
        const code = 'export const handler = async (event, context) => context.functionName + " has answered"'
        writeFileSync(join(folder.path, name, 'index.mjs'), code)
        functions[name] = { handler: 'index.handler', cwd: name }
      }
      const file = join(folder.path, 'functions.json')
      writeFileSync(file, JSON.stringify({ functions }))
      await using rie = await Emulator.of(0, { flags: ['--functions', file], command: [] })
      await using page = await visit(rie)
      const choice = page.getByRole('combobox', { name: 'Function', exact: true })
      expect(await choice.inputValue()).toBe('orders')
      await choice.selectOption('bills')
      await button(page, 'Send').click()
      await state(page, 'succeeded')
      await until('the answer', async () =>
        (await region(page, 'Answer').textContent())?.includes('bills has answered'),
      )
      expect(await page.locator('#invocations .more').first().textContent()).toStartWith('bills · ')
      // what is sent again goes to its own function
      await choice.selectOption('orders')
      await button(page, 'Replay').click()
      await until('two answers of bills', async () => {
        const rows = await page.locator('#invocations .more').allTextContents()
        return rows.length === 2 && rows.every((row) => row.startsWith('bills · '))
      })
      await picture(page, 'several')
      // and what is edited chooses it
      expect(await choice.inputValue()).toBe('orders')
      await until('its event', () => button(page, 'Edit').isEnabled())
      await button(page, 'Edit').click()
      expect(await choice.inputValue()).toBe('bills')
    })

    test('sends an event, and shows the answer, the log, the timing and both dialects', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      await page.getByRole('textbox', { name: 'Event', exact: true }).fill('{"name":"Ada"}')
      await button(page, 'Send').click()
      await state(page, 'succeeded')
      await until('the answer', async () =>
        (await region(page, 'Answer').textContent())?.includes('"Hello, Ada!"'),
      )
      await until('the log', async () =>
        (await region(page, 'Log').textContent())?.includes('INFO  greeting Ada'),
      )
      const bar = page.locator('#bar')
      await until('the timing', async () =>
        /Init .*Latency .*Overhead/.test((await bar.getAttribute('aria-label')) ?? ''),
      )
      expect(await bar.locator('span').count()).toBeGreaterThanOrEqual(3)
      await page.getByText('Status and headers, in both dialects').click()
      expect(await page.locator('#head-rie').textContent()).toContain('X-Amz-Executed-Version: $LATEST')
      expect(await page.locator('#head-lambda').textContent()).toContain('X-Amzn-Trace-Id: ')
      await picture(page, 'answer')
    })

    test('shows invocations of others as they come, newest first, and each when it is chosen', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      for (const name of ['one', 'two', 'three']) await rie.invoke({ name })
      const rows = page.getByRole('list', { name: 'Invocations' }).getByRole('button')
      await until('three rows', async () => (await rows.count()) === 3)
      expect(await rows.first().textContent()).toContain('{"name":"three"}')
      await rows.last().click()
      await until('its answer', async () =>
        (await region(page, 'Answer').textContent())?.includes('Hello, one!'),
      )
      await page.getByText(/environment 1: idle/).waitFor()
    })

    test('replays, edits, and shows an error as text, never as markup', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      await rie.invoke({ name: '<i>x</i>', fail: true })
      await page.getByRole('list', { name: 'Invocations' }).getByRole('button').first().click()
      await state(page, 'failed')
      await until('the error', async () =>
        (await region(page, 'Answer').textContent())?.startsWith(
          'RangeError: too far: <b id="markup">bold</b>\n    at ',
        ),
      )
      expect(await page.locator('#markup').count()).toBe(0)
      await page.getByText('What the function returned', { exact: true }).click()
      expect(JSON.parse((await page.locator('#returned').textContent()) ?? '')).toMatchObject({
        errorType: 'RangeError',
      })
      // what the runtime client wrote of it is below each other too
      expect(await page.locator('#log [data-level="error"]').allTextContents()).toEqual([
        expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} {2}ERROR {2}Invoke Error {2}RangeError: too far/),
        expect.stringMatching(/^ {4}at /),
      ])
      await button(page, 'Replay').click()
      const rows = page.getByRole('list', { name: 'Invocations' }).getByRole('button')
      await until('the second one', async () => (await rows.count()) === 2)
      await state(page, 'failed')
      await picture(page, 'error')
      await button(page, 'Edit').click()
      const editor = page.getByRole('textbox', { name: 'Event', exact: true })
      expect(JSON.parse(await editor.inputValue())).toEqual({ name: '<i>x</i>', fail: true })
      expect(await page.evaluate('document.activeElement.id')).toBe('event')
      await editor.fill('{"name":"mended"}')
      await page.keyboard.press('Control+Enter')
      await state(page, 'succeeded')
    })

    test('keeps the digits of the numbers of an event that is edited', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      const editor = page.getByRole('textbox', { name: 'Event', exact: true })
      await editor.fill('{"id":12345678901234567890}')
      await button(page, 'Send').click()
      await state(page, 'succeeded')
      await until('its event', () => button(page, 'Edit').isEnabled())
      await button(page, 'Edit').click()
      expect(await editor.inputValue()).toBe('{\n  "id": 12345678901234567890\n}')
    })

    test('works with the keyboard alone', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      for (const name of ['one', 'two']) await rie.invoke({ name })
      const rows = page.getByRole('list', { name: 'Invocations' }).getByRole('button')
      await until('both rows', async () => (await rows.count()) === 2)
      const focused = () =>
        page.evaluate<string>('document.activeElement.id || document.activeElement.textContent')
      // from the top of the page, in the order in which one reads
      const seen: unknown[] = []
      for (let tab = 0; tab < 7; tab++) {
        await page.keyboard.press('Tab')
        seen.push(await focused())
      }
      expect(seen.slice(0, 6)).toEqual(['example', 'format', 'event', 'send', 'async', 'filter'])
      expect(seen[6]).toContain('{"name":"two"}')
      await page.keyboard.press('ArrowDown')
      expect(await focused()).toContain('{"name":"one"}')
      await until('its answer', async () =>
        (await region(page, 'Answer').textContent())?.includes('Hello, one!'),
      )
      // a change of the list does not take the focus away
      await rie.invoke({ name: 'three' })
      await until('the third row', async () => (await rows.count()) === 3)
      expect(await focused()).toContain('{"name":"one"}')
    })

    test('offers example events, says what is no JSON, and keeps the event over a reload', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      const editor = page.getByRole('textbox', { name: 'Event', exact: true })
      await page.getByLabel('Example', { exact: true }).selectOption({ label: 'sqs' })
      expect(JSON.parse(await editor.inputValue()).Records[0].eventSource).toBe('aws:sqs')
      await editor.fill('{"a":')
      await page.getByText(/^Not JSON: /).waitFor()
      await page.reload()
      await page.getByText('connected', { exact: true }).waitFor()
      expect(await editor.inputValue()).toBe('{"a":')
    })

    test('shows a stream as it comes, and how long it took', async () => {
      await using rie = await Emulator.start(0, [], 'index.stream')
      await using page = await visit(rie)
      using folder = tempDir()
      const gate = join(folder.path, 'gate')
      await page.getByRole('textbox', { name: 'Event', exact: true }).fill(JSON.stringify({ gate }))
      await button(page, 'Send').click()
      const answer = region(page, 'Answer')
      await until('the first piece', async () => (await answer.textContent()) === 'one ')
      await state(page, 'running')
      writeFileSync(gate, '')
      await state(page, 'succeeded')
      await until('all of it', async () => (await answer.textContent()) === 'one two')
      const bar = page.locator('#bar')
      await until('its time', async () => /Stream [1-9]/.test((await bar.getAttribute('aria-label')) ?? ''))
      await picture(page, 'stream')
    })

    test('shows the begin of a long answer, and how long it is', async () => {
      await using rie = await Emulator.start(0, [], 'index.long')
      await using page = await visit(rie)
      await page.getByRole('textbox', { name: 'Event', exact: true }).fill('{"length":6000000}')
      await button(page, 'Send').click()
      await state(page, 'succeeded')
      const answer = await until('the whole length', async () => {
        const text = await region(page, 'Answer').textContent()
        return text?.endsWith('\n… (6000002 bytes in all)') && text
      })
      expect(answer).toStartWith('"xxx')
      // the whole of it kept the page busy for seconds, once for each piece that came
      expect(answer.length).toBeLessThan(300_000)
    })

    test('sends from another machine too, where browsers have fewer functions for a page without https', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      await page.evaluate('delete Crypto.prototype.randomUUID')
      await page.getByRole('textbox', { name: 'Event', exact: true }).fill('{"name":"Ada"}')
      for (const count of [1, 2]) {
        await button(page, 'Send').click()
        await state(page, 'succeeded')
        const rows = page.getByRole('list', { name: 'Invocations' }).getByRole('button')
        await until('a row of its own', async () => (await rows.count()) === count)
      }
      await until('the answer', async () =>
        (await region(page, 'Answer').textContent())?.includes('"Hello, Ada!"'),
      )
    })

    test('shows an answer for HTTP as its client gets it', async () => {
      await using rie = await Emulator.start(0, [], 'index.site')
      await using page = await visit(rie)
      for (const [event, kind, body] of [
        ['{"text":"{\\"a\\":1}"}', 'HTTP 201 · application/json · 1 cookie', '{\n  "a": 1\n}'],
        ['{"text":"grün","base64":true}', 'HTTP 201 · application/json · 1 cookie', 'grün'],
      ] as const) {
        await page.getByRole('textbox', { name: 'Event', exact: true }).fill(event)
        await button(page, 'Send').click()
        await until('the body', async () => (await region(page, 'Answer').textContent()) === body)
        expect(await page.locator('#kind').textContent()).toBe(kind)
        expect(JSON.parse((await page.locator('#returned').textContent()) ?? '')).toMatchObject({
          statusCode: 201,
        })
      }
      await picture(page, 'http')
    })

    test('finds invocations by what they are called, their state and their error', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      const rows = page.getByRole('list', { name: 'Invocations' }).getByRole('button')
      for (const event of [{ name: 'one' }, { name: 'two', fail: true }]) await rie.invoke(event)
      await page.getByText(/failed · RangeError/).waitFor()
      const filter = page.getByRole('searchbox', { name: 'Filter' })
      await filter.fill('rangeerror')
      expect(await rows.allTextContents()).toEqual([expect.stringContaining('"two"')])
      // one that comes meanwhile is there if it matches
      await rie.invoke({ name: 'three' })
      await rie.invoke({ name: 'four', fail: true })
      await until('the second failure', async () => (await rows.count()) === 2)
      await filter.fill('nothing of that name')
      await page.getByText('None of them matches.').waitFor()
      await filter.fill('')
      await until('all of them', async () => (await rows.count()) === 4)
    })

    test('before anything is chosen, it says how else the function is invoked', async () => {
      await using rie = await Emulator.start(0, ['--function-url-address', '127.0.0.1:0'])
      await using page = await visit(rie)
      const lines = await page.locator('#ways pre').allTextContents()
      expect(lines).toEqual([
        `curl -XPOST ${rie.url}/2015-03-31/functions/greet/invocations -d '{"name":"world"}'`,
        `aws-lambda-rie invoke --endpoint-url ${rie.url} -d '{"name":"world"}'`,
        `export AWS_ENDPOINT_URL_LAMBDA=${rie.url}`,
        expect.stringMatching(/^curl -i 'http:\/\/127\.0\.0\.1:\d+\/\?name=world'$/),
      ])
      const line = await copied(page, 'Copy: As a website')
      const ran = Bun.spawnSync(['sh', '-c', `${line} -s`])
      expect(ran.stdout.toString()).toStartWith('HTTP/1.1 200 OK')
      const rows = page.getByRole('list', { name: 'Invocations' }).getByRole('button')
      await until('the request', async () => (await rows.count()) === 1)
      expect(await rows.first().textContent()).toContain('GET /?name=world')
    })

    test('tells of saves, sends the event again, and says why new code does not load', async () => {
      using project = tempDir()
      const save = (answer: string) =>
        writeFileSync(join(project.path, 'index.mjs'), `export const handler = async () => ${answer}\n`)
      save("'one'")
      mkdirSync(join(project.path, 'events'))
      writeFileSync(join(project.path, 'events/order.json'), '{"order":17}')
      const flags = ['--watch', '--eager-init', '--log-level', 'debug']
      await using rie = await Emulator.start(0, flags, 'index.handler', project.path)
      await rie.logged(/the code is watched/)
      await using page = await visit(rie)
      await page.getByLabel('Example', { exact: true }).selectOption({ label: 'order.json' })
      await button(page, 'Send').click()
      const answered = (text: string) =>
        until(`the answer ${text}`, async () => (await region(page, 'Answer').textContent()) === text)
      await answered('"one"')
      await page.getByLabel('send again when the code changes').check()
      save("'two'")
      await answered('"two"')
      await page.getByText(/the code has changed: index\.mjs/).waitFor()
      // the page has read the answer itself; what was sent comes with the record of the invocation
      await until('the event', async () =>
        (await page.locator('#sent').textContent())?.includes('"order": 17'),
      )
      await picture(page, 'saved')
      await page.getByLabel('send again when the code changes').uncheck()
      save('=>')
      await page.getByText(/^Init failed at .*Runtime\.UserCodeSyntaxError.*index\.mjs:1/s).waitFor()
      await picture(page, 'init-failed')
      save("'three'")
      await page.locator('#notice').waitFor({ state: 'hidden' })
    })

    test('queues an event that it does not wait for', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      await page.getByRole('textbox', { name: 'Event', exact: true }).fill('{"name":"later"}')
      await page.getByLabel('async', { exact: true }).check()
      await button(page, 'Send').click()
      await state(page, 'succeeded')
      await until('the answer', async () =>
        (await region(page, 'Answer').textContent())?.includes('Hello, later!'),
      )
    })

    test('saves the event as a file, and as a line for curl', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      await rie.invoke({ name: "O'Neil" })
      await page.getByRole('list', { name: 'Invocations' }).getByRole('button').first().click()
      await until('the buttons', () => button(page, 'Save').isEnabled())
      const download = page.waitForEvent('download')
      await button(page, 'Save').click()
      expect(await Bun.file(await (await download).path()).json()).toEqual({ name: "O'Neil" })
      const line = await copied(page, 'Copy curl')
      const ran = Bun.spawnSync(['sh', '-c', `${line} -s`])
      expect(JSON.parse(ran.stdout.toString())).toEqual({ message: "Hello, O'Neil!" })
    })

    test('says when the emulator is gone, and goes on when it is back', async () => {
      // not one that the kernel may give to a connection while nobody listens there
      const port = freePort()
      const first = await Emulator.start(port)
      await using page = await visit(first, false)
      await first[Symbol.asyncDispose]()
      await page.getByText(/the emulator is gone/).waitFor()
      await picture(page, 'gone')
      // what is sent meanwhile has not begun to wait anywhere
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText(/^\(no answer: /).waitFor()
      await until('the state', async () => (await page.locator('#state').textContent()) === 'failed')
      await using second = await Emulator.start(port)
      await page.getByText('connected', { exact: true }).waitFor()
      await second.invoke({ name: 'again' })
      await page.getByText('{"name":"again"}').waitFor()
    })

    test('gives a page of another origin nothing, and runs nothing for it', async () => {
      await using rie = await Emulator.start()
      await using own = await visit(rie)
      await using other = {
        server: Bun.serve({
          hostname: '127.0.0.1',
          port: 0,
          fetch: () => new Response('<p>another page', html),
        }),
        [Symbol.asyncDispose]: () => other.server.stop(true),
      }
      const page = await browser.newPage()
      await page.goto(other.server.url.href)
      // a form's POST needs no leave of the browser, and its answer is hidden from the page: that it is sent is the danger
      const attack = `(async () => {
        const tried = []
        const note = (name) => (result) => tried.push(name + ' ' + result)
        const options = { method: 'POST', mode: 'no-cors', body: '{"name":"attack"}' }
        const invoke = '${rie.url}/2015-03-31/functions/function/invocations'
        await fetch(invoke, options).then((r) => r.type, () => 'failed').then(note('invoke'))
        for (const path of ['/_rie/', '/_rie/invocations'])
          await fetch('${rie.url}' + path).then((r) => r.text(), () => 'failed').then(note(path))
        await new Promise((resolve) => {
          const source = new EventSource('${rie.url}/_rie/events')
          source.onmessage = source.onopen = () => resolve(note('events')('opened'))
          source.onerror = () => resolve(note('events')('failed'))
        })
        return tried
      })()`
      expect(await page.evaluate<string[]>(attack)).toEqual([
        'invoke opaque',
        '/_rie/ failed',
        '/_rie/invocations failed',
        'events failed',
      ])
      // nor can it put the console into a frame and lead a person's clicks
      await page.evaluate(`document.body.innerHTML = '<iframe src="${rie.url}/_rie/"></iframe>'`)
      await until('the frame', async () => page.frames().length === 2)
      expect(await page.frames()[1]?.locator('#send').count()).toBe(0)
      await page.close()
      await rie.invoke({ name: 'own' })
      const rows = own.getByRole('list', { name: 'Invocations' }).getByRole('button')
      await until('the own invocation', async () => (await rows.count()) > 0)
      expect(await rows.allTextContents()).toEqual([expect.stringContaining('own')])
    })

    test('is whole at 420 pixels, and readable in dark and in light', async () => {
      await using rie = await Emulator.start()
      await using page = await visit(rie)
      await rie.invoke({ name: 'a'.repeat(300) })
      await rie.invoke({ name: 'b', fail: true })
      // the list is told of both by events: a click that comes first would choose the one that did not fail
      await page.getByRole('list', { name: 'Invocations' }).getByRole('button').nth(1).waitFor()
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        for (const width of [420, 1280]) {
          await page.setViewportSize({ width, height: 900 })
          await page.getByRole('list', { name: 'Invocations' }).getByRole('button').first().click()
          await state(page, 'failed')
          await page.locator('#legend div').first().waitFor()
          await picture(page, `${colorScheme}-${width}`)
          expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
            width,
          )
          expect(await page.evaluate(lowContrast)).toEqual([])
        }
      }
    })
  })
}
