/** AWS's SDKs with the functions of this suite, installed once. */
import { join } from 'node:path'
import { cached, need, run } from '../client.ts'

const version = '2.4.0'

/** The folder of the functions. */
export async function javascript(): Promise<string> {
  const install = async (into: string): Promise<void> => {
    need('npm')
    await Bun.write(join(into, 'package.json'), '{"private":true,"type":"module"}')
    const words = ['npm', 'install', '--no-audit', '--no-fund', '--save-exact']
    await run([...words, `@aws/durable-execution-sdk-js@${version}`], { cwd: into })
  }
  return await cached('durable-js', version, { install }, join(import.meta.dir, 'functions/js'))
}

const pythonVersion = '3.0.0'
/** It brings botocore in one version, of which boto3 is taken too. */
const commandLineVersion = '1.46.3'

/** The same for Python, with boto3 and the AWS CLI. */
export async function pythonFolder(): Promise<string> {
  const packages = [
    `aws-durable-execution-sdk-python==${pythonVersion}`,
    'awslambdaric==4.2.2',
    `awscli==${commandLineVersion}`,
    'boto3',
  ]
  const install = async (into: string): Promise<void> => {
    await run([need('python3'), '-m', 'venv', 'venv'], { cwd: into })
    await run(['venv/bin/pip', 'install', '--quiet', ...packages], { cwd: into })
  }
  return await cached(
    'durable-python',
    `${pythonVersion}-${commandLineVersion}`,
    { install },
    join(import.meta.dir, 'functions/python'),
  )
}
