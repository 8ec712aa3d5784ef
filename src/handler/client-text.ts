/** The text of `client.ts`, made by `build.ts`; empty where nothing is built. */

declare const runtimeClient: string | undefined

export const clientText: string = typeof runtimeClient === 'string' ? runtimeClient : ''
