import mysql from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { MigratorOptions } from '../../src/app/types.js'
import { describeServers } from '../servers/database.js'
import { startGalera, type Cluster } from '../servers/galera.js'
import { messageOf } from '../servers/process.js'
import { AppProject, refusal } from './project.js'
import { Runner } from './runner.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const LEASE_MS = 3_000
/** Three servers and as many runners on few processors. */
const PATIENCE_MS = 120_000

// The cluster's servers are started by this file alone; MariaDB's tests are those that want them.
describeServers(['mariadb'], (server) => {
  describe('a cluster of three nodes that all take writes', () => {
    let cluster: Cluster | null = null
    let project: AppProject
    let database = ''
    beforeAll(async () => {
      cluster = await startGalera().catch((error: unknown) => {
        if (process.env['CI'] === 'true') throw error
        process.stderr.write(`servers: MISSING galera, its tests do not run: ${messageOf(error)}\n`)
        return null
      })
    })
    afterAll(() => cluster?.stop())
    beforeEach(async (test) => {
      if (cluster === null) test.skip()
      database = `rg_galera_${Math.random().toString(36).slice(2, 8)}`
      await query(`CREATE DATABASE ${database}`, '')
      const drop = async (): Promise<void> => {
        await query(`DROP DATABASE ${database}`, '')
      }
      project = new AppProject(server, { name: database, url: url(0), drop })
    })
    afterEach(() => project.remove())

    const url = (node: number): string => `${cluster?.urls[node % 3] ?? ''}/${database}`
    const migrator = (node: number, options: MigratorOptions = {}) =>
      project.migrator({ url: url(node), ...options })

    async function query(sql: string, name = database): Promise<unknown[]> {
      const connection = await mysql.createConnection({ uri: `${cluster?.urls[1] ?? ''}/${name}` })
      try {
        const [rows] = await connection.query<mysql.RowDataPacket[]>({ sql, rowsAsArray: true })
        return Array.isArray(rows) ? rows.map((row) => row as unknown as unknown[]).flat() : []
      } finally {
        await connection.end()
      }
    }

    function waits(): void {
      project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);', { down: 'DROP TABLE a;' })
      project.file(
        `${B}.ts`,
        `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${B}', parents: ['${A}'], message: 'waits',
  up(op) {
    op.run('wait', ({ log }) => { log('waiting'); return new Promise((resolve) => setTimeout(resolve, 1_000)) })
    op.sql('INSERT INTO a VALUES (1)')
  },
  down(op) { op.sql('DELETE FROM a') },
})`,
      )
    }

    it(
      '50 runners at once, on all of its nodes, run each statement once',
      async () => {
        project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (id integer);')
        for (let n = 1; n <= 5; n++) {
          const parents = n === 1 ? A : `b${n - 1}`.padEnd(12, '0')
          project.revision(`b${n}`.padEnd(12, '0'), `INSERT INTO b VALUES (${n});`, { parents })
        }
        const reports = await Promise.all(
          Array.from({ length: 50 }, (_, n) => migrator(n, { lockWaitMs: 100_000 }).upgrade()),
        )
        expect(reports.flatMap(({ steps }) => steps)).toHaveLength(6)
        expect(await query('SELECT id FROM b ORDER BY id')).toEqual([1, 2, 3, 4, 5])
        expect(
          await query("SELECT fence >= 1, expires_ms, place FROM migrate_lock WHERE name NOT LIKE '%#fence'"),
        ).toEqual([1, 0, ''])
      },
      PATIENCE_MS,
    )

    it(
      'who asks another node is told who holds the lock',
      async () => {
        waits()
        const holder = new Runner(project, { url: url(0) })
        await holder.notice('waiting')
        const error = await refusal(migrator(1, { lockWaitMs: 0 }).upgrade())
        expect(error).toMatchObject({ code: 'MIG-LOCK-TIMEOUT', exitCode: 4 })
        expect(error.message).toContain(`migrate upgrade, pid ${holder.pid} on `)
        expect(await holder.end).toMatchObject({ applied: [A, B] })
      },
      PATIENCE_MS,
    )

    it.each(['the same node', 'another node'])(
      'a runner that was stopped for longer than its lease writes nothing any more, whoever has it now on %s',
      async (where) => {
        waits()
        const stopped = new Runner(project, { url: url(0), leaseMs: LEASE_MS })
        await stopped.notice('waiting')
        stopped.signal('SIGSTOP')
        try {
          const next = migrator(where === 'the same node' ? 0 : 2, { lockWaitMs: 60_000 })
          expect((await next.upgrade()).to).toEqual([B])
        } finally {
          stopped.signal('SIGCONT')
        }
        const end = await stopped.end
        expect(end.applied).toBeUndefined()
        expect(['MIG-LOCK-LOST', 'MIG-CONNECT']).toContain(end.code)
        expect(await query('SELECT id FROM a')).toEqual([1])
        expect(await query('SELECT count(*) FROM migrate_history')).toEqual([2])
      },
      PATIENCE_MS,
    )
  })
})
