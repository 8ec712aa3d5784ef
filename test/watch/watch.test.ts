import { describe, expect, test } from 'bun:test'
import { mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openWatch, type WatchOptions } from '../../src/watch/watch.ts'
import { tempDir, until } from '../harness.ts'

/** A folder that is watched; `told` are the changes, each a list of paths. */
class Watched implements AsyncDisposable {
  readonly #folder = tempDir()
  readonly root = realpathSync(this.#folder.path)
  readonly told: (readonly string[])[] = []
  readonly warnings: string[] = []
  #watch: ReturnType<typeof openWatch> | undefined
  #saves = 0

  static async of(files: Readonly<Record<string, string>>, options: Partial<WatchOptions> = {}) {
    const one = new Watched()
    for (const [name, text] of Object.entries(files)) one.write(name, text)
    one.#watch = openWatch({
      roots: [one.root],
      runs: [],
      globs: [],
      written: [],
      poll: false,
      changed: (paths) => one.told.push(paths),
      warn: (_, message) => one.warnings.push(message),
      ...options,
    })
    await one.#watch.ready
    return one
  }

  path(name: string): string {
    return join(this.root, name)
  }

  /** A text that no file had before, so that its size or time always differs. */
  write(name: string, text = `// ${'x'.repeat(this.#saves++)}`): void {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), text)
  }

  /**
   * What is told of an act; a file that counts is changed with it, so that nothing is waited for in vain. `late` may be
   * told behind that file: by looks, a folder that is new is looked into later than a file that was there.
   */
  async after(act: () => void | Promise<void>, ...late: readonly string[]): Promise<string[]> {
    const before = this.told.length
    await act()
    this.write('sentinel.ts')
    await until('the change to be told', () => {
      const told = this.told.slice(before).flat()
      return ['sentinel.ts', ...late].every((path) => told.includes(path))
    })
    return this.told
      .slice(before)
      .flat()
      .filter((path) => path !== 'sentinel.ts')
      .toSorted()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]()
    this.#folder[Symbol.dispose]()
    expect(this.warnings).toEqual([])
  }
}

for (const poll of [false, true]) {
  describe.concurrent(poll ? 'by looking at times' : "by the kernel's word", () => {
    const files = { 'index.ts': '1', 'lib/a.ts': '1', 'lib/deep/b.ts': '1', 'sentinel.ts': '' }

    test('a save is told, in any folder', async () => {
      await using it = await Watched.of(files, { poll })
      expect(await it.after(() => it.write('index.ts'))).toEqual(['index.ts'])
      expect(await it.after(() => it.write('lib/deep/b.ts'))).toEqual(['lib/deep/b.ts'])
    })

    test('a save by renaming is told, and so is the one after it', async () => {
      await using it = await Watched.of(files, { poll })
      for (let save = 0; save < 3; save++) {
        const told = await it.after(() => {
          it.write('.index.ts.new')
          renameSync(it.path('.index.ts.new'), it.path('index.ts'))
        })
        expect(told).toContain('index.ts')
      }
      expect(await it.after(() => it.write('index.ts'))).toEqual(['index.ts'])
    })

    test('a file that comes and goes is no change', async () => {
      await using it = await Watched.of(files, { poll })
      const told = await it.after(() => {
        it.write('sedXy12')
        it.write('index.ts')
        unlinkSync(it.path('sedXy12'))
      })
      expect(told).toEqual(['index.ts'])
    })

    test('a save with a backup file, as vim makes one, is told', async () => {
      await using it = await Watched.of(files, { poll })
      const told = await it.after(() => {
        renameSync(it.path('index.ts'), it.path('index.ts~'))
        it.write('index.ts')
        unlinkSync(it.path('index.ts~'))
      })
      expect(told).toEqual(['index.ts'])
      expect(await it.after(() => it.write('index.ts'))).toEqual(['index.ts'])
    })

    test('a new file, a new folder, and what changes in it, are told', async () => {
      await using it = await Watched.of(files, { poll })
      const c = 'new/folder/c.ts'
      expect(await it.after(() => it.write(c), c)).toEqual([c])
      expect(await it.after(() => it.write(c))).toEqual([c])
    })

    test('a folder that is deleted and made again is watched again', async () => {
      await using it = await Watched.of(files, { poll })
      const gone = await it.after(() => rmSync(it.path('lib'), { recursive: true }))
      expect(gone).toEqual(['lib/a.ts', 'lib/deep/b.ts'])
      await it.after(() => it.write('lib/deep/b.ts'), 'lib/deep/b.ts')
      expect(await it.after(() => it.write('lib/deep/b.ts'))).toEqual(['lib/deep/b.ts'])
      // in one go, as a build does it
      const sofar = it.told.length
      rmSync(it.path('lib'), { recursive: true })
      it.write('lib/deep/b.ts')
      await until('the file to be told again', () => it.told.slice(sofar).flat().includes('lib/deep/b.ts'))
      expect(await it.after(() => it.write('lib/deep/b.ts'))).toEqual(['lib/deep/b.ts'])
    })

    test('the root itself may go and come again, also at once, and with other folders beside it', async () => {
      using around = tempDir()
      const root = join(realpathSync(around.path), 'root')
      const save = (text: string) => writeFileSync(join(root, 'index.ts'), text)
      mkdirSync(root)
      save('1')
      const told: string[] = []
      const options = { roots: [root], runs: [], globs: [], written: [], poll, warn() {} }
      await using watch = openWatch({ ...options, changed: (paths) => told.push(...paths) })
      await watch.ready
      for (const [text, act] of [
        ['22', () => rmSync(root, { recursive: true })],
        ['333', () => renameSync(root, `${root}-${told.length}`)],
      ] as const) {
        told.length = 0
        act()
        await until('the end of the root to be told', () => told.includes('.'))
        writeFileSync(join(around.path, 'beside.ts'), text)
        told.length = 0
        mkdirSync(root)
        save(text)
        await until('the root to be told again', () => told.includes('.'))
        save(`${text}4`)
        await until('a save in the new root', () => told.includes('index.ts'))
      }
      told.length = 0
      renameSync(root, `${root}-at-once`)
      mkdirSync(root)
      save('55555')
      await until('the new root to be told', () => told.length > 0)
      await until('a save in the root that was made at once', () => {
        save('6'.repeat(Math.ceil(performance.now() % 1000)))
        return told.includes('index.ts')
      })
    })

    test('a tree that is moved is told under both names, and watched under the new one', async () => {
      await using it = await Watched.of(files, { poll })
      await it.after(() => renameSync(it.path('lib'), it.path('moved')), 'lib/deep/b.ts', 'moved/deep/b.ts')
      expect(await it.after(() => it.write('moved/deep/b.ts'))).toEqual(['moved/deep/b.ts'])
    })

    test('a tree that comes from elsewhere is told and watched', async () => {
      using elsewhere = tempDir()
      mkdirSync(join(elsewhere.path, 'arrived/deep'), { recursive: true })
      writeFileSync(join(elsewhere.path, 'arrived/deep/c.ts'), '1')
      await using it = await Watched.of(files, { poll })
      const c = 'arrived/deep/c.ts'
      const arrive = () => renameSync(join(elsewhere.path, 'arrived'), it.path('arrived'))
      expect(await it.after(arrive, c)).toEqual([c])
      expect(await it.after(() => it.write(c))).toEqual([c])
    })

    test('files and folders that are only linked are watched', async () => {
      using elsewhere = tempDir()
      const shared = join(elsewhere.path, 'shared')
      mkdirSync(shared)
      writeFileSync(join(shared, 'a.ts'), '1')
      writeFileSync(join(elsewhere.path, 'single.ts'), '1')
      await using it = await Watched.of(files, { poll })
      await it.after(
        () => {
          symlinkSync(shared, it.path('shared'))
          symlinkSync(join(elsewhere.path, 'single.ts'), it.path('single.ts'))
        },
        ...['shared/a.ts', 'single.ts'],
      )
      expect(await it.after(() => writeFileSync(join(shared, 'a.ts'), '22'))).toEqual(['shared/a.ts'])
      const single = await it.after(() => writeFileSync(join(elsewhere.path, 'single.ts'), '22'))
      expect(single).toEqual(['single.ts'])
    })

    test('a link to a folder above it ends nothing', async () => {
      await using it = await Watched.of(files, { poll })
      await it.after(() => symlinkSync(it.root, it.path('lib/loop')))
      expect(await it.after(() => it.write('index.ts'))).toContain('index.ts')
    })

    test('what is left out is not told', async () => {
      await using it = await Watched.of(
        { ...files, '.gitignore': 'out/\n', 'node_modules/x/index.js': '1', 'out/a.js': '1' },
        { poll },
      )
      const told = await it.after(() => {
        it.write('node_modules/x/index.js')
        it.write('node_modules/y/index.js')
        it.write('out/a.js')
        it.write('.index.ts.swp')
      })
      expect(told).toEqual([])
    })
  })
}

test('ten saves in a row are one change', async () => {
  await using it = await Watched.of({ 'index.ts': '1', 'sentinel.ts': '' })
  // saves between which the machine stopped are no saves in a row
  for (let round = 1, quick = false; !quick; round++) {
    it.told.length = 0
    const began = performance.now()
    for (let save = 0; save < 10; save++) {
      it.write('index.ts')
      await new Promise((resolve) => setImmediate(resolve))
    }
    quick = performance.now() - began < 25
    await until('the change', () => it.told.length > 0)
    expect(await it.after(() => {})).toEqual(quick ? [] : expect.anything())
    if (quick) expect(it.told).toEqual([['index.ts'], ['sentinel.ts']])
    else expect(round).toBeLessThan(20)
  }
})

test('only what the patterns name counts, where there are any', async () => {
  await using it = await Watched.of(
    { 'a.ts': '1', 'a.txt': '1', 'lib/b.ts': '1', 'sentinel.ts': '' },
    {
      globs: ['**/*.ts', './config.json'],
    },
  )
  const told = await it.after(() => {
    for (const name of ['a.ts', 'a.txt', 'lib/b.ts', 'lib/c.md', 'config.json']) it.write(name)
  })
  expect(told).toEqual(['a.ts', 'config.json', 'lib/b.ts'])
})

test('a handler in a folder that Git ignores is watched', async () => {
  await using it = await Watched.of({ '.gitignore': 'dist/\n', 'dist/index.js': '1', 'sentinel.ts': '' })
  expect(await it.after(() => it.write('dist/index.js'))).toEqual([])
  const told: string[] = []
  await using handler = openWatch({
    roots: [it.root],
    runs: [{ kind: 'handler', path: it.path('dist/index.js') }],
    globs: [],
    written: [],
    poll: false,
    changed: (paths) => told.push(...paths),
    warn: (_, message) => it.warnings.push(message),
  })
  await handler.ready
  it.write('dist/chunk.js')
  await until('the handler to be told', () => told.includes('dist/chunk.js'))
})

test('what the emulator writes itself is no change', async () => {
  await using it = await Watched.of({ 'index.ts': '1' })
  const told: string[] = []
  await using other = openWatch({
    roots: [it.root],
    runs: [],
    globs: [],
    written: [it.path('records.jsonl')],
    poll: false,
    changed: (paths) => told.push(...paths),
    warn: (_, message) => it.warnings.push(message),
  })
  await other.ready
  it.write('records.jsonl')
  await until('the first to be told of a file that is none of its own', () =>
    it.told.flat().includes('records.jsonl'),
  )
  it.write('index.ts')
  await until('the save to be told', () => told.includes('index.ts'))
  expect(new Set(told)).toEqual(new Set(['index.ts']))
})

test('a rule that is added to .gitignore counts', async () => {
  await using it = await Watched.of({ 'local.ts': '1', 'sentinel.ts': '' })
  it.write('.gitignore', 'local.ts\n')
  await until('the rule to be told', () => it.told.flat().includes('.gitignore'))
  // the folder is watched anew by the new rules, and a change meanwhile is not told
  let last = 0
  await until('the folder to be watched again', () => {
    // saves without a pause would never be told
    if (performance.now() - last > 400) {
      it.write('again.ts')
      last = performance.now()
    }
    return it.told.flat().includes('again.ts')
  })
  expect(await it.after(() => it.write('local.ts'))).not.toContain('local.ts')
})

for (const limit of ['max_inotify_watches', 'max_inotify_instances']) {
  // a user namespace has limits of its own
  const words = (command: string) => [
    'unshare',
    '-U',
    '-r',
    'sh',
    '-c',
    `echo 3 > /proc/sys/user/${limit} && ${command}`,
  ]
  const allowed = Bun.which('unshare') !== null && Bun.spawnSync(words('true'), { stderr: 'ignore' }).success
  test.skipIf(!allowed)(
    `where the kernel is out of ${limit}, the files are looked at (skipped without user namespaces)`,
    async () => {
      using folder = tempDir()
      const root = realpathSync(folder.path)
      for (let count = 0; count < 10; count++) {
        mkdirSync(join(root, `lib${count}`))
        writeFileSync(join(root, `lib${count}/a.ts`), '1')
      }
      const script = join(import.meta.dir, '../fixtures/watch/logs.ts')
      const command = words(`exec ${process.execPath} ${script} ${root}`)
      const program = Bun.spawn(
        limit.endsWith('instances') ? command.map((word) => word.replace('echo 3', 'echo 0')) : command,
        {
          stdout: 'ignore',
          stderr: 'pipe',
        },
      )
      expect(await program.stderr.text()).toBe(
        'the kernel cannot watch the code; it is looked at instead\nindex.ts\n',
      )
      expect(await program.exited).toBe(0)
    },
  )
}

test("the emulator's own output is not told, though it is a file of the folder", async () => {
  using folder = tempDir()
  const root = realpathSync(folder.path)
  const script = join(import.meta.dir, '../fixtures/watch/logs.ts')
  const program = Bun.spawn([process.execPath, script, root], {
    stdout: Bun.file(join(root, 'out.log')),
    stderr: 'pipe',
  })
  expect(await program.stderr.text()).toBe('index.ts\n')
  expect(await program.exited).toBe(0)
})
