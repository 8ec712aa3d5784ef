/**
 * Branded identifiers. The brand exists for the type checker only; at run time each is a plain string or number.
 */

declare const brand: unique symbol
type Branded<T, B extends string> = T & { readonly [brand]: B }

/** The id of one invocation: a lower-case UUID, the same in every header, event and log line about it. */
export type RequestId = Branded<string, 'RequestId'>

/** The identifier that an extension was given when it registered: a lower-case UUID v4. */
export type ExtensionId = Branded<string, 'ExtensionId'>

/** One request to the Runtime or Extensions API (a poll, an upload, a registration, …), unique in its environment. */
export type ApiCallId = Branded<number, 'ApiCallId'>

/** The number of an execution environment, counted from 1 and never used twice in one emulator. */
export type EnvironmentId = Branded<number, 'EnvironmentId'>

/** Counts how often an environment has started its processes, so that an old process is not taken for a new one. */
export type Generation = Branded<number, 'Generation'>
