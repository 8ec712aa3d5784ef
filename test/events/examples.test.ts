import { expect, test } from 'bun:test'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { examples } from '../../src/events/examples.ts'
import { tempDir } from '../harness.ts'

/** The type of each event in `@types/aws-lambda`. */
const types: Readonly<Record<string, string>> = {
  s3: 'S3Event',
  sqs: 'SQSEvent',
  sns: 'SNSEvent',
  eventbridge: "EventBridgeEvent<'Order Placed', { orderId: string; quantity: number }>",
  dynamodb: 'DynamoDBStreamEvent',
  alb: 'ALBEvent',
  apigateway: 'APIGatewayProxyEvent',
  'http-api': 'APIGatewayProxyEventV2',
  'function-url': 'LambdaFunctionURLEvent',
}

const root = join(import.meta.dir, '../..')

/** Compiles one module per event that gives it its type; what the compiler says, by the name of the module. */
function problems(events: Readonly<Record<string, object>>): string[] {
  using folder = tempDir()
  symlinkSync(join(root, 'node_modules'), join(folder.path, 'node_modules'))
  for (const [name, event] of Object.entries(events)) {
    const source = `import type * as aws from 'aws-lambda'\nexport const event: aws.${types[name]} = ${JSON.stringify(event)}\n`
    writeFileSync(join(folder.path, `${name}.ts`), source)
  }
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--types', 'aws-lambda', '--module', 'preserve']
  const files = Object.keys(events).map((name) => `${name}.ts`)
  const compiler = join(root, 'node_modules/.bin/tsc')
  const { stdout } = Bun.spawnSync([compiler, ...options, ...files], { cwd: folder.path })
  return stdout.toString().split('\n').filter(Boolean)
}

test('every source has one type, and every type a source', () => {
  expect(Object.keys(types)).toEqual(Object.keys(examples))
})

test('each example is an event of its source', () => {
  expect(problems(examples)).toEqual([])
})

test('the compiler would notice a field that is missing, or one of another kind', () => {
  const { Records, ...sqs } = examples.sqs as { Records: object[] }
  const alb = { ...examples.alb, isBase64Encoded: 'no' }
  const found = problems({ sqs, alb })
  expect(found.join('\n')).toMatch(/^sqs\.ts.*'Records' is missing/m)
  expect(found.join('\n')).toMatch(/^alb\.ts.*'string' is not assignable to type 'boolean'/m)
  expect(Records).toHaveLength(1)
})

test('an example goes through JSON unchanged', () => {
  for (const event of Object.values(examples)) expect(JSON.parse(JSON.stringify(event))).toEqual(event)
})
