import { expect, it } from 'vitest'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'

/** What a revision may leave behind in its session, and a statement that only works without. */
function leftovers(project: AppProject): readonly (readonly [name: string, leave: string, next: string])[] {
  const table = 'CREATE TABLE b (id integer PRIMARY KEY);'
  if (project.isPostgres) {
    return [
      ['an empty search_path', "SELECT pg_catalog.set_config('search_path', '', false);", table],
      ['another search_path', 'CREATE SCHEMA other; SET search_path TO other;', table],
      ['another role', 'SET ROLE pg_monitor;', table],
      ['a time-out', "SET statement_timeout = '20ms';", `${table} SELECT pg_sleep(0.1);`],
      ['a read-only session', 'SET default_transaction_read_only = on;', table],
      ['a temporary table', 'CREATE TEMP TABLE b (x text);', `${table} INSERT INTO b (id) VALUES (1);`],
      ['other quoting', 'SET standard_conforming_strings = off;', `${table} SELECT 'a\\';`],
      ['a prepared statement', 'PREPARE p AS SELECT 1;', `${table} PREPARE p AS SELECT 2;`],
    ]
  }
  if (project.isMysql) {
    const other = `${project.database.name}_other`
    return [
      ['another database', `CREATE DATABASE ${other}; USE ${other}; DROP DATABASE ${other};`, table],
      [
        'another sql_mode',
        "SET sql_mode = 'ANSI_QUOTES';",
        `${table} INSERT INTO b SELECT 1 WHERE "x" = 'x';`,
      ],
      [
        'keys unchecked',
        'SET foreign_key_checks = 0;',
        `${table} INSERT INTO b SELECT @@foreign_key_checks;`,
      ],
      ['a temporary table', 'CREATE TEMPORARY TABLE b (x text);', `${table} INSERT INTO b (id) VALUES (1);`],
    ]
  }
  return [
    ['a temporary table', 'CREATE TEMP TABLE b (x text);', `${table} INSERT INTO b (id) VALUES (1);`],
    ['a time-out', 'PRAGMA busy_timeout = 1;', table],
  ]
}

describeEverywhere('what a revision does to its session', (project) => {
  it('does not reach the next revision, nor the history', async () => {
    for (const [name, leave, next] of leftovers(project())) {
      project().revision(A, leave)
      project().revision(B, next, { parents: A, down: 'DROP TABLE b;' })
      const migrator = project().migrator()
      const report = await migrator.upgrade()
      expect([name, report.to]).toEqual([name, [B]])
      expect(await project().plain('SELECT count(*) FROM b;'), name).toMatch(/^[01]$/)
      expect((await migrator.current()).applied, name).toEqual([A, B])
      await migrator.downgrade(A)
      await migrator.stamp(['base'], { purge: true })
      if (project().isPostgres) await project().plain('DROP SCHEMA IF EXISTS other CASCADE;')
    }
  })

  it('does not reach it from one without a transaction either, or from a downgrade', async () => {
    for (const [name, leave, next] of leftovers(project())) {
      project().revision(A, 'SELECT 1;', { down: 'DROP TABLE b;' })
      project().revision(B, leave, { parents: A, down: leave.replaceAll('CREATE', '-- CREATE') })
      project().edit(`${B}.sql`, (text) => text.replace(/migrate:(up|down)/g, 'migrate:$1 transaction:false'))
      project().revision('cccc00000003', next, { parents: B, down: 'SELECT 1;' })
      const migrator = project().migrator()
      expect([name, (await migrator.upgrade()).to]).toEqual([name, ['cccc00000003']])
      expect([name, (await migrator.downgrade('base')).to]).toEqual([name, []])
      if (project().isPostgres) await project().plain('DROP SCHEMA IF EXISTS other CASCADE;')
    }
  })

  it.each([true, false])('holds for the whole of the revision: transaction %s', async (transaction) => {
    if (!project().isPostgres) return
    const role = project().database.name.replace('rg_', 'role_')
    await project().plain(`CREATE ROLE ${role}; GRANT CREATE ON SCHEMA public TO ${role};`)
    try {
      project().revision(
        A,
        `SET ROLE ${role};\nSELECT 1;\nCREATE TABLE a (id integer PRIMARY KEY);\nSELECT 2;`,
      )
      project().revision(B, 'CREATE TABLE b (id integer PRIMARY KEY);', { parents: A })
      if (!transaction) {
        project().edit(`${A}.sql`, (text) => text.replace('migrate:up', 'migrate:up transaction:false'))
      }
      await project().migrator().upgrade()
      const owners = "SELECT tablename, tableowner FROM pg_tables WHERE tablename IN ('a', 'b') ORDER BY 1;"
      expect((await project().plain(owners)).split(/\s+/)).toEqual(['a', role, 'b', 'postgres'])
    } finally {
      await project().plain(`DROP TABLE IF EXISTS a; DROP OWNED BY ${role}; DROP ROLE ${role};`)
    }
  })

  it('finds the metadata under a prefix, and in a place, of the user', async () => {
    const place = project().isPostgres ? { schema: 'book keeping' } : {}
    const metadata = { prefix: 'our_', ...place }
    project().revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);', { down: 'DROP TABLE a;' })
    const migrator = project().migrator({ metadata })
    await migrator.upgrade()
    expect((await migrator.current()).applied).toEqual([A])
    expect((await project().migrator().current()).applied).toEqual([])
    const history = project().isPostgres ? '"book keeping".our_history' : 'our_history'
    expect(await project().plain(`SELECT count(*) FROM ${history};`)).toBe('1')
    expect((await migrator.downgrade('base')).to).toEqual([])
  })

  it('is not begun where a newer version of the tool has written the metadata', async () => {
    project().revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
    project().revision(B, 'CREATE TABLE b (id integer PRIMARY KEY);', { parents: A })
    await project().migrator().upgrade(A)
    await project().plain("UPDATE migrate_meta SET value = '99' WHERE name = 'format';")
    const migrator = project().migrator()
    const works = [
      () => migrator.upgrade(),
      () => migrator.current(),
      () => migrator.stamp(['base']),
      () => migrator.tag('v1'),
      () => migrator.log(),
    ]
    for (const work of works) {
      expect(await refusal(work())).toMatchObject({ code: 'MIG-METADATA-NEWER', exitCode: 2 })
    }
    expect(await project().dump()).not.toMatch(/TABLE [^ ]*\bb\b/)
  })
})
