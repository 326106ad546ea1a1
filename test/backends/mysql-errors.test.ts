import mysql2 from 'mysql2/promise'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { explainStatement } from '../../src/backends/mysql/errors.js'
import { mysql } from '../../src/backends/mysql/index.js'
import { AppProject, refusal } from '../app/project.js'
import { describeServers, useDatabase } from '../servers/database.js'

const A = 'aaaa00000001'

describe('what the server says', () => {
  const [statement] = mysql.parse('INSERT INTO t VALUES (1)', {})
  const explained = (errno: number, sqlState: string, sqlMessage: string) =>
    statement === undefined
      ? null
      : explainStatement(Object.assign(new Error('x'), { errno, sqlState, sqlMessage }), statement)

  test.each(['read-only', 'super-read-only', 'innodb-read-only'])('--%s means a replica', (option) => {
    const message = `The MySQL server is running with the --${option} option so it cannot execute this statement`
    expect(explained(1290, 'HY000', message)).toMatchObject({ code: 'MIG-READ-ONLY' })
  })

  test.each(['secure-file-priv', 'skip-grant-tables'])('--%s is a refusal, and no replica', (option) => {
    const message = `The MySQL server is running with the --${option} option so it cannot execute this statement`
    expect(explained(1290, 'HY000', message)).toMatchObject({ code: 'MIG-STATEMENT-FAILED', message })
  })

  test.each([
    [1158, '08S01', 'Got an error reading communication packets'],
    [1161, '08S01', 'Got timeout writing communication packets'],
    [1053, '08S01', 'Server shutdown in progress'],
    [1927, '70100', 'Connection was killed'],
    [4031, 'HY000', 'The client was disconnected by the server because of inactivity.'],
  ])('%i ends the connection: nothing is known of the statement', (errno, state, message) => {
    expect(explained(errno, state, message)).toMatchObject({ code: 'MIG-CONNECT' })
  })

  test.each([
    [1047, '08S01', 'WSREP has not yet prepared node for application use'],
    [1644, '08000', 'said by a trigger'],
  ])('%i of the same class does not', (errno, state, message) => {
    expect(explained(errno, state, message)).toMatchObject({ code: 'MIG-STATEMENT-FAILED', message })
  })
})

describeServers(['mysql', 'mariadb'], (server) => {
  let project: AppProject

  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
  })

  afterEach(() => project.remove())

  it('a read-only transaction is told as what it is, and as no replica', async () => {
    project.revision(
      A,
      'CREATE TABLE t (id int);\nSET SESSION TRANSACTION READ ONLY;\nINSERT INTO t VALUES (1);',
    )
    const error = await refusal(project.migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-READ-ONLY' })
    expect(error.hint).toContain('@@transaction_read_only')
    // Our own rows are written all the same.
    expect((await project.migrator().current()).unfinished).toMatchObject([{ done: 2 }])
  })

  it('a procedure that waited too long for a lock in its midst is not begun again', async () => {
    await project.plain(`CREATE TABLE t (id integer PRIMARY KEY);
CREATE TABLE held (id integer PRIMARY KEY);
INSERT INTO held VALUES (1);
DELIMITER //
CREATE PROCEDURE half() BEGIN INSERT INTO t VALUES (1); DELETE FROM held; END //`)
    project.revision(A, 'CALL half();')
    const other = await mysql2.createConnection(project.database.url)
    try {
      await other.query('START TRANSACTION')
      await other.query('SELECT * FROM held FOR UPDATE')
      const error = await refusal(project.migrator({ lockTimeoutMs: 1_000 }).upgrade())
      expect(error).toMatchObject({ code: 'MIG-DATABASE', position: { file: `migrations/${A}.sql` } })
      expect(error.message).toMatch(/^call may be half done: it failed: Lock wait timeout exceeded/)
    } finally {
      await other.end()
    }
    expect(await project.plain('SELECT id FROM t;')).toBe('1')
    expect((await project.migrator().current()).unfinished).toMatchObject([
      { done: 0, stoppedAt: { state: 'intent', position: 0 } },
    ])
  })
})
