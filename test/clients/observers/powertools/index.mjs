// A function that logs with Powertools' logger, and with the console.
import { Logger } from '@aws-lambda-powertools/logger'

const logger = new Logger({ serviceName: 'shop' })

export const handler = async () => {
  logger.info('too quiet', { n: 1 })
  logger.warn('loud enough', { n: 2 })
  try {
    throw new RangeError('no such fruit')
  } catch (error) {
    logger.error('caught', error)
  }
  console.info('too quiet')
  console.warn('plainly')
  return 'done'
}
