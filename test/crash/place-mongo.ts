import { BSON, MongoClient, type Document } from 'mongodb'
import { createDatabase, type ServerInfo } from '../servers/index.js'
import type { Ground, Place } from './place.js'

/** What speaks MongoDB's protocol, a database a case. */
export function mongoGround(server: ServerInfo): Ground {
  return {
    name: server.name,
    family: 'mongo',
    protocol: 'mongo',
    template: (fill) =>
      Promise.resolve({
        async copy() {
          const place = await open(server)
          await fill(place)
          return place
        },
        drop: () => Promise.resolve(),
      }),
    close: () => Promise.resolve(),
  }
}

/** Documents of one answer; there are never more in these scenarios. */
const ENOUGH = 100_000

async function open(server: ServerInfo): Promise<Place> {
  const database = await createDatabase(server)
  const client = new MongoClient(database.url)
  const db = client.db(database.name)
  return {
    url: database.url,
    /** A row a document of a cursor, as extended JSON; other commands answer with none. */
    async query(text) {
      const command = BSON.EJSON.parse(text) as Document
      const wantsAll = 'find' in command ? { batchSize: ENOUGH } : {}
      const reply = await db.command({ ...command, ...wantsAll })
      const cursor = reply['cursor'] as { firstBatch?: Document[] } | undefined
      return (cursor?.firstBatch ?? []).map((document) => [BSON.EJSON.stringify(document)])
    },
    async leasesEnd() {
      await db
        .collection('migrate_lock')
        .updateMany({ expires: { $exists: true } }, { $set: { expires: new Date(0) } })
    },
    async drop() {
      await client.close()
      await database.drop()
    },
  }
}
