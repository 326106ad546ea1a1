import Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { expect, it } from 'vitest'
import { createMigrator, defineRevision } from '../../src/index.js'
import type { MigratorEvent } from '../../src/index.js'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'

const REVISIONS = [
  defineRevision({
    id: A,
    message: 'a table',
    up: 'CREATE TABLE a (id integer PRIMARY KEY)',
    down: 'DROP TABLE a',
  }),
  defineRevision({
    id: B,
    parents: [A],
    message: 'rows',
    up(op) {
      op.sql`INSERT INTO a VALUES (${op.raw(1)})`
      op.run('say so', ({ log, direction, revision }) => log(`${direction} ${revision}`))
    },
    down: 'DELETE FROM a',
  }),
]

type Query = (sql: string) => Promise<unknown>

interface Lent {
  readonly client: unknown
  /** What the application sees through it. */
  readonly ask: () => Promise<unknown>
  readonly close: () => unknown
}

function lenders(project: AppProject): readonly (readonly [name: string, lend: () => Promise<Lent>])[] {
  const { url, name } = project.database
  const setting = 'SELECT @@session.sql_mode, @@session.lock_wait_timeout, DATABASE()'
  const shown = "SELECT current_setting('lock_timeout'), current_setting('search_path'), current_user"
  if (project.isPostgres) {
    return [
      [
        'a Pool of pg',
        () => {
          const client = new pg.Pool({ connectionString: url, max: 1 })
          const ask = async () => [(await client.query(shown)).rows, client.idleCount]
          return Promise.resolve({ client, ask, close: () => client.end() })
        },
      ],
      [
        'a Client of pg',
        async () => {
          const client = new pg.Client(url)
          await client.connect()
          await client.query('SET search_path = public; SET lock_timeout = 77; CREATE TEMP TABLE own (x int)')
          const ask = async () => [(await client.query(shown)).rows, (await client.query('TABLE own')).rows]
          return { client, ask, close: () => client.end() }
        },
      ],
    ]
  }
  if (project.isMysql) {
    return [
      [
        'a pool of mysql2',
        () => {
          const client = mysql.createPool({ uri: url, connectionLimit: 1 })
          return Promise.resolve({
            client,
            ask: async () => (await client.query(setting))[0],
            close: () => client.end(),
          })
        },
      ],
      [
        'a connection of mysql2',
        async () => {
          const client = await mysql.createConnection(url)
          await client.query("SET sql_mode = 'ANSI_QUOTES', lock_wait_timeout = 77")
          return { client, ask: async () => (await client.query(setting))[0], close: () => client.end() }
        },
      ],
    ]
  }
  return [
    [
      'a Database of better-sqlite3',
      () => {
        const client = new Database(name)
        client.pragma('busy_timeout = 77')
        return Promise.resolve({
          client,
          ask: () => Promise.resolve([client.pragma('busy_timeout'), client.inTransaction]),
          close: () => client.close(),
        })
      },
    ],
  ]
}

describeEverywhere('a program', (project) => {
  it('lends its own connection, and has it back as it was, after a failure too', async () => {
    for (const [name, lend] of lenders(project())) {
      const lent = await lend()
      try {
        const before = await lent.ask()
        const migrator = createMigrator({ client: lent.client, revisions: REVISIONS })
        expect([name, (await migrator.upgrade()).to]).toEqual([name, [B]])
        expect(await lent.ask(), name).toEqual(before)
        const broken = defineRevision({
          id: 'cccc00000003',
          parents: [B],
          up: 'INSERT INTO nowhere VALUES (1)',
        })
        const failing = createMigrator({ client: lent.client, revisions: [...REVISIONS, broken] })
        expect((await refusal(failing.upgrade())).code).toBe('MIG-STATEMENT-FAILED')
        expect(await lent.ask(), name).toEqual(before)
        await migrator.downgrade('base')
        expect(await lent.ask(), name).toEqual(before)
      } finally {
        await lent.close()
      }
    }
  })

  it('whose transaction is open is refused, and may still take it back', async () => {
    await project().plain('CREATE TABLE own (id integer);')
    const begin = async (): Promise<readonly [client: unknown, query: Query, close: () => unknown]> => {
      const { url, name } = project().database
      if (project().isPostgres) {
        const client = new pg.Client(url)
        await client.connect()
        return [client, (sql) => client.query(sql), () => client.end()]
      }
      if (project().isMysql) {
        const client = await mysql.createConnection(url)
        return [client, (sql) => client.query(sql), () => client.end()]
      }
      const client = new Database(name)
      return [client, (sql) => Promise.resolve(client.exec(sql)), () => client.close()]
    }
    const [client, query, close] = await begin()
    await query('BEGIN')
    await query('INSERT INTO own VALUES (1)')
    const migrator = createMigrator({ client, revisions: REVISIONS })
    for (const run of [
      () => migrator.upgrade(),
      () => migrator.status(),
      () => migrator.upgrade('head', { plan: true }),
    ])
      expect((await refusal(run())).code).toBe('MIG-BACKEND-UNUSABLE')
    await query('ROLLBACK')
    expect(await project().plain('SELECT count(*) FROM own;')).toBe('0')
    expect((await migrator.upgrade()).to).toEqual([B])
    if (project().isPostgres) {
      await query('BEGIN')
      await query('SELECT nothing').catch(() => undefined)
      expect((await refusal(migrator.upgrade())).code).toBe('MIG-BACKEND-UNUSABLE')
    }
    await close()
  })

  it('hands over its revisions, and hears what happens in its order', async () => {
    const events: MigratorEvent[] = []
    const migrator = project().migrator({ revisions: REVISIONS, onEvent: (event) => events.push(event) })
    await migrator.upgrade()
    const told = events.map((event) => ('revision' in event ? `${event.type} ${event.revision}` : event.type))
    expect(told).toEqual([
      'connected',
      'history',
      'planned',
      `step-started ${A}`,
      `statement-done ${A}`,
      `step-done ${A}`,
      `step-started ${B}`,
      `statement-done ${B}`,
      'notice',
      `statement-done ${B}`,
      `step-done ${B}`,
    ])
    expect(events[1]).toEqual({ type: 'history', applied: 0 })
    expect(events.find(({ type }) => type === 'notice')).toMatchObject({ message: `up ${B}` })
    expect((await migrator.current()).applied).toEqual([A, B])
    expect(await refusal(migrator.revision({ message: 'more' }))).toMatchObject({ code: 'MIG-UNSUPPORTED' })
    expect((await migrator.downgrade('base')).to).toEqual([])
  })

  it('without the code of a revision says that its down needs the file', async () => {
    const code = defineRevision({
      id: 'cccc00000003',
      parents: [B],
      up: 'INSERT INTO a VALUES (3)',
      down(op) {
        op.run('take it out', () => undefined)
      },
    })
    await project()
      .migrator({ revisions: [...REVISIONS, code] })
      .upgrade()
    const error = await refusal(project().migrator({ revisions: REVISIONS }).downgrade('base'))
    expect(error).toMatchObject({ code: 'MIG-MISSING-FILE', exitCode: 3, state: 'Nothing was run.' })
    expect(error.message).toContain('take it out')
    expect((await project().migrator({ revisions: REVISIONS }).current()).applied).toHaveLength(3)
  })

  it('can interrupt a statement that takes long', async () => {
    // SQLite runs in the program's own thread: there is nobody to interrupt it.
    if (project().server === 'sqlite') return
    const sleep = project().isPostgres ? 'SELECT pg_sleep(50)' : 'INSERT INTO a SELECT SLEEP(50)'
    const long = defineRevision({ id: B, parents: [A], up: `INSERT INTO a VALUES (7);\n${sleep}` })
    const first = REVISIONS.slice(0, 1)
    await project().migrator({ revisions: first }).upgrade()
    const stop = new AbortController()
    const running = project()
      .migrator({
        revisions: [...first, long],
        signal: stop.signal,
        onEvent: (event) => {
          if (event.type === 'planned') setTimeout(() => stop.abort(), 500)
        },
      })
      .upgrade()
    expect(await refusal(running)).toMatchObject({
      code: 'MIG-INTERRUPTED',
      exitCode: 130,
      report: { ok: false, to: [A], steps: [{ outcome: 'rolled-back' }] },
    })
    expect(await project().plain('SELECT count(*) FROM a;')).toBe('0')
    const [last] = await project().migrator({ revisions: first }).log({ limit: 1 })
    expect(last).toMatchObject({ outcome: 'interrupted' })
    const again = project().migrator({ revisions: REVISIONS, lockWaitMs: 0 })
    expect((await again.upgrade()).to).toEqual([B])
  })
})
