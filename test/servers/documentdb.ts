import { MongoClient } from 'mongodb'
import pg from 'pg'
import { openGateway } from './gateway.js'
import { rootHome } from './home.js'
import { launch } from './launch.js'
import { postgresLaunch } from './postgres.js'
import { current, ensureRoot } from './root.js'
import type { RunningServer, StartOptions } from './types.js'

const SETTINGS = [
  'shared_preload_libraries=pg_cron,pg_documentdb_core,pg_documentdb',
  'cron.database_name=postgres',
  'documentdb_core.bsonUseEJson=off',
  'documentdb_core.enableCollation=on',
  'documentdb.enableCollationWithNonUniqueOrderedIndexes=on',
]

/** DocumentDB, a document database in PostgreSQL, with a gateway of ours in front that speaks MongoDB's protocol. */
export async function documentdbServer(
  options: StartOptions,
  say: (line: string) => void,
): Promise<RunningServer> {
  const began = Date.now()
  const home = rootHome(await ensureRoot(current, say))
  const kind = postgresLaunch({
    name: 'documentdb',
    home,
    bin: '/usr/lib/postgresql/18/bin',
    options,
    settings: SETTINGS,
    auth: 'trust',
  })
  const server = await launch(kind)
  try {
    await createExtension(server.info.url)
    let gateway = await openGateway(server.info.url)
    const { port } = gateway
    const url = `mongodb://127.0.0.1:${port}/`
    const info = { ...server.info, url, version: await gateway.version(), startedInMs: Date.now() - began }
    return {
      info: { ...info, clients: {} },
      stop: async () => {
        await gateway.close()
        await server.stop()
      },
      // To whoever speaks MongoDB's protocol the two are one server.
      crash: async () => {
        await Promise.all([gateway.close(), server.crash?.()])
      },
      restart: async () => {
        await server.restart?.()
        gateway = await openGateway(server.info.url, port)
      },
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function createExtension(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('CREATE EXTENSION IF NOT EXISTS documentdb CASCADE')
  } finally {
    await client.end()
  }
}

export async function identifyMongo(url: string): Promise<{ version: string; data: string }> {
  return withMongo(url, async (client) => {
    const { version } = await client.db('admin').command({ buildInfo: 1 })
    return { version: String(version), data: '' }
  })
}

/** A container's own replica set of one, begun when it is not yet. */
export async function identifyReplicaSet(url: string): Promise<{ version: string }> {
  return withMongo(url, async (client) => {
    const admin = client.db('admin')
    const hello = await admin.command({ hello: 1 })
    if (hello['setName'] === undefined) {
      const members = [{ _id: 0, host: '127.0.0.1:27017' }]
      await admin.command({ replSetInitiate: { _id: 'rs0', members } })
    }
    if (hello['isWritablePrimary'] !== true) throw new Error('there is no primary yet')
    return { version: String((await admin.command({ buildInfo: 1 }))['version']) }
  })
}

export async function withMongo<T>(url: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000, connectTimeoutMS: 5_000 })
  try {
    return await work(await client.connect())
  } finally {
    await client.close()
  }
}
