import { createConnection } from 'mysql2/promise'
import { Client } from 'pg'
import { CliProject } from '../test/cli/project.js'
import { createDatabase } from '../test/servers/index.js'
import type { ServerInfo } from '../test/servers/index.js'
import { MIGRATE, baseline, type Case } from './cases.js'
import { timed } from './process.js'

const BATCH = 5_000

export interface Link {
  query(sql: string): Promise<unknown>
  end(): Promise<void>
}

export async function connect(server: ServerInfo, url: string): Promise<Link> {
  if (!server.name.startsWith('postgres')) return createConnection(url)
  const client = new Client(url)
  await client.connect()
  return client
}

export async function fill(link: Link, rows: number): Promise<void> {
  await link.query(
    'CREATE TABLE big (id bigint NOT NULL PRIMARY KEY, n integer NOT NULL, other integer NOT NULL)',
  )
  await link.query('INSERT INTO big VALUES (1, 0, 0)')
  for (let have = 1; have < rows; have *= 2)
    await link.query(`INSERT INTO big SELECT id + ${have}, 0, 0 FROM big WHERE id <= ${rows - have}`)
}

/** Every row of a table changed in batches, from the start of a process to its end. */
export function backfilled(server: ServerInfo, rows: number): Case {
  return {
    name: `a backfill of ${rows} rows, ${server.name}`,
    against: 'a loop of the same batches, by hand',
    limit: 1.3,
    runs: 3,
    async prepare() {
      const project = new CliProject({
        'migrations/a.sql': `-- migrate:revision aaaa00000001\n-- migrate:up\n-- migrate:backfill batch:${BATCH} time:0\nUPDATE big SET n = n + 1;\n`,
      })
      const database = await createDatabase(server)
      const link = await connect(server, database.url)
      await fill(link, rows)
      const tidy = (): Promise<unknown> =>
        link.query(server.name.startsWith('postgres') ? 'VACUUM big' : 'SELECT 1')
      const migrate = (...args: readonly string[]) =>
        timed([...MIGRATE, ...args, '--quiet', '--url', database.url], { cwd: project.folder })
      return {
        async ours() {
          await tidy()
          const time = migrate('upgrade')
          migrate('stamp', 'base', '--yes')
          return time
        },
        async theirs() {
          await tidy()
          return timed([...baseline('backfill.mjs'), database.url, String(rows), String(BATCH)])
        },
        async end() {
          await link.end()
          project.remove()
          await database.drop()
        },
      }
    },
  }
}
