import pg from 'pg'
import { describe, test } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.js'
import { backendContract, type ContractDatabase } from '../../src/testing.js'
import { createDatabase } from '../servers/create-database.js'
import { describeServers } from '../servers/database.js'
import { runClient, type ServerInfo } from '../servers/index.js'
import { settingOf, sqlSamples } from './samples.js'

describeServers(['postgres', 'postgres15'], (server) => {
  backendContract(
    server.name,
    {
      backend: postgres,
      fresh: () => fresh(server),
      samples: {
        ...sqlSamples,
        failing: 'INSERT INTO\n  missing_table VALUES (1)',
        failingAt: { line: 2, column: 3 },
        setting: settingOf("SET search_path = ''", async (client) => {
          const { rows } = await (client as pg.Client).query('SHOW search_path')
          return JSON.stringify(rows)
        }),
        schema: () => 'the "meta" schema',
        unreachable: 'postgres://nobody:secret@127.0.0.1:1/nothing',
        wrongPassword: ({ connect }) => {
          const url = new URL(connect.url ?? '')
          url.password = 'not-the-password'
          return { url: url.href, secret: 'not-the-password' }
        },
      },
    },
    { describe, test },
  )
})

async function fresh(server: ServerInfo): Promise<ContractDatabase> {
  const database = await createDatabase(server)
  const { url, name } = database
  return {
    connect: { url },
    drop: () => database.drop(),
    runScript: async (script) => {
      const { code, stderr } = await runClient(server, name, script)
      if (code !== 0) throw new Error(stderr)
    },
    lend: async () => {
      const client = new pg.Pool({ connectionString: url, max: 1, application_name: 'shop' })
      await client.query("SET search_path = 'public'; SET statement_timeout = '77s'")
      const facts =
        "SELECT name, setting FROM pg_settings WHERE name NOT IN ('transaction_isolation') ORDER BY name"
      return {
        client,
        state: async () => {
          const settings = (await client.query(facts)).rows
          const role = (await client.query('SELECT current_user, session_user, pg_backend_pid()')).rows
          return JSON.stringify([settings, role])
        },
        close: () => client.end(),
      }
    },
  }
}
