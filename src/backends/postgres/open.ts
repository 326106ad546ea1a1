import type { ConnectOptions, ServerInfo } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { lentInTransaction, postgresFlavour } from '../sql/index.js'
import { DEFAULT_LOCK_TIMEOUT_MS, requireUrl } from './config.js'
import { connect, takeRole } from './connect.js'
import { isClient, isPool, type PgClient } from './driver.js'
import { codeOf, explain } from './errors.js'
import { Link } from './link.js'
import { send } from './wire.js'

const OLDEST = 100_000

/** What a session can hold that RESET ALL leaves: cursors, temporary tables. */
const RESET_OBJECTS = ['CLOSE ALL', 'DISCARD TEMP']
const HAS_OBJECTS =
  'EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.pg_my_temp_schema()) OR EXISTS (SELECT FROM pg_catalog.pg_cursors)'

/** @throws MigrateError as Backend.connect does */
export async function openLink(options: ConnectOptions): Promise<Link> {
  if (options.client !== undefined) return borrow(options.client, options)
  const { client, version, lateSettings, pooled } = await connect(requireUrl(options))
  const end = () => hangUp(client)
  // A socket may complain after its end, when nobody else listens.
  client.on('error', () => undefined)
  try {
    return new Link({
      client,
      server: serverInfo(version),
      role: ['SESSION AUTHORIZATION DEFAULT', 'role TO DEFAULT'],
      asRole: options.role,
      restoreSettings: ['RESET ALL', ...lateSettings, ...RESET_OBJECTS, 'UNLISTEN *'],
      end,
      timeouts: { ...options, statementTimeoutMs: options.statementTimeoutMs ?? 0 },
      pooled,
      onNotice: options.onNotice,
    })
  } catch (error) {
    await end()
    throw error
  }
}

/** A second connection to the same place. */
export async function openAnother(
  options: ConnectOptions,
): Promise<{ client: PgClient; end(): Promise<void> }> {
  const { client } = await connect(requireUrl(options))
  client.on('error', () => undefined)
  return { client, end: () => hangUp(client) }
}

/** @throws MigrateError MIG-BACKEND-UNUSABLE when the application lent nothing but one connection */
export async function borrowAnother(
  lender: unknown,
  first: PgClient,
  options: ConnectOptions,
): Promise<{ client: PgClient; end(): Promise<void> }> {
  const { client, giveBack } = await take(lender, options)
  if (client === first) throw noOther()
  return { client, end: () => giveBack(undefined) }
}

/** @throws MigrateError MIG-BACKEND-UNUSABLE when {@link borrowAnother} would have nothing to take */
export function requireAnother({ client }: ConnectOptions): void {
  if (isClient(client) || (isPool(client) && client.options?.max === 1)) throw noOther()
}

const noOther = (): MigrateError =>
  unusable(
    'A lease needs a connection of its own, besides the one that does the work.',
    'Pass a pool of two or more connections, or a URL.',
  )

/** Says good-bye, and does not wait for the server to go: it takes longer for that than for a short command's work. */
function hangUp(client: PgClient): Promise<void> {
  const ended = client.end()
  const { stream } = client.connection
  client.unref()
  if (stream.destroyed) return ended
  return Promise.race([ended, new Promise<void>((resolve) => stream.once('finish', resolve))])
}

/**
 * major * 10000 + minor * 100: PostgreSQL 18.1 is 180100. Managed servers and forks put words behind the number.
 * @throws MigrateError MIG-UNSUPPORTED for a server older than 10
 */
export function serverInfo(text: string): ServerInfo {
  const found = /^(\d+)(?:\.(\d+))?/.exec(text)
  const number = Number(found?.[1] ?? 0) * 10_000 + Number(found?.[2] ?? 0) * 100
  const version = text.split(' ')[0] ?? text
  if (number < OLDEST) {
    throw new MigrateError(
      'MIG-UNSUPPORTED',
      `PostgreSQL ${version} is too old: 10 is the oldest that is supported.`,
      {
        hint: 'Upgrade the server.',
      },
    )
  }
  return { product: 'PostgreSQL', version, number }
}

/** The first statement of a message begins the transaction that it is in, unless that was there before. */
const BEGAN_BEFORE = 'pg_catalog.transaction_timestamp() <> pg_catalog.statement_timestamp()'

interface Found {
  readonly version: string
  readonly user: string
  readonly role: string
  /** The application has temporary tables or cursors in it. */
  readonly hasObjects: boolean
  /** Set by the application itself: RESET ALL would undo them. */
  readonly settings: readonly (readonly [name: string, value: string])[]
}

async function borrow(lender: unknown, options: ConnectOptions): Promise<Link> {
  const { client, giveBack } = await take(lender, options)
  try {
    const found = await look(client)
    const role = roleOf(found)
    const literal = (value: string): string => postgresFlavour.text(value)
    const kept = found.settings.map(
      ([name, value]) => `SELECT pg_catalog.set_config(${literal(name)}, ${literal(value)}, false)`,
    )
    const own = ownSettings(options)
    const pooled = options.role !== undefined && (await takeRole(client, options.role))
    await send(client, own.join(';'))
    const server = serverInfo(found.version)
    return new Link({
      client,
      server,
      role,
      asRole: options.role,
      // Objects of the session that the application has are not told from those of a revision: all stay then.
      restoreSettings: ['RESET ALL', ...kept, ...own, ...(found.hasObjects ? [] : RESET_OBJECTS)],
      timeouts: options,
      pooled,
      onNotice: options.onNotice,
      async end(lost) {
        const restoreRole = role.map((one) => `SET ${one}`)
        if (lost === undefined) await send(client, [...restoreRole, 'RESET ALL', ...kept].join(';'))
        await giveBack(lost)
      },
    })
  } catch (error) {
    await giveBack(error instanceof Error ? error : undefined)
    throw explain('Using the connection', error)
  }
}

interface Lent {
  readonly client: PgClient
  readonly giveBack: (lost: Error | undefined) => Promise<void>
}

/** @throws MigrateError MIG-BACKEND-UNUSABLE, MIG-CONNECT */
async function take(lender: unknown, options: ConnectOptions): Promise<Lent> {
  if (isClient(lender)) {
    requireUsable(lender)
    return { client: lender, giveBack: () => Promise.resolve() }
  }
  if (!isPool(lender)) {
    throw unusable(
      'The client that was given is no Pool and no Client of the package pg.',
      'Pass one of these, or a URL.',
    )
  }
  const client = await lender.connect().catch((error: unknown) => {
    const said = error instanceof Error ? error.message : String(error)
    throw new MigrateError('MIG-CONNECT', `The pool gives no connection: ${said}`, {
      hint: 'Check how the pool is configured, and that it has room for one more connection.',
      cause: error,
    })
  })
  const giveBack = (lost: Error | undefined) => {
    client.release(lost ?? false)
    return Promise.resolve()
  }
  try {
    requireUsable(client)
    if (options.signal?.aborted === true)
      throw new MigrateError('MIG-INTERRUPTED', 'Interrupted while connecting.')
  } catch (error) {
    await giveBack(undefined)
    throw error
  }
  return { client, giveBack }
}

function requireUsable(client: PgClient): void {
  const flag = (name: string): unknown => Reflect.get(client, name)
  if ('native' in client) {
    throw unusable('Clients of pg-native cannot be used.', 'Pass a Client or Pool of pg itself, or a URL.')
  }
  if (flag('pipeline') === true) {
    throw unusable('Clients in pipeline mode cannot be used.', 'Pass a client without it, or a URL.')
  }
  if (flag('_connected') === false && flag('_connecting') === false) {
    throw unusable('The client that was given is not connected.', 'Type `await client.connect()` before.')
  }
}

const unusable = (message: string, hint: string): MigrateError =>
  new MigrateError('MIG-BACKEND-UNUSABLE', message, { hint })

/** A transaction that has failed refuses every question (appendix A, PostgreSQL Error Codes). */
const IN_FAILED_TRANSACTION = '25P02'

async function look(client: PgClient): Promise<Found> {
  const rows: (string | null)[][] = []
  const text = [
    `SELECT current_setting('server_version'), session_user, current_setting('role'), ${HAS_OBJECTS}, ${BEGAN_BEFORE}`,
    "SELECT name, current_setting(name) FROM pg_catalog.pg_settings WHERE source = 'session'",
  ]
  await send(client, text.join(';'), { row: (fields) => rows.push([...fields]) }).catch((error: unknown) => {
    throw codeOf(error) === IN_FAILED_TRANSACTION ? lentInTransaction() : error
  })
  if (rows[0]?.[4] === 't') throw lentInTransaction()
  const [first, ...settings] = rows
  return {
    version: first?.[0] ?? '',
    user: first?.[1] ?? '',
    role: first?.[2] ?? 'none',
    hasObjects: first?.[3] === 't',
    settings: settings.map(([name, value]) => [name ?? '', value ?? ''] as const),
  }
}

function roleOf({ user, role }: Found): string[] {
  // SET to the user who logged in needs no privilege; RESET would undo what the application had set.
  return [
    `SESSION AUTHORIZATION ${postgresFlavour.identifier(user)}`,
    role === 'none' ? 'ROLE NONE' : `ROLE ${postgresFlavour.identifier(role)}`,
  ]
}

/** What {@link connect} sends at the beginning. A borrowed connection's application_name stays its own. */
function ownSettings(options: ConnectOptions): string[] {
  const statement = options.statementTimeoutMs
  return [
    `SET lock_timeout = ${options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS}`,
    ...(statement === undefined ? [] : [`SET statement_timeout = ${statement}`]),
  ]
}
