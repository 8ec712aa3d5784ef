/** The text of `client.ts`, made by `build.ts`; empty where nothing is built. */

declare const RUNTIME_CLIENT: string | undefined

export const clientText: string = typeof RUNTIME_CLIENT === 'string' ? RUNTIME_CLIENT : ''
