import type { ConnectOptions, LockHolder, LockOptions } from '../../backend/index.js'
import {
  DEFAULT_LEASE_MS,
  leaseHolder,
  takeLease,
  type HeldLease,
  type LeaseRow,
  type LeaseStore,
} from '../locks/lease.js'
import { leaseStatements, postgresFlavour, type SqlNames } from '../sql/index.js'
import { codeOf, explain } from './errors.js'
import type { Link } from './link.js'
import { borrowAnother, openAnother, requireAnother } from './open.js'
import type { PgClient } from './driver.js'
import { send } from './wire.js'

const NOW_MS = 'CAST(1000 * extract(epoch FROM pg_catalog.clock_timestamp()) AS bigint)'
/** Another runner makes the same table, type or schema at the same moment. */
const RACES: ReadonlySet<string> = new Set(['23505', '42P07', '42P06', '42710'])
/** lock_not_available */
const NOT_FREE = '55P03'
/** So long the row of the lease is waited for, before it is asked again. */
const TAKE_MS = 1_000
const literal = (value: string): string => postgresFlavour.text(value)

/** @throws MigrateError MIG-LOCK-TIMEOUT, MIG-INTERRUPTED, MIG-BACKEND-UNUSABLE */
export function takeLeaseOn(
  link: Link,
  names: SqlNames,
  name: string,
  options: LockOptions,
  connection: ConnectOptions,
  onLost: () => void,
): Promise<HeldLease> {
  const statements = leaseStatements(names, postgresFlavour, name, NOW_MS)
  // The pooler has the server show it wherever a statement of ours runs.
  const place = `migrate run ${options.owner.runId}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 63)
  const store: LeaseStore = {
    place,
    read: () => readLease(link, statements.read),
    async prepare(owner) {
      const seed =
        `INSERT INTO ${names.lock} (name, fence, expires_ms, run_id, owner, place) ` +
        `VALUES (${literal(name)}, 0, 0, '', ${literal(owner)}, '') ON CONFLICT (name) DO NOTHING`
      const { schema } = names
      const create = schema === undefined ? null : postgresFlavour.createSchema?.(schema)
      try {
        const known = `SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema ?? '')}`
        // Asked first: who may not create a schema may well use one that is there.
        const lacking = create != null && (await link.rows(known)).length === 0
        await link.send(`${link.inRole}${[...(lacking ? [create] : []), statements.create, seed].join(';')}`)
      } catch (error) {
        if (!RACES.has(codeOf(error) ?? '')) throw explain('Making the table of the lease', error)
      }
    },
    async take(claim) {
      const claimed = `SET LOCAL lock_timeout = ${TAKE_MS};${statements.take(claim)} RETURNING 1`
      const changed = await count(link, claimed).catch((error: unknown) => {
        // A holder that was stopped in the midst of a transaction has the row.
        if (codeOf(error) === NOT_FREE) return 0
        throw explain('Taking the lease', error)
      })
      if (changed > 0) {
        await link.send(`SET application_name = ${literal(place)}`)
        link.applicationName = place
      }
      return changed > 0
    },
    async endOrphan(where) {
      // A role sees no state of another's; that locks are held everybody sees, and what runs outside of a transaction
      // holds its table's all the time.
      const busy =
        "(a.state <> 'idle' OR a.state IS NULL AND EXISTS (SELECT 1 FROM pg_catalog.pg_locks AS l WHERE l.pid = a.pid))"
      const theirs =
        `FROM pg_catalog.pg_stat_activity AS a WHERE a.application_name = ${literal(where)} ` +
        `AND a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() AND ${busy}`
      // Who may not end it waits until it has ended by itself.
      const ended = await link
        .rows(`${link.asLogin}SELECT pg_catalog.pg_terminate_backend(a.pid) ${theirs}`)
        .catch(() => null)
      if (ended?.length === 0) return true
      return (await link.rows(`${link.asLogin}SELECT 1 ${theirs}`)).length === 0
    },
    async giveBack(fence, where) {
      await link.send(`${link.inRole}${statements.giveBack(fence, where)}`)
    },
    async heart() {
      const other = await another(link, connection)
      return {
        beat: async (fence, leaseMs) =>
          (await countOn(other.client, `${link.inOwnRole}${statements.beat(fence, leaseMs)} RETURNING 1`)) >
          0,
        end: () => other.end(),
      }
    },
    requireHeart: () => requireAnother(connection),
    guard: (fence) =>
      `SELECT 1 / pg_catalog.count(*) FROM (SELECT 1 FROM ${names.lock} ` +
      `WHERE name = ${literal(name)} AND fence = ${fence} FOR UPDATE) AS held`,
  }
  return takeLease(store, connection.leaseMs ?? DEFAULT_LEASE_MS, options, onLost)
}

/** Who has the lease of that name now; null when nobody has. */
export async function holderOfLease(link: Link, names: SqlNames, name: string): Promise<LockHolder | null> {
  // A table that is not there would be an error in the server's log.
  const [row] = await link.rows(`SELECT pg_catalog.to_regclass(${literal(names.lock)})`)
  if (row?.[0] == null) return null
  return leaseHolder(await readLease(link, leaseStatements(names, postgresFlavour, name, NOW_MS).read))
}

async function readLease(link: Link, statement: string): Promise<LeaseRow | null> {
  try {
    const [row] = await link.rows(statement)
    if (row === undefined) return null
    const [fence, remaining, owner, where] = row
    return { fence: Number(fence), remainingMs: Number(remaining), owner: owner ?? '', place: where ?? '' }
  } catch (error) {
    // Neither the table nor, perhaps, its schema.
    if (codeOf(error) === '42P01' || codeOf(error) === '3F000') return null
    throw explain('Reading the lease', error)
  }
}

async function count(link: Link, sql: string): Promise<number> {
  return (await link.rows(sql)).length
}

async function countOn(client: PgClient, sql: string): Promise<number> {
  let rows = 0
  await send(client, sql, { row: () => (rows += 1) })
  return rows
}

interface Another {
  readonly client: PgClient
  end(): Promise<void>
}

function another(link: Link, options: ConnectOptions): Promise<Another> {
  return options.client === undefined
    ? openAnother(options)
    : borrowAnother(options.client, link.client, options)
}
