import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeServers, useDatabase } from '../servers/database.js'
import { AppProject, refusal } from './project.js'

const A = 'aaaa00000001'

/** Beside rows of t, a procedure that commits in its midst. */
const BEFORE = `CREATE TABLE t (x varchar(20) NOT NULL);
DELIMITER //
CREATE PROCEDURE p() BEGIN INSERT INTO t VALUES ('p1'); COMMIT; INSERT INTO t VALUES ('p2'); END//
DELIMITER ;`
const ADDED = 'INSERT INTO t VALUES'
const FAILS = "INSERT INTO nowhere VALUES ('no');"

describeServers(['mysql', 'mariadb'], (server) => {
  let project: AppProject

  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
    await project.plain(BEFORE)
  })

  afterEach(() => project.remove())

  const rows = async (): Promise<string> =>
    (await project.plain('SELECT GROUP_CONCAT(x ORDER BY x) FROM t;')).trim()

  /** Fails at its end, and goes on there once what was missing is there. */
  async function twice(up: string): Promise<void> {
    project.revision(A, `${up}\n${FAILS}`)
    const error = await refusal(project.migrator().upgrade())
    expect(error.message).toMatch(/nowhere/)
    await project.plain('CREATE TABLE nowhere (x varchar(20));')
    await project.migrator().upgrade()
    expect((await project.plain('SELECT COUNT(*) FROM nowhere;')).trim()).toBe('1')
  }

  it.each([
    ['behind DDL', 'CREATE TABLE u (i int PRIMARY KEY);\nCALL p();'],
    ['within a transaction of the file', `BEGIN;\n${ADDED} ('a');\nCALL p();\n${ADDED} ('b');\nCOMMIT;`],
    ['on its own', 'CALL p();'],
  ])('a procedure that commits is called once, %s', async (_, up) => {
    await twice(up)
    expect(await rows()).toBe(up.includes('BEGIN') ? 'a,b,p1,p2' : 'p1,p2')
  })

  it('what a prepared statement does is done once', async () => {
    const prepared = `PREPARE s FROM 'INSERT INTO t VALUES (?)';\nSET @x = 'a';\nEXECUTE s USING @x;\nDEALLOCATE PREPARE s;`
    const ddl = "PREPARE d FROM 'CREATE TABLE u (i int PRIMARY KEY)';\nEXECUTE d;"
    await twice(`${prepared}\n${ddl}`)
    expect(await rows()).toBe('a')
    expect((await project.plain('SELECT COUNT(*) FROM u;')).trim()).toBe('0')
  })

  it('rows that are written while tables are locked are written once', async () => {
    await twice(`LOCK TABLES t WRITE;\n${ADDED} ('a');\n${ADDED} ('b');\nUNLOCK TABLES;`)
    expect(await rows()).toBe('a,b')
  })

  // MariaDB's own: a statement of its own kind, whatever stands before it.
  it
    .runIf(server.name === 'mariadb')
    .each([
      `CREATE TABLE u (i int PRIMARY KEY);\nSET STATEMENT lock_wait_timeout = 9 FOR ${ADDED} ('a');`,
      `${ADDED} ('a');\nSET STATEMENT lock_wait_timeout = 9 FOR CREATE TABLE u (i int PRIMARY KEY);`,
      `SET STATEMENT lock_wait_timeout = 9 FOR LOCK TABLES t WRITE;\n${ADDED} ('a');\nUNLOCK TABLES;`,
      `CREATE TABLE u (i int PRIMARY KEY);\nANALYZE ${ADDED} ('a');`,
    ])('what is set for one statement alone does not hide what it is: %s', async (up) => {
    await twice(up)
    expect(await rows()).toBe('a')
  })

  it('rows of a temporary table serve a revision, and are made again after a failure', async () => {
    const up = `CREATE TEMPORARY TABLE s (x varchar(20));\nINSERT INTO s VALUES ('a');\n${ADDED} ('b');\nINSERT INTO t SELECT x FROM s;`
    await twice(up)
    expect(await rows()).toBe('a,b')
  })

  it.each(['', ' transaction:false'])(
    'distributed transactions are refused before anything runs%s',
    async (option) => {
      project.file(
        `${A}.sql`,
        `-- migrate:revision ${A}\n-- migrate:up${option}\n${ADDED} ('a');\nXA START 'a';\n${ADDED} ('b');\nXA END 'a';\nXA COMMIT 'a' ONE PHASE;\n`,
      )
      const error = await refusal(project.migrator().upgrade())
      expect(error.code).toBe('MIG-TRANSACTION-CONTROL')
      expect(error.position?.line).toBe(4)
      expect(await rows()).toBe('NULL')
    },
  )

  it.each(['SET autocommit = 0', 'SET @old = @@autocommit, autocommit = 0'])(
    'a revision that turns autocommit off is refused before anything runs: %s',
    async (off) => {
      project.revision(A, `CREATE TABLE u (i int PRIMARY KEY);\n${off};\n${ADDED} ('b');`)
      const error = await refusal(project.migrator().upgrade())
      expect(error.code).toBe('MIG-TRANSACTION-CONTROL')
      expect(error.state).toBe('Nothing was run.')
      expect(await rows()).toBe('NULL')
    },
  )
})
