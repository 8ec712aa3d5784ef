/**
 * The type of a `Response` or `Request` that was made of text. The Fetch standard and Node give it
 * `text/plain;charset=UTF-8`; Bun says so only when it sends it, so an adapter that reads the headers (Hono's) finds
 * none and the browser downloads the page.
 */

type Constructor = new (...args: unknown[]) => { readonly headers: Headers }

const textType = 'text/plain;charset=UTF-8'

/** Wraps a class so that what is made of text has the type of text; `instanceof` and static methods stay. */
const typed = (original: Constructor, bodyOf: (args: unknown[]) => unknown): Constructor => {
  const made = new Proxy(original, {
    construct(target, args, newTarget) {
      const created = Reflect.construct(target, args, newTarget === made ? target : newTarget) as {
        readonly headers: Headers
      }
      if (typeof bodyOf(args) === 'string' && !created.headers.has('content-type')) {
        created.headers.set('content-type', textType)
      }
      return created
    },
  })
  original.prototype.constructor = made
  return made
}

/** Replaces the two global classes. */
export const typeTextBodies = (): void => {
  const scope = globalThis as unknown as Record<'Response' | 'Request', Constructor>
  scope.Response = typed(scope.Response, ([body]) => body)
  scope.Request = typed(scope.Request, ([, init]) => (init as RequestInit | undefined)?.body)
}
