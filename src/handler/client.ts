/**
 * The runtime client as a program of its own, for the bun CLI that is in the compiled program. `build.ts` puts its text
 * into that program (`client-text.ts`).
 */

import { serveHandler } from './serve.ts'

void serveHandler(process.env)
