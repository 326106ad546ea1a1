import { createHash } from 'node:crypto'
import type { Lock, LockHolder, LockOptions, LockOwner } from '../../backend/index.js'
import { acquireByPolling } from '../locks/waiting.js'
import { postgresFlavour } from '../sql/index.js'
import { codeOf, explain, isLost } from './errors.js'
import { lockLost } from './guard.js'
import type { Link } from './link.js'

/** Longer names are cut by the server. */
const APPLICATION_NAME_BYTES = 63
/** query_canceled */
const CANCELLED = '57014'

export interface SessionLock extends Lock {
  /**
   * After a statement that may have let go of all locks of the session.
   * @throws MigrateError MIG-LOCK-LOST when somebody else has it by now
   */
  regain(): Promise<void>
}

/** The server that this reaches is another from one transaction to the next: a lock of its session holds nothing. */
export class PooledError extends Error {}

/**
 * Takes a session-level advisory lock by asking again and again: a statement that waits for it would hold a snapshot
 * that CREATE INDEX CONCURRENTLY waits for in its turn. Between the questions no transaction is open.
 * @param what the lock stands for, in this database: everybody who uses the same tables must say the same
 * @param evenPooled behind a pooler too, which is known not to give our connection of the server to others
 * @throws PooledError behind a pooler, with nothing taken
 * @throws MigrateError MIG-LOCK-TIMEOUT, MIG-INTERRUPTED, MIG-CONNECT
 */
export function takeLock(
  link: Link,
  what: string,
  options: LockOptions,
  evenPooled: boolean,
): Promise<SessionLock> {
  const key = lockKey(what)
  const take = (): Promise<boolean> => ask(link, key, options.owner, evenPooled)
  return acquireByPolling(
    {
      attempt: async () => ((await take()) ? held(link, key, take) : null),
      holder: () => holderOf(link, key),
    },
    options,
  )
}

/** Who has the lock of {@link takeLock} now; null when nobody has. */
export function holderOfLock(link: Link, what: string): Promise<LockHolder | null> {
  return holderOf(link, lockKey(what))
}

/** Signed 64 bits; the same for all versions of the tool. */
export function lockKey(what: string): bigint {
  return createHash('sha256').update(`revgraph:${what}`).digest().readBigInt64BE(0)
}

async function ask(link: Link, key: bigint, owner: LockOwner, evenPooled: boolean): Promise<boolean> {
  const name = applicationNameOf(owner)
  // A pooler tells its clients a process of its own. CASE asks for the lock only where it is the server's.
  const direct = evenPooled ? 'true' : `pg_catalog.pg_backend_pid() = ${link.client.processID ?? 0}`
  try {
    const [row] = await link.rows(
      `SELECT CASE WHEN NOT ${direct} THEN 'pooled' WHEN pg_catalog.pg_try_advisory_lock(${key}) ` +
        `THEN pg_catalog.set_config('application_name', ${postgresFlavour.text(name)}, false) END`,
    )
    if (row?.[0] === 'pooled') throw new PooledError()
    if (typeof row?.[0] !== 'string') return false
    link.applicationName = name
    return true
  } catch (error) {
    if (error instanceof PooledError) throw error
    throw explain('Taking the lock', error)
  }
}

function held(link: Link, key: bigint, take: () => Promise<boolean>): SessionLock {
  let released = false
  link.lockGuard = guardOf(key)
  return {
    async regain() {
      // Taken twice, it would have to be let go twice.
      if (released || (await isOurs(link, key)) || (await take())) return
      throw lockLost()
    },
    async release() {
      if (released) return
      released = true
      link.applicationName = undefined
      link.lockGuard = undefined
      if (link.lost) return
      for (let tries = 1; ; tries++) {
        try {
          await link.send(`SELECT pg_catalog.pg_advisory_unlock(${key}); RESET application_name`)
          return
        } catch (error) {
          if (isLost(error)) return
          // A cancel that was meant for the statement before may come only now.
          if (codeOf(error) !== CANCELLED || tries > 1) throw explain('Releasing the lock', error)
        }
      }
    },
  }
}

/**
 * Fails with a division by zero unless the lock is this session's. Whoever lacks it, since a function let go of all locks,
 * gets it back where nobody else has it. The shared one bridges the moment in between, so that the lock is always held.
 */
function guardOf(key: bigint): string {
  const [shared, unlock, take, unshare] = [
    'try_advisory_lock_shared',
    'advisory_unlock',
    'try_advisory_lock',
    'advisory_unlock_shared',
  ].map((name) => `pg_catalog.pg_${name}(${key})`)
  return (
    `SELECT 1 / CASE WHEN NOT ${shared} THEN 0 WHEN ${unlock} IS NULL THEN 0 WHEN NOT ${take} THEN 0 ` +
    `WHEN ${unshare} THEN 1 ELSE 0 END`
  )
}

/** A condition on pg_locks, as `l`: it is the lock, and somebody has it. */
function isLock(key: bigint): string {
  const bits = BigInt.asUintN(64, key)
  return (
    "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 " +
    'AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) ' +
    `AND l.classid = ${bits >> 32n} AND l.objid = ${bits & 0xffff_ffffn}`
  )
}

async function isOurs(link: Link, key: bigint): Promise<boolean> {
  try {
    const ours = `SELECT 1 FROM pg_catalog.pg_locks AS l WHERE l.pid = pg_catalog.pg_backend_pid() AND ${isLock(key)}`
    return (await link.rows(ours)).length > 0
  } catch (error) {
    throw explain('Looking at the lock', error)
  }
}

/** `migrate upgrade anna@host:4711 run 8f3c…`, as far as it fits; only ASCII comes through. */
export function applicationNameOf({ command, user, host, pid, runId }: LockOwner): string {
  const text = `${command} ${user}@${host}:${pid} run ${runId}`
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, APPLICATION_NAME_BYTES)
}

export function ownerIn(applicationName: string): Partial<LockOwner> {
  const found = /^(.+) (\S+)@(\S+):(\d+)(?: run (\S+))?/.exec(applicationName)
  if (found === null) return {}
  const [, command = '', user = '', host = '', pid = '', runId] = found
  return { command, user, host, pid: Number(pid), ...(runId === undefined ? {} : { runId }) }
}

/** Null when it was let go in the meantime. */
async function holderOf(link: Link, key: bigint): Promise<LockHolder | null> {
  const [row] = await link
    .rows(
      'SELECT a.pid, a.usename, a.client_addr, a.application_name, ' +
        `to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') ` +
        'FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid ' +
        `WHERE ${isLock(key)}`,
    )
    .catch((error: unknown) => {
      throw explain('Asking who holds the lock', error)
    })
  if (row === undefined) return null
  const [pid, user, address, name, since] = row
  const from = address ?? 'the server itself'
  const facts = [
    `pid ${pid ?? '?'} on ${from}`,
    ...(user ? [`as ${user}`] : []),
    ...(name ? [name] : []),
    ...(since ? [`since ${since}`] : []),
  ]
  return {
    ...ownerIn(name ?? ''),
    ...(since ? { since } : {}),
    description: facts.join(', '),
  }
}
