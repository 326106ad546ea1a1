import mysql2 from 'mysql2'
import type mysql2Promise from 'mysql2/promise'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Session, Statement } from '../../src/backend/index.js'
import { mysql } from '../../src/backends/mysql/index.js'
import { lockOptions } from '../../src/testing/values.js'
import { AppProject, refusal } from '../app/project.js'
import { describeServers, useDatabase } from '../servers/database.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'

const parsed = (text: string): readonly Statement[] => mysql.parse(text, {})

/** Go by themselves, or with the default database. */
const PASSING =
  /^(timestamp|statement_id|gtid_|last_|identity|insert_id|rand_seed|error_count|warning_count|in_trans|pseudo_thread_id)/

describeServers(['mysql', 'mariadb'], (server) => {
  let project: AppProject
  const sessions: Session[] = []

  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
  })

  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close()
    await project.remove()
  })

  async function connect(more = {}): Promise<Session<mysql2Promise.Connection>> {
    const metadata = { prefix: 'migrate_' }
    const options = { url: project.database.url, metadata, applicationName: 'migrate test' }
    const session = await mysql.connect({ ...options, ...more })
    sessions.push(session)
    return session
  }

  async function variables(connection: mysql2Promise.Connection): Promise<Map<string, string>> {
    const [rows] = await connection.query<mysql2.RowDataPacket[]>('SHOW SESSION VARIABLES')
    const pairs = rows.map((row) => [String(row['Variable_name']), String(row['Value'])] as const)
    return new Map(pairs.filter(([name]) => !PASSING.test(name)))
  }

  const run = async (session: Session, text: string): Promise<void> => {
    for (const statement of parsed(text)) await session.execute(statement)
  }

  const everywhere = [
    'SET SESSION TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE',
    'SET TRANSACTION_ISOLATION = "READ-UNCOMMITTED", @@session.transaction_read_only = 1',
    'SET completion_type = CHAIN',
    'SET completion_type = 2',
    'SET sql_select_limit = 1',
    'SET default_storage_engine = MyISAM',
    'SET SESSION default_tmp_storage_engine = MyISAM',
    'SET group_concat_max_len = 10, div_precision_increment = 0, auto_increment_increment = 7',
    'SET max_join_size = 5',
    "SET lc_time_names = 'de_DE', sql_auto_is_null = 1, wait_timeout = 7000, net_write_timeout = 9",
    "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', optimizer_switch = 'index_merge=off'",
    'SET character_set_results = NULL, collation_connection = latin1_german1_ci',
    'SET NAMES latin1; SET CHARACTER SET latin1',
    '/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE="NO_AUTO_VALUE_ON_ZERO" */',
    'SET @x = (SELECT 1), sql_select_limit = 1, sql_notes = 0',
    'SET autocommit = 0',
  ]
  const here =
    server.name === 'mysql'
      ? ['SET max_execution_time = 5', 'SET sql_require_primary_key = 1']
      : ['SET max_statement_time = 5', 'SET sql_if_exists = 1', 'SET check_constraint_checks = 0']

  describe('of the variables that a revision sets none stays', () => {
    test.each([...everywhere, ...here])('%s', async (text) => {
      const session = await connect()
      // Asked on the driver's own object, by whom all would be compared.
      const other = await connect()
      const before = await variables(other.client)
      await run(session, text)
      await session.reset()
      expect(await variables(session.client)).toEqual(before)
    })

    test('by a procedure, a function or a prepared statement', async () => {
      await project.plain(`DELIMITER //
CREATE PROCEDURE p() BEGIN SET SESSION sql_select_limit = 1, SESSION max_join_size = 9; END//
CREATE FUNCTION f() RETURNS integer DETERMINISTIC BEGIN SET SESSION group_concat_max_len = 9; RETURN 1; END//`)
      const session = await connect()
      const before = await variables((await connect()).client)
      for (const text of ['CALL p()', 'SELECT f()', "PREPARE s FROM 'SET completion_type = 2'; EXECUTE s"]) {
        await run(session, text)
        await session.reset()
      }
      expect(await variables(session.client)).toEqual(before)
    })

    test('by a step of code', async () => {
      const session = await connect()
      const before = await variables((await connect()).client)
      await session.client.query('SET SESSION sql_select_limit = 1, SESSION lc_time_names = "de_DE"')
      await session.reset()
      expect(await variables(session.client)).toEqual(before)
    })

    test('on a connection of the application, which gets it back as it was', async () => {
      const connection = mysql2.createConnection(project.database.url).promise()
      try {
        await connection.query('SET SESSION sql_select_limit = 50, SESSION lock_wait_timeout = 77')
        const before = await variables(connection)
        const session = await connect({ client: connection, url: undefined })
        await run(session, 'SET completion_type = 1, sql_select_limit = 1')
        await session.close()
        expect(await variables(connection)).toEqual(before)
      } finally {
        await connection.end()
      }
    })
  })

  test('a clock that a revision has stopped goes on', async () => {
    const session = await connect()
    await run(session, 'SET timestamp = 1000000000, insert_id = 900')
    await session.reset()
    const [rows] = await session.client.query<mysql2.RowDataPacket[]>(
      'SELECT YEAR(NOW()) AS y, @@insert_id AS i',
    )
    expect(Number(rows[0]?.['y'])).toBeGreaterThan(2024)
    expect(Number(rows[0]?.['i'])).toBe(0)
  })

  test('the history counts on after a step of code, and after a number that a revision has left', async () => {
    project.revision(A, 'CREATE TABLE t (id int);\nSET insert_id = 900;')
    project.file(
      `${B}.mjs`,
      `import { defineRevision } from 'revgraph'
export default defineRevision({ id: '${B}', parents: ['${A}'], message: 'code',
  up(op) { op.run('asks', async ({ client }) => { await client.query('SELECT 1') }) }, down() {} })`,
    )
    project.revision(C, 'INSERT INTO t VALUES (1);', { parents: B })
    await project.migrator().upgrade()
    expect((await project.plain('SELECT id FROM migrate_history ORDER BY seq;')).split('\n')).toEqual([
      A,
      B,
      C,
    ])
    expect(await project.plain('SELECT min(seq) > 0 FROM migrate_history;')).toBe('1')
  })

  describe('what a revision sets does not reach our own rows in it', () => {
    test.each([
      'SET completion_type = CHAIN',
      'SET completion_type = 2',
      'SET sql_select_limit = 1',
      "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
    ])('%s', async (text) => {
      project.revision(
        A,
        `CREATE TABLE t (id int);\n${text};\nINSERT INTO t VALUES (1);\nCREATE TABLE u (id int COMMENT 'it''s a \\\\ "name"');\nCREATE TABLE v (id int);\nINSERT INTO nowhere VALUES (1);`,
      )
      project.revision(B, 'INSERT INTO t VALUES (2);\nINSERT INTO v VALUES (2);', { parents: A })
      await refusal(project.migrator().upgrade())
      expect((await project.migrator().current()).unfinished).toMatchObject([
        { revision: A, done: 5, stoppedAt: { position: 5 } },
      ])
      project.edit(`${A}.sql`, (file) =>
        file.replace('INSERT INTO nowhere VALUES (1);', 'CREATE TABLE w (id int);'),
      )
      expect((await project.migrator().upgrade()).to).toEqual([B])
      expect(await project.plain('SELECT count(*) FROM t; SELECT count(*) FROM v;')).toBe('2\n1')
    })
  })

  describe('a revision that lets go of all locks', () => {
    const letGo = (session: Session): Promise<void> => run(session, 'SELECT RELEASE_ALL_LOCKS()')

    test('does not leave the run without its own', async () => {
      const session = await connect()
      await session.lock('migrate', lockOptions())
      await letGo(session)
      await session.reset()
      const other = await connect()
      await expect(other.lock('migrate', { ...lockOptions(), timeoutMs: 0 })).rejects.toMatchObject({
        code: 'MIG-LOCK-TIMEOUT',
      })
    })

    test('ends the run where another one has taken it', async () => {
      const session = await connect()
      await session.lock('migrate', lockOptions())
      await letGo(session)
      await (await connect()).lock('migrate', lockOptions())
      await expect(session.reset()).rejects.toMatchObject({ code: 'MIG-LOCK-LOST' })
    })
  })
})
