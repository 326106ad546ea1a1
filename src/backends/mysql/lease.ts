import type { LockHolder, LockOptions } from '../../backend/index.js'
import {
  DEFAULT_LEASE_MS,
  leaseHolder,
  leaseLost,
  takeLease,
  type HeldLease,
  type LeaseClaim,
  type LeaseRow,
  type LeaseStore,
} from '../locks/lease.js'
import { leaseStatements } from '../sql/lease-table.js'
import type { SqlNames } from '../sql/names.js'
import type { Borrowed, Connection } from './driver.js'
import { driverError, explain, isGone, isMissing } from './errors.js'
import type { ServerKind } from './server.js'
import { send } from './wire.js'

const NOW_MS = 'CAST(1000 * UNIX_TIMESTAMP(NOW(3)) AS SIGNED)'
/** Unsigned 64 bits, of which one more is an error whatever the session's mode is. */
const MOST = '18446744073709551615'
const OUT_OF_RANGE = 1690
const DUPLICATE = 1062
/** Two nodes of a cluster changed the row at once: one of them is told. */
const DEADLOCK = 1213
/** The row was not free in time. */
const NOT_FREE = 1205

/** A table or index that the other's DDL made at the same moment. */
const RACES: ReadonlySet<number> = new Set([DUPLICATE, DEADLOCK, 1050])

export interface LeaseParts {
  readonly connection: Connection
  readonly connectionId: number
  readonly names: SqlNames
  readonly kind: ServerKind
  readonly leaseMs: number | undefined
  /** @throws MigrateError MIG-BACKEND-UNUSABLE when there is no second connection to be had */
  another(): Promise<Borrowed>
  /** @throws MigrateError MIG-BACKEND-UNUSABLE when there cannot be a second one */
  requireAnother(): void
}

/** Whether the server is one of several that take writes: its user-level locks are its own then. */
export async function isClustered(connection: Connection): Promise<boolean> {
  const { rows } = await send(connection, "SHOW VARIABLES LIKE 'wsrep_on'", true).catch((error: unknown) => {
    throw explain(error, 'Asking whether the server is part of a cluster')
  })
  return String(rows[0]?.[1]).toUpperCase() === 'ON'
}

/** Who has the lease of that name now; null when nobody has. */
export async function holderOfLease(
  { connection, names, kind }: LeaseParts,
  name: string,
): Promise<LockHolder | null> {
  return leaseHolder(await readLease(connection, leaseStatements(names, kind.flavour, name, NOW_MS).read))
}

async function readLease(connection: Connection, statement: string): Promise<LeaseRow | null> {
  try {
    const [row] = (await send(connection, statement, true)).rows
    if (row === undefined) return null
    const [fence, remaining, owner, place] = row
    return {
      fence: Number(fence),
      remainingMs: Number(remaining),
      owner: String(owner),
      place: String(place),
    }
  } catch (error) {
    if (isMissing(error) === 'table') return null
    throw explain(error, 'Reading the lease')
  }
}

/**
 * The lease's row, and a second one with its fence alone: between the nodes of a cluster only what is changed is
 * compared, so that every write of ours changes the second row, and prolonging the lease the first.
 * @throws MigrateError MIG-LOCK-TIMEOUT, MIG-INTERRUPTED
 */
export async function takeLeaseOn(
  parts: LeaseParts,
  name: string,
  options: LockOptions,
  onLost: () => void,
): Promise<HeldLease> {
  const { connection, names, kind } = parts
  const { flavour } = kind
  const statements = leaseStatements(names, flavour, name, NOW_MS)
  const guarded = flavour.text(`${name}#fence`)
  const node = String((await send(connection, "SELECT CONCAT(@@hostname, ':', @@port)", true)).rows[0]?.[0])
  const store: LeaseStore = {
    place: `${node}/${parts.connectionId}`,
    read: () => readLease(connection, statements.read),
    async prepare(owner) {
      const row = (key: string): string => `(${key}, 0, 0, '', ${flavour.text(owner)}, '')`
      try {
        await send(connection, statements.create)
        await send(
          connection,
          `INSERT IGNORE INTO ${names.lock} (name, fence, expires_ms, run_id, owner, place) ` +
            `VALUES ${row(flavour.text(name))}, ${row(guarded)}`,
        )
      } catch (error) {
        if (!RACES.has(driverError(error).errno ?? 0)) throw explain(error, 'Making the table of the lease')
      }
    },
    async take(claim) {
      try {
        return (await send(connection, takeBoth(claim))).affectedRows === 2
      } catch (error) {
        // A holder that was stopped in the midst of a transaction has the row.
        if ([DEADLOCK, NOT_FREE].includes(driverError(error).errno ?? 0)) return false
        throw explain(error, 'Taking the lease')
      }
    },
    async endOrphan(place) {
      const [where, id] = [place.slice(0, place.lastIndexOf('/')), place.slice(place.lastIndexOf('/') + 1)]
      // What another node was told to do before, it has done before: a cluster has one order of all changes.
      if (where !== node || !/^\d+$/.test(id) || Number(id) === parts.connectionId) return true
      const known = `SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ${id}`
      if ((await send(connection, known, true)).rows.length === 0) return true
      await send(connection, `KILL ${id}`).catch((error: unknown) => {
        if (!isGone(error) && driverError(error).sqlState === undefined)
          throw explain(error, 'Taking the lease')
      })
      return false
    },
    async giveBack(fence, place) {
      await send(connection, statements.giveBack(fence, place))
    },
    async heart() {
      const { connection: other, giveBack } = await parts.another()
      other.on('error', () => undefined)
      return {
        beat: async (fence, leaseMs) => {
          for (let tries = 0; ; tries++) {
            try {
              return (await send(other, statements.beat(fence, leaseMs))).affectedRows !== 0
            } catch (error) {
              if (driverError(error).errno !== DEADLOCK || tries > 5) throw error
            }
          }
        },
        end: async () => giveBack(),
      }
    },
    requireHeart: () => parts.requireAnother(),
    guard: (fence) =>
      `UPDATE ${names.lock} SET expires_ms = (expires_ms + 1) % 1000 + 0 * (${MOST} + (fence <> ${fence})) ` +
      `WHERE name = ${guarded}`,
  }

  function takeBoth({ fence, leaseMs, runId, owner, place }: LeaseClaim): string {
    return (
      `UPDATE ${names.lock} AS l JOIN ${names.lock} AS g ON g.name = ${guarded} ` +
      `SET l.fence = ${fence + 1}, g.fence = ${fence + 1}, l.expires_ms = ${NOW_MS} + ${leaseMs}, ` +
      `l.run_id = ${flavour.text(runId)}, l.owner = ${flavour.text(owner)}, l.place = ${flavour.text(place)} ` +
      `WHERE l.name = ${flavour.text(name)} AND l.fence = ${fence} AND l.expires_ms <= ${NOW_MS}`
    )
  }

  return takeLease(store, parts.leaseMs ?? DEFAULT_LEASE_MS, options, onLost)
}

/** What the guard's statement throws, as the user shall see it. */
export function explainGuard(error: unknown): unknown {
  return driverError(error).errno === OUT_OF_RANGE ? leaseLost(error) : error
}
