import { MongoClient, type Db } from 'mongodb'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createMigrator } from '../../src/index.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'
import { eachTakesBackWhatItDid, upDownUp } from './up-down-up.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

describeServers(['documentdb', 'mongodb'], (server) => {
  let database: TestDatabase
  let client: MongoClient
  let db: Db
  beforeEach(async () => {
    database = await useDatabase(server)
    client = new MongoClient(database.url)
    db = client.db()
  })
  afterEach(async () => {
    await client.close()
    await database.drop()
  })

  const migrator = () =>
    createMigrator({
      url: database.url,
      cwd: root,
      dir: 'migrations-example/mongodb',
      declared: 'migrations-example/mongodb/indexes.json',
    })

  /** Every collection but the metadata's: its validator, its indexes, its documents. */
  const everything = async (): Promise<Record<string, unknown>> => {
    const found: Record<string, unknown> = {}
    const listed = (await db.listCollections().toArray()).filter(({ name }) => !name.startsWith('migrate_'))
    for (const { name, options } of listed as { name: string; options?: { validator?: unknown } }[]) {
      const indexes = (await db.collection(name).listIndexes().toArray()) as { name: string }[]
      found[name] = {
        validator: options?.validator ?? {},
        indexes: indexes.sort((a, b) => (a.name < b.name ? -1 : 1)),
        documents: await db.collection(name).find().sort({ _id: 1 }).toArray(),
      }
    }
    return found
  }

  const example = { migrator, everything, revisions: 4 }

  it('the catalogue and orders of migrations-example go up, down to nothing, and up again to the same indexes and documents', () =>
    upDownUp(example, {
      async head(all) {
        expect(Object.keys(all as object).sort()).toEqual(['orders', 'products'])
        expect(await db.collection('orders').countDocuments({ status: 'open' })).toBeGreaterThan(0)
        expect(await db.collection('orders').countDocuments({ status: { $exists: false } })).toBe(0)
        await expect(db.collection('products').insertOne({ sku: 7, priceCents: 1 })).rejects.toMatchObject({
          code: 121,
        })
      },
      base(all) {
        expect(all).toEqual({})
        return Promise.resolve()
      },
    }))

  it('each of its revisions takes back what it did', () => eachTakesBackWhatItDid(example))
})
