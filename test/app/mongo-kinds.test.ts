import { MongoClient, type Db, type Document } from 'mongodb'
import { afterEach, expect, it } from 'vitest'
import { defineRevision, type Operations } from '../../src/app/define.js'
import { createMigrator } from '../../src/app/migrator.js'
import { asMongod } from '../servers/as-mongod.js'
import { describeServers, useDatabase } from '../servers/database.js'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Change = (op: Operations) => void

/** Kinds and options of indexes that every server has that the tests run against. */
const EVERYWHERE: readonly (readonly [kind: string, change: Change])[] = [
  ['ascending', (op) => op.mongo.index('c').create({ a: 1 })],
  ['compound', (op) => op.mongo.index('c').create({ a: 1, 'b.c': -1 }, { name: 'both' })],
  ['unique', (op) => op.mongo.index('c').create({ a: 1 }, { unique: true })],
  ['sparse', (op) => op.mongo.index('c').create({ a: 1 }, { sparse: true })],
  ['partial', (op) => op.mongo.index('c').create({ a: 1 }, { partialFilterExpression: { b: { $gt: 5 } } })],
  ['with an expiry', (op) => op.mongo.index('c').create({ at: 1 }, { expireAfterSeconds: 3600 })],
  ['with a collation', (op) => op.mongo.index('c').create({ a: 1 }, { collation: { locale: 'de' } })],
  ['wildcard', (op) => op.mongo.index('c').create({ '$**': 1 })],
  ['wildcard of a path', (op) => op.mongo.index('c').create({ 'a.$**': 1 })],
  [
    'wildcard with a projection',
    (op) => op.mongo.index('c').create({ '$**': 1 }, { wildcardProjection: { a: 1, 'b.c': 1 } }),
  ],
  [
    'text with weights',
    (op) =>
      op.mongo
        .index('c')
        .create({ title: 'text', body: 'text' }, { weights: { title: 10 }, default_language: 'german' }),
  ],
  ['2d', (op) => op.mongo.index('c').create({ p: '2d' }, { bits: 20, min: -10, max: 10 })],
  ['2dsphere', (op) => op.mongo.index('c').create({ p: '2dsphere' })],
  ['hashed', (op) => op.mongo.index('c').create({ a: 'hashed' })],
  [
    'hidden after its creation',
    (op) => {
      op.mongo.index('c').create({ a: 1 })
      op.mongo.index('c').hide({ a: 1 })
    },
  ],
  [
    'with another expiry',
    (op) => {
      op.mongo.index('c').create({ at: 1 }, { expireAfterSeconds: 60 })
      op.mongo.index('c').setTtl({ at: 1 }, 120, { was: 60 })
    },
  ],
]

/** What MongoDB alone has: the sentence of DocumentDB's refusal, and what MongoDB is sent. */
const ONLY_MONGODB: readonly (readonly [kind: string, sentence: RegExp, sent: Document, change: Change])[] = [
  [
    'hidden from its creation on',
    /has no indexes that are hidden from their creation on\.$/,
    { createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a_1', hidden: true }] },
    (op) => op.mongo.index('c').create({ a: 1 }, { hidden: true }),
  ],
  [
    'with a commit quorum',
    /has no commitQuorum\.$/,
    { createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a_1' }], commitQuorum: 'majority' },
    (op) => op.mongo.index('c').create({ a: 1 }, { commitQuorum: 'majority' }),
  ],
  [
    '2dsphere with another field',
    /has no indexes of the kind 2dsphere with other fields\.$/,
    { createIndexes: 'c', indexes: [{ key: { p: '2dsphere', a: 1 }, name: 'p_2dsphere_a_1' }] },
    (op) => op.mongo.index('c').create({ p: '2dsphere', a: 1 }),
  ],
  [
    'unique with a collation',
    /has no unique indexes with a collation\.$/,
    {
      createIndexes: 'c',
      indexes: [{ key: { a: 1 }, name: 'a_1', unique: true, collation: { locale: 'de', strength: 2 } }],
    },
    (op) => op.mongo.index('c').create({ a: 1 }, { unique: true, collation: { locale: 'de', strength: 2 } }),
  ],
  [
    'a clustered collection',
    /has no clustered collections\.$/,
    { create: 'c', clusteredIndex: { key: { _id: 1 }, unique: true } },
    (op) => op.mongo.createCollection('c', { clusteredIndex: { key: { _id: 1 }, unique: true } }),
  ],
  [
    'a time series',
    /has no time series\.$/,
    { create: 'c', timeseries: { timeField: 'at', metaField: 'of' }, expireAfterSeconds: 60 },
    (op) =>
      op.mongo.createCollection('c', {
        timeseries: { timeField: 'at', metaField: 'of' },
        expireAfterSeconds: 60,
      }),
  ],
  [
    'a capped collection',
    /has no capped collections\.$/,
    { create: 'c', capped: true, size: 4096 },
    (op) => op.mongo.createCollection('c', { capped: true, size: 4096 }),
  ],
  [
    'a collection with images of its changes',
    /has no pre- and post-images of changes/,
    { create: 'c', changeStreamPreAndPostImages: { enabled: true } },
    (op) => op.mongo.createCollection('c', { changeStreamPreAndPostImages: { enabled: true } }),
  ],
]

const revisionsOf = (change: Change) => [
  defineRevision({ id: 'a000', change: (op) => op.mongo.createCollection('before') }),
  defineRevision({ id: 'b000', parents: ['a000'], change }),
]

const listed = async (db: Db): Promise<Document[]> => {
  const [found] = await db.listCollections({ name: 'c' }).toArray()
  return found === undefined ? [] : ((await db.collection('c').listIndexes().toArray()) as Document[])
}

describeServers(['documentdb', 'mongodb'], (server) => {
  const fresh = async (): Promise<{ url: string; db: Db }> => {
    const database = await useDatabase(server)
    const client = new MongoClient(database.url)
    closing.push(
      () => database.drop(),
      () => client.close(),
    )
    return { url: database.url, db: client.db() }
  }

  it.each(EVERYWHERE)('an index that is %s goes up, down, and up to the same', async (_, change) => {
    const { url, db } = await fresh()
    await db.createCollection('c')
    const migrator = createMigrator({ url, revisions: revisionsOf(change) })
    await migrator.upgrade()
    const once = await listed(db)
    expect(once).toHaveLength(2)
    await migrator.downgrade('a000')
    expect((await listed(db)).map((index): unknown => index['name'])).toEqual(['_id_'])
    await migrator.upgrade()
    expect(await listed(db)).toEqual(once)
  })

  it.skipIf(server.name !== 'documentdb').each(ONLY_MONGODB)(
    '%s is refused in the plan where the server lacks it, and nothing is run',
    async (_, sentence, __, change) => {
      const { url, db } = await fresh()
      const migrator = createMigrator({ url, revisions: revisionsOf(change) })
      const refused = { code: 'MIG-UNSUPPORTED', message: expect.stringMatching(sentence) as unknown }
      await expect(migrator.upgrade('head', { plan: true })).rejects.toMatchObject(refused)
      await expect(migrator.upgrade()).rejects.toMatchObject(refused)
      const names = (await db.listCollections().toArray()).map(({ name }) => name)
      expect(names.filter((name) => !name.startsWith('migrate_'))).toEqual([])
    },
  )

  it.skipIf(server.name !== 'documentdb').each(ONLY_MONGODB)(
    'at the wire, not MongoDB: %s is sent as it was written',
    async (_, __, sent, change) => {
      const { url } = await fresh()
      const mongod = await asMongod({ version: '8.0.4', kind: 'replica set', upstream: url })
      closing.push(() => mongod.close())
      const [name = ''] = Object.keys(sent)
      mongod.answer(name, (command) => (command[name] === 'c' ? { ok: 1 } : 'pass'))
      const migrator = createMigrator({ url: mongod.url, revisions: revisionsOf(change) })
      expect(await migrator.upgrade()).toMatchObject({ ok: true, to: ['b000'] })
      const found = mongod.seen.find((command) => command[name] === 'c')
      // Numbers are of their own types on the wire.
      expect(JSON.parse(JSON.stringify(found ?? {}))).toMatchObject(sent)
      expect(Object.keys(found ?? {})[0]).toBe(name)
    },
  )
})
