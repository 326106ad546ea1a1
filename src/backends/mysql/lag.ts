import type { RowDataPacket } from 'mysql2'
import { MigrateError } from '../../core/errors.js'
import type { ConnectionConfig } from './driver.js'
import { explain, explainConnect } from './errors.js'
import { end, open } from './open.js'

/**
 * Milliseconds that the replica which is furthest behind is behind, as they say themselves in whole seconds; infinity where
 * one does not replicate now; null for no replicas.
 * @throws MigrateError MIG-CONNECT, MIG-AUTHENTICATION, MIG-DATABASE, and MIG-BACKFILL for a server that is no replica
 */
export async function lagOf(replicas: readonly ConnectionConfig[]): Promise<number | null> {
  let most: number | null = null
  for (const replica of replicas) most = Math.max(most ?? 0, await lagOfOne(replica))
  return most
}

async function lagOfOne(config: ConnectionConfig): Promise<number> {
  const name = `${config.host ?? ''}:${config.port ?? ''}`
  const connection = await open(config).catch((error: unknown) => {
    throw explainConnect(error, {})
  })
  try {
    const [rows] = await connection.promise().query<RowDataPacket[]>('SHOW REPLICA STATUS')
    const [first, ...others] = rows.map(secondsOf)
    if (first === undefined) throw noReplica(name)
    return 1_000 * Math.max(first, ...others)
  } catch (error) {
    throw explain(error, `Asking ${name} how far it is behind`)
  } finally {
    await end(connection)
  }
}

/**
 * MySQL's columns, and MariaDB's; NULL while nothing is replicated. A replica that has lost its source knows nothing of what
 * it lacks, and MySQL with its parallel appliers says 0 for a moment more.
 */
function secondsOf(row: RowDataPacket): number {
  if ((row['Replica_IO_Running'] ?? row['Slave_IO_Running']) !== 'Yes') return Infinity
  const seconds: unknown = row['Seconds_Behind_Source'] ?? row['Seconds_Behind_Master'] ?? null
  return seconds === null ? Infinity : Number(seconds)
}

const noReplica = (name: string): MigrateError =>
  new MigrateError('MIG-BACKFILL', `${name} is no replica: it follows no other server.`, {
    hint: 'The URL names it with replica=…: name those that follow the server, or none.',
  })
