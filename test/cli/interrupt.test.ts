import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TestDatabase } from '../servers/create-database.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { Command, until } from './command.js'
import { connectTo, type Other } from './contents.js'
import { CliProject, sqlRevision } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

describeServers(['postgres', 'postgres15', 'mysql', 'mariadb'], (server) => {
  const isPostgres = server.name.startsWith('postgres')
  let database: TestDatabase
  let project: CliProject
  let other: Other
  beforeEach(async () => {
    database = await useDatabase(server)
    project = new CliProject({
      'migrations/a.sql': sqlRevision(
        A,
        'CREATE TABLE users (id integer PRIMARY KEY, n integer);\nINSERT INTO users VALUES (1, 0);',
      ),
    })
    other = await connectTo(database.url)
  })
  afterEach(async () => {
    await other.end()
    project.remove()
    await database.drop()
  })

  /** Statements with this word that the server is busy with, ours not counted. */
  async function running(word: string): Promise<number> {
    const [row] = await other.ask(
      isPostgres
        ? `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%${word}%'`
        : `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND INFO LIKE '%${word}%'`,
    )
    return Number(row?.[0])
  }
  const busyWith = (word: string): Promise<void> => until(async () => (await running(word)) > 0)
  const write = (up: string, options = ''): void =>
    project.write({
      'migrations/b.sql': sqlRevision(B, up, { parents: A }).replace('migrate:up', `migrate:up${options}`),
    })
  /** Another runner gets the lock without waiting for it. */
  function lockIsFree(): void {
    const next = project.run('tag', 'free', '--lock-wait', '0', '--url', database.url)
    expect(next.stderr).not.toContain('MIG-LOCK-TIMEOUT')
    expect(next.code).not.toBe(4)
  }

  const sleeping = isPostgres
    ? 'INSERT INTO users VALUES (2, 0);\nSELECT pg_sleep(600);'
    : 'INSERT INTO users VALUES (2, 0);\nINSERT INTO users SELECT 3, SLEEP(600);'
  const sleepWord = isPostgres ? 'pg_sleep(6' : 'SLEEP(6'

  it.each(SIGNALS)('a transaction is rolled back and its statement cancelled on %s', async (signal) => {
    write(sleeping)
    const run = new Command(project, database.url, 'upgrade')
    await busyWith(sleepWord)
    run.signal(signal)
    expect(await run.end).toBe(130)
    expect(run.stderr).toContain('error[MIG-INTERRUPTED]')
    expect(run.stderr).toContain(`${B} was rolled back`)
    await until(async () => (await running(sleepWord)) === 0)
    expect(await other.ask('SELECT id FROM users ORDER BY id')).toEqual([[1]])
    lockIsFree()
  })

  it('a run that is interrupted is one document with --json', async () => {
    write(sleeping)
    const run = new Command(project, database.url, 'upgrade', '--json')
    await busyWith(sleepWord)
    run.signal('SIGTERM')
    expect(await run.end).toBe(130)
    expect(JSON.parse(run.stdout)).toMatchObject({
      ok: false,
      to: [A],
      steps: [{ outcome: 'applied' }, { outcome: 'rolled-back' }],
      error: { code: 'MIG-INTERRUPTED', exitCode: 130 },
    })
  })

  it('a statement outside of a transaction that waits for somebody is cancelled', async () => {
    project.run('upgrade', '--url', database.url)
    write(
      isPostgres
        ? 'CREATE INDEX CONCURRENTLY users_n ON users (n);'
        : 'ALTER TABLE users ADD COLUMN late integer;',
      ' transaction:false',
    )
    await other.ask(isPostgres ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'START TRANSACTION')
    await other.ask('SELECT * FROM users')
    const run = new Command(project, database.url, 'upgrade', '--lock-timeout', '0')
    const watcher = await connectTo(database.url)
    const word = isPostgres ? 'CREATE INDEX CONC' : 'ADD COLUMN late'
    const waits = async (): Promise<boolean> =>
      Number(
        (
          await watcher.ask(
            isPostgres
              ? `SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE '%${word}%' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid() AND datname = current_database()`
              : `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND STATE LIKE 'Waiting for table metadata%'`,
          )
        )[0]?.[0],
      ) > 0
    await until(() => Promise.resolve(run.ended).then((ended) => ended || waits()))
    run.signal('SIGINT')
    expect(await run.end).toBe(130)
    expect(run.stderr).toContain('error[MIG-INTERRUPTED]')
    await until(async () => !(await waits()))
    await watcher.end()
    lockIsFree()
    await other.ask('ROLLBACK')
    const columns = await other.ask('SELECT * FROM users')
    expect(columns).toEqual([[1, 0]])
  })

  it('a backfill ends before its next batch, and the next run goes on with it', async () => {
    const rows = Array.from({ length: 300 }, (_, at) => `(${at + 2}, 0)`).join(', ')
    write(
      `INSERT INTO users VALUES ${rows};\n-- migrate:backfill batch:1 time:0 pause:20ms\nUPDATE users SET n = n + 1;`,
    )
    const run = new Command(project, database.url, 'upgrade')
    await until(async () => {
      if (run.ended) return true
      const [row] = await other.ask('SELECT COUNT(*) FROM users WHERE n > 0').catch(() => [[0]])
      return Number(row?.[0]) > 2
    })
    run.signal('SIGINT')
    expect(await run.end).toBe(130)
    const [stands] = await other.ask('SELECT COUNT(*) FROM users WHERE n = 0')
    expect(Number(stands?.[0])).toBeGreaterThan(0)
    write(
      `INSERT INTO users VALUES ${rows};\n-- migrate:backfill batch:1000 time:0\nUPDATE users SET n = n + 1;`,
    )
    const next = project.run('upgrade', '--lock-wait', '0', '--url', database.url)
    expect(next.code).toBe(0)
    expect(Number((await other.ask('SELECT COUNT(*) FROM users WHERE n = 1'))[0]?.[0])).toBe(301)
  })

  it('who waits for the lock leaves it alone', async () => {
    write(sleeping)
    const holder = new Command(project, database.url, 'upgrade')
    await busyWith(sleepWord)
    const waiting = new Command(project, database.url, 'upgrade')
    await waiting.says('for the lock, held by')
    waiting.signal('SIGTERM')
    expect(await waiting.end).toBe(130)
    expect(waiting.stderr).toContain('error[MIG-INTERRUPTED]')
    expect(holder.ended).toBe(false)
    holder.signal('SIGINT')
    expect(await holder.end).toBe(130)
  })

  it('a second signal leaves at once', async () => {
    project.write({
      'migrations/b.mjs': `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${B}', parents: ['${A}'], message: 'waits for ever', transaction: false,
  up(op) {
    op.run('wait', async ({ log }) => { log('waiting begins'); await new Promise(() => setInterval(() => {}, 1000)) })
  },
  down() {},
})`,
    })
    const run = new Command(project, database.url, 'upgrade')
    await run.says('waiting begins')
    run.signal('SIGINT')
    await until(() => Promise.resolve(run.ended || run.stderr.includes('interrupted')))
    run.signal('SIGINT')
    expect(await run.end).toBe(130)
  })

  describe('an address that accepts and never answers', () => {
    let silent: Server
    const sockets = new Set<Socket>()
    beforeEach(async () => {
      silent = createServer((socket) => {
        sockets.add(socket)
        socket.on('error', () => undefined)
      })
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    })
    afterEach(() => {
      for (const socket of sockets) socket.destroy()
      sockets.clear()
      silent.close()
    })

    it.each(SIGNALS)('is left on %s', async (signal) => {
      const url = new URL(database.url)
      url.hostname = '127.0.0.1'
      url.port = String((silent.address() as AddressInfo).port)
      const run = new Command(project, url.href, 'upgrade', '--wait-timeout', '600s')
      await until(() => Promise.resolve(sockets.size > 0))
      run.signal(signal)
      expect(await run.end).toBe(130)
      expect(run.stderr).toContain('error[MIG-INTERRUPTED]')
    })
  })
})

describe('SQLite, whose statements hold the thread', () => {
  it.each(SIGNALS)('is left on %s once the statement that runs has ended', async (signal) => {
    const project = new CliProject({
      'migrations/a.sql': sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY);'),
      'migrations/b.mjs': `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${B}', parents: ['${A}'], message: 'counts for long',
  up(op) {
    op.run('tell', ({ log }) => { log('counting begins') })
    for (let n = 0; n < 200; n++)
      op.sql('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500000) INSERT INTO users SELECT max(x) + ' + n + ' FROM c')
  },
  down() {},
})`,
    })
    try {
      const run = new Command(project, 'sqlite:app.db', 'upgrade')
      await run.says('counting begins')
      run.signal(signal)
      expect(await run.end).toBe(130)
      expect(run.stderr).toContain(`${B} was rolled back`)
      const next = project.run('current', '--json')
      expect(JSON.parse(next.stdout)).toMatchObject({ applied: [A] })
    } finally {
      project.remove()
    }
  })
})
