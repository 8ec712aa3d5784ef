/**
 * What Node's own server leaves to others and Bun does not: a `ServerResponse` without a connection.
 *
 * The adapters between Lambda's events and Express (serverless-http, @vendia/ and @codegenie/serverless-express, and
 * what is made after them) give a response a plain object for a socket. Node asks of it only `on`; Bun's
 * `assignSocket` calls `once`, which it has not.
 */

import { readFileSync } from 'node:fs'
import Module from 'node:module'

type Listen = (event: string, listener: () => void) => unknown
interface Socket {
  on?: Listen
  once?: Listen
}
type Require = (this: unknown, ...args: unknown[]) => unknown

let repaired = false

/** Repairs `ServerResponse` in place, so that it does not matter who imported it, and how. Loads node:http. */
const repairServerResponse = (): void => {
  if (repaired) return
  repaired = true
  const { prototype } = process.getBuiltinModule('node:http').ServerResponse
  const { assignSocket } = prototype as { assignSocket(this: unknown, socket: Socket): unknown }
  Object.assign(prototype, {
    assignSocket(this: unknown, socket: Socket) {
      if (typeof socket.once !== 'function' && typeof socket.on === 'function') socket.once = socket.on
      return assignSocket.call(this, socket)
    },
  })
}

/**
 * Repairs it as soon as CommonJS asks for node:http, as the adapters do. Loading it takes longer than all else that
 * a small function needs to start, so nobody else is made to.
 */
export const repairWhenRequired = (): void => {
  const prototype = Module.prototype as unknown as { require: Require }
  const { require: original } = prototype
  const watching: Require = function (...args) {
    if (args[0] === 'node:http' || args[0] === 'http') {
      repairServerResponse()
      // Others may have put themselves before us by now.
      if (prototype.require === watching) prototype.require = original
    }
    return original.apply(this, args)
  }
  prototype.require = watching
}

/** Repairs it for a bundle that imports node:http as a module, where nothing tells that it was asked for. */
export const repairForBundle = (path: string): void => {
  if (!repaired && readFileSync(path).includes('assignSocket')) repairServerResponse()
}
