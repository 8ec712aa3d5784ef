/**
 * What is thrown at the ports: real requests with broken parts, requests that are quite all right, and bytes that are
 * nothing at all. Everything is made of a seed and a number.
 */

import type { Random } from '../faults/random.ts'
import { message } from '../kit/answers.ts'

export type Door = 'gateway' | 'api' | 'url'

/** How the sender goes on when it has said everything. */
export type Ending = 'waits' | 'closes' | 'resets' | 'half-closes'

export interface Shot {
  readonly door: Door
  /** written one after the other, with a turn of the event loop between them */
  readonly pieces: readonly Uint8Array[]
  readonly ending: Ending
  /** how many requests it holds, more or less */
  readonly requests: number
  /** so many answers must come, because nothing is wrong with the requests */
  readonly due: number
}

/** What the generator knows of the emulator, so that it gets past the first check. */
export interface Knowledge {
  /** identifiers of extensions, living and dead */
  readonly extensions: readonly string[]
  /** ids of invocations, most of them over */
  readonly invocations: readonly string[]
}

interface Route {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** it is answered when others let it be: it is parked, or has to wait for the runtime */
  readonly hangs?: true
}

const wrongId = '00000000-0000-4000-8000-000000000000'
const invokePath = '/2015-03-31/functions/function/invocations'

/** What stands behind a percent sign, and what should not. */
const encodings = [
  '%',
  '%z',
  '%zz',
  '%C3%BC',
  '%c3',
  '%ff%fe',
  '%00',
  '%2F',
  '%2e%2e',
  '%25',
  '%u00fc',
  '+',
  '%F0%9F%A6%80',
  '%ED%A0%80',
]

function encodedText(random: Random): string {
  return Array.from({ length: random.int(0, 12) }, () =>
    random.pick([...encodings, 'a', '/', '&', '=']),
  ).join('')
}

/** A page of the Function URL: all of them are the function's, which is asked each time. */
function page(random: Random): Route {
  const path = `/${encodedText(random)}${random.chance(0.5) ? `?${encodedText(random)}` : ''}`
  const headers = random.pick<Readonly<Record<string, string>>>([
    {},
    {
      'Content-Type': random.pick([
        'application/json',
        'text/plain; charset=latin1',
        'image/png',
        ';;',
        'a/b; c="',
      ]),
    },
    { Cookie: random.pick(['a=b; c=d', ';;;', '=', 'x'.repeat(5000)]) },
    { Origin: 'https://a.example', 'Access-Control-Request-Method': 'PUT' },
    { 'X-Amzn-Trace-Id': random.bytes(20).toString('base64') },
  ])
  const method = random.pick(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return {
    method,
    path,
    headers,
    ...(hasBody ? { body: random.bytes(random.int(0, 200)).toString('latin1') } : {}),
    hangs: true,
  }
}

function route(random: Random, door: Door, known: Knowledge): Route {
  if (door === 'url') return page(random)
  if (door === 'gateway') {
    if (random.chance(0.02)) return { method: 'POST', path: invokePath, body: '{"fuzz":true}', hangs: true }
    const dialect = random.chance(0.3) ? { 'amz-sdk-invocation-id': crypto.randomUUID() } : {}
    return random.pick<Route>([
      { method: 'GET', path: '/_rie/health' },
      { method: 'GET', path: '/_rie/ready' },
      { method: 'GET', path: '/nowhere' },
      { method: 'GET', path: invokePath },
      {
        method: 'POST',
        path: invokePath,
        body: '{"fuzz":true}',
        headers: { 'X-Amz-Invocation-Type': 'DryRun' },
      },
      { method: 'POST', path: invokePath, body: '{', headers: { ...dialect, 'X-Amz-Log-Type': 'Head' } },
      {
        method: 'POST',
        path: invokePath,
        body: '',
        headers: { 'X-Amz-Client-Context': 'e30=', 'X-Amz-Invocation-Type': 'x' },
      },
      { method: 'POST', path: '/2015-03-31/functions/%zz:%ff/invocations', body: '{}' },
      {
        method: 'POST',
        path: invokePath.replace('function/', `${'n'.repeat(random.int(257, 400))}/`),
        body: '{}',
        headers: { 'X-Amz-Tenant-Id': '\xa0' },
      },
    ])
  }
  const id = random.chance(0.7)
    ? random.pick([...known.invocations, wrongId])
    : random.bytes(8).toString('hex')
  const extension = random.pick([...known.extensions, wrongId, 'not-a-uuid', `urn:uuid:${wrongId}`])
  const identified = {
    'Lambda-Extension-Identifier': extension,
    'Lambda-Extension-Function-Error-Type': 'Fuzz.Error',
  }
  const base = '/2018-06-01/runtime'
  const extensions = '/2020-01-01/extension'
  return random.pick<Route>([
    { method: 'GET', path: '/2018-06-01/ping' },
    { method: 'POST', path: `${base}/invocation/${id}/response`, body: '"fuzz"' },
    {
      method: 'POST',
      path: `${base}/invocation/${id}/response`,
      body: '"fuzz"',
      headers: { 'Lambda-Runtime-Function-Response-Mode': 'streaming' },
    },
    {
      method: 'POST',
      path: `${base}/invocation/${id}/error`,
      body: '{"errorType":"Fuzz"}',
      headers: { 'Content-Type': 'application/vnd.aws.lambda.error.cause+json' },
    },
    { method: 'POST', path: `${base}/init/error`, body: '{}' },
    {
      method: 'POST',
      path: `${extensions}/register`,
      // one that is in order keeps an init from ending, when it comes at the right time
      body: random.chance(0.02) ? '{"events":["INVOKE"]}' : '{"events":["LUNCH"]}',
      headers: { 'Lambda-Extension-Name': `fuzz${random.int(0, 30)}` },
    },
    {
      method: 'POST',
      path: `${extensions}/register`,
      body: random.pick(['{"events":[1]}', '[]', 'null', '{"configurationKeys":["x"]}', '']),
      headers: { 'Lambda-Extension-Name': 'ext0' },
    },
    {
      method: 'GET',
      path: `${extensions}/event/next`,
      headers: { 'Lambda-Extension-Identifier': random.pick([wrongId, 'x', '']) },
    },
    { method: 'POST', path: `${extensions}/init/error`, body: '{}', headers: identified },
    {
      method: 'POST',
      path: `${extensions}/exit/error`,
      body: '{}',
      headers: { ...identified, 'Lambda-Extension-Identifier': wrongId },
    },
    { method: 'PUT', path: '/2022-07-01/telemetry', body: '{}' },
    { method: 'PUT', path: '/2020-08-15/logs', body: '{}' },
    { method: 'DELETE', path: `${base}/invocation/next` },
    ...(random.chance(0.01)
      ? [{ method: 'GET', path: `${base}/invocation/next`, hangs: true } as const]
      : []),
  ])
}

const endOfHead = '\r\n\r\n'

/** What may stand behind the last chunk. */
export function trailers(random: Random): string {
  const type = 'Lambda-Runtime-Function-Error-Type'
  const document = 'Lambda-Runtime-Function-Error-Body'
  return random.pick([
    `${type}: Fuzz\r\n${document}: %%%\r\n\r\n`,
    `${type}: Fuzz\r\n${type}: Again\r\n\r\n`,
    `${type}:\r\n${document}: ${btoa('no JSON')}\r\n\r\n`,
    `${document}: ${btoa('{"errorType":"Fuzz"}')}\r\n\r\n`,
    `${type}: ${'x'.repeat(random.int(1, 60_000))}\r\n\r\n`,
    `${'X-Many: y\r\n'.repeat(random.int(1, 3000))}\r\n`,
    'no colon\r\n\r\n',
    ': no name\r\n\r\n',
    ' folded: x\r\n\r\n',
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    `X: ${random.bytes(random.int(1, 60)).toString('latin1')}\r\n\r\n`,
    `${type}: Fuzz\r\n`,
    `${type}: Fuzz\n\n`,
  ])
}

/** Chunks by a grammar that goes wrong now and then. */
function anyChunks(random: Random): string {
  let text = ''
  for (let left = random.int(1, 12); left > 0; left--) {
    const data = 'x'.repeat(random.int(0, 40))
    const size = random.weighted({
      right: 80,
      more: 4,
      less: 4,
      padded: 4,
      upper: 4,
      spaced: 2,
      signed: 1,
      long: 1,
    })
    const hex = data.length.toString(16)
    const line = {
      right: hex,
      more: (data.length + 3).toString(16),
      less: Math.max(0, data.length - 1).toString(16),
      padded: `0000${hex}`,
      upper: hex.toUpperCase(),
      spaced: ` ${hex} `,
      signed: `+${hex}`,
      long: `${'0'.repeat(random.int(1, 5000))}${hex}`,
    }[size]
    const extension = random.chance(0.2) ? `;${random.bytes(random.int(0, 20)).toString('base64')}` : ''
    const end = random.chance(0.03) ? random.pick(['\n', '\r', '']) : '\r\n'
    text += `${line}${extension}${end}${data}${end}`
  }
  return `${text}0\r\n${random.chance(0.3) ? trailers(random) : '\r\n'}`
}

/** Takes a request as text and breaks something in it. What is broken need not be answered. */
const breaks: Readonly<Record<string, (text: string, random: Random) => string>> = {
  method: (text, random) =>
    text.replace(
      /^\w+/,
      random.pick([
        'BREW',
        'get',
        '',
        'P\x00ST',
        'OPTIONS',
        'HEAD',
        'TRACE',
        'CONNECT',
        'PATCH',
        'X'.repeat(5000),
      ]),
    ),
  version: (text, random) =>
    text.replace(
      'HTTP/1.1',
      random.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9', 'http/1.1', 'HTTP/1.1 x', 'ICE/1.0', '']),
    ),
  path: (text, random) =>
    text.replace(/ (\S+) /, (_, path: string) => {
      const odd = [
        `/${path}`,
        `${path}/`,
        `${path}?a=b&Qualifier=%zz`,
        `${path}/../../etc/passwd`,
        `${path}%00`,
        `${path}\x00`,
      ]
      const odder = [
        `http://elsewhere.invalid${path}`,
        'elsewhere.invalid:443',
        '*',
        '',
        path.repeat(random.int(2, 900)),
        `${path}\xff\xfe`,
      ]
      return ` ${random.pick([...odd, ...odder])} `
    }),
  'no host': (text) => text.replace(/Host: .*\r\n/, ''),
  'two hosts': (text) => text.replace('Host:', 'Host: a\r\nHost:'),
  length: (text, random) =>
    text.replace(/Content-Length: (\d+)/, (_, length: string) => {
      const more = Number(length) + random.int(1, 5000)
      const values = [
        more,
        Number(length) - 1,
        -1,
        'ten',
        '1e9',
        '0x10',
        '',
        '99999999999999999999999',
        '+5',
        ' 5 5',
      ]
      return `Content-Length: ${random.pick(values)}`
    }),
  'two lengths': (text) => text.replace('Content-Length:', 'Content-Length: 3\r\nContent-Length:'),
  'length and chunks': (text) =>
    text.replace('Content-Length:', 'Transfer-Encoding: chunked\r\nContent-Length:'),
  chunks: (text, random) => {
    const bad = [
      'zz\r\n{}\r\n',
      'ffffffffffffffff\r\n{}',
      '2\r\n{}',
      '-1\r\n',
      '2;ext=1\r\n{}\r\n0\r\nTrailer: x\r\n\r\n',
      '5\r\n{}\r\n0\r\n\r\n',
      '\r\n',
    ]
    const good = ['2\r\n{}\r\n0\r\n\r\n', `${'1\r\nx\r\n'.repeat(random.int(1, 500))}0\r\n\r\n`]
    if (random.chance(0.4)) bad.push(`2\r\n{}\r\n0\r\n${trailers(random)}`, anyChunks(random))
    return (
      text
        .replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked')
        .replace(/\r\n\r\n[\s\S]*$/, endOfHead) + random.pick([...bad, ...good])
    )
  },
  encoding: (text, random) =>
    text.replace(
      endOfHead,
      `\r\nTransfer-Encoding: ${random.pick(['gzip', 'chunked, chunked', 'x', 'identity', '\x0bchunked'])}${endOfHead}`,
    ),
  'odd header': (text, random) => {
    const value = random.bytes(random.int(1, 60)).toString('latin1')
    const odd = [
      `X-Odd: ${value}`,
      `${value}: x`,
      'no colon',
      ': no name',
      ' folded',
      'X: y\r\n\tfolded',
      'X : space',
      'X:\x00',
      `X: ${'\u00e9'.repeat(30)}`,
    ]
    return text.replace(endOfHead, `\r\n${random.pick(odd)}${endOfHead}`)
  },
  'long header': (text, random) => {
    const length = random.chance(0.02) ? 1_200_000 : random.int(1000, 60_000)
    return text.replace(endOfHead, `\r\nX-Long: ${'x'.repeat(length)}${endOfHead}`)
  },
  'many headers': (text, random) => {
    const count = random.chance(0.05) ? 5000 : random.int(20, 300)
    return text.replace(
      endOfHead,
      `\r\n${Array.from({ length: count }, (_, n) => `X-${n}: y`).join('\r\n')}${endOfHead}`,
    )
  },
  'known header': (text, random) => {
    const name = random.pick([
      'X-Amz-Client-Context',
      'X-Amzn-RequestId',
      'X-Amzn-Trace-Id',
      'Authorization',
      'X-Amz-Log-Type',
      'X-Amz-Tenant-Id',
      'Lambda-Extension-Identifier',
      'Lambda-Extension-Name',
      'Lambda-Runtime-Function-Error-Type',
      'Lambda-Runtime-Function-Response-Mode',
      'Lambda-Extension-Accept-Feature',
      'Trailer',
    ])
    return text.replace(
      endOfHead,
      `\r\n${name}: ${random.bytes(random.int(0, 40)).toString('base64')}${endOfHead}`,
    )
  },
  expect: (text, random) =>
    text.replace(endOfHead, `\r\nExpect: ${random.pick(['100-continue', '200-ok', ''])}${endOfHead}`),
  upgrade: (text, random) =>
    text.replace(
      endOfHead,
      `\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${random.pick(['h2c', 'websocket', 'x'])}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nHTTP2-Settings: AAMAAABkAAQAAP__${endOfHead}`,
    ),
  connection: (text, random) =>
    text.replace(endOfHead, `\r\nConnection: ${random.pick(['close', 'keep-alive', 'x'])}${endOfHead}`),
  'bare line feeds': (text) => text.replaceAll('\r\n', '\n'),
  'bare returns': (text) => text.replaceAll('\r\n', '\r'),
  'no end of head': (text) => text.replace(endOfHead, '\r\n'),
  cut: (text, random) => text.slice(0, random.int(1, text.length)),
  flipped: (text, random) => {
    const bytes = Buffer.from(text, 'latin1')
    for (let n = random.int(1, 5); n > 0; n--) bytes[random.int(0, bytes.length - 1)] = random.int(0, 255)
    return bytes.toString('latin1')
  },
  oversize: (text, random) =>
    random.chance(0.02)
      ? `${text.replace(/Content-Length: \d+/, 'Content-Length: 6400000')}${'x'.repeat(6_400_000)}`
      : text,
}

const names = Object.keys(breaks)

function garbage(random: Random): Buffer {
  return random.pick<() => Buffer>([
    () => random.bytes(random.int(1, 3000)),
    () => Buffer.from('16030100c8010000c40303', 'hex'),
    () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00', 'latin1'),
    () => Buffer.alloc(random.int(1, 20_000)),
    () => Buffer.from('\r\n'.repeat(random.int(1, 3000))),
    () => Buffer.from('GET / HTTP/1.1\r\n'.repeat(random.int(1, 500))),
    () => Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
    () => Buffer.from('GET'),
    () => Buffer.from(`GET /${'a'.repeat(random.int(1, 90_000))}`),
  ])()
}

export function shoot(random: Random, known: Knowledge): Shot {
  const door = random.weighted<Door>({ gateway: 45, api: 45, url: 10 })
  const ending = random.weighted<Ending>({ waits: 70, closes: 14, resets: 8, 'half-closes': 8 })
  if (random.chance(0.08)) return { door, pieces: cut(random, garbage(random)), ending, requests: 1, due: 0 }
  const count = random.chance(0.7) ? random.int(2, 8) : 1
  const parts: Buffer[] = []
  let due = 0
  let sound = true
  for (let n = 0; n < count; n++) {
    const { method, path, headers, body, hangs } = route(random, door, known)
    const whole = message(method, path, body ?? null, headers)
    if (random.chance(0.45)) {
      let text = whole.toString('latin1')
      for (let left = random.int(1, 2); left > 0; left--) {
        text = (breaks[random.pick(names)] as (typeof breaks)[string])(text, random)
      }
      parts.push(Buffer.from(text, 'latin1'))
      sound = false
    } else {
      parts.push(whole)
      if (hangs) sound = false
      due++
    }
  }
  // what follows something broken, or goes before it, may be lost with the connection
  if (!sound || ending !== 'waits') due = 0
  return { door, pieces: cut(random, Buffer.concat(parts)), ending, requests: count, due }
}

/** In one piece, mostly. */
function cut(random: Random, bytes: Buffer): Buffer[] {
  if (bytes.byteLength < 2 || random.chance(0.8)) return [bytes]
  const at = random.int(1, bytes.byteLength - 1)
  const later = random.int(at, bytes.byteLength)
  return [bytes.subarray(0, at), bytes.subarray(at, later), bytes.subarray(later)]
}

/** The beginning of a request that never ends. */
export function halfRequest(random: Random, door: Door): string {
  const path = { gateway: invokePath, api: '/2018-06-01/runtime/init/error', url: '/%C3' }[door]
  const begun = `POST ${path} HTTP/1.1\r\nHost: x\r\n`
  return random.pick([
    begun,
    `${begun}Content-Length: 100\r\n\r\n{`,
    `${begun}X-Slow: y`,
    'P',
    `${begun}Transfer-Encoding: chunked\r\n\r\n5\r\n{`,
  ])
}
