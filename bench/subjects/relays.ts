/** The floors: what no emulator on this machine, on `Bun.serve`, or on Bun's native handles can go below. */
import { compileBun, compileC } from '../build.ts'
import { invokePath, type Subject } from '../subject.ts'

let cRelay = ''
let bunRelayBinary = ''
let nativeRelayBinary = ''
let runtime = ''
let streaming = ''

export const relayInC: Subject = {
  name: 'c-relay',
  about: 'a relay in C with blocking sockets and no rules: the floor',
  async prepare() {
    cRelay = await compileC('subjects/relay.c')
    runtime = await compileC('functions/runtime.c')
    streaming = await compileC('functions/stream.c')
  },
  refuses: (setup) => (setup.environments > 1 ? 'it serves one caller' : undefined),
  launch: (setup) => ({
    command: [cRelay, String(setup.port), String(setup.apiPort), setup.stream ? streaming : runtime],
    path: invokePath,
  }),
}

export const relayOnBun: Subject = {
  name: 'bun-relay',
  about: 'a bare relay on two `Bun.serve` listeners, no rules: the floor of this platform',
  async prepare() {
    bunRelayBinary = await compileBun('subjects/relay.ts', 'bun-relay')
    runtime = await compileC('functions/runtime.c')
  },
  launch: (setup) => ({
    command: [bunRelayBinary, String(setup.port), String(setup.apiPort), runtime],
    env: { BENCH_POLLERS: String(setup.environments) },
    path: invokePath,
  }),
}

export const relayOnHandles: Subject = {
  name: 'native-relay',
  about: 'a bare relay on the handles under Bun’s `node:http`, no rules: the floor of our HTTP edge',
  async prepare() {
    nativeRelayBinary = await compileBun('subjects/relay-native.ts', 'native-relay')
    runtime = await compileC('functions/runtime.c')
    streaming = await compileC('functions/stream.c')
  },
  launch: (setup) => ({
    command: [
      nativeRelayBinary,
      String(setup.port),
      String(setup.apiPort),
      setup.stream ? streaming : runtime,
    ],
    env: { BENCH_POLLERS: String(setup.environments) },
    path: invokePath,
  }),
}
