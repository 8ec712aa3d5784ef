/** What the properties of a function of a template say of it, as values of options. */

import type { DocumentPath } from '../config/document.ts'
import { ownOptions, type Variable, variableOptions } from '../config/options.ts'
import type { FunctionSetup } from '../config/system.ts'
import type { Given } from '../config/variables.ts'
import { isObject } from './parameters.ts'
import { part, type Template } from './template.ts'

type OptionValues = Map<Variable<unknown>, Given>

/** What is said of options, and the Function URL if there is one. `hasFlag` tells of limits that the flags give. */
export function settingsOf(
  template: Template,
  id: string,
  hasFlag: (option: Variable<unknown>) => boolean,
): Pick<FunctionSetup, 'values' | 'url'> {
  const values: OptionValues = new Map()
  function limit(property: string, option: Variable<unknown>, otherwise: string): void {
    const value = template.property(id, property)
    const name = template.place(['Resources', id, 'Properties', property])
    if (value !== undefined) values.set(option, { name, text: String(value) })
    else if (!hasFlag(option)) values.set(option, { name, text: otherwise })
  }
  limit('Timeout', ownOptions.functionTimeoutMs, '3')
  limit('MemorySize', ownOptions.memorySize, '128')
  const url = functionUrl(template, id, values)
  events(template, id, values)
  logging(template, id, values)
  concurrency(template, id, values)
  durable(template, id, values)
  return { values, url }
}

function functionUrl(template: Template, id: string, values: OptionValues): FunctionSetup['url'] {
  const ofFunction =
    template.type(id) === 'AWS::Serverless::Function' ? template.property(id, 'FunctionUrlConfig') : undefined
  const resource = template.resourceFor(id, 'AWS::Lambda::Url', 'TargetFunctionArn')
  const path: DocumentPath =
    resource === undefined
      ? ['Resources', id, 'Properties', 'FunctionUrlConfig']
      : ['Resources', resource, 'Properties']
  const config =
    resource === undefined ? ofFunction : template.value(id, template.resource(resource).properties, path)
  if (!isObject(config)) return null
  const name = template.place(path)
  if (config.AuthType === 'AWS_IAM') {
    template.warnings.push(
      `${name}: AuthType AWS_IAM is not checked: the Function URL of ${id} answers everybody`,
    )
  }
  give(values, name, config, [['InvokeMode', ownOptions.functionUrlInvokeMode]])
  if (isObject(config.Cors)) {
    values.set(ownOptions.functionUrlCors, { name: `${name}.Cors`, value: config.Cors })
  }
  return { path: null }
}

function events(template: Template, id: string, values: OptionValues): void {
  const { type, properties } = template.resource(id)
  // each part of it on its own: what is unknown of one leaves the others
  const ofFunction =
    type === 'AWS::Serverless::Function'
      ? (properties.EventInvokeConfig ?? template.globals(id).EventInvokeConfig)
      : undefined
  const resource = template.resourceFor(id, 'AWS::Lambda::EventInvokeConfig', 'FunctionName')
  const path: DocumentPath =
    resource === undefined
      ? ['Resources', id, 'Properties', 'EventInvokeConfig']
      : ['Resources', resource, 'Properties']
  const config = resource === undefined ? ofFunction : template.resource(resource).properties
  if (!isObject(config)) return
  const name = template.place(path)
  const known = (key: string): unknown => template.value(id, config[key], [...path, key])
  const limits = {
    MaximumRetryAttempts: known('MaximumRetryAttempts'),
    MaximumEventAgeInSeconds: known('MaximumEventAgeInSeconds'),
  }
  give(values, name, limits, [
    ['MaximumRetryAttempts', ownOptions.asyncMaxRetries],
    ['MaximumEventAgeInSeconds', ownOptions.asyncMaxAgeMs],
  ])
  const destinations = part(config.DestinationConfig)
  for (const [key, option] of [
    ['OnSuccess', ownOptions.onSuccess],
    ['OnFailure', ownOptions.onFailure],
  ] as const) {
    const destination = destinations[key]
    if (!isObject(destination)) continue
    const other = template.otherFunction(id, destination.Destination)
    if (other !== null) values.set(option, { name: `${name}.${key}`, text: other })
    else {
      template.warnings.push(
        `${template.place([...path, 'DestinationConfig', key])} of ${id} is no function of this template, and is left out; --on-success and --on-failure take files and addresses`,
      )
    }
  }
}

/** 0 throttles a function, which is how one is switched off. More is a share of the account, which is none of ours. */
function concurrency(template: Template, id: string, values: OptionValues): void {
  const property = 'ReservedConcurrentExecutions'
  if (Number(template.property(id, property) ?? 1) !== 0) return
  values.set(ownOptions.maxEnvironments, {
    name: template.place(['Resources', id, 'Properties', property]),
    text: '0',
  })
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_DurableConfig.html */
function durable(template: Template, id: string, values: OptionValues): void {
  const config = template.property(id, 'DurableConfig')
  if (!isObject(config)) return
  const name = template.place(['Resources', id, 'Properties', 'DurableConfig'])
  values.set(ownOptions.durable, { name, value: true })
  give(values, name, config, [
    ['ExecutionTimeout', ownOptions.durableExecutionTimeout],
    ['RetentionPeriodInDays', ownOptions.durableRetentionDays],
  ])
}

function logging(template: Template, id: string, values: OptionValues): void {
  const config = template.property(id, 'LoggingConfig')
  if (!isObject(config)) return
  give(values, template.place(['Resources', id, 'Properties', 'LoggingConfig']), config, [
    ['LogFormat', ownOptions.logFormat],
    ['ApplicationLogLevel', variableOptions.applicationLogLevel],
    ['SystemLogLevel', variableOptions.systemLogLevel],
  ])
}

/** The keys that are there, as texts. `name` is the place of all. */
function give(
  values: OptionValues,
  name: string,
  config: Readonly<Record<string, unknown>>,
  options: readonly (readonly [key: string, option: Variable<unknown>])[],
): void {
  for (const [key, option] of options) {
    const value = config[key]
    if (value !== undefined) values.set(option, { name: `${name}.${key}`, text: String(value) })
  }
}
