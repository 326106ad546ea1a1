import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'

const COUNT = 300
const ids = Array.from({ length: COUNT }, (_, number) => `r${String(number).padStart(4, '0')}`)
const FIRST = ids[0] ?? ''
const LAST = ids[COUNT - 1] ?? ''

/** More revisions than a look brings at once. */
function longChain(project: AppProject): void {
  for (const [place, id] of ids.entries()) {
    const parent = ids[place - 1]
    project.revision(id, '', parent === undefined ? {} : { parents: parent })
  }
}

describeEverywhere('a database where all is applied', (project) => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.useRealTimers()
  })

  const nothingToDo = { ok: true, command: 'upgrade', from: [LAST], to: [LAST], steps: [] }

  it('has nothing to do, and says the same of itself as when its history is read', async () => {
    longChain(project())
    const migrator = project().migrator()
    await migrator.upgrade()
    expect(await migrator.upgrade()).toMatchObject(nothingToDo)
    const { heads, applied, pending, missing, edited, unfinished, running } = await migrator.status()
    const told = { heads, applied, pending, missing, edited, unfinished, running }
    expect(await migrator.current()).toEqual(told)
    expect(heads.map(({ revision }) => revision)).toEqual([LAST])
    expect(applied).toEqual(ids)
  })

  it('is told from one where a file was edited, added or taken away', async () => {
    longChain(project())
    const migrator = project().migrator()
    await migrator.upgrade()
    project().edit(`${FIRST}.sql`, (text) => text.replace('migrate:up\n', 'migrate:up\nSELECT 1;'))
    expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-EDITED' })
    expect((await migrator.current()).edited).toEqual([FIRST])
    project().edit(`${FIRST}.sql`, (text) => text.replace('SELECT 1;', ''))
    project().revision('more', '', { parents: LAST })
    expect((await migrator.current()).pending).toEqual(['more'])
    expect(await migrator.upgrade()).toMatchObject({ from: [LAST], to: ['more'] })
    project().removeFile('more.sql')
    expect((await migrator.current()).missing).toEqual(['more'])
  })

  /** A cache of its own. */
  function ownCache(): string {
    const cache = mkdtempSync(join(tmpdir(), 'revgraph-cache-'))
    onTestFinished(() => rmSync(cache, { recursive: true }))
    vi.stubEnv('XDG_CACHE_HOME', cache)
    return cache
  }

  it('is remembered with its files until one of them is another', async () => {
    const cache = ownCache()
    longChain(project())
    const migrator = project().migrator()
    await migrator.upgrade()
    const told = await migrator.current()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    for (let run = 0; run < 3; run += 1) {
      expect(await migrator.upgrade()).toMatchObject(nothingToDo)
      expect(await migrator.current()).toEqual(told)
      expect(readdirSync(cache)).toEqual(project().isPostgres ? ['revgraph'] : [])
    }
    project().edit(`${FIRST}.sql`, (text) => text.replace('migrate:up\n', 'migrate:up\nSELECT 1;'))
    expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-EDITED' })
    expect((await migrator.current()).edited).toEqual([FIRST])
    project().edit(`${FIRST}.sql`, (text) => text.replace('SELECT 1;\n', ''))
    expect(await migrator.current()).toEqual(told)
    await migrator.downgrade('-1')
    expect((await migrator.current()).pending).toEqual([LAST])
    expect((await migrator.upgrade()).steps).toHaveLength(1)
  })

  it('is asked about each of several heads, of which nothing is kept', async () => {
    const cache = ownCache()
    longChain(project())
    project().revision('beside', '', { parents: FIRST })
    const migrator = project().migrator()
    await migrator.upgrade('heads')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-TARGET-MULTIPLE-HEADS' })
    expect((await migrator.current()).heads.map(({ revision }) => revision).sort()).toEqual(['beside', LAST])
    expect(readdirSync(cache)).toEqual([])
  })

  it('tells what its head depends on by id', async () => {
    project().revision('a', '', { labels: 'first' })
    project().revision('b', '', { parents: 'a' })
    project().revision('c', '', { parents: 'b', dependsOn: 'first' })
    const migrator = project().migrator()
    await migrator.upgrade()
    expect((await migrator.current()).heads).toEqual((await migrator.status()).heads)
    expect((await migrator.current()).heads).toMatchObject([{ revision: 'c', dependsOn: ['a'] }])
  })

  it('knows when its head was applied though something else was applied after it', async () => {
    project().revision('a', '')
    project().revision('c', '', { parents: 'a' })
    const migrator = project().migrator()
    await migrator.upgrade()
    const before = (await migrator.current()).heads[0]?.appliedAt
    project().revision('b', '', { parents: 'a' })
    project().edit('c.sql', (text) => text.replace('parents a', 'parents b'))
    await migrator.repair('c')
    await migrator.upgrade()
    expect((await migrator.current()).heads).toMatchObject([{ revision: 'c', appliedAt: before }])
  })
})
