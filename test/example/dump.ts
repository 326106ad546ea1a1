import { TABLES } from '../../src/backends/sql/names.js'
import type { useDatabase } from '../servers/database.js'
import { dumpDatabase, runSqlite } from '../servers/index.js'
import type { ServerInfo } from '../servers/index.js'

export type TestDatabase = Awaited<ReturnType<typeof useDatabase>>

/** revgraph's own tables, which are no part of the user's schema. */
const OWN = TABLES.map((name) => `migrate_${name}`)

/** Schema and rows of a database as its own tool writes them, without our tables and without what differs a run. */
export async function canonicalDump(server: ServerInfo | 'sqlite', database: TestDatabase): Promise<string> {
  if (server === 'sqlite') return sqliteDump(database.name)
  const isPostgres = server.name.startsWith('postgres')
  const without = isPostgres
    ? ['--exclude-table=migrate_*', '--no-owner']
    : ['--skip-comments', ...OWN.map((table) => `--ignore-table=${database.name}.${table}`)]
  const { stdout } = await dumpDatabase(server, database.name, { arguments: without })
  // pg_dump guards its output with a key of its own each time.
  return stdout.replace(/^\\(un)?restrict .*$/gm, '')
}

/** Without `.dump`, whose order is that of creation and which knows no exclusion of tables. */
async function sqliteDump(file: string): Promise<string> {
  const query = `
    SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'migrate_%' AND sql NOT NULL ORDER BY name;
    SELECT 'SELECT * FROM ' || name || ';' FROM sqlite_schema
     WHERE type = 'table' AND name NOT LIKE 'migrate_%' ORDER BY name;`
  const schema = (await runSqlite(file, query)).stdout
  const rows = schema.split('\n').filter((line) => line.startsWith('SELECT * FROM '))
  return `${schema}\n${(await runSqlite(file, rows.join('\n'))).stdout}`
}
