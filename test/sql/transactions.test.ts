import Database from 'better-sqlite3'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { classifySql, type SqlDialect } from '../../src/sql/index.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'

/** What the classifier says of a statement and what a server does with it in a transaction are compared here. */

const POSTGRES = [
  'VACUUM',
  'VACUUM (ANALYZE) t',
  'VACUUM FULL t',
  'CLUSTER',
  'CLUSTER VERBOSE',
  'CLUSTER t USING t_pkey',
  'CREATE DATABASE never_made',
  'DROP DATABASE never_made',
  "CREATE TABLESPACE never_made LOCATION '/nowhere'",
  'DROP TABLESPACE never_made',
  'ALTER DATABASE postgres SET TABLESPACE pg_default',
  'ALTER DATABASE postgres TABLESPACE pg_default',
  'ALTER DATABASE postgres WITH TABLESPACE = pg_default',
  'ALTER DATABASE postgres WITH CONNECTION LIMIT 400',
  'ALTER DATABASE postgres REFRESH COLLATION VERSION',
  'ALTER DATABASE postgres SET default_tablespace = pg_default',
  'ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE pg_default',
  'ALTER TABLESPACE pg_default SET (seq_page_cost = 1)',
  "ALTER DATABASE postgres SET work_mem = '5MB'",
  'ALTER SYSTEM RESET work_mem',
  'CREATE INDEX CONCURRENTLY ON t (b)',
  'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (b)',
  'CREATE INDEX "concurrently" ON t (b)',
  "CREATE INDEX i ON t ((b || 'CONCURRENTLY'))",
  'CREATE INDEX /* CONCURRENTLY */ i ON t (b) -- CONCURRENTLY',
  'DROP INDEX CONCURRENTLY t_b',
  'DROP INDEX CONCURRENTLY IF EXISTS nowhere',
  'DROP INDEX t_b',
  'REINDEX TABLE t',
  'REINDEX INDEX CONCURRENTLY t_b',
  'REINDEX (CONCURRENTLY, VERBOSE) TABLE t',
  'REINDEX (CONCURRENTLY false) TABLE t',
  'REINDEX SCHEMA public',
  "REINDEX (CONCURRENTLY 'on') TABLE t",
  'REINDEX (TABLESPACE pg_default) TABLE t',
  'REINDEX TABLE p1',
  'REINDEX SYSTEM CONCURRENTLY postgres',
  'ALTER TABLE p DETACH PARTITION p1',
  'ALTER TABLE ONLY public.p DETACH PARTITION public.p1 CONCURRENTLY',
  "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'sad' BEFORE 'glad'",
  'CREATE SUBSCRIPTION s CONNECTION $$dbname=x$$ PUBLICATION p',
  "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
  "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false, slot_name = NONE)",
  'ALTER SUBSCRIPTION sub SET PUBLICATION p WITH (refresh = false)',
  'ALTER SUBSCRIPTION sub DISABLE',
  'ALTER SUBSCRIPTION sub SET (binary = true)',
  'ALTER SUBSCRIPTION sub SKIP (lsn = NONE)',
  'DISCARD ALL',
  'DISCARD PLANS',
  "COMMIT PREPARED 'never'",
  "ROLLBACK PREPARED 'never'",
  'LOCK TABLE t',
  'TRUNCATE t',
  'ANALYZE t',
  'CREATE EXTENSION IF NOT EXISTS plpgsql',
  'CREATE TABLE u (a int)',
  'DROP TABLE t CASCADE',
  "COMMENT ON TABLE t IS 'VACUUM'",
  'REFRESH MATERIALIZED VIEW CONCURRENTLY m',
  'CREATE PUBLICATION pub FOR ALL TABLES',
  'CREATE ROLE never_made_role',
  'CHECKPOINT',
  'ANALYZE',
  'CLUSTER VERBOSE t',
  'ALTER TABLE p DETACH PARTITION p1 FINALIZE',
  "ALTER TYPE mood RENAME VALUE 'glad' TO 'merry'",
  'ALTER COLLATION "C" REFRESH VERSION',
  'CREATE STATISTICS st ON a, b FROM t',
  'SET TRANSACTION ISOLATION LEVEL READ COMMITTED',
  "LOAD 'plpgsql'",
  'NOTIFY x',
  'EXPLAIN SELECT 1',
  'DECLARE c CURSOR FOR SELECT 1',
  'SET LOCAL work_mem = 1000',
]

describeServers(['postgres', 'postgres15'], (server) => {
  let database: TestDatabase
  let client: pg.Client
  beforeAll(async () => {
    database = await useDatabase(server)
    client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(`CREATE TABLE t (a int PRIMARY KEY, b text); CREATE INDEX t_b ON t (b);
      CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE INDEX p_a ON p (a);
      CREATE TYPE mood AS ENUM ('glad'); CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE UNIQUE INDEX ON m (a);
      CREATE SUBSCRIPTION sub CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false, slot_name = NONE)`)
  })
  afterAll(async () => {
    await client.query('DROP SUBSCRIPTION sub')
    await client.end()
    await database.drop()
  })

  test.each(POSTGRES)('agrees that it may or may not be in a transaction: %s', async (sql) => {
    await client.query('BEGIN')
    const code = await client.query(sql).then(
      () => 'done',
      (error: unknown) => (error instanceof pg.DatabaseError ? error.code : String(error)),
    )
    await client.query('ROLLBACK')
    const { transaction, reason } = classifySql(sql, 'postgres', server.name === 'postgres' ? 180000 : 150000)
    expect([transaction, code]).toEqual([code === '25001' ? 'forbidden' : 'allowed', code])
    if (transaction === 'forbidden') expect(reason).toBeDefined()
  })

  test.each(['REINDEX TABLE p', 'REINDEX INDEX p_a', 'CLUSTER p USING p_a'])(
    'only the server knows that the table is partitioned: %s',
    async (sql) => {
      await client.query('BEGIN')
      const refused = client.query(sql)
      await expect(refused).rejects.toMatchObject({ code: '25001' })
      await client.query('ROLLBACK')
      expect(classifySql(sql, 'postgres').transaction).toBe('allowed')
    },
  )
})

const MYSQL = [
  'CREATE TABLE made (a int)',
  'CREATE TABLE IF NOT EXISTS probe (a int)',
  'CREATE TEMPORARY TABLE IF NOT EXISTS passing (a int)',
  'DROP TEMPORARY TABLE IF EXISTS passing',
  'ALTER TABLE other ADD COLUMN c int',
  'RENAME TABLE other TO other2',
  'RENAME TABLE other2 TO other',
  'TRUNCATE TABLE other',
  'TRUNCATE other',
  'CREATE INDEX i ON other (a)',
  'DROP INDEX i ON other',
  'CREATE VIEW v AS SELECT 1',
  'CREATE OR REPLACE ALGORITHM=MERGE DEFINER=CURRENT_USER SQL SECURITY INVOKER VIEW v AS SELECT 1',
  'ALTER VIEW v AS SELECT 2',
  'DROP VIEW v',
  'CREATE PROCEDURE proc() SELECT 1',
  "ALTER PROCEDURE proc COMMENT 'x'",
  'DROP PROCEDURE proc',
  'CREATE FUNCTION func() RETURNS int DETERMINISTIC RETURN 1',
  'DROP FUNCTION IF EXISTS func',
  'CREATE TRIGGER trig BEFORE INSERT ON other FOR EACH ROW SET NEW.a = 1',
  '/*!50003 CREATE TRIGGER trig2 BEFORE INSERT ON other FOR EACH ROW SET NEW.a = 1 */',
  'DROP TRIGGER trig',
  'CREATE EVENT ev ON SCHEDULE EVERY 1 YEAR DO SELECT 1',
  'ALTER EVENT ev DISABLE',
  'DROP EVENT ev',
  'CREATE SCHEMA IF NOT EXISTS {database}',
  'ALTER DATABASE {database} CHARACTER SET utf8mb4',
  'CREATE USER {database}_u',
  'GRANT SELECT ON other TO {database}_u',
  'REVOKE SELECT ON other FROM {database}_u',
  'ALTER USER {database}_u ACCOUNT LOCK',
  'RENAME USER {database}_u TO {database}_v',
  'DROP USER {database}_v',
  'CREATE ROLE {database}_r',
  'DROP ROLE {database}_r',
  'ANALYZE TABLE other',
  'CHECK TABLE other',
  'OPTIMIZE TABLE other',
  'REPAIR TABLE other',
  'CHECKSUM TABLE other',
  'FLUSH TABLES',
  'FLUSH PRIVILEGES',
  'LOCK TABLES other WRITE, probe WRITE',
  'SET @a = 1',
  'SET NAMES utf8mb4',
  'SET SESSION foreign_key_checks = 0',
  'SET SESSION foreign_key_checks = 1',
  'USE {database}',
  'INSERT INTO other (a) VALUES (1)',
  'REPLACE INTO other (a) VALUES (1)',
  'DELETE FROM other',
  'SELECT 1',
  'WITH x AS (SELECT 1) SELECT * FROM x',
  'DO 1',
  'SHOW TABLES',
  'DESCRIBE other',
  'EXPLAIN SELECT 1',
  'HELP x',
  "PREPARE s FROM 'SELECT 1'",
  'DEALLOCATE PREPARE s',
  'CALL truncating()',
  '/*!40000 ALTER TABLE other DISABLE KEYS */',
  '/*!40101 SET @saved = @@SQL_MODE */',
]

describeServers(['mysql', 'mariadb'], (server) => {
  let database: TestDatabase
  let connection: mysql.Connection
  beforeAll(async () => {
    database = await useDatabase(server)
    connection = await mysql.createConnection(database.url)
    await connection.query('CREATE TABLE probe (a int) ENGINE=InnoDB')
    await connection.query('CREATE TABLE other (a int) ENGINE=InnoDB')
    await connection.query('CREATE PROCEDURE truncating() TRUNCATE other')
  })
  afterAll(async () => {
    await connection.end()
    await database.drop()
  })

  async function rollsBack(sql: string): Promise<boolean> {
    await connection.query('UNLOCK TABLES')
    await connection.query('DELETE FROM probe')
    await connection.query('START TRANSACTION')
    await connection.query('INSERT INTO probe VALUES (1)')
    await connection.query(sql).catch((error: unknown) => {
      if (/syntax/i.test(String(error))) throw error
    })
    await connection.query('ROLLBACK')
    const [rows] = await connection.query<RowDataPacket[]>('SELECT a FROM probe')
    return rows.length === 0
  }

  // MariaDB does not commit here; both are classified as MySQL does.
  const statements = server.name === 'mysql' ? [...MYSQL, 'LOAD INDEX INTO CACHE other'] : MYSQL

  test.each(statements)('agrees that it commits or does not: %s', async (template) => {
    const sql = template.replaceAll('{database}', database.name)
    const dialect: SqlDialect = server.name === 'mariadb' ? 'mariadb' : 'mysql'
    expect(classifySql(sql, dialect).transaction).toBe((await rollsBack(sql)) ? 'allowed' : 'commits')
  })
})

const SQLITE = [
  'VACUUM',
  "VACUUM INTO '{folder}/copy.db'",
  "ATTACH DATABASE ':memory:' AS further",
  'DETACH DATABASE beside',
  'PRAGMA journal_mode = WAL',
  'PRAGMA main.journal_mode(wal)',
  'PRAGMA journal_mode',
  'PRAGMA synchronous = OFF',
  'PRAGMA synchronous',
  'PRAGMA foreign_keys = OFF',
  'PRAGMA foreign_keys=0',
  'PRAGMA foreign_keys',
  'PRAGMA foreign_key_check',
  'PRAGMA defer_foreign_keys = ON',
  'PRAGMA user_version = 3',
  'PRAGMA legacy_alter_table = ON',
  'PRAGMA recursive_triggers = ON',
  'PRAGMA secure_delete = ON',
  'PRAGMA cache_size = 100',
  'PRAGMA wal_checkpoint',
  'PRAGMA wal_checkpoint(TRUNCATE)',
  'PRAGMA integrity_check',
  'CREATE TABLE made (a)',
  'ALTER TABLE t ADD COLUMN b',
  'DROP TABLE t',
  'REINDEX',
  'ANALYZE',
]

test.each(SQLITE)('agrees with SQLite that it may or may not be in a transaction: %s', async (template) => {
  const database = await useDatabase('sqlite')
  const client = new Database(database.name)
  try {
    const sql = template.replaceAll('{folder}', database.name.replace(/\/[^/]*$/, ''))
    client.exec("CREATE TABLE t (a); ATTACH ':memory:' AS beside; BEGIN IMMEDIATE")
    const before = client.pragma('foreign_keys', { simple: true })
    const refused = attempt(() => client.exec(sql))
    const ignored = / foreign_keys *=/.test(sql) && client.pragma('foreign_keys', { simple: true }) === before
    expect([classifySql(sql, 'sqlite').transaction, refused]).toEqual([
      refused !== '' || ignored ? 'forbidden' : 'allowed',
      refused,
    ])
  } finally {
    client.close()
    await database.drop()
  }
})

function attempt(work: () => unknown): string {
  try {
    work()
    return ''
  } catch (error) {
    return String(error)
  }
}
