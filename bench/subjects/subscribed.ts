/** This emulator with an extension that subscribes to every record. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../build.ts'
import type { Subject } from '../subject.ts'
import { ours } from './ours.ts'

/** Lays out a folder of extensions with the subscriber in it. */
export function layExtensions(): string {
  mkdirSync(extensions, { recursive: true })
  const file = join(extensions, 'subscriber')
  const program = join(import.meta.dir, '..', 'functions', 'subscriber.ts')
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$0"\n`)
  chmodSync(file, 0o755)
  return extensions
}

const extensions = join(root, '.cache', 'bench', 'extensions')

export const subscribed: Subject = {
  name: 'subscribed',
  about: 'this emulator with one extension that subscribes to every record',
  async prepare() {
    await ours.prepare()
    layExtensions()
  },
  launch(setup) {
    const { command, ...rest } = ours.launch(setup)
    const [program, ...words] = command as [string, ...string[]]
    return { ...rest, command: [program, '--extensions-dir', extensions, ...words] }
  },
}
