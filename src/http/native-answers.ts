/** The answers of one turn of the event loop, which are written together at its end while there are several callers. */

import type { Body, Fields } from './exchange.ts'

/**
 * An answer that is written at the end of the turn of the event loop. Whoever gets one runs at once where they share a CPU with
 * us, and the code that answers the next one is out of the processor's caches then: DECISIONS has figures.
 */
export interface Answer {
  readonly exchange: { sendAnswer(answer: Answer): void }
  readonly status: number
  readonly headers: Fields
  readonly body: Body | undefined
}

/** The one of which Bun tells just now. If its peer has ended its half, Bun closes the connection when this returns. */
export let current: object | null = null

export function setCurrent(exchange: object | null): void {
  current = exchange
}

let answers: Answer[] = []

/** Requests of a stretch, and connections that one caller and its environment have between them: more are busy. */
const stretchRequests = 64
const calmConnections = 4
let stretch = 0
let requests = 0
let active = 0
/**
 * Answers are kept. For one caller nothing is gained, and a turn of its own for writing costs one part in thirty. How many answers a
 * turn has would not tell: where each is written at once, those who get them come one by one.
 */
export let busy = false

/** Looks how many connections have had a request, every so many requests. */
export function countRequest(connection: { stretch: number }): void {
  if (connection.stretch !== stretch) {
    connection.stretch = stretch
    active++
  }
  if (++requests < stretchRequests) return
  busy = active > calmConnections
  stretch++
  requests = 0
  active = 0
}

/** Keeps an answer for the end of this turn. */
export function answerLater(answer: Answer): void {
  if (answers.push(answer) === 1) setImmediate(writeAnswers)
}

/** Writes what was answered in this turn, in order. */
export function writeAnswers(): void {
  const all = answers
  answers = []
  for (let index = 0; index < all.length; index++) {
    const answer = all[index] as Answer
    answer.exchange.sendAnswer(answer)
  }
}
