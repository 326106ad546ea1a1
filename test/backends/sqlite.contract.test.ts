import Database from 'better-sqlite3'
import { describe, test } from 'vitest'
import { sqlite } from '../../src/backends/sqlite/index.js'
import { backendContract, type ContractDatabase } from '../../src/testing.js'
import { createSqliteDatabase } from '../servers/create-database.js'
import { runSqlite } from '../servers/index.js'
import { settingOf, sqlSamples } from './samples.js'

backendContract(
  'SQLite',
  {
    backend: sqlite,
    fresh: () => Promise.resolve(fresh()),
    samples: {
      ...sqlSamples,
      failing: 'INSERT INTO\n  missing_table VALUES (1)',
      failingAt: { line: 2, column: 3 },
      setting: settingOf('PRAGMA recursive_triggers = 1', (client) =>
        Promise.resolve(JSON.stringify((client as Database.Database).pragma('recursive_triggers'))),
      ),
      unreachable: 'sqlite:///no/such/folder/x.db',
    },
  },
  { describe, test },
)

function fresh(): ContractDatabase {
  const database = createSqliteDatabase()
  const { url, file } = database
  return {
    connect: { url },
    drop: () => database.drop(),
    runScript: async (script) => {
      const { code, stderr } = await runSqlite(file, script)
      if (code !== 0) throw new Error(stderr)
    },
    lend: () => {
      const client = new Database(file)
      client.pragma('busy_timeout = 1234')
      const read = ['busy_timeout', 'recursive_triggers', 'foreign_keys'].map((name) => `PRAGMA ${name}`)
      return Promise.resolve({
        client,
        state: () => Promise.resolve(JSON.stringify(read.map((sql) => client.prepare(sql).pluck().get()))),
        close: () => Promise.resolve(void client.close()),
      })
    },
  }
}
