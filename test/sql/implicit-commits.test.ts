import mysql, { type RowDataPacket } from 'mysql2/promise'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { classifySql } from '../../src/sql/index.js'
import { describeServers } from '../servers/database.js'
import { createDatabase } from '../servers/create-database.js'
import { startServers, type StartedServers, type TestDatabase } from '../servers/index.js'

/**
 * The lists of the manuals, "Statements That Cause an Implicit Commit", and what is not in them though it commits: each
 * is run in a transaction, and seen whether that was committed. Many concern the whole server: it is one of their own.
 */
const BOTH = `
ALTER EVENT ev ENABLE
ALTER EVENT ev COMMENT 'x'
ALTER FUNCTION func COMMENT 'x'
ALTER PROCEDURE proc COMMENT 'x'
CREATE SERVER {db}_s FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1')
ALTER SERVER {db}_s OPTIONS (USER 'x')
DROP SERVER {db}_s
ALTER TABLE other COMMENT 'x'
ALTER TABLE parted ADD PARTITION (PARTITION p3 VALUES LESS THAN (30))
ALTER TABLE parted TRUNCATE PARTITION p3
ALTER TABLE parted ANALYZE PARTITION p1
ALTER TABLE parted EXCHANGE PARTITION p1 WITH TABLE part
ALTER TABLE parted DROP PARTITION p3
CREATE DATABASE {db}_2
DROP DATABASE {db}_2
ALTER SCHEMA {db} DEFAULT CHARACTER SET utf8mb4
INSTALL PLUGIN nope SONAME 'nope.so'
UNINSTALL PLUGIN nope
CREATE FUNCTION loadable RETURNS INTEGER SONAME 'nope.so'
DROP FUNCTION loadable
CREATE TEMPORARY TABLE passing (a int)
CREATE INDEX ip ON passing (a)
ALTER TABLE passing ADD COLUMN b int
TRUNCATE TABLE passing
DROP TABLE passing
CREATE TEMPORARY TABLE passing SELECT 1 AS a
DROP TEMPORARY TABLE IF EXISTS passing
CREATE TABLE made SELECT 1 AS a
CREATE TABLE made LIKE other
DROP TABLES IF EXISTS made, nowhere
CREATE USER {db}_v, {db}_w
CREATE ROLE {db}_r
GRANT {db}_r TO {db}_w
REVOKE {db}_r FROM {db}_w
REVOKE ALL PRIVILEGES, GRANT OPTION FROM {db}_w
GRANT SELECT ON {db}.other TO {db}_w
RENAME USER {db}_w TO {db}_x
ALTER USER {db}_x IDENTIFIED BY 'x'
DROP USER {db}_v, {db}_x
DROP ROLE {db}_r
SET ROLE NONE
FLUSH TABLES WITH READ LOCK
FLUSH TABLES other WITH READ LOCK
FLUSH TABLES other FOR EXPORT
FLUSH LOCAL TABLES
FLUSH STATUS
FLUSH LOGS
FLUSH BINARY LOGS
FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS
LOCK TABLE other READ
LOCK TABLES other WRITE
UNLOCK TABLES
CACHE INDEX mine IN {db}_cache
LOAD INDEX INTO CACHE mine
ANALYZE LOCAL TABLE other
CHECK TABLE other QUICK
CHECKSUM TABLE other
OPTIMIZE TABLES other
REPAIR NO_WRITE_TO_BINLOG TABLE mine
START REPLICA
STOP REPLICA
RESET REPLICA ALL
PURGE BINARY LOGS BEFORE '2000-01-01'
SET GLOBAL autocommit = 1
SET @autocommit = 0, @x = (SELECT 1)
CREATE VIEW v AS SELECT 1
ALTER ALGORITHM = MERGE VIEW v AS SELECT 2
RENAME TABLE v TO w
DROP VIEW IF EXISTS v, w
CREATE UNIQUE INDEX u ON keyed (b)
DROP INDEX u ON keyed
CREATE TRIGGER trig BEFORE INSERT ON keyed FOR EACH ROW SET NEW.b = 1
DROP TRIGGER IF EXISTS trig
CREATE EVENT ev2 ON SCHEDULE EVERY 1 YEAR DO SELECT 1
DROP EVENT IF EXISTS ev2
KILL QUERY 0
SELECT 1 INTO @a
HANDLER other OPEN
HANDLER other CLOSE
EXPLAIN INSERT INTO other VALUES (2)
CALL truncates()
CALL commits()
CALL looks()
SELECT func()
DO func()
PREPARE s FROM 'TRUNCATE other'
EXECUTE s
DROP PREPARE s
`

const MYSQL = `
CREATE TABLESPACE {db}_t ADD DATAFILE '{db}_t.ibd'
ALTER TABLESPACE {db}_t RENAME TO {db}_u
DROP TABLESPACE {db}_u
CREATE UNDO TABLESPACE {db}_n ADD DATAFILE '{db}_n.ibu'
ALTER UNDO TABLESPACE {db}_n SET INACTIVE
DROP UNDO TABLESPACE {db}_n
CREATE LOGFILE GROUP g ADD UNDOFILE 'x' ENGINE NDB
ALTER LOGFILE GROUP g ADD UNDOFILE 'x' ENGINE NDB
DROP LOGFILE GROUP g ENGINE NDB
CREATE SPATIAL REFERENCE SYSTEM 4120 NAME 'x' DEFINITION 'y'
DROP SPATIAL REFERENCE SYSTEM 4099999
CREATE LIBRARY lib LANGUAGE JAVASCRIPT AS 'export function f(n) { return n }'
ALTER LIBRARY lib COMMENT 'x'
DROP LIBRARY lib
INSTALL COMPONENT 'file://nope'
UNINSTALL COMPONENT 'file://nope'
CREATE TABLE made (a int) START TRANSACTION
SET DEFAULT ROLE NONE TO migrate
SET PASSWORD FOR nobody = 'x'
FLUSH OPTIMIZER_COSTS
LOCK INSTANCE FOR BACKUP
UNLOCK INSTANCE
ANALYZE TABLE other UPDATE HISTOGRAM ON a
RESET PERSIST
RESET BINARY LOGS AND GTIDS
START GROUP_REPLICATION
STOP GROUP_REPLICATION
CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1'
CHANGE REPLICATION FILTER REPLICATE_DO_DB = ()
CLONE LOCAL DATA DIRECTORY = '/nowhere/x'
IMPORT TABLE FROM 'nope*.sdi'
CREATE RESOURCE GROUP {db}_g TYPE = USER
ALTER RESOURCE GROUP {db}_g DISABLE
DROP RESOURCE GROUP {db}_g
SET RESOURCE GROUP USR_default
ALTER INSTANCE ROTATE INNODB MASTER KEY
ALTER INSTANCE RELOAD TLS
SET PERSIST max_connections = 300
RESTART
CREATE JSON DUALITY VIEW j AS SELECT JSON_DUALITY_OBJECT('_id': a) FROM keyed
EXPLAIN ANALYZE SELECT * FROM other
TABLE other
WITH x AS (SELECT 1 AS a) DELETE FROM other WHERE a IN (SELECT a FROM x)
`

const MARIADB = `
ALTER DATABASE {db} UPGRADE DATA DIRECTORY NAME
INSTALL SONAME 'nope'
UNINSTALL SONAME 'nope'
CREATE OR REPLACE TEMPORARY TABLE passing (a int)
CREATE OR REPLACE TABLE made (a int)
DROP TABLE made
SET DEFAULT ROLE NONE
SET PASSWORD FOR nobody = PASSWORD('x')
FLUSH HOSTS
BACKUP LOCK other
BACKUP UNLOCK
BACKUP STAGE START
BACKUP STAGE END
ANALYZE TABLE other PERSISTENT FOR ALL
ANALYZE SELECT 1
ANALYZE FORMAT=JSON SELECT 1
ANALYZE UPDATE other SET a = 1
CHECK VIEW seen
REPAIR VIEW seen
RESET QUERY CACHE
RESET MASTER
RESET SLAVE 'x' ALL
START ALL SLAVES
STOP ALL SLAVES
CHANGE MASTER TO MASTER_HOST = '127.0.0.1'
SET STATEMENT max_statement_time = 100 FOR SELECT 1
SET STATEMENT lock_wait_timeout = 10 FOR INSERT INTO other VALUES (1)
SET STATEMENT lock_wait_timeout = 10 FOR DROP TABLE IF EXISTS nowhere
SET STATEMENT lock_wait_timeout = 10, max_statement_time = (SELECT 4) FOR ALTER TABLE other COMMENT 'x'
SET STATEMENT max_statement_time = 4 FOR SET STATEMENT lock_wait_timeout = 10 FOR TRUNCATE other
SET STATEMENT max_statement_time = 4 FOR SET PASSWORD FOR nobody = PASSWORD('x')
SET STATEMENT max_statement_time = 4 FOR SET ROLE NONE
CREATE SEQUENCE sq
ALTER SEQUENCE sq RESTART 4
SELECT NEXTVAL(sq)
CREATE OR REPLACE SEQUENCE sq
DROP SEQUENCE IF EXISTS sq
DROP PACKAGE pk
EXECUTE IMMEDIATE 'TRUNCATE other'
BEGIN NOT ATOMIC TRUNCATE other; END
ALTER TABLE IF EXISTS nowhere ADD COLUMN a int
ALTER ONLINE TABLE other COMMENT 'y'
INSERT INTO other VALUES (1) RETURNING a
`

/** Taken for a commit though the server makes none here: what it runs is not seen, it depends, or it was refused before. */
const CAUTIOUS = new Set(
  `
UNLOCK TABLES
RESET PERSIST
CACHE INDEX mine IN {db}_cache
LOAD INDEX INTO CACHE mine
START REPLICA
STOP REPLICA
START ALL SLAVES
STOP ALL SLAVES
START GROUP_REPLICATION
STOP GROUP_REPLICATION
CHANGE MASTER TO MASTER_HOST = '127.0.0.1'
CALL looks()
`
    .trim()
    .split('\n'),
)

const SYNTAX_ERROR = 1064

describeServers(['mysql', 'mariadb'], (server) => {
  const dialect = server.name === 'mysql' ? 'mysql' : 'mariadb'
  let started: StartedServers
  let database: TestDatabase
  let connection: mysql.Connection

  beforeAll(async () => {
    started = await startServers([server.name])
    const [own] = started.servers.present
    if (own === undefined) throw new Error(`${server.name} did not start a second time`)
    database = await createDatabase(own)
    connection = await mysql.createConnection(database.url)
    for (const sql of [
      'CREATE TABLE probe (a int) ENGINE=InnoDB',
      'CREATE TABLE other (a int) ENGINE=InnoDB',
      'CREATE TABLE mine (a int, KEY (a)) ENGINE=MyISAM',
      'CREATE TABLE keyed (a int PRIMARY KEY, b int)',
      'CREATE TABLE parted (a int) PARTITION BY RANGE (a) (PARTITION p1 VALUES LESS THAN (10), PARTITION p2 VALUES LESS THAN (20))',
      'CREATE TABLE part (a int)',
      'CREATE PROCEDURE truncates() TRUNCATE other',
      'CREATE PROCEDURE commits() COMMIT',
      'CREATE PROCEDURE looks() SELECT 1',
      'CREATE PROCEDURE proc() SELECT 1',
      'CREATE FUNCTION func() RETURNS int DETERMINISTIC RETURN 1',
      'CREATE EVENT ev ON SCHEDULE EVERY 1 YEAR DO SELECT 1',
      'CREATE VIEW seen AS SELECT 1',
    ])
      await connection.query(sql)
  })

  afterAll(async () => {
    await connection.end()
    await started.stop()
  })

  async function commits(sql: string): Promise<boolean> {
    await connection.query('DELETE FROM probe')
    await connection.query('START TRANSACTION')
    await connection.query('INSERT INTO probe VALUES (1)')
    await connection.query(sql).catch((error: unknown) => {
      if ((error as { errno?: unknown }).errno === SYNTAX_ERROR) throw error
    })
    await connection.query('ROLLBACK')
    for (const after of ['UNLOCK TABLES', 'BACKUP UNLOCK', 'BACKUP STAGE END'])
      await connection.query(after).catch(() => undefined)
    const [rows] = await connection.query<RowDataPacket[]>('SELECT a FROM probe')
    return rows.length > 0
  }

  const listed = `${BOTH}${dialect === 'mysql' ? MYSQL : MARIADB}`.trim().split(/\n+/)

  test.each(listed)('it is known whether it commits: %s', async (template) => {
    const sql = template.replaceAll('{db}', database.name)
    const { transaction } = classifySql(sql, dialect)
    if (await commits(sql)) expect(transaction).toBe('commits')
    else expect(transaction).toBe(CAUTIOUS.has(template) ? 'commits' : 'allowed')
  })
})
