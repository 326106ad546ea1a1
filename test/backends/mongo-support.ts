import { MongoClient, type Db } from 'mongodb'
import { afterEach } from 'vitest'
import { asMongod, type AsMongod, type AsMongodOptions } from '../servers/as-mongod.js'
import { useDatabase } from '../servers/database.js'
import type { ServerInfo } from '../servers/types.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/**
 * A fresh database behind what stands in for a mongod; all of it goes when the test ends. The URL and `db` go around what stands
 * there.
 */
export async function behindMongod(
  server: ServerInfo,
  options: Partial<AsMongodOptions> = {},
): Promise<{ readonly wire: AsMongod; readonly db: Db; readonly url: string }> {
  const database = await useDatabase(server)
  const wire = await asMongod({ version: '8.0.4', kind: 'replica set', upstream: database.url, ...options })
  const client = new MongoClient(database.url)
  closing.push(
    () => database.drop(),
    () => wire.close(),
    () => client.close(),
  )
  return { wire, db: client.db(), url: database.url }
}
