import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { defineRevision } from '../../src/core/definition.js'
import type { MigratorEvent } from '../../src/app/types.js'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'
import { Runner } from './runner.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const ROWS = 1200

/** A table of rows whose ids leave gaps, each with a counter. */
function table(rows: number): string {
  const values = Array.from({ length: rows }, (_, index) => `(${index * 3 + 1}, 0)`)
  return `CREATE TABLE users (id integer NOT NULL PRIMARY KEY, n integer NOT NULL, half integer);\nINSERT INTO users (id, n) VALUES ${values.join(', ')};`
}

const numbers = async (project: AppProject, sql: string): Promise<readonly number[]> =>
  (await project.plain(sql)).split(/[\s|]+/).map(Number)

describeEverywhere('a backfill', (project) => {
  it('changes every row that matches, in batches, once', async () => {
    project().revision(A, table(ROWS))
    project().revision(
      B,
      'INSERT INTO users (id, n) VALUES (2, 100);\n-- migrate:backfill batch:100 time:0\nUPDATE users SET n = n + 1 WHERE id % 2 = 1;\nINSERT INTO users (id, n) VALUES (3, 200);',
      { parents: A },
    )
    const events: Extract<MigratorEvent, { type: 'backfill' }>[] = []
    const migrator = project().migrator({
      onEvent: (event) => {
        if (event.type === 'backfill') events.push(event)
      },
    })
    const plan = await migrator.upgrade('head', { plan: true })
    expect(plan.steps[1]?.statements.map(({ transactional }) => transactional)).toEqual([false, false, false])
    await migrator.upgrade()
    expect(await numbers(project(), 'SELECT count(*), sum(n) FROM users;')).toEqual([ROWS + 2, 600 + 300])
    expect(await numbers(project(), 'SELECT count(*) FROM users WHERE n = 1 AND id % 2 = 1;')).toEqual([600])
    expect(events.at(-1)).toMatchObject({
      state: 'done',
      scanned: ROWS + 1,
      changed: 600,
      key: ['id'],
      leftMs: 0,
    })
    expect(events.length).toBeGreaterThanOrEqual(13)
    expect(await migrator.backfills()).toEqual([])
    expect(await migrator.current()).toMatchObject({ applied: [A, B], unfinished: [] })
  })

  it('that is killed again and again goes on where it was, and no row is met twice', async () => {
    project().revision(A, table(ROWS))
    project().revision(B, '-- migrate:backfill batch:40 time:0 pause:15ms\nUPDATE users SET n = n + 1;', {
      parents: A,
    })
    let last = -1
    for (let kill = 0; kill < 3; kill++) {
      const runner = new Runner(project())
      for (;;) {
        const [row] = await project().migrator().backfills()
        if (row !== undefined && row.scanned > Math.max(last, 0)) break
        await sleep(10)
      }
      await sleep(Math.random() * 40)
      await runner.kill()
      const [row] = await project().migrator().backfills()
      const { unfinished, applied } = await project().migrator().current()
      expect(applied).toEqual([A])
      expect(unfinished).toMatchObject([{ revision: B, backfill: { table: 'users', scanned: row?.scanned } }])
      // What is noted is what was done.
      expect(await numbers(project(), 'SELECT sum(n) FROM users;')).toEqual([row?.scanned])
      expect(row?.scanned).toBeGreaterThan(last)
      last = row?.scanned ?? 0
    }
    await project().migrator().upgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n), sum(n) FROM users;')).toEqual([1, 1, ROWS])
    expect(await project().migrator().current()).toMatchObject({ applied: [A, B], unfinished: [] })
  })

  it('waits while it is paused, lets others write meanwhile, and goes on', async () => {
    project().revision(A, table(ROWS))
    project().revision(B, '-- migrate:backfill batch:10 time:0 pause:10ms\nUPDATE users SET n = n + 1;', {
      parents: A,
    })
    const runner = new Runner(project())
    try {
      for (;;) {
        if ((await project().migrator().backfills()).some(({ scanned }) => scanned > 0)) break
        await sleep(10)
      }
      const [paused] = await project().migrator().pauseBackfill()
      expect(paused).toMatchObject({ revision: B, state: 'paused', statement: 1 })
      const scanned = paused?.scanned ?? 0
      expect(scanned).toBeLessThan(ROWS)
      await project().plain('UPDATE users SET half = 7;')
      const [still] = await project().migrator().backfills()
      expect(still).toMatchObject({ state: 'paused', scanned })
      expect(await refusal(project().migrator().pauseBackfill('ffff'))).toMatchObject({ code: 'MIG-USAGE' })
      expect(await project().migrator().resumeBackfill('bbbb')).toMatchObject([{ state: 'running' }])
      // A writer beside it waits for a batch at most: it gets through while many are still to come.
      await project().plain('UPDATE users SET half = 8 WHERE id = 1;')
      expect(await runner.end).toEqual({ applied: [A, B] })
    } finally {
      await runner.kill()
    }
    expect(await numbers(project(), 'SELECT min(n), max(n), sum(half) FROM users;')).toEqual([
      1,
      1,
      7 * ROWS + 1,
    ])
  })

  it('of a table without a key is refused before anything runs', async () => {
    project().revision(
      A,
      'CREATE TABLE loose (id integer, n integer);\nCREATE UNIQUE INDEX loose_id ON loose (id);',
    )
    await project().migrator().upgrade()
    project().revision(B, 'CREATE TABLE other (id integer);\n-- migrate:backfill\nUPDATE loose SET n = 1;', {
      parents: A,
    })
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-BACKFILL-KEY', exitCode: 2 })
    expect(error.message).toMatch(/id may be NULL/)
    expect(error.hint).toMatch(/primary key/)
    expect(await project().dump()).not.toContain('other')
    expect((await project().migrator().current()).unfinished).toEqual([])
  })

  it('of a table whose engine has no transactions is refused with what helps', async ({ skip }) => {
    const { server } = project()
    skip(server === 'sqlite' || !/^(mysql|mariadb)/.test(server.name), 'every table has transactions')
    project().revision(A, 'CREATE TABLE loose (id integer PRIMARY KEY, n integer) ENGINE=MyISAM;')
    project().revision(B, '-- migrate:backfill\nUPDATE loose SET n = 1;', { parents: A })
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-BACKFILL-KEY' })
    expect(error.message).toContain('MyISAM has no transactions')
    expect(error.hint).toContain('ENGINE=InnoDB')
  })

  it('of a key that it changes, or of what is no UPDATE of one table, is refused', async () => {
    project().revision(A, table(3))
    await project().migrator().upgrade()
    const why = async (text: string) => {
      project().revision(B, text, { parents: A })
      return (await refusal(project().migrator().upgrade())).message
    }
    expect(await why('-- migrate:backfill\nUPDATE users SET id = id + 1;')).toContain('changes id')
    expect(await why('-- migrate:backfill\nDELETE FROM users;')).toContain('is no UPDATE')
    expect(await why('-- migrate:backfill speed:9\nUPDATE users SET n = 1;')).toContain(
      '"speed" is not an option',
    )
    expect(await why('-- migrate:backfill key:n\nUPDATE users SET half = 1;')).toContain(
      'no primary or unique key of just n',
    )
    expect(await why('UPDATE users SET n = 1;\n-- migrate:backfill\n')).toContain(
      'does not stand above a statement',
    )
    expect(await why('BEGIN;\n-- migrate:backfill\nUPDATE users SET n = 1;\nCOMMIT;')).toContain(
      'cannot run inside a transaction',
    )
  })

  it('that fails in the midst goes on from the last good batch once the row is mended', async () => {
    project().revision(A, table(300))
    await project().migrator().upgrade()
    await project().plain(
      'CREATE UNIQUE INDEX half ON users (half);\nUPDATE users SET half = 604 WHERE id = 1;',
    )
    project().revision(
      B,
      '-- migrate:backfill batch:50 time:0\nUPDATE users SET n = n + 1, half = CASE id WHEN 604 THEN 604 ELSE half END;',
      {
        parents: A,
      },
    )
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-STATEMENT-FAILED', position: { line: 7 } })
    expect(await project().migrator().backfills()).toMatchObject([{ scanned: 200, changed: 200, batches: 4 }])
    project().edit(`${B}.sql`, (text) => text.replace('n + 1', 'n + 2'))
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
    project().edit(`${B}.sql`, (text) => text.replace('n + 2', 'n + 1'))
    await project().plain('UPDATE users SET half = NULL WHERE id = 1;')
    await project().migrator().upgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n) FROM users;')).toEqual([1, 1])
  })

  it('goes by composite, text, and large keys in the server’s own order', async () => {
    const text = project().isPostgres || !project().isMysql ? 'text' : 'varchar(60)'
    const rows: string[] = []
    for (let index = 0; index < 210; index++) {
      const word = ['ä', 'Z', 'a', 'ß', "it''s", '', 'zz', 'É', ' '][index % 9] ?? ''
      rows.push(`('${word}${index % 9 < 5 ? 'x' : ''}', ${9007199254740993n + BigInt(index)}, 0)`)
    }
    const values = rows.join(', ')
    project().revision(
      A,
      `CREATE TABLE pairs (word ${text} NOT NULL, big bigint NOT NULL, n integer NOT NULL, PRIMARY KEY (word, big));
INSERT INTO pairs VALUES ${values};
CREATE TABLE single (big bigint NOT NULL PRIMARY KEY, n integer NOT NULL, code ${text} NOT NULL, UNIQUE (code, big));
INSERT INTO single SELECT big, 0, word FROM pairs;`,
    )
    project().revision(
      B,
      `-- migrate:backfill batch:7 time:0
UPDATE pairs AS p SET n = p.n + 1 -- each
WHERE p.n < 5 OR p.n > 7 -- a comment;
;
-- migrate:backfill batch:7 time:0 key:code,big
UPDATE single SET n = n + (SELECT count(*) FROM pairs WHERE pairs.big = single.big);
-- migrate:backfill batch:9 time:0
UPDATE single SET n = n + 10;`,
      { parents: A },
    )
    await project().migrator().upgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n), count(*) FROM pairs;')).toEqual([1, 1, 210])
    expect(await numbers(project(), 'SELECT min(n), max(n), count(*) FROM single;')).toEqual([11, 11, 210])
  })

  it('goes by bytes and moments', async () => {
    const [bytes, moment, literal] = project().isPostgres
      ? ['bytea', 'timestamptz', (hex: string) => `decode('${hex}', 'hex')`]
      : project().isMysql
        ? ['varbinary(8)', 'datetime(6)', (hex: string) => `X'${hex}'`]
        : ['blob', 'text', (hex: string) => `X'${hex}'`]
    const rows = Array.from({ length: 60 }, (_, index) => {
      const hex = (index * 4 + 1).toString(16).padStart(4, '0')
      return `(${literal(hex)}, '2026-01-01 00:00:00.${String(index * 7 + 1).padStart(6, '0')}', 0)`
    })
    project().revision(
      A,
      `CREATE TABLE odd (b ${bytes} NOT NULL PRIMARY KEY, t ${moment} NOT NULL, n integer NOT NULL);
CREATE UNIQUE INDEX odd_t ON odd (t);
INSERT INTO odd VALUES ${rows.join(', ')};`,
    )
    project().revision(
      B,
      '-- migrate:backfill batch:7 time:0\nUPDATE odd SET n = n + 1;\n-- migrate:backfill batch:7 time:0 key:t\nUPDATE odd SET n = n + 10;',
      { parents: A },
    )
    await project().migrator().upgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n), count(*) FROM odd;')).toEqual([11, 11, 60])
  })

  it('goes by numbers with a point, and to the ends of them', async () => {
    // MySQL and MariaDB have no number that is infinite.
    const infinite = project().isPostgres ? ["'-Infinity'", "'Infinity'"] : ['-9e999', '9e999']
    const ends = project().isMysql ? [] : infinite
    const rows = Array.from({ length: 20 }, (_, index) => `${(index - 10) / 7}e-3`)
    const values = [...ends, ...rows].map((x) => `(${x}, 0)`).join(', ')
    project().revision(
      A,
      `CREATE TABLE points (x double precision NOT NULL PRIMARY KEY, n integer NOT NULL);\nINSERT INTO points VALUES ${values};`,
    )
    // One a batch: each key is a cursor once.
    project().revision(B, '-- migrate:backfill batch:1 time:0\nUPDATE points SET n = n + 1;', { parents: A })
    if (project().isMysql) return expect(project().migrator().upgrade()).rejects.toThrow('without loss')
    await project().migrator().upgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n), count(*) FROM points;')).toEqual([1, 1, 22])
  })

  it('is written in code as op.backfill, and as a script is one plain UPDATE', async () => {
    const revisions = [
      defineRevision({ id: A, up: table(30), down: 'DROP TABLE users' }),
      defineRevision({
        id: B,
        parents: [A],
        change: (op) =>
          op.backfill({
            table: 'users',
            set: { n: 'n + 1' },
            where: 'n = 0',
            key: 'id',
            batchSize: 7,
            batchTime: 0,
          }),
      }),
    ]
    const migrator = project().migrator({ revisions })
    let script = ''
    await migrator.upgrade(`${A}:head`, { sql: (text) => (script += text) })
    expect(script).toMatch(/-- A backfill: .*\nUPDATE users\nSET n = n \+ 1\nWHERE n = 0;\n/)
    await migrator.upgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n) FROM users;')).toEqual([1, 1])
    await migrator.downgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n) FROM users;')).toEqual([1, 1])
    await migrator.upgrade()
    expect(await migrator.upgrade('head', { singleTransaction: true })).toMatchObject({ steps: [] })
    await migrator.downgrade()
    expect(await refusal(migrator.upgrade('head', { singleTransaction: true }))).toMatchObject({
      code: 'MIG-TRANSACTION-FORBIDDEN',
    })
  })

  it('that was refused at its first batch, and is of another table then, goes as far as that table', async () => {
    project().revision(
      A,
      `${table(3)}\nCREATE TABLE more (id integer NOT NULL PRIMARY KEY, n integer NOT NULL);\nINSERT INTO more VALUES (5, 0), (6, 0), (7, 0), (8, 0), (9, 0);`,
    )
    const set = (what: string): void =>
      project().revision(B, `-- migrate:backfill batch:2\nUPDATE ${what};`, { parents: A })
    set('users SET n = NULL')
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    set('more SET n = 1')
    await project().migrator().upgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n) FROM more;')).toEqual([1, 1])
  })

  it('is in no doubt: it is neither said to be done nor to be run again, but gone on with', async () => {
    project().revision(A, table(100))
    project().revision(B, '-- migrate:backfill batch:20 time:0\nUPDATE users SET n = n + 1;', { parents: A })
    const controller = new AbortController()
    const migrator = project().migrator({
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'backfill' && event.batches === 2) controller.abort()
      },
    })
    expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-INTERRUPTED' })
    const left = await project().dump()
    for (const how of ['done', 'retry'] as const) {
      const error = await refusal(project().migrator().resolve(B, how))
      expect(error).toMatchObject({ code: 'MIG-USAGE', state: 'Nothing was changed.' })
      expect(error.message).toContain('in no doubt: it has gone past 40 rows')
      expect(error.hint).toContain(`migrate upgrade ${B}`)
    }
    expect(await project().dump()).toBe(left)
    await project().migrator().upgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n) FROM users;')).toEqual([1, 1])
  })

  it('of an empty table is done at once, and one that is interrupted is left where it is', async () => {
    project().revision(A, `${table(400)}\nCREATE TABLE vacant (id integer NOT NULL PRIMARY KEY);`)
    project().revision(B, '-- migrate:backfill\nUPDATE vacant SET id = id;', { parents: A })
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-BACKFILL-KEY' })
    project().revision(
      B,
      'ALTER TABLE vacant ADD COLUMN n integer;\n-- migrate:backfill\nUPDATE vacant SET n = 1;\n-- migrate:backfill batch:20 time:0 pause:10ms\nUPDATE users SET n = n + 1;',
      { parents: A },
    )
    const controller = new AbortController()
    const migrator = project().migrator({
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'backfill' && event.table === 'users' && event.batches === 3) controller.abort()
      },
    })
    expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-INTERRUPTED', exitCode: 130 })
    const [, users] = await project().migrator().backfills()
    expect(users).toMatchObject({ table: 'users', scanned: 60 })
    await project().migrator().upgrade()
    expect(await numbers(project(), 'SELECT min(n), max(n) FROM users;')).toEqual([1, 1])
  })
})
