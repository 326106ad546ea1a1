import type { MongoClientOptions, TransactionOptions } from 'mongodb'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectOptions, ServerInfo, Session } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { aborted } from '../sql/errors.js'
import { refuseSsl } from '../sql/tls.js'
import { invalidUrl } from '../sql/url.js'
import { isDb, isMongoClient, loadDriver, type Db, type MongoAccess, type MongoClient } from './driver.js'
import type { ServerFacts } from './abilities.js'
import { explainConnect, isWrongUrl } from './errors.js'
import { DEFAULT_LEASE_MS } from './lock.js'
import { productOf } from './product.js'
import { MongoSession } from './session.js'
import { tlsOf, withoutTls } from './tls.js'
import { watchServers } from './unreachable.js'

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000

/** @throws MigrateError MIG-CONNECT, MIG-AUTHENTICATION, MIG-URL-INVALID, MIG-DRIVER-MISSING, MIG-INTERRUPTED */
export async function connect(options: ConnectOptions): Promise<Session<MongoAccess>> {
  const { client, url } = options
  if (client !== undefined) {
    refuseSsl(options.ssl, 'a client of your own', 'Give it to the client when you make it: { tls: true, … }')
    const db = borrowed(client)
    return begin(db.client, db, options, false)
  }
  if (url === undefined) throw new MigrateError('MIG-URL-MISSING', 'MongoDB needs a URL or a client.')
  const database = databaseOf(url)
  const { MongoClient: Driver } = await loadDriver()
  const deadline = performance.now() + (options.waitTimeoutMs ?? 0)
  for (;;) {
    if (options.signal?.aborted === true) throw aborted('connecting')
    let opened: MongoClient | undefined
    try {
      opened = new Driver(withoutTls(url, options.ssl), await settings(options, url))
      await unlessAborted(reached(opened, url), options.signal)
      return await begin(opened, opened.db(database), options, true)
    } catch (error) {
      await opened?.close().catch(() => undefined)
      const failed = explainConnect(error, options)
      if (failed.code !== 'MIG-CONNECT' || isWrongUrl(error) || performance.now() >= deadline) throw failed
    }
    await sleep(200)
  }
}

const isIn = (name: string, url: string): boolean => new RegExp(`[?&]${name}=`, 'i').test(url)

/** Without a server that can be reached it fails at once, unless the URL says for how long the driver shall look for one. */
async function reached(client: MongoClient, url: string): Promise<void> {
  if (isIn('serverSelectionTimeoutMS', url)) {
    await client.connect()
    return
  }
  const watch = watchServers(client)
  const connecting = client.connect()
  // Given up by us it fails when the client is closed.
  connecting.catch(() => undefined)
  try {
    await Promise.race([connecting, watch.failed])
  } finally {
    watch.end()
  }
}

/** The driver looks for a server for as long as it may, and cannot be told that nobody waits any more. */
async function unlessAborted(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  let stop = (): void => undefined
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(aborted('connecting'))
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted === true) stop()
  })
  try {
    await Promise.race([work, stopped])
  } finally {
    signal?.removeEventListener('abort', stop)
    work.catch(() => undefined)
  }
}

function borrowed(client: unknown): Db {
  if (isDb(client)) return client
  if (isMongoClient(client)) return client.db()
  throw new MigrateError('MIG-BACKEND-UNUSABLE', 'The client is no MongoClient and no Db.')
}

const LONGEST_DATABASE = 63

/** The driver would take `test` where the URL names none. */
function databaseOf(url: string): string {
  const name = /^[^:]+:\/\/[^/?]*\/([^?]+)/.exec(url)?.[1]
  if (name === undefined) throw invalidUrl(url, 'it names no database; write mongodb://host/database')
  const database = decoded(url, name)
  const bad = /[/\\. "$*<>:|?\0]/.exec(database)?.[0]
  if (bad !== undefined)
    throw invalidUrl(
      url,
      `the name of its database holds ${JSON.stringify(bad)}, which names of databases cannot`,
    )
  const bytes = Buffer.byteLength(database)
  if (bytes > LONGEST_DATABASE)
    throw invalidUrl(url, `the name of its database has ${bytes} bytes, and servers take ${LONGEST_DATABASE}`)
  return database
}

function decoded(url: string, name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    throw invalidUrl(url, 'the name of its database has a "%" that begins no character')
  }
}

async function settings(options: ConnectOptions, url: string): Promise<MongoClientOptions> {
  const timeout = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS
  const password = await options.password?.()
  const user = /^[^:]+:\/\/([^:@/]+)(?::[^@]*)?@/.exec(url)?.[1]
  return {
    appName: options.applicationName,
    ...(isIn('connectTimeoutMS', url) ? {} : { connectTimeoutMS: timeout }),
    ...(isIn('serverSelectionTimeoutMS', url) ? {} : { serverSelectionTimeoutMS: timeout }),
    // What was sent and not answered is in doubt: it is looked at, not sent again.
    retryWrites: false,
    ...tlsOf(options.ssl),
    ...(password === undefined || user === undefined
      ? {}
      : { auth: { username: decodeURIComponent(user), password } }),
  }
}

async function begin(
  client: MongoClient,
  db: Db,
  options: ConnectOptions,
  owned: boolean,
): Promise<Session<MongoAccess>> {
  try {
    const hello = await db.command({ hello: 1 })
    const build = await client.db('admin').command({ buildInfo: 1 })
    const { localTime } = hello as { localTime?: unknown }
    const { BSON } = await loadDriver()
    return new MongoSession({
      bson: BSON,
      access: {
        client,
        db,
        session: client.startSession({ defaultTransactionOptions: TRANSACTIONS }),
      },
      owned,
      server: serverOf(build, client),
      kind: kindOf(hello),
      metadata: options.metadata,
      clockMs: localTime instanceof Date ? localTime.getTime() - Date.now() : 0,
      leaseMs: options.leaseMs ?? DEFAULT_LEASE_MS,
      statementTimeoutMs: options.statementTimeoutMs ?? 0,
    })
  } catch (error) {
    throw explainConnect(error, options)
  }
}

/**
 * What is committed is on most of the servers. Plain objects, which every version of the driver takes: those of ours are
 * none of a client's that was lent.
 */
const TRANSACTIONS = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
} as unknown as TransactionOptions

function kindOf(hello: Readonly<Record<string, unknown>>): ServerFacts['kind'] {
  if (hello['msg'] === 'isdbgrid') return 'sharded'
  return typeof hello['setName'] === 'string' ? 'replica set' : 'standalone'
}

/** Who speaks MongoDB's protocol here. */
function serverOf(build: Readonly<Record<string, unknown>>, client: MongoClient): ServerInfo {
  const version = typeof build['version'] === 'string' ? build['version'] : 'unknown'
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  const hosts = client.options.hosts.map(({ host }) => host ?? '')
  return { product: productOf(build, hosts), version, number: major * 10_000 + minor * 100 + patch }
}
