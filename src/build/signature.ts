/**
 * The signature of a program for macOS. A Mac with Apple silicon runs none without one, and any Mac may end a program whose
 * signature does not fit. Bun signs what it makes for arm64; in what it makes for x86-64 it leaves the signature of its own
 * program, which no longer fits (oven-sh/bun#39837). An ad-hoc signature names nobody: it is a list of the hashes of all
 * pages, and needs no key. The format is that of Apple's `cs_blobs.h`; what stands in the program is little-endian, what
 * stands in the signature big-endian.
 */

const segment64 = 0x19
const codeSignature = 0x1d
const superBlobMagic = 0xfade0cc0
const directoryMagic = 0xfade0c02
/** With the limits of the executable segment. */
const directoryVersion = 0x20400
/** `CS_ADHOC` and `CS_LINKER_SIGNED`: what a linker writes, and `codesign` replaces. */
const flags = 0x20002
const sha256 = 2
const hashSize = 32
const pageBits = 12
const pageSize = 1 << pageBits
/** A superblob of one: its head, and where the one begins. */
const superBlobSize = 20
const directorySize = 88
/** `CS_EXECSEG_MAIN_BINARY` */
const mainBinary = 1n

interface Layout {
  /** of the load command `LC_CODE_SIGNATURE` */
  readonly command: number
  /** of the load command of `__LINKEDIT`, the last segment */
  readonly linkedit: number
  readonly text: { readonly offset: bigint; readonly size: bigint }
  /** where the signature begins: all before it is signed */
  readonly signature: number
}

/** Throws when it is no program of one architecture with a signature, or when anything follows the signature. */
function layoutOf(program: Buffer): Layout {
  if (program.readUInt32LE(0) !== 0xfeedfacf) throw new Error('no 64-bit program for macOS')
  let found: Partial<Layout> = {}
  for (let left = program.readUInt32LE(16), at = 32; left > 0; left--, at += program.readUInt32LE(at + 4)) {
    const kind = program.readUInt32LE(at)
    if (kind === codeSignature) found = { ...found, command: at, signature: program.readUInt32LE(at + 8) }
    if (kind !== segment64) continue
    const name = program.toString('latin1', at + 8, at + 24).replace(/\0+$/, '')
    if (name === '__LINKEDIT') found = { ...found, linkedit: at }
    if (name === '__TEXT')
      found = {
        ...found,
        text: { offset: program.readBigUInt64LE(at + 40), size: program.readBigUInt64LE(at + 48) },
      }
  }
  const { command, linkedit, text, signature } = found
  if (command === undefined || linkedit === undefined || text === undefined || signature === undefined)
    throw new Error('a program for macOS without a signature, or without __TEXT or __LINKEDIT')
  if (signature + program.readUInt32LE(command + 12) !== program.length)
    throw new Error('something follows the signature')
  return { command, linkedit, text, signature }
}

/** Whether the hashes of all pages are those of the signature's first directory, and the signature covers all before it. */
export function isSigned(program: Buffer): boolean {
  const { signature } = layoutOf(program)
  const blobs = program.readUInt32BE(signature + 8)
  for (let index = 0; index < blobs; index++) {
    if (program.readUInt32BE(signature + 12 + index * 8) !== 0) continue
    const at = signature + program.readUInt32BE(signature + 16 + index * 8)
    const covered = program.readUInt32BE(at + 32)
    const page = 1 << program.readUInt8(at + 39)
    if (program.readUInt32BE(at) !== directoryMagic || program.readUInt8(at + 37) !== sha256) return false
    if (covered !== signature) return false
    const hashes = at + program.readUInt32BE(at + 16)
    return hashesOf(program.subarray(0, covered), page).equals(
      program.subarray(hashes, hashes + Math.ceil(covered / page) * hashSize),
    )
  }
  return false
}

/** The same program with an ad-hoc signature in the place of the one that it has; `name` identifies it. */
export function signAdHoc(program: Buffer, name: string): Buffer {
  const { command, linkedit, text, signature } = layoutOf(program)
  const pages = Math.ceil(signature / pageSize)
  const identifier = Buffer.from(`${name}\0`)
  const hashes = directorySize + identifier.length
  const length = superBlobSize + hashes + pages * hashSize
  const code = Buffer.from(program.subarray(0, signature))
  // The signature's place and length are part of what is signed.
  code.writeUInt32LE(length, command + 12)
  const end = BigInt(signature + length) - code.readBigUInt64LE(linkedit + 40)
  code.writeBigUInt64LE(end, linkedit + 48)
  code.writeBigUInt64LE(roundedUp(end), linkedit + 32)

  const head = Buffer.alloc(superBlobSize + directorySize)
  const words = [superBlobMagic, length, 1, 0, superBlobSize]
  words.push(directoryMagic, length - superBlobSize, directoryVersion, flags, hashes, directorySize)
  // no hashes of other files, then those of all pages up to here
  words.push(0, pages, signature)
  for (const [index, word] of words.entries()) head.writeUInt32BE(word, index * 4)
  head.set([hashSize, sha256, 0, pageBits], 56)
  head.writeBigUInt64BE(text.offset, superBlobSize + 64)
  head.writeBigUInt64BE(text.size, superBlobSize + 72)
  head.writeBigUInt64BE(mainBinary, superBlobSize + 80)
  return Buffer.concat([code, head, identifier, hashesOf(code, pageSize)])
}

/** Of each page; the last one may be shorter. */
function hashesOf(code: Buffer, page: number): Buffer {
  const hashes: Uint8Array[] = []
  for (let at = 0; at < code.length; at += page)
    hashes.push(new Bun.CryptoHasher('sha256').update(code.subarray(at, at + page)).digest())
  return Buffer.concat(hashes)
}

function roundedUp(size: bigint): bigint {
  const page = BigInt(pageSize)
  return ((size + page - 1n) / page) * page
}
