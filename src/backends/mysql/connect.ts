import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectOptions, Session } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { aborted, lentInTransaction } from '../sql/errors.js'
import { sqlNames } from '../sql/names.js'
import { configOf, mayBeInTheClear, replicasIn } from './config.js'
import {
  borrow,
  lentBy,
  type Borrowed,
  type Connection,
  type ConnectionConfig,
  type PromiseConnection,
} from './driver.js'
import { driverError, explainConnect, mayPass } from './errors.js'
import { end } from './open.js'
import { openInRole, presentRole, takeRole } from './role.js'
import { lockSeconds, serverInfo, serverKind } from './server.js'
import { MysqlSession } from './session.js'
import { decodeSettings, EVERY_ROW, settingsColumns, type Settings } from './settings.js'
import { send } from './wire.js'

const DEFAULT_LOCK_TIMEOUT_MS = 5_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000

/** @throws MigrateError MIG-CONNECT, MIG-AUTHENTICATION, MIG-URL-INVALID, MIG-DRIVER-MISSING, MIG-INTERRUPTED */
export async function connect(options: ConnectOptions): Promise<Session<PromiseConnection>> {
  const { connection, giveBack, borrowed, config } = await obtain(options)
  // Told to the query that runs; between queries nobody is there, and the next one will hear of it.
  const ignore = () => undefined
  connection.on('error', ignore)
  const leave = async () => {
    connection.off('error', ignore)
    await giveBack()
  }
  try {
    return await begin(options, { connection, config, borrowed, close: leave })
  } catch (error) {
    await leave()
    throw explainConnect(error, options)
  }
}

interface Obtained {
  readonly connection: Connection
  readonly config: ConnectionConfig
  readonly borrowed: boolean
  readonly giveBack: () => Promise<void> | void
}

async function obtain(options: ConnectOptions): Promise<Obtained> {
  if (options.client !== undefined) {
    const lent = lentBy(options.client)
    if (lent === null) {
      throw new MigrateError('MIG-BACKEND-UNUSABLE', 'The client is no pool and no connection of mysql2.')
    }
    const { connection, giveBack } = await borrow(lent).catch((error: unknown): Promise<Borrowed> => {
      throw explainConnect(error, {})
    })
    return { ...(await lentInRole(connection, giveBack, options)), borrowed: true, config: connection.config }
  }
  if (options.url === undefined)
    throw new MigrateError('MIG-URL-MISSING', 'MySQL needs a URL or a connection.')
  const config = await configOf(options.url, options)
  // A name that cannot be read is told now, and not in the midst of a backfill.
  replicasIn(options.url)
  const opened = await openWaiting(config, options, mayBeInTheClear(options.url, options))
  return { ...opened, borrowed: false, giveBack: () => end(opened.connection) }
}

/** Takes the role on, and gives the connection back with the one that it had. */
async function lentInRole(
  connection: Connection,
  giveBack: Borrowed['giveBack'],
  { role }: ConnectOptions,
): Promise<Borrowed> {
  if (role === undefined) return { connection, giveBack }
  try {
    const before = await presentRole(connection)
    await takeRole(connection, role)
    return {
      connection,
      async giveBack() {
        await send(connection, before).catch(() => undefined)
        await giveBack()
      },
    }
  } catch (error) {
    await giveBack()
    throw explainConnect(error, {})
  }
}

/** The connection, and what it was opened with. */
async function openWaiting(
  wished: ConnectionConfig,
  options: ConnectOptions,
  clearWillDo: boolean,
): Promise<Pick<Obtained, 'connection' | 'config'>> {
  let config = wished
  const deadline = performance.now() + (options.waitTimeoutMs ?? 0)
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    if (options.signal?.aborted === true) throw aborted('connecting')
    try {
      return { connection: await openInRole(config, options.role, options.signal), config }
    } catch (error) {
      if (clearWillDo && config.ssl !== undefined && driverError(error).code === 'HANDSHAKE_NO_SSL_SUPPORT') {
        config = { ...config }
        delete config.ssl
        continue
      }
      const left = deadline - performance.now()
      if (left <= 0 || !mayPass(error)) throw explainConnect(error, options)
    }
    await sleep(pause, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
      () => {
        throw aborted('waiting for the server')
      },
    )
  }
}

interface Parts {
  readonly connection: Connection
  readonly config: ConnectionConfig
  readonly borrowed: boolean
  close(): Promise<void>
}

/** The server's own default: eight hours. */
const IDLE_SECONDS = 28_800

async function begin(options: ConnectOptions, parts: Parts): Promise<MysqlSession> {
  const { connection } = parts
  // What follows, SET autocommit above all, would commit it.
  if (parts.borrowed && (await send(connection, 'DO 0')).inTransaction === true) throw lentInTransaction()
  const version = String((await send(connection, 'SELECT VERSION()', true)).rows[0]?.[0])
  const kind = serverKind(version, options.role)
  // The driver asks for a collation of old, not for the server's own as the plain client does; and triggers, views and
  // routines keep the one they were made in. MariaDB puts its own in that one's place itself.
  if (!parts.borrowed && kind.product === 'MySQL') await send(connection, 'SET NAMES utf8mb4')
  const limit = kind.statementTimeout.variable
  const facts = `SELECT DATABASE(), CONNECTION_ID(), @@max_allowed_packet, ${settingsColumns([limit])}`
  const [database, connectionId, maxPacket, ...values] = (await send(connection, facts, true)).rows[0] ?? []
  const original = decodeSettings(values, [limit])
  const seconds = lockSeconds(options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS)
  const changes: [string, string | number][] = [
    ['autocommit', 1],
    ['lock_wait_timeout', seconds],
    ['innodb_lock_wait_timeout', seconds],
    // A step of code, a paused backfill: the session that has the lock may be idle for long.
    ['wait_timeout', Math.max(Number(original.get('wait_timeout')) || 0, IDLE_SECONDS)],
    ['sql_select_limit', EVERY_ROW],
    ['sql_big_selects', 1],
  ]
  // What the application has set on a connection of its own stays.
  const statement = options.statementTimeoutMs ?? (parts.borrowed ? undefined : 0)
  if (statement !== undefined) changes.push([limit, kind.statementTimeout.value(statement)])
  await send(connection, `SET ${changes.map(([name, value]) => `SESSION ${name} = ${value}`).join(', ')}`)
  const schema = options.metadata.schema ?? (typeof database === 'string' ? database : undefined)
  if (schema === undefined) {
    throw new MigrateError('MIG-URL-INVALID', 'The connection has no database, and the metadata no schema.', {
      hint: 'Name the database at the end of the URL: mysql://user@host/database',
    })
  }
  return new MysqlSession({
    ...parts,
    config: options.role === undefined ? parts.config : withoutDatabase(parts.config),
    kind,
    server: serverInfo(version),
    names: sqlNames({ ...options.metadata, schema }, kind.flavour),
    database: typeof database === 'string' ? database : null,
    connectionId: Number(connectionId),
    maxPacket: Number(maxPacket),
    original,
    settings: withChanges(original, changes),
    onNotice: options.onNotice,
    lock: options.lock ?? 'auto',
    leaseMs: options.leaseMs,
    replicas: () => replicasOf(options),
    another: () => another(options, parts),
    requireAnother: () => requireAnother(options),
  })
}

/** For a connection that takes no role on: without it the user may have no right to the database. */
function withoutDatabase(config: ConnectionConfig): ConnectionConfig {
  const bare = { ...config }
  delete bare.database
  return bare
}

async function replicasOf(options: ConnectOptions): Promise<readonly ConnectionConfig[]> {
  const { url } = options
  return url === undefined
    ? []
    : Promise.all(replicasIn(url).map(async (at) => withoutDatabase(await configOf(url, options, at))))
}

/** A second connection to the same place. */
async function another(options: ConnectOptions, { connection, config }: Parts): Promise<Borrowed> {
  if (options.client === undefined) {
    const opened = await openInRole(config, options.role)
    return { connection: opened, giveBack: () => end(opened) }
  }
  const lent = lentBy(options.client)
  const second = lent === null ? undefined : await borrow(lent)
  if (second !== undefined && second.connection !== connection)
    return lentInRole(second.connection, second.giveBack, options)
  await second?.giveBack()
  throw noOther()
}

/** @throws MigrateError MIG-BACKEND-UNUSABLE when the application lent a connection, or a pool of one */
function requireAnother({ client }: ConnectOptions): void {
  if (client === undefined) return
  const lent = lentBy(client)
  if (lent === null || 'connection' in lent || lent.pool.config.connectionLimit === 1) throw noOther()
}

const noOther = (): MigrateError =>
  new MigrateError(
    'MIG-BACKEND-UNUSABLE',
    'A lease needs a connection of its own, besides the one that does the work.',
    { hint: 'Pass a pool of two or more connections, or a URL.' },
  )

function withChanges(original: Settings, changes: readonly (readonly [string, string | number])[]): Settings {
  const settings = new Map(original)
  for (const [name, value] of changes) settings.set(name, String(value))
  return settings
}
