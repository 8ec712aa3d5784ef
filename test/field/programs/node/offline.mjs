/** serverless-offline's way to a function in a container, with the `docker` that is first in PATH. */

// by its path: the package exports its plugin alone
const runner = './node_modules/serverless-offline/src/lambda/handler-runner/docker-runner/DockerContainer.js'
const { default: DockerContainer } = await import(runner)

const [, , code] = process.argv
const options = { host: '127.0.0.1', readOnly: true }
const provider = { name: 'aws', region: 'eu-west-1' }
const container = new DockerContainer(
  { AWS_REGION: 'eu-west-1', GREETING: 'a=b, c' },
  'app.handler',
  'provided.al2023',
  'x86_64',
  [],
  provider,
  code,
  options,
)
await container.start(code)
try {
  console.log(JSON.stringify(await container.request({ do: 'echo', n: 1 })))
} finally {
  await container.stop()
}
