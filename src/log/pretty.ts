/** Lines for people, by pino-pretty. A module of its own because it is loaded for a terminal only. */

import { prettyFactory } from 'pino-pretty'

/** Makes what turns a JSON line into one for people; in colour if the terminal has any and `colour` allows it. */
export function createPretty(colour: boolean): (line: string) => string {
  const plain = colour ? {} : { colorize: false }
  return prettyFactory({ ...plain, translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
}
