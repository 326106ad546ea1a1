import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeServers, useDatabase } from '../servers/database.js'
import { AppProject, refusal } from './project.js'
import { Runner } from './runner.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const LEASE_MS = 3_000
const PATIENT = { lockTimeoutMs: 90_000, lockWaitMs: 90_000 }
const INDEX = 'CREATE UNIQUE INDEX CONCURRENTLY i ON a (id);'

describeServers(['postgres', 'postgres15'], (server) => {
  let project: AppProject
  const clients: pg.Client[] = []
  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
    project.revision(A, 'CREATE TABLE a (id integer);')
    await project.migrator().upgrade()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end()
    await project.remove()
  })

  function revision(up: string): void {
    project.file(
      `${B}.sql`,
      `-- migrate:revision ${B}\n-- migrate:parents ${A}\n-- migrate:message index\n-- migrate:up transaction:false\n${up}\n`,
    )
  }

  /** A transaction that somebody else has open. */
  async function transaction(...statements: readonly string[]): Promise<{ commit(): Promise<unknown> }> {
    const client = new pg.Client({ connectionString: project.database.url })
    clients.push(client)
    await client.connect()
    for (const statement of ['BEGIN', ...statements]) await client.query(statement)
    return { commit: () => client.query('COMMIT') }
  }

  async function until(sql: string, answer: string): Promise<void> {
    while ((await project.plain(sql)) !== answer) await new Promise((resolve) => setTimeout(resolve, 100))
  }

  const BUILDER = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock' AND query LIKE 'CREATE UNIQUE INDEX CONCURRENTLY%';`
  /** The server's process that builds for a runner, once it does. */
  async function orphanOf(runner: Runner): Promise<string> {
    for (;;) {
      const pid = await project.plain(BUILDER)
      if (pid !== '') return pid
      runner.requireRunning()
    }
  }

  const INDEXES = "SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'a'::regclass;"

  const holds = {
    'before its index is in the catalogue': 'LOCK TABLE a IN ACCESS EXCLUSIVE MODE',
    'while it waits for another transaction': 'INSERT INTO a VALUES (1)',
  }

  for (const lock of ['session', 'lease'] as const) {
    describe(`with a ${lock}, when a runner was killed and its server builds on`, () => {
      it.each(Object.entries(holds))(
        'an index is built once, and is valid (%s)',
        async (_when, held) => {
          revision(INDEX)
          const other = await transaction(held)
          const killed = new Runner(project, { ...PATIENT, lock, leaseMs: LEASE_MS })
          const orphan = await orphanOf(killed)
          await killed.kill()
          const next = project.migrator({ ...PATIENT, lock, leaseMs: LEASE_MS }).upgrade()
          // A lease is taken over once what the killed one still runs is ended.
          if (lock === 'lease')
            await until(`SELECT count(*) FROM pg_stat_activity WHERE pid = ${orphan};`, '0')
          else await new Promise((resolve) => setTimeout(resolve, 1_000))
          expect(await project.plain('SELECT count(*) FROM migrate_history;')).toBe('1')
          await other.commit()
          expect((await next).to).toEqual([B])
          expect(await project.plain(INDEXES)).toBe('i\tt')
          expect((await project.migrator().current()).unfinished).toEqual([])
        },
        120_000,
      )
    })
  }

  it('with a lease, an orphan that has taken another name in the revision is found all the same', async () => {
    revision(`SET application_name = 'mine';\n${INDEX}`)
    const other = await transaction(holds['before its index is in the catalogue'])
    const killed = new Runner(project, { lockTimeoutMs: 600_000, lock: 'lease', leaseMs: LEASE_MS })
    // It would not end by itself.
    const orphan = await orphanOf(killed)
    await killed.kill()
    const next = project.migrator({ ...PATIENT, lock: 'lease', leaseMs: LEASE_MS }).upgrade()
    await until(`SELECT count(*) FROM pg_stat_activity WHERE pid = ${orphan};`, '0')
    await other.commit()
    expect((await next).to).toEqual([B])
    expect(await project.plain(INDEXES)).toBe('i\tt')
  }, 120_000)

  it('with a lease, an orphan of a role that this one may neither end nor look into is waited for', async () => {
    const [owner, first, second] = ['owner', 'first', 'second'].map(
      (name) => `rg_${name}_${Math.random().toString(36).slice(2, 10)}`,
    ) as [string, string, string]
    const as = (user: string): string => {
      const url = new URL(project.database.url)
      url.username = user
      url.password = 'pass'
      return url.href
    }
    const login = (user: string): string =>
      `CREATE ROLE ${user} LOGIN PASSWORD 'pass' IN ROLE ${owner}; ALTER ROLE ${user} SET role = '${owner}';`
    await project.plain(
      `CREATE ROLE ${owner}; ${login(first)} ${login(second)} GRANT USAGE, CREATE ON SCHEMA public TO ${owner};
DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP EXECUTE format('ALTER TABLE %I OWNER TO ${owner}', t); END LOOP; END $$;`,
    )
    try {
      revision(INDEX)
      const other = await transaction(holds['before its index is in the catalogue'])
      const how = { ...PATIENT, lock: 'lease', leaseMs: LEASE_MS } as const
      const killed = new Runner(project, { ...how, url: as(first) })
      await orphanOf(killed)
      await killed.kill()
      const next = project.migrator({ ...how, url: as(second) }).upgrade()
      await until('SELECT fence FROM migrate_lock WHERE expires_ms > 0;', '2')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      // Only the orphan is at it.
      expect((await project.plain(BUILDER)).split('\n')).toHaveLength(1)
      await other.commit()
      expect((await next).to).toEqual([B])
      expect(await project.plain(INDEXES)).toBe('i\tt')
    } finally {
      await project.plain(
        `DROP OWNED BY ${owner} CASCADE; DROP ROLE ${first}; DROP ROLE ${second}; DROP ROLE ${owner};`,
      )
    }
  }, 120_000)

  it('what a build has left INVALID is dropped by the next run, which builds it and says so', async () => {
    revision(INDEX)
    await project.plain('INSERT INTO a VALUES (1), (1);')
    const error = await refusal(project.migrator().upgrade())
    expect(error.code).toBe('MIG-STATEMENT-FAILED')
    expect(error.details).toContain(
      'An index that is INVALID may be left of it: the next run drops it before it goes on.',
    )
    expect(await project.plain(INDEXES)).toBe('i\tf')
    // Nothing has changed: it fails as before, not for the name that is taken.
    expect((await refusal(project.migrator().upgrade())).message).toContain('could not create unique index')

    await project.plain('DELETE FROM a;')
    const notices: string[] = []
    const next = project.migrator({
      onEvent: (event) => {
        if (event.type === 'notice') notices.push(event.message)
      },
    })
    expect((await next.upgrade()).to).toEqual([B])
    expect(await project.plain(INDEXES)).toBe('i\tt')
    expect(notices).toContain('The index public.i, which an earlier run had left INVALID, was dropped.')
  })

  it.each([false, true])(
    'it is dropped for a revision that was made a transaction since (one for all: %s)',
    async (singleTransaction) => {
      revision(INDEX)
      await project.plain('INSERT INTO a VALUES (1), (1);')
      expect(await refusal(project.migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
      project.revision(B, 'CREATE INDEX i ON a (id);', { parents: A })
      expect((await project.migrator().upgrade('head', { singleTransaction })).to).toEqual([B])
      expect(await project.plain(INDEXES)).toBe('i\tt')
    },
  )

  it.each([INDEX, 'CREATE UNIQUE INDEX CONCURRENTLY ON a (id);'])(
    'nothing is left of it when it was rolled back: %s',
    async (text) => {
      revision(text)
      await project.plain('INSERT INTO a VALUES (1), (1);')
      for (let round = 0; round < 2; round++) {
        expect(await refusal(project.migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
        expect((await project.plain(INDEXES)).split('\n')).toHaveLength(1)
      }
      await project.migrator().resolve(B, 'rollback')
      expect(await project.plain(INDEXES)).toBe('')
    },
  )

  it('one that waited too long for a lock is built by the next run, though it is another one by then', async () => {
    revision(INDEX)
    const other = await transaction('INSERT INTO a VALUES (1)')
    const impatient = project.migrator({ lockTimeoutMs: 500, lockRetries: 0 })
    expect(await refusal(impatient.upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    await other.commit()
    expect(await project.plain(INDEXES)).toBe('i\tf')
    revision('CREATE INDEX CONCURRENTLY IF NOT EXISTS other ON a (id);')
    expect((await project.migrator().upgrade()).to).toEqual([B])
    expect(await project.plain(INDEXES)).toBe('other\tt')
  })

  it('one that waited too long for a lock is built by the same run, once that is free', async () => {
    revision(INDEX)
    const other = await transaction('INSERT INTO a VALUES (1)')
    const notices: string[] = []
    let freed: Promise<unknown> | undefined
    const migrator = project.migrator({
      lockTimeoutMs: 500,
      lockRetries: 20,
      onEvent: (event) => {
        if (event.type !== 'notice') return
        notices.push(event.message)
        // The build has failed once, and so has the drop of what it left.
        if (event.message.includes('(2 of 20)')) freed = other.commit()
      },
    })
    expect((await migrator.upgrade()).to).toEqual([B])
    await freed
    expect(await project.plain(INDEXES)).toBe('i\tt')
    expect(notices).toContain('The index public.i, which an earlier run had left INVALID, was dropped.')
  })

  it('a server session that is ended in the midst of a build or of a drop leaves nothing in doubt', async () => {
    const cut = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INDEX CONCURRENTLY%' AND pid <> pg_backend_pid();`
    const id = 'cccc00000003'
    revision(INDEX)
    for (const round of ['build', 'drop']) {
      const other = await transaction('INSERT INTO a VALUES (2)', 'SELECT 1 FROM pg_catalog.pg_class LIMIT 1')
      const run = refusal(project.migrator(PATIENT).upgrade())
      await until(cut, '1')
      expect(await run).toMatchObject({ code: 'MIG-CONNECT' })
      await other.commit()
      await project.plain('DELETE FROM a;')
      expect((await project.migrator().upgrade()).steps.map(({ revision: done }) => done)).toEqual([
        round === 'build' ? B : id,
      ])
      expect(await project.plain(INDEXES)).toBe(round === 'build' ? 'i\tt' : '')
      project.file(
        `${id}.sql`,
        `-- migrate:revision ${id}\n-- migrate:parents ${B}\n-- migrate:message drop\n-- migrate:up transaction:false\nDROP INDEX CONCURRENTLY i;\n`,
      )
    }
  })
})
