import { describeBlocker } from '../sql/blockers.js'
import type { ConnectionConfig } from './driver.js'
import { end, open } from './open.js'
import type { ServerKind } from './server.js'
import { send } from './wire.js'

const METADATA_WAIT = /waiting for .*metadata lock/i

/** Who holds the locks that a connection waits for, asked on another one, as far as this user may see it. */
export async function blockersOf(
  config: ConnectionConfig,
  connectionId: number,
  kind: ServerKind,
): Promise<readonly string[]> {
  const other = await open(config)
  other.on('error', () => undefined)
  const ask = async (sql: string): Promise<readonly unknown[][]> => {
    try {
      return (await send(other, sql, true)).rows
    } catch {
      return []
    }
  }
  try {
    const queries = kind.product === 'MySQL' ? mysqlQueries(connectionId) : mariadbQueries(connectionId)
    const ids = new Set<number>()
    for (const sql of queries) for (const [id] of await ask(sql)) ids.add(Number(id))
    if (ids.size === 0 && kind.product === 'MariaDB') {
      for (const id of await likelyHolders(ask, connectionId)) ids.add(id)
    }
    ids.delete(connectionId)
    return await describe(ask, [...ids].slice(0, 3), kind.dialect)
  } finally {
    await end(other)
  }
}

/** Metadata locks, which DDL waits for, and locks of rows. */
function mysqlQueries(id: number): string[] {
  const schema = 'performance_schema'
  return [
    `SELECT DISTINCT h.PROCESSLIST_ID FROM ${schema}.threads me ` +
      `JOIN ${schema}.metadata_locks w ON w.OWNER_THREAD_ID = me.THREAD_ID AND w.LOCK_STATUS = 'PENDING' ` +
      `JOIN ${schema}.metadata_locks g ON g.OBJECT_TYPE = w.OBJECT_TYPE AND g.OBJECT_SCHEMA <=> w.OBJECT_SCHEMA ` +
      `AND g.OBJECT_NAME <=> w.OBJECT_NAME AND g.LOCK_STATUS = 'GRANTED' AND g.OWNER_THREAD_ID <> w.OWNER_THREAD_ID ` +
      `JOIN ${schema}.threads h ON h.THREAD_ID = g.OWNER_THREAD_ID WHERE me.PROCESSLIST_ID = ${id}`,
    `SELECT DISTINCT h.PROCESSLIST_ID FROM ${schema}.data_lock_waits d ` +
      `JOIN ${schema}.threads me ON me.THREAD_ID = d.REQUESTING_THREAD_ID AND me.PROCESSLIST_ID = ${id} ` +
      `JOIN ${schema}.threads h ON h.THREAD_ID = d.BLOCKING_THREAD_ID`,
  ]
}

function mariadbQueries(id: number): string[] {
  const trx = 'information_schema.INNODB_TRX'
  return [
    `SELECT i.THREAD_ID FROM information_schema.METADATA_LOCK_INFO i ` +
      `JOIN information_schema.PROCESSLIST p ON p.ID = ${id} AND p.STATE LIKE 'Waiting for%metadata lock' ` +
      `WHERE i.THREAD_ID <> ${id} AND INSTR(p.INFO, i.TABLE_NAME) > 0 AND i.TABLE_NAME <> ''`,
    `SELECT b.trx_mysql_thread_id FROM information_schema.INNODB_LOCK_WAITS w ` +
      `JOIN ${trx} r ON r.trx_id = w.requesting_trx_id AND r.trx_mysql_thread_id = ${id} ` +
      `JOIN ${trx} b ON b.trx_id = w.blocking_trx_id`,
  ]
}

/** Without MariaDB's plugin for metadata locks: who has had a transaction open for the longest time. */
async function likelyHolders(
  ask: (sql: string) => Promise<readonly unknown[][]>,
  id: number,
): Promise<readonly number[]> {
  const state = (await ask(`SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = ${id}`))[0]?.[0]
  if (!METADATA_WAIT.test(String(state))) return []
  const rows = await ask(
    `SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id NOT IN (0, ${id}) ORDER BY trx_started LIMIT 1`,
  )
  return rows.map(([holder]) => Number(holder))
}

async function describe(
  ask: (sql: string) => Promise<readonly unknown[][]>,
  ids: readonly number[],
  dialect: ServerKind['dialect'],
): Promise<readonly string[]> {
  if (ids.length === 0) return []
  const rows = await ask(
    'SELECT p.ID, p.USER, p.HOST, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), p.INFO FROM information_schema.PROCESSLIST p ' +
      `LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID WHERE p.ID IN (${ids.join(', ')})`,
  )
  return rows.map(([id, user, host, seconds, query]) =>
    describeBlocker(
      {
        id: `connection ${String(id)}`,
        user: String(user),
        from: String(host).replace(/:\d+$/, ''),
        seconds: seconds === null ? null : Number(seconds),
        query: typeof query === 'string' ? query : '',
      },
      dialect,
    ),
  )
}
