import mysql, { type RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../servers/create-database.js'
import { describeServers } from '../servers/database.js'
import { replicatedOrNull, until, type Replicated } from '../servers/replica.js'
import { AppProject } from './project.js'

const A = 'aaaa00000001'
const PATIENCE_MS = 240_000

/** One connection to the server that follows. */
interface Replica {
  ask(sql: string): Promise<unknown[][]>
  end(): Promise<void>
}

async function mysqlReplica(url: string): Promise<Replica> {
  const connection = await mysql.createConnection(url)
  return {
    ask: async (sql) => {
      const [rows] = await connection.query<RowDataPacket[]>({ sql, rowsAsArray: true })
      return Array.isArray(rows) ? (rows as unknown as unknown[][]) : []
    },
    end: () => connection.end(),
  }
}

async function postgresReplica(url: string): Promise<Replica> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    ask: async (sql) => (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows,
    end: () => client.end(),
  }
}

describeServers(['mysql', 'mariadb', 'postgres', 'postgres15'], ({ name }) => {
  const isMysql = name === 'mysql' || name === 'mariadb'

  describe('a backfill of a server that another one follows', () => {
    let replicated: Replicated | null = null
    let project: AppProject
    let replica: Replica

    beforeAll(async () => {
      replicated = await replicatedOrNull(name as Parameters<typeof replicatedOrNull>[0])
    }, PATIENCE_MS)

    afterAll(() => replicated?.stop())

    beforeEach(async (test) => {
      if (replicated === null) {
        test.skip()
        return
      }
      const database = await createDatabase(replicated.source)
      project = new AppProject(replicated.source, database)
      await project.plain(
        'CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0);',
      )
      const url = new URL(replicated.replicaUrl)
      url.pathname = `/${database.name}`
      await until('the database is on the replica too', async () => {
        const found = await (isMysql ? mysqlReplica : postgresReplica)(url.href).catch(String)
        if (typeof found === 'string') return found
        replica = found
        const rows = await replica.ask('SELECT count(*) FROM t').catch(() => [])
        if (String(rows[0]?.[0]) === '3') return true
        await replica.end()
        return rows
      })
    }, PATIENCE_MS)

    afterEach(async () => {
      if (replicated === null) return
      await replica.end()
      await project.remove()
    })

    const here = async (): Promise<string> => (await project.plain('SELECT sum(n) FROM t;')).trim()
    const there = async (): Promise<string> => String((await replica.ask('SELECT sum(n) FROM t'))[0]?.[0])

    /** Runs it while the replica is held; lets go once it has said that it waits. */
    async function waits(release: () => Promise<unknown>): Promise<void> {
      project.revision(A, '-- migrate:backfill batch:1 max-lag:1s\nUPDATE t SET n = n + 1;')
      const { host } = new URL(replicated?.replicaUrl ?? '')
      const doing: string[] = []
      let released: Promise<unknown> | undefined
      const url = project.database.url
      await project
        .migrator({
          url: isMysql ? `${url}?replica=${host}` : url,
          onEvent: (event) => {
            if (event.type !== 'backfill') return
            doing.push(event.doing)
            if (event.doing === 'behind')
              released ??= (async () => {
                expect(await here()).toBe('0')
                await release()
              })()
          },
        })
        .upgrade()
      await released
      expect(doing[0]).toBe('behind')
      expect(doing.filter((one) => one === 'working')).toHaveLength(3)
      expect(await here()).toBe('3')
      await until('the replica has it all', async () => {
        const sum = await there()
        return sum === '3' ? true : sum
      })
    }

    if (isMysql) {
      const behind = async (): Promise<unknown> => {
        const column = name === 'mysql' ? 'Seconds_Behind_Source' : 'Seconds_Behind_Master'
        const connection = await mysql.createConnection(replicated?.replicaUrl ?? '')
        try {
          const [[row]] = await connection.query<RowDataPacket[]>('SHOW REPLICA STATUS')
          return row?.[column]
        } finally {
          await connection.end()
        }
      }

      it(
        'waits while the replica cannot keep up, says so, and goes on',
        { timeout: PATIENCE_MS },
        async () => {
          await replica.ask('LOCK TABLES t READ')
          await project.plain(
            'UPDATE t SET n = 0 WHERE id = 1; INSERT INTO t VALUES (0, 0); DELETE FROM t WHERE id = 0;',
          )
          await until('the replica is behind', async () => {
            const seconds = await behind()
            return Number(seconds) > 1 ? true : seconds
          })
          await waits(() => replica.ask('UNLOCK TABLES'))
        },
      )

      it('waits while the replica has stopped to apply what it reads', { timeout: PATIENCE_MS }, async () => {
        await replica.ask('STOP REPLICA SQL_THREAD')
        expect(await behind()).toBe(null)
        await waits(() => replica.ask('START REPLICA SQL_THREAD'))
      })

      it('waits while the replica does not reach its source', { timeout: PATIENCE_MS }, async () => {
        await replica.ask('STOP REPLICA IO_THREAD')
        await waits(() => replica.ask('START REPLICA IO_THREAD'))
      })
    } else {
      const lag = async (): Promise<string> =>
        (
          await project.plain(
            'SELECT coalesce(extract(epoch FROM max(replay_lag)), -1) FROM pg_stat_replication;',
          )
        ).trim()

      it(
        'waits while the standby cannot keep up, says so, and goes on',
        { timeout: PATIENCE_MS },
        async () => {
          await replica.ask('SELECT pg_wal_replay_pause()')
          await until('the standby is behind', async () => {
            await project.plain('UPDATE t SET n = 0 WHERE id = 1;')
            const seconds = await lag()
            return Number(seconds) > 1 ? true : seconds
          })
          await waits(() => replica.ask('SELECT pg_wal_replay_resume()'))
        },
      )
    }
  })
})
