import {
  chmodSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { listRevisions, summaryOf } from '../../src/files/index.js'
import type { FolderSummary, RevisionFolder } from '../../src/files/index.js'
import { sqlRevision } from '../cli/project.js'
import { asNobody, inMigrations, refusal, temporary } from './support.js'

const ids = Array.from({ length: 60 }, (_, number) => `r${String(number).padStart(4, '0')}`)
/** Longer than a file system's clock takes for one step. */
const TICK_MS = 20

function chain(): Record<string, string> {
  const files = ids.map((id, place) => {
    const parent = ids[place - 1]
    return [`${id}.sql`, sqlRevision(id, 'SELECT 1;', parent === undefined ? {} : { parents: parent })]
  })
  return inMigrations(Object.fromEntries(files) as Record<string, string>)
}

describe('what was read of a folder', () => {
  let cwd: string
  let cache: string
  beforeEach(() => {
    cache = temporary()
    cwd = temporary(chain())
    vi.stubEnv('XDG_CACHE_HOME', cache)
    later()
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.useRealTimers()
  })

  /** An hour from now, for whoever asks what time it is; the file system does not. */
  function later(): void {
    vi.useRealTimers()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
  }

  const at = (id: string): string => join(cwd, 'migrations', `${id}.sql`)
  const list = (): RevisionFolder => listRevisions({ dir: 'migrations', cwd })
  const recalled = (): Promise<FolderSummary | undefined> => list().memory.recall()
  async function kept(): Promise<FolderSummary> {
    const folder = list()
    const summary = summaryOf(await folder.read())
    await folder.memory.keep(summary)
    return summary
  }
  const keptFile = (): string => {
    const folder = join(cache, 'revgraph')
    const [name = '', ...more] = readdirSync(folder)
    expect(more).toEqual([])
    return join(folder, name)
  }

  it('is recalled as it was read, and nobody else may read it', async () => {
    expect(await recalled()).toBeUndefined()
    const { digest, head, order } = await kept()
    const known = await recalled()
    expect(known).toMatchObject({ digest, head: { id: 'r0059', file: head?.file, parents: ['r0058'] } })
    expect(known?.order()).toEqual(order())
    expect(known?.order()).toEqual(ids)
    expect(statSync(keptFile()).mode & 0o777).toBe(0o600)
  })

  it.each<[string, () => void]>([
    [
      'is edited without a change of its size, though its time is set back',
      () => {
        const { atime, mtime } = statSync(at('r0030'))
        writeFileSync(at('r0030'), readFileSync(at('r0030'), 'utf8').replace('SELECT 1', 'SELECT 2'))
        utimesSync(at('r0030'), atime, mtime)
      },
    ],
    ['is replaced by another of its size and time', () => replaced('r0030')],
    ['has another name', () => renameSync(at('r0030'), at('s0030'))],
    ['is added', () => writeFileSync(at('more'), sqlRevision('more', '', { parents: 'r0059' }))],
    ['is taken away', () => rmSync(at('r0059'))],
    [
      'is a link to another one',
      () => {
        renameSync(at('r0030'), join(cwd, 'migrations', 'target'))
        symlinkSync('target', at('r0030'))
      },
    ],
  ])('is not recalled once a file %s', async (_, change) => {
    await kept()
    await sleep(TICK_MS)
    change()
    expect(await recalled()).toBeUndefined()
    later()
    const { digest } = await kept()
    expect((await recalled())?.digest).toBe(digest)
  })

  function replaced(id: string): void {
    const { atime, mtime } = statSync(at(id))
    writeFileSync(`${at(id)}.new`, readFileSync(at(id), 'utf8').replace('SELECT 1', 'SELECT 2'))
    utimesSync(`${at(id)}.new`, atime, mtime)
    renameSync(`${at(id)}.new`, at(id))
  }

  it('is not recalled once what a link leads to is edited', async () => {
    renameSync(at('r0030'), join(cwd, 'migrations', 'target'))
    symlinkSync('target', at('r0030'))
    await kept()
    expect(await recalled()).toBeDefined()
    await sleep(TICK_MS)
    const target = join(cwd, 'migrations', 'target')
    writeFileSync(target, readFileSync(target, 'utf8').replace('SELECT 1', 'SELECT 2'))
    expect(await recalled()).toBeUndefined()
  })

  it('is not kept while a file is as young as the reading', async () => {
    vi.useRealTimers()
    await kept()
    expect(readdirSync(cache)).toEqual([])
  })

  it('is not kept when a file changes while it is read', async () => {
    vi.useRealTimers()
    vi.useFakeTimers({ toFake: ['Date'], now: Math.ceil(statSync(at('r0059')).ctimeMs) + 10_001 })
    await kept()
    rmSync(keptFile())
    const folder = list()
    const summary = summaryOf(await folder.read())
    // As long after the others as this reading is: its time is the real one's.
    const young = new Date(Date.now() + 1)
    utimesSync(at('r0030'), young, young)
    await folder.memory.keep(summary)
    expect(readdirSync(join(cache, 'revgraph'))).toEqual([])
  })

  describe('by somebody who may not look at all of it', () => {
    const more = (): string => join(cwd, 'migrations', 'more')
    beforeEach(async () => {
      cwd = temporary({
        ...chain(),
        'migrations/more/more.sql': sqlRevision('more', '', { parents: 'r0059' }),
      })
      later()
      await kept()
      expect(await recalled()).toBeDefined()
      // What root has made, nobody may enter and read.
      for (const open of [cwd, cache, join(cache, 'revgraph')]) chmodSync(open, 0o755)
      // Its files are still listed, but not looked at.
      chmodSync(more(), 0o644)
    })
    afterEach(() => chmodSync(more(), 0o755))

    it('is neither recalled nor kept, and the reading tells why', async () => {
      const known = list()
      const summary = summaryOf(await withLook(() => known.read()))
      const before = readFileSync(keptFile())
      await asNobody(async () => {
        expect(await recalled()).toBeUndefined()
        await known.memory.keep(summary)
        expect(await refusal(() => list().read())).toMatchInlineSnapshot(`
          "MIG-FILE-UNREADABLE migrations/more/more.sql:1:1
          migrations/more/more.sql cannot be read: permission is denied.
          Make the file readable for whoever runs the command, or move it out of the folder of revisions."
        `)
      })
      expect(readFileSync(keptFile())).toEqual(before)
    })

    async function withLook<T>(work: () => Promise<T>): Promise<T> {
      chmodSync(more(), 0o755)
      try {
        return await work()
      } finally {
        chmodSync(more(), 0o644)
      }
    }
  })

  it('is not kept of so few files that they are read as quickly', async () => {
    for (const id of ids.slice(40)) rmSync(at(id))
    await kept()
    expect(readdirSync(cache)).toEqual([])
  })

  it('is of one layout, one folder and one place to show paths from', async () => {
    await kept()
    const others = [
      listRevisions({ dir: 'migrations', cwd, layout: 'dbmate' }),
      listRevisions({ dir: '.', cwd: join(cwd, 'migrations') }),
      listRevisions({ dir: 'migrations', cwd: temporary(chain()) }),
    ]
    for (const { memory } of others) expect(await memory.recall()).toBeUndefined()
  })

  it.each<[string, () => void]>([
    ['is empty', () => writeFileSync(keptFile(), '')],
    ['is cut off', () => writeFileSync(keptFile(), readFileSync(keptFile()).subarray(0, -3))],
    [
      'says something else',
      () => writeFileSync(keptFile(), readFileSync(keptFile(), 'latin1').replace('r0059', 'r0058'), 'latin1'),
    ],
    ['may be written by others', () => chmodSync(keptFile(), 0o666)],
  ])('is not believed when its file %s', async (_, damage) => {
    await kept()
    damage()
    expect(await recalled()).toBeUndefined()
  })
})
