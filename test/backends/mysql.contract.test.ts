import mysql2 from 'mysql2/promise'
import { describe, test } from 'vitest'
import { mariadb, mysql } from '../../src/backends/mysql/index.js'
import { backendContract, type ContractDatabase } from '../../src/testing.js'
import { createDatabase } from '../servers/create-database.js'
import { describeServers } from '../servers/database.js'
import { runClient, type ServerInfo } from '../servers/index.js'
import { settingOf, sqlSamples } from './samples.js'

describeServers(['mysql', 'mariadb'], (server) => {
  backendContract(
    server.name,
    {
      backend: server.name === 'mysql' ? mysql : mariadb,
      fresh: () => fresh(server),
      samples: {
        ...sqlSamples,
        failing: 'INSERT INTO\n  missing_table VALUES (1)',
        failingAt: { line: 2, column: 3 },
        setting: settingOf("SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", async (client) => {
          const [rows] = await (client as mysql2.Connection).query('SELECT @@SESSION.sql_mode')
          return JSON.stringify(rows)
        }),
        schema: (database) => `${new URL(database.connect.url ?? '').pathname.slice(1)}_meta`,
        unreachable: 'mysql://nobody:secret@127.0.0.1:1/nothing',
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
    drop: async () => {
      await runClient(server, name, `DROP DATABASE IF EXISTS ${name}_meta`)
      await database.drop()
    },
    runScript: async (script) => {
      const { code, stderr } = await runClient(server, name, script)
      if (code !== 0) throw new Error(stderr)
    },
    lend: () => {
      const client = mysql2.createPool({ uri: url, connectionLimit: 1 })
      const facts = 'SELECT DATABASE(), @@SESSION.sql_mode, @@SESSION.autocommit, @@SESSION.lock_wait_timeout'
      return Promise.resolve({
        client,
        state: async () => JSON.stringify((await client.query(facts))[0]),
        close: () => client.end(),
      })
    },
  }
}
