/**
 * Example events of the sources that functions are most often connected to: one list for `invoke --example` and for the
 * console. Each has the shape that `@types/aws-lambda` describes; a test compiles them against it.
 */

import alb from './alb.json'
import apigateway from './apigateway.json'
import dynamodb from './dynamodb.json'
import eventbridge from './eventbridge.json'
import functionUrl from './function-url.json'
import httpApi from './http-api.json'
import s3 from './s3.json'
import sns from './sns.json'
import sqs from './sqs.json'

/** The events by the name of their source, as people type it, in the order in which they are listed. */
export const examples: Readonly<Record<string, object>> = {
  s3,
  sqs,
  sns,
  eventbridge,
  dynamodb,
  alb,
  apigateway,
  'http-api': httpApi,
  'function-url': functionUrl,
}
