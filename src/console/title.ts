/** What an event is called in the list: people know it by its route, queue or object, not by its first characters. */

/** Characters of a title. */
const longest = 100

/** The name of an event of a known source, else its beginning. `text` may be cut off, and need not be JSON. */
export function titleOf(text: string): string {
  return (inWords(text) ?? text.slice(0, longest)).replace(/\s+/g, ' ').slice(0, longest)
}

// biome-ignore lint/suspicious/noExplicitAny: an event is whatever its sender wrote
type Any = any

function inWords(text: string): string | undefined {
  let event: Any
  try {
    event = JSON.parse(text)
  } catch {
    return undefined
  }
  // however it is indented, as much of it as there is room for
  return named(event) ?? JSON.stringify(event)
}

function named(event: Any): string | undefined {
  try {
    return requestOf(event) ?? recordsOf(event?.Records) ?? scheduled(event)
  } catch {
    // a field that is not what it is in events of that source
    return undefined
  }
}

/** Of a Function URL, an HTTP API, a REST API, or a load balancer. */
function requestOf(event: Any): string | undefined {
  const http = event?.requestContext?.http
  if (typeof http?.method === 'string' && typeof event.rawPath === 'string') {
    return `${http.method} ${event.rawPath}${event.rawQueryString ? `?${event.rawQueryString}` : ''}`
  }
  if (typeof event?.httpMethod !== 'string' || typeof event.path !== 'string') return undefined
  const query = new URLSearchParams(event.queryStringParameters ?? {}).toString()
  return `${event.httpMethod} ${event.path}${query === '' ? '' : `?${query}`}`
}

function recordsOf(records: Any): string | undefined {
  if (!Array.isArray(records)) return undefined
  const [first] = records
  const source = first?.eventSource ?? first?.EventSource
  const more = records.length > 1 ? ` and ${records.length - 1} more` : ''
  switch (source) {
    case 'aws:s3':
      return `S3 ${first.eventName} ${first.s3.bucket.name}/${first.s3.object.key}${more}`
    case 'aws:sqs':
      return `SQS ${nameIn(first.eventSourceARN)}: ${counted(records.length, 'message')}`
    case 'aws:sns':
      return `SNS ${nameIn(first.Sns.TopicArn)}${more}`
    case 'aws:dynamodb':
      return `DynamoDB ${first.eventName} ${first.eventSourceARN.split('/')[1]}${more}`
    case 'aws:kinesis':
      return `Kinesis ${nameIn(first.eventSourceARN)}: ${counted(records.length, 'record')}`
    default:
      return undefined
  }
}

function scheduled(event: Any): string | undefined {
  if (typeof event?.['detail-type'] !== 'string' || typeof event.source !== 'string') return undefined
  return `EventBridge ${event.source}: ${event['detail-type']}`
}

/** The resource at the end of an ARN. */
const nameIn = (arn: string): string => arn.slice(arn.lastIndexOf(':') + 1).replace(/^.*\//, '')

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
