import { createHash } from 'node:crypto'
import type { Lock, LockHolder, LockOptions } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { describeOwner, acquireByPolling } from '../locks/waiting.js'
import type { Connection } from './driver.js'
import { explain } from './errors.js'
import { send } from './wire.js'

export interface SessionLock extends Lock {
  /**
   * After what may have let go of all locks of the session.
   * @throws MigrateError MIG-LOCK-LOST when somebody else has it by now
   */
  regain(): Promise<void>
}

/**
 * The server's user-level lock, on the connection that does the work: it outlives commits, goes with the connection,
 * and is asked for without waiting, over and over. Its names are the server's, so the database is part of it; that is the
 * same in capitals where `lower_case_table_names` says so.
 */
export function userLevelLock(
  connection: Connection,
  database: string,
  name: string,
  options: LockOptions,
  lastBegun: () => Promise<string | null>,
): Promise<SessionLock> {
  const key = lockKey(database, name)
  return acquireByPolling(
    {
      attempt: async () => ((await get(connection, key)) ? lockOf(connection, key) : null),
      holder: () => holderOf(connection, key, lastBegun),
    },
    options,
  )
}

/** Who has the lock of {@link userLevelLock} now; null when nobody has. */
export function userLevelHolder(
  connection: Connection,
  database: string,
  name: string,
  lastBegun: () => Promise<string | null>,
): Promise<LockHolder | null> {
  return holderOf(connection, lockKey(database, name), lastBegun)
}

const lockKey = (database: string, name: string): string =>
  `revgraph:${createHash('sha256').update(`${database.toLowerCase()}\0${name}`).digest('hex').slice(0, 40)}`

async function get(connection: Connection, key: string): Promise<boolean> {
  let value: unknown
  try {
    value = (await send(connection, `SELECT GET_LOCK('${key}', 0)`, true)).rows[0]?.[0]
  } catch (error) {
    throw explain(error, 'Taking the lock')
  }
  if (Number(value ?? 2) === 1) return true
  if (Number(value ?? 2) === 0) return false
  // NULL: out of memory, or the session was killed while it asked.
  throw new MigrateError('MIG-DATABASE', 'The server could not say whether the lock was free.', {
    hint: 'Look into the log of the server, and try again.',
  })
}

async function isOurs(connection: Connection, key: string): Promise<boolean> {
  try {
    const ask = `SELECT IS_USED_LOCK('${key}') = CONNECTION_ID()`
    return Number((await send(connection, ask, true)).rows[0]?.[0] ?? 0) === 1
  } catch (error) {
    throw explain(error, 'Looking for the lock')
  }
}

function lockOf(connection: Connection, key: string): SessionLock {
  let released = false
  return {
    async regain() {
      // Taken twice, it would have to be let go twice.
      if (released || (await isOurs(connection, key)) || (await get(connection, key))) return
      throw new MigrateError(
        'MIG-LOCK-LOST',
        'A statement let go of the lock, and another run has taken it.',
        {
          hint: 'Take RELEASE_ALL_LOCKS() out of the revision, and run the command again.',
          state: 'What was committed before stands.',
        },
      )
    },
    async release() {
      if (released) return
      released = true
      // A connection that is gone has taken the lock along.
      await send(connection, `SELECT RELEASE_LOCK('${key}')`).catch(() => undefined)
    },
  }
}

const SESSIONS = 'information_schema.PROCESSLIST'
const ATTRIBUTES = 'performance_schema.session_connect_attrs'

/**
 * As much as this user may see; who may see nothing still learns the number of the connection. MariaDB as it comes shows
 * nobody's attributes: there the log tells which run began last, which the holder need not be.
 */
async function holderOf(
  connection: Connection,
  key: string,
  lastBegun: () => Promise<string | null>,
): Promise<LockHolder | null> {
  const ask = async (sql: string): Promise<readonly unknown[][]> => {
    try {
      return (await send(connection, sql, true)).rows
    } catch {
      return []
    }
  }
  const id = (await ask(`SELECT IS_USED_LOCK('${key}')`))[0]?.[0]
  if (typeof id !== 'number') return null
  const [user, from] = (await ask(`SELECT USER, HOST FROM ${SESSIONS} WHERE ID = ${id}`))[0] ?? []
  const attributes = new Map(
    (await ask(`SELECT ATTR_NAME, ATTR_VALUE FROM ${ATTRIBUTES} WHERE PROCESSLIST_ID = ${id}`)).map(
      ([name, value]) => [String(name), String(value)],
    ),
  )
  const pid = Number(attributes.get('_pid'))
  const command = attributes.get('program_name')
  const since = attributes.get('since')
  const host =
    attributes.get('program_host') ?? (typeof from === 'string' ? from.replace(/:\d+$/, '') : undefined)
  const owner = {
    ...(typeof user === 'string' ? { user } : {}),
    ...(host === undefined ? {} : { host }),
    ...(pid > 0 ? { pid } : {}),
    ...(command === undefined ? {} : { command }),
    ...(since === undefined ? {} : { since }),
  }
  const last = command === undefined ? await lastBegun() : null
  const description = `${describeOwner(owner)} (connection ${id}${last === null ? '' : `; the last run that began is ${last}`})`
  return { ...owner, description }
}
