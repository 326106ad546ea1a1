import type { ConnectOptions } from '../../backend/index.js'
import { describeBlocker } from '../sql/blockers.js'
import { postgresFlavour } from '../sql/index.js'
import type { Link } from './link.js'
import { openAnother } from './open.js'
import { send } from './wire.js'

/** Who holds the locks that this connection waits for, asked on another one. */
export async function blockersOf(link: Link, options: ConnectOptions): Promise<readonly string[]> {
  // An application's pool is not asked for more than it was told.
  if (options.client !== undefined) return []
  const { applicationName } = link
  if (link.pooled && applicationName === undefined) return []
  // Behind a pooler each transaction may have another process of the server, which shows the run's name meanwhile.
  const blocking =
    link.pooled && applicationName !== undefined
      ? 'SELECT pg_catalog.unnest(pg_catalog.pg_blocking_pids(own.pid)) FROM pg_catalog.pg_stat_activity AS own ' +
        `WHERE own.application_name = ${postgresFlavour.text(applicationName)} AND own.datname = pg_catalog.current_database()`
      : `SELECT pg_catalog.unnest(pg_catalog.pg_blocking_pids(${link.client.processID ?? 0}))`
  const other = await openAnother(options)
  const found: string[] = []
  try {
    await send(
      other.client,
      'SELECT pid, usename, application_name, extract(epoch FROM pg_catalog.clock_timestamp() - xact_start), query ' +
        'FROM pg_catalog.pg_stat_activity ' +
        `WHERE pid IN (${blocking}) ORDER BY xact_start LIMIT 3`,
      {
        row: ([pid, user, name, seconds, query]) =>
          found.push(
            describeBlocker(
              {
                id: `pid ${pid ?? '?'}`,
                user: user ?? '?',
                from: name ?? '',
                seconds: seconds == null ? null : Number(seconds),
                query: query ?? '',
              },
              'postgres',
            ),
          ),
      },
    )
  } finally {
    await other.end()
  }
  return found
}
