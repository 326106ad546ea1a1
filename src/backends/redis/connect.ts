import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectOptions, ServerInfo, Session } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { aborted } from '../sql/errors.js'
import { refuseSsl } from '../sql/tls.js'
import { DEFAULT_CONNECT_TIMEOUT_MS, SINGLE, configOf, connectionSettings, type Config } from './config.js'
import {
  isClient,
  isCluster,
  loadDriver,
  type Client,
  type ClusterOptions,
  type Driver,
  type Redis,
} from './driver.js'
import { explainConnect, mayPass } from './errors.js'
import { infoOf } from './info.js'
import { DEFAULT_LEASE_MS } from './lock.js'
import { redisNames, type RedisNames } from './names.js'
import { nodesOf } from './nodes.js'
import { RedisSession } from './session.js'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000
/** Tries of a cluster that does not answer, within one attempt. */
const CLUSTER_TRIES = 3

/** @throws MigrateError MIG-CONNECT, MIG-AUTHENTICATION, MIG-URL-INVALID, MIG-DRIVER-MISSING, MIG-INTERRUPTED */
export async function connect(options: ConnectOptions): Promise<Session<Client>> {
  const names = redisNames(options.metadata)
  if (options.client !== undefined)
    refuseSsl(options.ssl, 'a client of your own', 'Give it to the client when you make it: { tls: ... }')
  if (options.lock === 'session') {
    throw new MigrateError('MIG-CONFIG-INVALID', 'Redis has no lock that goes with a connection.', {
      hint: 'Leave lock out: on Redis it is a lease.',
    })
  }
  const { client, server, strayed, evicts } = await openWaiting(options, names)
  const own = isCluster(client) ? client : await twinOf(client, options, names)
  return new RedisSession({
    client,
    own,
    server,
    strayed,
    evicts,
    names,
    leaseMs: options.leaseMs ?? DEFAULT_LEASE_MS,
    statementTimeoutMs: options.statementTimeoutMs ?? 0,
    onNotice: options.onNotice,
  })
}

/** Steps of code may do with their connection what they like: the metadata and the lock have another. */
async function twinOf(client: Redis, options: ConnectOptions, names: RedisNames): Promise<Redis> {
  const twin = client.duplicate()
  try {
    await begin(twin, options)
    return twin
  } catch (error) {
    client.disconnect()
    throw explainConnect(error instanceof Told ? error.error : error, options, names.prefix)
  }
}

interface Opened {
  readonly client: Client
  readonly server: ServerInfo
  /** A replica that takes writes, which its primary never has, and which it loses itself when it is in step again. */
  readonly strayed: boolean
  /** The policy by which any key may be thrown away when memory is full; null where none is. */
  readonly evicts: string | null
}

async function openWaiting(options: ConnectOptions, names: RedisNames): Promise<Opened> {
  const open = await opener(options)
  const deadline = performance.now() + (options.waitTimeoutMs ?? 0)
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    if (options.signal?.aborted === true) throw aborted('connecting')
    try {
      return await open()
    } catch (error) {
      const left = deadline - performance.now()
      const cause = error instanceof Told ? error.error : error
      if (left <= 0 || cause instanceof MigrateError || !mayPass(cause)) {
        throw explainConnect(cause, options, names.prefix, error instanceof Told ? error.said : undefined)
      }
    }
    await sleep(pause, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
      () => {
        throw aborted('waiting for the server')
      },
    )
  }
}

async function opener(options: ConnectOptions): Promise<() => Promise<Opened>> {
  const { client, url } = options
  if (client !== undefined) {
    if (!isClient(client)) {
      throw new MigrateError('MIG-BACKEND-UNUSABLE', 'The client is no client and no cluster of ioredis.')
    }
    return () => begin(likeTheirs(client, options), options)
  }
  if (url === undefined) throw new MigrateError('MIG-URL-MISSING', 'Redis needs a URL or a client.')
  const driver = await loadDriver()
  const config = await configOf(url, options)
  return () => fromUrl(driver, config, options)
}

/**
 * A connection of our own to where the application's client is connected: whatever that one is in the middle of
 * stays its own.
 */
function likeTheirs(client: Client, options: ConnectOptions): Client {
  const settings = connectionSettings(options)
  if (isCluster(client)) {
    return client.duplicate([], {
      ...clusterSettings(options),
      redisOptions: { ...client.options.redisOptions, ...settings },
    })
  }
  const db = client.condition?.select ?? client.options.db
  return client.duplicate({ ...settings, ...SINGLE, ...(db === undefined ? {} : { db }) })
}

async function fromUrl(driver: Driver, config: Config, options: ConnectOptions): Promise<Opened> {
  const { host, port, db, connection } = config
  const client = new driver.Redis({ ...connection, ...SINGLE, host, port, db })
  const opened = await begin(client, options)
  if (!opened.clustered) return opened
  client.disconnect()
  const cluster = new driver.Cluster([{ host, port }], {
    ...clusterSettings(options),
    redisOptions: connection,
  })
  return begin(cluster, options)
}

const clusterSettings = (options: ConnectOptions): ClusterOptions => ({
  lazyConnect: true,
  keyPrefix: '',
  enableAutoPipelining: false,
  // The driver's own would try again for ever in silence; what a cluster that is down says is told.
  enableReadyCheck: false,
  scaleReads: 'master',
  clusterRetryStrategy: (times) => (times > CLUSTER_TRIES ? null : 100 * times),
  slotsRefreshTimeout: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
  // A command whose answer was lost is in doubt: it is not sent again.
  retryDelayOnFailover: 0,
})

/** An error, and what the driver told on the side: of a connection that fails it rejects with less than it knows. */
class Told extends Error {
  readonly error: unknown
  readonly said: unknown

  constructor(error: unknown, said: unknown) {
    super()
    this.error = error
    this.said = said
  }
}

async function begin(
  client: Client,
  { signal, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS }: ConnectOptions,
): Promise<Opened & { clustered: boolean }> {
  let said: unknown
  // Told to the command that runs; between commands nobody is there, and the next one will hear of it.
  client.on('error', (error: unknown) => (said ??= error))
  const stop = (): void => client.disconnect()
  signal?.addEventListener('abort', stop, { once: true })
  // The driver's own counts until the connection stands: whoever takes it and never answers is no Redis.
  const patience = 2 * connectTimeoutMs
  const giveUp = setTimeout(() => {
    said ??= new Error(`it took the connection and did not answer within ${patience} ms; is it a Redis?`)
    stop()
  }, patience)
  try {
    // A cluster that the driver gives up ends, and the promise of its connection is left as it is.
    await Promise.race([
      client.connect(),
      new Promise((_, reject) => client.once('end', () => reject(new Error('Connection is closed.')))),
    ])
    const info = infoOf(await firstAnswer(client))
    // What was asked before the connection began to close is answered all the same.
    if (signal?.aborted === true) throw aborted('connecting')
    // The driver goes on in database 0 when it cannot have the one that was asked for.
    if (said instanceof Error) throw said
    const strayed = info.get('role') === 'slave' && info.get('slave_read_only') === '0'
    const clustered = info.get('cluster_enabled') === '1'
    return { client, server: serverOf(info), strayed, evicts: evictionOf(info), clustered }
  } catch (error) {
    client.disconnect()
    if (signal?.aborted === true) throw aborted('connecting')
    throw new Told(error, said)
  } finally {
    clearTimeout(giveUp)
    signal?.removeEventListener('abort', stop)
  }
}

/** What a server says of itself, once it takes commands; of a cluster the first primary that answers. */
async function firstAnswer(client: Client): Promise<string> {
  let failed: unknown
  for (const node of nodesOf(client)) {
    try {
      const info = String(await node.call('INFO'))
      // INFO is answered by a server that is loading its data, too.
      await node.call('PING')
      return info
    } catch (error) {
      failed = error
    }
  }
  throw failed
}

/** Keys without an end are evicted by the policies of all keys alone, and by none where memory has no limit. */
function evictionOf(info: ReadonlyMap<string, string>): string | null {
  const policy = info.get('maxmemory_policy') ?? ''
  return policy.startsWith('allkeys-') && (info.get('maxmemory') ?? '0') !== '0' ? policy : null
}

function serverOf(info: ReadonlyMap<string, string>): ServerInfo {
  const valkey = info.get('valkey_version')
  const version = valkey ?? info.get('redis_version') ?? 'unknown'
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return {
    product: valkey === undefined ? 'Redis' : 'Valkey',
    version,
    number: major * 10_000 + minor * 100 + patch,
  }
}
