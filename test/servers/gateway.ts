import pg from 'pg'
import { askerOf, runCommand, type Backend } from './gateway-commands.js'
import { Connections } from './gateway-connections.js'
import { GatewayLogs } from './gateway-log.js'
import { listenForMessages } from './wire.js'

export interface Gateway {
  readonly port: number
  version(): Promise<string>
  close(): Promise<void>
}

/** MongoDB's wire protocol in front of DocumentDB. @param port default: one that is free */
export async function openGateway(postgresUrl: string, port?: number): Promise<Gateway> {
  const pool = new pg.Pool({
    connectionString: postgresUrl,
    max: 90,
    options: '-c documentdb_core.bsonUseEJson=off',
  })
  pool.on('error', () => undefined)
  // Of one that is in use its query tells.
  pool.on('connect', (client) => void client.on('error', () => undefined))
  const backend: Backend = { connections: new Connections(pool), cursors: new Map(), logs: new GatewayLogs() }
  const listening = await listenForMessages((client) => {
    // A client that is gone ends nothing any more: a server ends its transactions, sooner or later.
    const begun = new Set<string>()
    client.once('close', () => {
      for (const session of begun) void backend.connections.end(session, 'ROLLBACK').catch(() => false)
    })
    return async ({ command, reply }) => {
      const { session, starts } = askerOf(command)
      if (session !== null && starts) begun.add(session)
      const answer = await runCommand(command, backend)
      return reply === null ? null : reply(answer)
    }
  }, port)
  return {
    port: listening.port,
    version: async () => {
      const { rows } = await pool.query<{ version: string }>(
        "SELECT extversion AS version FROM pg_extension WHERE extname = 'documentdb'",
      )
      return rows[0]?.version ?? 'unknown'
    },
    close: async () => {
      await listening.close()
      await backend.connections.close()
    },
  }
}
