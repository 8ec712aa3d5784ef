// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes so
import { describe, expect, test } from 'bun:test'
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ownOptions, type Variable } from '../../src/config/options.ts'
import type { FoundFunctions } from '../../src/config/system.ts'
import { readTemplate, type TemplateOutside } from '../../src/template/functions.ts'
import { tempDir } from '../harness.ts'

const fixtures = join(import.meta.dir, '../fixtures/templates')

function read(file: string, over: Partial<TemplateOutside> = {}): FoundFunctions {
  return readTemplate(file, {
    cwd: fixtures,
    region: 'eu-west-1',
    accountId: '111122223333',
    overrides: {},
    environmentFile: {},
    hasFlag: () => false,
    hasPythonClient: () => true,
    ...over,
  })
}

/** What was said of an option. */
function said({ setups }: FoundFunctions, name: string, option: Variable<unknown>): unknown {
  const given = setups.find((one) => one.name === name)?.values.get(option)
  return given === undefined ? undefined : 'text' in given ? given.text : given.value
}

const runs = ({ setups }: FoundFunctions): unknown =>
  setups.map(({ name, aliases, handler, command, cwd }) => [
    name,
    ...aliases,
    command.length === 0 ? handler : command.map((word) => word.replace(fixtures, '')),
    cwd.replace(fixtures, ''),
  ])

test('packages that code as it is written wants and that are not installed are told, with what to do', () => {
  using folder = tempDir()
  const { path } = folder
  const template = `Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: nodejs22.x, Handler: index.handler, CodeUri: code/ } }
Resources:
  Layer: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: layer/ } }
  Layered:
    Type: AWS::Serverless::Function
    Properties: { Layers: [!Ref Layer] }
  Bare: { Type: AWS::Serverless::Function }
`
  mkdirSync(join(path, 'layer'))
  mkdirSync(join(path, 'code/node_modules/own'), { recursive: true })
  mkdirSync(join(path, 'node_modules/@scope/above'), { recursive: true })
  const dependencies = {
    own: '1',
    '@scope/above': '1',
    '@aws-sdk/client-s3': '3',
    left: '1',
    '@scope/out': '1',
  }
  writeFileSync(join(path, 'template.yaml'), template)
  writeFileSync(join(path, 'code/index.mjs'), '')
  writeFileSync(join(path, 'code/package.json'), JSON.stringify({ dependencies }))
  const warnings = () => read('template.yaml', { cwd: path }).warnings
  expect(warnings()).toEqual([
    `template.yaml:8: Bare: ${path}/code/package.json names left, @scope/out, not installed: npm install there, or sam build and --template .aws-sam/build/template.yaml`,
  ])
  writeFileSync(join(path, 'code/package.json'), '{"dependencies":null}')
  expect(warnings()).toEqual([])
  writeFileSync(join(path, 'code/package.json'), 'none')
  expect(warnings()).toEqual([])
})

describe('templates as people write them', () => {
  test('what sam init writes for Node.js: Globals, JSON logs, an API that is not looked at', () => {
    const found = read('hello/template.yaml')
    expect(runs(found)).toEqual([['HelloWorldFunction', 'app.lambdaHandler', '/hello/hello-world']])
    expect(found.warnings).toEqual([])
    expect([
      said(found, 'HelloWorldFunction', ownOptions.functionTimeoutMs),
      said(found, 'HelloWorldFunction', ownOptions.memorySize),
      said(found, 'HelloWorldFunction', ownOptions.logFormat),
    ]).toEqual(['3', '128', 'JSON'])
    expect(found.setups[0]!.environment).toEqual({ AWS_SAM_LOCAL: 'true' })
  })

  test('Python, with variables that are known here, and others that are told', () => {
    const found = read('hello-python/template.yml')
    expect(runs(found)).toEqual([
      [
        'HelloWorldFunction',
        ['python3', '-m', 'awslambdaric', 'app.lambda_handler'],
        '/hello-python/hello_world',
      ],
    ])
    expect(found.setups[0]!.environment).toEqual({
      AWS_SAM_LOCAL: 'true',
      TABLE: 'local-items',
      COUNT: '3',
      FLAG: 'true',
    })
    const at = 'HelloWorldFunction.Properties.Environment.Variables'
    expect(found.warnings).toEqual([
      `hello-python/template.yml:17: ${at}.ARN of HelloWorldFunction is left out: Table.Arn is known in the cloud only`,
      `hello-python/template.yml:18: ${at}.STAGE of HelloWorldFunction is left out: the parameter Stage has no value; give it by --parameter-overrides Stage=…`,
      `hello-python/template.yml:19: ${at}.SECRET of HelloWorldFunction is left out: {{resolve:secretsmanager:MySecret}} is looked up in the cloud`,
    ])
  })

  test('parameters and variables from the command line', () => {
    const environmentFile = {
      Parameters: { COUNT: '9', SECRET: 'for all', OTHER: 'x' },
      HelloWorldFunction: { SECRET: 'own', UNKNOWN: '1' },
    }
    const found = read('hello-python/template.yml', {
      overrides: { Stage: 'dev', None: '1' },
      environmentFile,
    })
    expect(found.setups[0]!.environment).toMatchObject({ STAGE: 'dev', SECRET: 'own', COUNT: '9' })
    expect(found.setups[0]!.environment).not.toHaveProperty('OTHER')
    expect(found.warnings).toEqual([
      '--parameter-overrides: the template has no parameter None',
      expect.stringContaining('.ARN of HelloWorldFunction is left out'),
      '--env-vars: HelloWorldFunction has no variable UNKNOWN in the template, so it is left out, as by SAM',
    ])
  })

  test('Go, whose bootstrap is where sam build puts it', () => {
    const built = '/go/.aws-sam/build/GoFunction'
    expect(runs(read('go/template.yaml'))).toEqual([['GoFunction', [`${built}/bootstrap`], built]])
  })

  test('TypeScript for esbuild, which is run as it is written', () => {
    expect(runs(read('esbuild/template.yaml'))).toEqual([
      ['orders', 'OrdersFunction', 'src/orders.handler', '/esbuild'],
    ])
  })

  test('layers of the template, of Globals too, and one of another account', () => {
    const found = read('layers/template.yaml')
    expect(
      found.setups.map(({ name, layers, environment }) => [
        name,
        layers.map((path) => path.replace(fixtures, '')),
        environment.LOG_LEVEL,
      ]),
    ).toEqual([
      ['OneFunction', ['/layers/dependencies'], 'DEBUG'],
      ['TwoFunction', ['/layers/dependencies'], 'INFO'],
    ])
    expect([
      said(found, 'OneFunction', ownOptions.memorySize),
      said(found, 'TwoFunction', ownOptions.memorySize),
    ]).toEqual(['512', '128'])
    expect(found.warnings).toEqual([
      'layers/template.yaml:24: OneFunction.Properties.Layers: the layer arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsTypeScriptV2:41 is left out: it is not in this template',
    ])
  })

  test('events: their limits, a function as destination, and a queue that is told', () => {
    const found = read('events/template.yaml')
    expect(found.setups.map(({ name, aliases }) => [name, aliases])).toEqual([
      ['Worker', []],
      ['local-audit', ['Audit']],
    ])
    expect([
      said(found, 'Worker', ownOptions.asyncMaxRetries),
      said(found, 'Worker', ownOptions.asyncMaxAgeMs),
      said(found, 'Worker', ownOptions.onSuccess),
      said(found, 'Worker', ownOptions.onFailure),
    ]).toEqual(['1', '120', 'local-audit', undefined])
    expect(found.setups[0]!.environment).toEqual({
      AWS_SAM_LOCAL: 'true',
      AUDIT: 'local-audit',
      AUDIT_ARN: 'arn:aws:lambda:eu-west-1:111122223333:function:local-audit',
      QUEUE: 'Dead',
    })
    expect(found.warnings).toEqual([
      expect.stringMatching(
        /^events\/template\.yaml:13: Worker\..*OnFailure of Worker is no function of this template/,
      ),
    ])
  })

  test('what sam build writes', () => {
    const found = read('built/.aws-sam/build/template.yaml')
    expect(runs(found)).toEqual([['HelloFunction', 'app.handler', '/built/.aws-sam/build/HelloFunction']])
  })

  test('what CDK writes: JSON, assets, a Lambda::Url, an EventInvokeConfig', () => {
    const found = read('cdk/Stack.template.json')
    expect(runs(found)).toEqual([['Handler886CB40B', 'index.handler', '/cdk/asset.1a2b']])
    expect(found.setups[0]).toMatchObject({
      url: { path: null },
      environment: { TABLE: 'Table', JOINED: 'arn:aws:s3:::photos' },
    })
    expect([
      said(found, 'Handler886CB40B', ownOptions.asyncMaxRetries),
      said(found, 'Handler886CB40B', ownOptions.functionTimeoutMs),
      said(found, 'Handler886CB40B', ownOptions.functionUrlInvokeMode),
    ]).toEqual(['0', '30', 'RESPONSE_STREAM'])
    expect(found.warnings).toEqual([
      'cdk/Stack.template.json:41: Url.Properties: AuthType AWS_IAM is not checked: the Function URL of Handler886CB40B answers everybody',
    ])
  })

  test('code that stands in the template', () => {
    const [setup] = read('inline/template.yaml').setups
    expect(setup).toMatchObject({ name: 'Custom', handler: 'index.handler' })
    expect(readFileSync(join(setup!.cwd, 'index.js'), 'utf8')).toBe(
      'exports.handler = async (event) => ({ inline: event })\n',
    )
  })

  test('Function URLs, and their addresses in variables', () => {
    const found = read('urls/template.yaml')
    expect(found.setups.map(({ name, url, namesUrls }) => [name, url, namesUrls])).toEqual([
      ['Site', { path: null }, false],
      ['Caller', null, true],
    ])
    expect(said(found, 'Site', ownOptions.functionUrlCors)).toEqual({
      AllowOrigins: ['*'],
      AllowMethods: ['GET'],
    })
  })

  test('conditions, mappings and lists, of one stage and of another', () => {
    const dev = read('conditions/template.yaml')
    expect(dev.setups.map(({ name }) => name)).toEqual(['Always', 'OnlyDev'])
    expect(dev.setups[0]!.environment).toEqual({
      AWS_SAM_LOCAL: 'true',
      LEVEL: 'DEBUG',
      DEBUG: '1',
      SECOND: 'b',
      LAST: 'z',
      JOINED: 'a|b|c',
      SUB: 'dev-dev-${Literal}-111122223333',
      PORT: '${Port}',
    })
    const prod = read('conditions/template.yaml', { overrides: { Stage: 'prod' } })
    expect(prod.setups.map(({ name }) => name)).toEqual(['Always', 'OnlyProd'])
    expect([
      said(prod, 'Always', ownOptions.functionTimeoutMs),
      said(prod, 'Always', ownOptions.memorySize),
    ]).toEqual(['30', '1024'])
    expect(prod.setups[0]!.environment).toMatchObject({ LEVEL: 'INFO', ONLY_PROD: '1' })
  })

  test('code that is in the cloud runs nowhere, and a nested stack is told', () => {
    const found = read('cfn/stack.template')
    expect(found.setups.map(({ name, broken }) => [name, broken])).toEqual([
      [
        'packaged',
        'its code is not on this machine, nor in .aws-sam/build/Packaged: build it first, with sam build',
      ],
      ['Local', null],
    ])
    expect(found.warnings).toEqual([
      expect.stringContaining('cfn/stack.template:12: Child is another template'),
    ])
  })

  test('a reserved concurrency of 0, and durable functions of both kinds', () => {
    const found = read('limits/template.yaml')
    const options = [
      ownOptions.maxEnvironments,
      ownOptions.durable,
      ownOptions.durableExecutionTimeout,
      ownOptions.durableRetentionDays,
    ]
    expect(
      found.setups.map(({ name }) => [name, ...options.map((option) => said(found, name, option))]),
    ).toEqual([
      ['Switched', '0', undefined, undefined, undefined],
      ['Shared', undefined, undefined, undefined, undefined],
      ['Order', undefined, true, '3600', '7'],
      ['Plain', undefined, true, '60', undefined],
    ])
    expect(found.setups[0]?.values.get(ownOptions.maxEnvironments)?.name).toBe(
      'limits/template.yaml:9: Switched.Properties.ReservedConcurrentExecutions',
    )
    expect(found.warnings).toEqual([])
  })

  test('flags go before the defaults of the service', () => {
    const found = read('events/template.yaml', {
      hasFlag: (option) => option === ownOptions.functionTimeoutMs,
    })
    expect([
      said(found, 'Worker', ownOptions.functionTimeoutMs),
      said(found, 'Worker', ownOptions.memorySize),
    ]).toEqual([undefined, '128'])
  })
})

describe('what cannot run', () => {
  test('is the end where it is all', () => {
    expect(() => read('java/template.yaml')).toThrow(
      'java/template.yaml:3: Api: Api cannot run: java21 is not started by this emulator; give its runtime client as a command, in a file of --functions\n' +
        'java/template.yaml:7: Thumbnails: Thumbnails cannot run: it is an image: run the image with this emulator in it',
    )
    expect(() => read('hello-python/template.yml', { hasPythonClient: () => false })).toThrow(
      "python3.13 needs AWS's runtime client for Python: python3 -m pip install awslambdaric",
    )
  })

  test('a template without functions, and what is no template', () => {
    using folder = tempDir()
    const write = (text: string): string => {
      writeFileSync(join(folder.path, 't.yaml'), text)
      return join(folder.path, 't.yaml')
    }
    expect(() => read(write('Resources: { A: { Type: "AWS::S3::Bucket" } }'))).toThrow(
      'the template has no function',
    )
    expect(() => read(write('a: 1'))).toThrow('this is no template: it has no Resources')
    expect(() => read(write('Resources: {a: !Nope x}'))).toThrow('t.yaml:1: the tag !Nope is not known here')
    const twice =
      'Type: "AWS::Lambda::Function", Properties: { FunctionName: a, Runtime: nodejs22.x, Handler: index.h, Code: . }'
    mkdirSync(join(folder.path, 'src'))
    writeFileSync(join(folder.path, 'index.js'), '')
    expect(() => read(write(`Resources:\n  One: { ${twice} }\n  Two: { ${twice} }\n`))).toThrow(
      't.yaml:3: Two.Properties.FunctionName is "a", which is the name of One too',
    )
  })

  test('names that need each other are left out, and variables may have names of JavaScript', () => {
    using folder = tempDir()
    writeFileSync(join(folder.path, 'index.js'), '')
    const rest = 'Runtime: nodejs22.x, Handler: index.h, CodeUri: .'
    writeFileSync(
      join(folder.path, 't.yaml'),
      `Resources:
  F: { Type: AWS::Serverless::Function, Properties: { ${rest}, FunctionName: !Sub "\${G}-f" } }
  G: { Type: AWS::Serverless::Function, Properties: { ${rest}, FunctionName: !Sub "\${F}-g", Environment: { Variables: { toString: "1", A: !Ref constructor } } } }
`,
    )
    const { setups, warnings } = read(join(folder.path, 't.yaml'))
    expect(setups.map(({ name, environment }) => [name, environment])).toEqual([
      ['F', { AWS_SAM_LOCAL: 'true' }],
      ['G', { AWS_SAM_LOCAL: 'true', toString: '1' }],
    ])
    expect(warnings.join('\n')).toContain('FunctionName of F is left out: the name of G needs itself')
    expect(warnings.join('\n')).toContain('A of G is left out: there is no parameter or resource constructor')
  })

  // only root can give a folder to somebody else
  test.skipIf(process.getuid?.() !== 0)(
    'what is made of a template is not put into the folder of another user',
    () => {
      using folder = tempDir()
      const before = process.env.TMPDIR
      process.env.TMPDIR = folder.path
      try {
        const [setup] = read('inline/template.yaml').setups
        const own = dirname(setup!.cwd)
        expect(statSync(own).mode & 0o777).toBe(0o700)
        chownSync(own, 12_345, 12_345)
        expect(() => read('inline/template.yaml')).toThrow(`${own} belongs to another user`)
      } finally {
        if (before === undefined) delete process.env.TMPDIR
        else process.env.TMPDIR = before
      }
    },
  )

  test('a layer that is not built yet is its own python or node folder', () => {
    using folder = tempDir()
    mkdirSync(join(folder.path, 'deps'))
    writeFileSync(join(folder.path, 'deps/tool.py'), '')
    writeFileSync(join(folder.path, 'index.js'), '')
    writeFileSync(
      join(folder.path, 't.yaml'),
      `Resources:
  L: { Type: AWS::Serverless::LayerVersion, Metadata: { BuildMethod: python3.13 }, Properties: { ContentUri: deps } }
  F: { Type: AWS::Serverless::Function, Properties: { Runtime: nodejs22.x, Handler: index.h, Layers: [!Ref L] } }
`,
    )
    const layer = (): string => read(join(folder.path, 't.yaml')).setups[0]!.layers[0] as string
    expect(existsSync(join(layer(), 'python/tool.py'))).toBe(true)
    mkdirSync(join(folder.path, '.aws-sam/build/L'), { recursive: true })
    expect(layer()).toBe(join(folder.path, '.aws-sam/build/L'))
  })
})
