import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeServers, useDatabase } from '../servers/database.js'
import { startPgbouncer, type Pooler } from '../servers/pgbouncer.js'
import { messageOf } from '../servers/process.js'
import type { MigratorOptions } from '../../src/app/types.js'
import { AppProject, refusal } from './project.js'
import { Runner } from './runner.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'
const LEASE_MS = 3_000

/** Null, with a word about it, where the pooler cannot be had; in CI that fails. */
async function poolerOrNull(...how: Parameters<typeof startPgbouncer>): Promise<Pooler | null> {
  return startPgbouncer(...how).catch((error: unknown) => {
    if (process.env['CI'] === 'true') throw error
    process.stderr.write(`servers: MISSING pgbouncer, its tests do not run: ${messageOf(error)}\n`)
    return null
  })
}

describeServers(['postgres'], (server) => {
  describe('behind a pooler that gives each transaction another session', () => {
    let pooler: Pooler | null = null
    let project: AppProject
    beforeAll(async () => {
      pooler = await poolerOrNull(server)
    })
    afterAll(() => pooler?.stop())
    beforeEach(async (test) => {
      if (pooler === null) test.skip()
      project = new AppProject(server, await useDatabase(server))
    })
    afterEach(() => project.remove())
    const url = (): string => (pooler as Pooler).through(project.database.url)
    const migrator = (options: MigratorOptions = {}) => project.migrator({ url: url(), ...options })

    function waits(transaction: boolean): void {
      project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);', { down: 'DROP TABLE a;' })
      project.file(
        `${B}.ts`,
        `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${B}', parents: ['${A}'], message: 'waits', transaction: ${transaction},
  up(op) {
    op.run('wait', ({ log }) => { log('waiting'); return new Promise((resolve) => setTimeout(resolve, 1_000)) })
    op.sql('INSERT INTO a VALUES (1)')
  },
  down(op) { op.sql('DELETE FROM a') },
})`,
      )
    }

    it('the lock is a lease, and 50 runners at once run each statement once', async () => {
      project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
      for (let n = 1; n <= 5; n++) {
        const parents = n === 1 ? A : `b${n - 1}`.padEnd(12, '0')
        project.revision(`b${n}`.padEnd(12, '0'), `INSERT INTO a VALUES (${n});`, { parents })
      }
      const reports = await Promise.all(
        Array.from({ length: 50 }, () => migrator({ lockWaitMs: 55_000 }).upgrade()),
      )
      expect(reports.flatMap(({ steps }) => steps)).toHaveLength(6)
      expect(await project.plain('SELECT count(*) FROM a;')).toBe('5')
      const lock = await project.plain("SELECT fence >= 1, expires_ms, place = '' FROM migrate_lock;")
      expect(lock).toBe('t\t0\tt')
      // No lock of a session is left with a connection that others use.
      expect(await project.plain("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';")).toBe('0')
    })

    it.each([true, false])('whoever is waited for is named (in a transaction: %s)', async (transaction) => {
      project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
      await migrator().upgrade()
      project.file(
        `${B}.sql`,
        `-- migrate:revision ${B}\n-- migrate:parents ${A}\n-- migrate:up${transaction ? '' : ' transaction:false'}\nALTER TABLE a ADD COLUMN b integer;\n`,
      )
      const other = new pg.Client({
        connectionString: project.database.url,
        application_name: 'the application',
      })
      await other.connect()
      try {
        await other.query('BEGIN')
        await other.query('SELECT * FROM a')
        const named = new Promise<string>((resolve) => {
          const run = migrator({
            lockTimeoutMs: 55_000,
            onEvent: (event) => {
              if (event.type === 'notice' && event.message.startsWith('Waiting for a lock'))
                resolve(event.message)
            },
          }).upgrade()
          run.then(
            () => resolve('done'),
            (error: unknown) => resolve(messageOf(error)),
          )
        })
        expect(await named).toMatch(/held by pid \d+ as postgres \(the application\)/)
      } finally {
        await other.end()
      }
    })

    it('a revision has its time-outs, and leaves no setting to others', async () => {
      project.revision(
        A,
        `CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS l, current_setting('statement_timeout') AS s;
SET work_mem = '7MB';`,
      )
      await migrator({ lockTimeoutMs: 4_321, statementTimeoutMs: 54_321 }).upgrade()
      expect(await project.plain('SELECT l, s FROM seen;')).toBe('4321ms\t54321ms')
      const { default: pg } = await import('pg')
      const clients = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const client = new pg.Client({ connectionString: url() })
          await client.connect()
          await client.query('BEGIN')
          return client
        }),
      )
      try {
        for (const client of clients) {
          const { rows } = await client.query<{ l: string; w: string }>(
            "SELECT current_setting('lock_timeout') AS l, current_setting('work_mem') AS w",
          )
          expect(rows).toEqual([{ l: '0', w: '4MB' }])
        }
      } finally {
        await Promise.all(clients.map((client) => client.end()))
      }
    })

    it('who waits is told who holds the lease', async () => {
      waits(true)
      const holder = new Runner(project, { url: url() })
      await holder.notice('waiting')
      const error = await refusal(migrator({ lockWaitMs: 0 }).upgrade())
      expect(error).toMatchObject({ code: 'MIG-LOCK-TIMEOUT', exitCode: 4 })
      expect(error.message).toMatch(new RegExp(`migrate upgrade, pid ${holder.pid} on .*, since \\d{4}-`))
      expect(await holder.end).toMatchObject({ applied: [A, B] })
    })

    it.each([true, false])(
      'a runner that was stopped for longer than its lease writes nothing any more (in a transaction: %s)',
      async (transaction) => {
        waits(transaction)
        project.revision(C, 'INSERT INTO a VALUES (3);', { parents: B })
        const stopped = new Runner(project, { url: url(), leaseMs: LEASE_MS })
        await stopped.notice('waiting')
        stopped.signal('SIGSTOP')
        try {
          // Out of a transaction, the stopped one's step is in doubt: there the next one only names what is there.
          if (transaction) {
            const next = await migrator({ lockWaitMs: 50_000 }).upgrade()
            expect(next.to).toEqual([C])
          } else expect((await migrator({ lockWaitMs: 50_000 }).tag('stands')).heads).toEqual([A])
        } finally {
          stopped.signal('SIGCONT')
        }
        const end = await stopped.end
        expect(end.applied).toBeUndefined()
        expect(['MIG-LOCK-LOST', 'MIG-CONNECT']).toContain(end.code)
        const rows = await project.plain('SELECT count(*) FROM a;')
        expect(rows).toBe(transaction ? '2' : '0')
        const { applied } = await migrator().current()
        expect(applied).toHaveLength(transaction ? 3 : 1)
      },
    )

    it('a runner that was stopped and whose lease nobody took goes on', async () => {
      waits(true)
      const stopped = new Runner(project, { url: url(), leaseMs: 900 })
      await stopped.notice('waiting')
      stopped.signal('SIGSTOP')
      // Longer than two leases: however late it hears of the server, nobody else has asked for it.
      await new Promise((resolve) => setTimeout(resolve, 2_500))
      stopped.signal('SIGCONT')
      expect(await stopped.end).toMatchObject({ applied: [A, B] })
    })

    it('the lease of a runner that was killed runs out, and what it still runs on the server is ended', async () => {
      project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
      project.file(
        `${B}.sql`,
        `-- migrate:revision ${B}\n-- migrate:parents ${A}\n-- migrate:message sleeps\n-- migrate:up\nSELECT pg_sleep(300);\n`,
      )
      const killed = new Runner(project, { url: url(), leaseMs: LEASE_MS })
      for (;;) {
        const running = await project.plain(
          "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND application_name LIKE 'migrate run%' AND state = 'active';",
        )
        if (running !== '0') break
      }
      killed.signal('SIGSTOP')
      try {
        await migrator({ lockWaitMs: 50_000 }).tag('stands')
        expect(
          await project.plain(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND application_name LIKE 'migrate run%' AND state = 'active';",
          ),
        ).toBe('0')
      } finally {
        await killed.kill()
      }
    })

    it('an index is built CONCURRENTLY', async () => {
      project.revision(A, 'CREATE TABLE a (id integer);')
      project.file(
        `${B}.sql`,
        `-- migrate:revision ${B}\n-- migrate:parents ${A}\n-- migrate:message index\n-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON a (id);\n`,
      )
      const both = await Promise.all([migrator().upgrade(), migrator().upgrade()])
      expect(both.flatMap(({ steps }) => steps)).toHaveLength(2)
      expect(await project.plain("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass;")).toBe(
        't',
      )
    })
  })
})
