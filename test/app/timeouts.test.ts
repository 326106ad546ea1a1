import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { MigratorOptions } from '../../src/app/types.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { AppProject, refusal } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'

/** A session of an application's. */
interface Client {
  readonly threadId?: number | null
  query(sql: string): Promise<unknown>
  end(): Promise<void>
}

describeServers(['postgres', 'postgres15', 'mysql', 'mariadb'], (server) => {
  const isPostgres = server.name.startsWith('postgres')
  /** MySQL counts whole seconds. */
  const lockTimeoutMs = isPostgres ? 400 : 1_000
  let project: AppProject
  const clients: Client[] = []
  const notices: string[] = []

  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
    notices.length = 0
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)))
    await project.remove()
  })

  async function client(): Promise<Client> {
    const { url } = project.database
    if (!isPostgres) {
      const connection = await mysql.createConnection(url.replace('mariadb:', 'mysql:'))
      clients.push(connection)
      return connection
    }
    const connection = new pg.Client({ connectionString: url, application_name: 'the application' })
    await connection.connect()
    clients.push(connection)
    return connection
  }

  const migrator = (options: MigratorOptions = {}) =>
    project.migrator({
      lockTimeoutMs,
      ...options,
      onEvent: (event) => {
        if (event.type === 'notice') notices.push(event.message)
      },
    })

  /** A transaction that has read the table and goes on for as long as it likes. */
  async function reading(): Promise<Client> {
    const reader = await client()
    await reader.query('BEGIN')
    await reader.query("SELECT count(*), 'a secret' FROM a")
    return reader
  }

  const heard = async (text: string): Promise<void> => {
    while (!notices.some((notice) => notice.includes(text)))
      await new Promise((resolve) => setTimeout(resolve, 10))
  }

  it('nobody queues behind a migration for longer than its time-out, and it is tried again', async () => {
    project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
    project.revision(B, 'INSERT INTO a VALUES (1);', { parents: A })
    project.revision(C, 'ALTER TABLE a ADD COLUMN b integer;', { parents: B })
    await migrator().upgrade(A)
    const reader = await reading()
    const run = migrator({ lockRetries: 50 }).upgrade()
    run.catch(() => undefined)
    const application = await client()
    let longest = 0
    // As long as the reader has not ended, each of these is behind the migration at most for its time-out.
    while (!notices.some((notice) => notice.includes('(2 of 50)'))) {
      const began = performance.now()
      await application.query('SELECT count(*) FROM a')
      longest = Math.max(longest, performance.now() - began)
    }
    process.stdout.write(
      `${server.name}: an application waited ${Math.round(longest)} ms at most behind a time-out of ${lockTimeoutMs} ms\n`,
    )
    await reader.query('COMMIT')
    const { steps } = await run
    expect(steps.map(({ revision, outcome }) => [revision, outcome])).toEqual([
      [B, 'applied'],
      [C, 'applied'],
    ])
    expect(await project.plain('SELECT count(*) FROM a WHERE b IS NULL;')).toBe('1')
    expect((await migrator().current()).unfinished).toEqual([])
  })

  it('whoever is waited for is named, without the values of what it runs', async () => {
    project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
    project.revision(B, 'ALTER TABLE a ADD COLUMN b integer;', { parents: A })
    await migrator().upgrade(A)
    const reader = await reading()
    const last = isPostgres
      ? reader.query("SELECT count(*), $$a secret$$, 4711, 'C:\\', 'a secret' FROM a")
      : reader.query('SELECT (SELECT count(*) FROM a), SLEEP(4711), "a secret", 4711')
    // MySQL tells only of what is running; it runs until it is killed.
    if (isPostgres) await last
    last.catch(() => undefined)
    const run = migrator({ lockTimeoutMs: 30_000 }).upgrade()
    run.catch(() => undefined)
    await heard('Waiting for a lock that is held by ')
    const notice = notices.find((text) => text.startsWith('Waiting for a lock')) ?? ''
    expect(notice).toMatch(
      isPostgres
        ? /pid \d+ as postgres \(the application\), \d+ s in its transaction/
        : /connection \d+ as migrate/,
    )
    expect(notice).toContain(
      isPostgres ? "SELECT count(*), '…', …, '…'…" : 'SELECT (SELECT count(*) FROM a), SLEEP(…), "…", …',
    )
    expect(notice).not.toMatch(/a secret|4711/)
    if (!isPostgres) await (await client()).query(`KILL ${String(reader.threadId)}`)
    else await reader.query('COMMIT')
    expect((await run).to).toEqual([B])
  })

  it('without tries it stops at the revision that waited, and those before it stand', async () => {
    project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
    project.revision(B, 'INSERT INTO a VALUES (1);', { parents: A })
    project.revision(C, 'ALTER TABLE a ADD COLUMN b integer;', { parents: B })
    await migrator().upgrade(A)
    await reading()
    const error = await refusal(migrator({ lockRetries: 0 }).upgrade())
    expect(error).toMatchObject({ code: 'MIG-STATEMENT-FAILED', exitCode: 1, report: { to: [B] } })
    expect(error.hint).toContain('--lock-timeout')
    expect(notices.filter((notice) => notice.includes('trying again'))).toEqual([])
  })

  it('a run that is interrupted between two tries ends at once, and lets the lock go', async () => {
    project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
    project.revision(B, 'ALTER TABLE a ADD COLUMN b integer;', { parents: A })
    await migrator().upgrade(A)
    const reader = await reading()
    const interrupt = new AbortController()
    const run = refusal(migrator({ lockRetries: 50, signal: interrupt.signal }).upgrade())
    await heard('trying again')
    interrupt.abort()
    expect(await run).toMatchObject({ code: 'MIG-INTERRUPTED', exitCode: 130, report: { to: [A] } })
    await reader.query('COMMIT')
    expect((await migrator({ lockWaitMs: 0 }).upgrade()).to).toEqual([B])
  })

  it.each(['', ' transaction:false'])(
    'a revision has time-outs of its own, which are no part of its checksum and end with it%s',
    async (option) => {
      const seen = isPostgres
        ? "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
        : `SELECT @@lock_wait_timeout, ${server.name === 'mysql' ? '@@max_execution_time' : 'CAST(1000 * @@max_statement_time AS SIGNED)'}`
      project.revision(A, 'CREATE TABLE seen (l varchar(40), s varchar(40));')
      const file = (id: string, parent: string, headers: string): void =>
        project.file(
          `${id}.sql`,
          `-- migrate:revision ${id}\n-- migrate:parents ${parent}\n${headers}-- migrate:up${option}\nINSERT INTO seen ${seen};\n`,
        )
      file(B, A, '-- migrate:lock-timeout 7s\n-- migrate:statement-timeout 2m\n')
      file(C, B, '')
      await migrator({ lockTimeoutMs: 3_000, statementTimeoutMs: 60_000 }).upgrade()
      const rows = await project.plain('SELECT l, s FROM seen ORDER BY l DESC;')
      expect(rows).toBe(isPostgres ? '7s\t2min\n3s\t1min' : '7\t120000\n3\t60000')
      file(B, A, '-- migrate:lock-timeout 1s\n')
      expect((await migrator().current()).edited).toEqual([])
    },
  )

  it('a revision in code has them too, and in one transaction each has its own', async () => {
    const seen = isPostgres ? "current_setting('lock_timeout')" : '@@lock_wait_timeout'
    project.revision(A, 'CREATE TABLE seen (l varchar(40));')
    project.file(
      `${B}.ts`,
      `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${B}', parents: ['${A}'], message: 'timed', lockTimeout: '9s',
  up(op) { op.run('nothing', () => undefined); op.sql("INSERT INTO seen SELECT ${seen.replaceAll('"', '\\"')}") },
})`,
    )
    project.revision(C, `INSERT INTO seen SELECT ${seen};`, { parents: B })
    await migrator().upgrade(A)
    await migrator({ lockTimeoutMs: 3_000 }).upgrade('head', { singleTransaction: true })
    expect(await project.plain('SELECT l FROM seen ORDER BY l DESC;')).toBe(isPostgres ? '9s\n3s' : '9\n3')
  })
})

describeServers(['mysql', 'mariadb'], (server) => {
  let project: AppProject
  const others: mysql.Connection[] = []
  const notices: string[] = []

  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
    notices.length = 0
  })
  afterEach(async () => {
    for (const other of others.splice(0)) other.destroy()
    await project.remove()
  })

  /** Another's session that has been making a table for some time, and will until it is killed. */
  async function making(table: string): Promise<() => Promise<void>> {
    const [maker, watcher] = await Promise.all(
      [0, 1].map(() => mysql.createConnection(project.database.url.replace('mariadb:', 'mysql:'))),
    )
    if (maker === undefined || watcher === undefined) throw new Error('not connected')
    others.push(maker, watcher)
    const id = String(maker.threadId)
    const made = maker.query(`CREATE TABLE ${table} AS SELECT SLEEP(4711) AS a`).catch(() => undefined)
    const state = `SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = ${id}`
    while (!JSON.stringify((await watcher.query(state))[0]).includes('User sleep')) continue
    return async () => {
      await watcher.query(`KILL ${id}`)
      await made
    }
  }

  const migrator = (options: MigratorOptions = {}) =>
    project.migrator({
      lockTimeoutMs: 1_000,
      ...options,
      onEvent: (event) => {
        if (event.type === 'notice') notices.push(event.message)
      },
    })

  it('a table that is being made in another database holds nothing up', async () => {
    project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);\nCREATE VIEW v AS SELECT id FROM a;')
    project.revision(B, 'CREATE OR REPLACE VIEW v AS SELECT id + 1 AS id FROM a;', {
      parents: A,
    })
    const other = await useDatabase(server)
    try {
      const end = await making(`${other.name}.b`)
      expect((await migrator().upgrade()).to).toEqual([B])
      expect((await migrator().downgrade(A)).to).toEqual([A])
      expect(notices).toEqual([])
      await end()
    } finally {
      await other.drop()
    }
  })

  // MySQL's catalogue is made of tables of its own.
  it.runIf(server.name === 'mariadb')(
    'a table that somebody is making is waited for, as a lock is',
    async () => {
      project.revision(A, 'CREATE TABLE b (id integer PRIMARY KEY);')
      const end = await making('b')
      const run = migrator({ lockRetries: 50 }).upgrade()
      run.catch(() => undefined)
      while (!notices.some((notice) => notice.includes('(2 of 50)')))
        await new Promise((resolve) => setTimeout(resolve, 10))
      await end()
      expect((await run).to).toEqual([A])
      expect((await migrator().current()).unfinished).toEqual([])
    },
  )
})
