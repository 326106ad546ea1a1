import type { Document } from 'mongodb'
import { expect, it } from 'vitest'
import { defineRevision } from '../../src/app/define.js'
import { createMigrator } from '../../src/app/migrator.js'
import { describeServers } from '../servers/database.js'
import type { AsMongod } from '../servers/as-mongod.js'
import { behindMongod } from './mongo-support.js'

// At the wire: what a command of ours costs beside the user's own, in messages that wait for one another.

const nameOf = (command: Document): string => Object.keys(command)[0] ?? ''

const namesOf = ({ seen }: AsMongod): string[] => seen.map(nameOf)

/** The lock is prolonged beside the work, on a slow machine during it. */
const isBeat = ({ updates }: Document): boolean => JSON.stringify(updates ?? null).includes('"expires"')

/** The metadata's collections are there already. */
async function prepared(url: string): Promise<void> {
  await createMigrator({ url, revisions: [revision('a000', [], 'first')] }).upgrade()
}

const revision = (id: string, parents: readonly string[], field: string) =>
  defineRevision({
    id,
    parents,
    up: JSON.stringify({ createIndexes: 'things', indexes: [{ key: { [field]: 1 }, name: `${field}_1` }] }),
  })

const indexKeys = [{ key: { a: 1 } }, { key: { b: 1 } }] as const

interface Written {
  readonly kind: string
  readonly put?: string
  readonly fields?: { readonly revision: string; readonly state?: string }
}

/** What a write puts beside the lock's fence. */
function rowsOf({ updates }: Document): readonly Written[] {
  const [update] = (updates ?? []) as { readonly u?: { readonly $push?: { readonly pending: string } } }[]
  return JSON.parse(update?.u?.$push?.pending ?? '[]') as Written[]
}

const declaredOf = (count: number) => ({
  collections: Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`c${at}`, { indexes: indexKeys }] as const),
  ),
})

describeServers(['documentdb'], (server) => {
  it('a revision costs its own command and one write of the metadata', async () => {
    const { wire, db } = await behindMongod(server)
    await prepared(wire.url)
    const ids = Array.from({ length: 8 }, (_, at) => `a00${at}`)
    const revisions = ids.map((id, at) => revision(id, ids.slice(at - 1, at), at === 0 ? 'first' : `f${at}`))
    const from = wire.seen.length
    expect((await createMigrator({ url: wire.url, revisions }).upgrade()).steps).toHaveLength(7)
    const sent = wire.seen
      .slice(from)
      .filter((command) => !isBeat(command))
      .map(nameOf)
    expect(sent.filter((name) => name === 'createIndexes')).toHaveLength(7)
    // The first of them takes numbers for a hundred rows of the history; of the last nothing is left to announce.
    const second = sent.indexOf('createIndexes', sent.indexOf('createIndexes') + 1)
    const others = sent
      .slice(second + 1, sent.lastIndexOf('createIndexes'))
      .filter((name) => name !== 'createIndexes')
    expect(new Set(others)).toEqual(new Set(['update']))
    expect(others.length).toBeLessThanOrEqual(6)
    expect(await db.collection('things').indexes()).toHaveLength(9)
  })

  it('an index is built while the revision before it is recorded, and never before its own intent is written', async () => {
    const { wire, db } = await behindMongod(server)
    await prepared(wire.url)
    const ids = Array.from({ length: 6 }, (_, at) => `a00${at}`)
    const fields = ids.map((_, at) => (at === 0 ? 'first' : `f${at}`))
    const revisions = ids.map((id, at) => revision(id, ids.slice(at - 1, at), fields[at] ?? ''))
    const written = new Set<string>()
    const begun: string[] = []
    const early: string[] = []
    const waiting: (() => void)[] = []
    let beside = 0
    wire.answer('createIndexes', (command) => {
      const [index] = command['indexes'] as Document[]
      const id = ids[fields.indexOf(String(index?.['name']).replace('_1', ''))] ?? ''
      if (!written.has(id)) early.push(id)
      begun.push(id)
      for (const go of waiting.splice(0)) go()
      return 'pass'
    })
    wire.answer('update', async (command) => {
      const rows = rowsOf(command)
      const recorded = rows.find(({ kind }) => kind === 'history')?.put
      const following = ids[ids.indexOf(recorded ?? '') + 1] ?? ''
      // Whoever waited for this answer before the next command would wait for ever.
      if (written.has(following)) beside += 1
      while (written.has(following) && !begun.includes(following))
        await new Promise<void>((resolve) => void waiting.push(resolve))
      for (const { fields } of rows) if (fields?.state === 'intent') written.add(fields.revision)
      return 'pass'
    })
    expect((await createMigrator({ url: wire.url, revisions }).upgrade()).steps).toHaveLength(5)
    expect(early).toEqual([])
    expect(beside).toBe(4)
    expect(begun).toEqual(ids.slice(1))
    expect(await db.collection('things').indexes()).toHaveLength(7)
  })

  it('the check of drift asks once for the collections and once for the indexes of each', async () => {
    const { wire, db } = await behindMongod(server)
    for (const at of [0, 1, 2, 3, 4, 5]) await db.collection(`c${at}`).createIndexes([...indexKeys])
    await prepared(wire.url)
    const asked = async (count: number): Promise<string[]> => {
      const from = wire.seen.length
      const migrator = createMigrator({ url: wire.url, revisions: [], declared: declaredOf(count) })
      const { checks } = await migrator.check(['drift'])
      expect(checks).toMatchObject([{ name: 'drift', ok: true }])
      return namesOf(wire).slice(from).sort()
    }
    const [two, six] = [await asked(2), await asked(6)]
    const without = (names: readonly string[]) => names.filter((name) => name !== 'listIndexes')
    expect(two.filter((name) => name === 'listIndexes')).toHaveLength(2)
    expect(six.filter((name) => name === 'listIndexes')).toHaveLength(6)
    expect(six.filter((name) => name === 'listCollections')).toHaveLength(1)
    // The rest is the same for however many.
    expect(without(six)).toEqual(without(two))
  })
})
