/** A debugger, as far as the inspector's protocol (WebKit's, which Bun speaks) is needed to stop in a function. */
import { until, within } from '../harness.ts'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

interface Frame {
  readonly callFrameId: string
  readonly functionName: string
  readonly location: { readonly scriptId: string; readonly lineNumber: number }
}

export class Debugger implements Disposable {
  readonly #socket: WebSocket
  readonly #answers = new Map<number, PromiseWithResolvers<Record<string, unknown>>>()
  /** by file, the newest script of it */
  readonly scripts = new Map<string, string>()
  /** the frames of each stop, in their order */
  readonly stops: Frame[][] = []
  #last = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(data) as Message))
  }

  /** Connects as soon as somebody listens, and says that it is ready. */
  static async attach(url: string): Promise<Debugger> {
    const socket = await until(`a debugger's connection to ${url}`, async () => {
      const attempt = new WebSocket(url)
      const opened = await new Promise<boolean>((resolve) => {
        attempt.addEventListener('open', () => resolve(true))
        attempt.addEventListener('error', () => resolve(false))
        attempt.addEventListener('close', () => resolve(false))
      })
      return opened ? attempt : undefined
    })
    const attached = new Debugger(socket)
    for (const method of ['Inspector.enable', 'Runtime.enable', 'Debugger.enable'])
      await attached.call(method)
    await attached.call('Debugger.setBreakpointsActive', { active: true })
    await attached.call('Debugger.setPauseOnDebuggerStatements', { enabled: true })
    await attached.call('Inspector.initialized')
    return attached
  }

  call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const answer = Promise.withResolvers<Record<string, unknown>>()
    this.#last += 1
    this.#answers.set(this.#last, answer)
    this.#socket.send(JSON.stringify({ id: this.#last, method, params }))
    return within(`the answer to ${method}`, answer.promise)
  }

  /** Stops at the first line of a file, as it was compiled, that has this text. */
  async breakAt(file: string, text: string): Promise<void> {
    const scriptId = await until(`${file} to be loaded`, () => this.scripts.get(file))
    const { scriptSource } = await this.call('Debugger.getScriptSource', { scriptId })
    const lineNumber = String(scriptSource)
      .split('\n')
      .findIndex((line) => line.includes(text))
    await this.call('Debugger.setBreakpoint', { location: { scriptId, lineNumber } })
  }

  /** The frames of the n-th stop. */
  stop(n: number): Promise<Frame[]> {
    return until(`stop ${n}`, () => this.stops[n - 1])
  }

  /** The value of an expression where the function stands. */
  async evaluate(frame: Frame, expression: string): Promise<unknown> {
    const { callFrameId } = frame
    const { result } = await this.call('Debugger.evaluateOnCallFrame', { callFrameId, expression })
    return (result as { value: unknown }).value
  }

  resume(): Promise<unknown> {
    return this.call('Debugger.resume')
  }

  [Symbol.dispose](): void {
    this.#socket.close()
  }

  #receive({ id, method, params = {}, result = {}, error }: Message): void {
    if (id !== undefined) {
      const answer = this.#answers.get(id)
      if (error) answer?.reject(new Error(error.message))
      else answer?.resolve(result)
    } else if (method === 'Debugger.scriptParsed') {
      this.scripts.set(String(params.url), String(params.scriptId))
    } else if (method === 'Debugger.paused') {
      this.stops.push(params.callFrames as Frame[])
    }
  }
}
