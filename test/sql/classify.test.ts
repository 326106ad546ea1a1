import { expect, test } from 'vitest'
import { classifySql, type SqlDialect, type StatementKind } from '../../src/sql/index.js'

test.each<[string, SqlDialect, StatementKind]>([
  ['', 'postgres', { verb: '' }],
  ['(SELECT 1) UNION (SELECT 2)', 'postgres', { verb: 'select' }],
  ['WITH a AS (SELECT 1), b AS (DELETE FROM t) UPDATE u SET a = 1', 'postgres', { verb: 'update' }],
  [
    'CREATE TABLE IF NOT EXISTS Public."Us""ers" (a int)',
    'postgres',
    {
      verb: 'create',
      object: 'table',
      ifNotExists: true,
      name: 'Public."Us""ers"',
      path: ['public', 'Us"ers'],
    },
  ],
  ['create unlogged table A()', 'postgres', { verb: 'create', object: 'table', name: 'A', path: ['a'] }],
  [
    'CREATE LOCAL TEMP TABLE a (b int)',
    'postgres',
    { verb: 'create', object: 'table', temporary: true, name: 'a', path: ['a'] },
  ],
  [
    'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t USING btree (a)',
    'postgres',
    {
      verb: 'create',
      object: 'index',
      unique: true,
      concurrently: true,
      ifNotExists: true,
      name: 'i',
      path: ['i'],
      on: 's.t',
      onPath: ['s', 't'],
    },
  ],
  [
    'CREATE INDEX CONCURRENTLY ON t (a)',
    'postgres',
    { verb: 'create', object: 'index', concurrently: true, on: 't', onPath: ['t'] },
  ],
  [
    'CREATE OR REPLACE FUNCTION s.f(a int) RETURNS int',
    'postgres',
    { verb: 'create', object: 'function', orReplace: true, name: 's.f', path: ['s', 'f'] },
  ],
  [
    'CREATE CONSTRAINT TRIGGER g AFTER UPDATE OF a ON t EXECUTE FUNCTION f()',
    'postgres',
    { verb: 'create', object: 'trigger', name: 'g', path: ['g'], on: 't', onPath: ['t'] },
  ],
  [
    'CREATE AGGREGATE a(int) (sfunc = f)',
    'postgres',
    { verb: 'create', object: 'aggregate', name: 'a', path: ['a'] },
  ],
  [
    'CREATE EXTENSION "x-y"',
    'postgres',
    { verb: 'create', object: 'extension', name: '"x-y"', path: ['x-y'] },
  ],
  [
    'DROP MATERIALIZED VIEW IF EXISTS a.b CASCADE',
    'postgres',
    { verb: 'drop', object: 'materialized view', ifExists: true, name: 'a.b', path: ['a', 'b'] },
  ],
  [
    'REFRESH MATERIALIZED VIEW CONCURRENTLY m',
    'postgres',
    { verb: 'refresh', object: 'materialized view', concurrently: true, name: 'm', path: ['m'] },
  ],
  [
    'ALTER TABLE IF EXISTS ONLY a.t ADD COLUMN b int',
    'postgres',
    { verb: 'alter', object: 'table', ifExists: true, name: 'a.t', path: ['a', 't'], action: 'add column' },
  ],
  [
    "ALTER TYPE mood ADD VALUE 'sad'",
    'postgres',
    { verb: 'alter', object: 'type', name: 'mood', path: ['mood'], action: 'add value' },
  ],
  ["COMMENT ON TABLE a IS 'b'", 'postgres', { verb: 'comment', object: 'table', name: 'a', path: ['a'] }],
  [
    'INSERT INTO a.b VALUES (1)',
    'postgres',
    { verb: 'insert', object: 'table', name: 'a.b', path: ['a', 'b'] },
  ],
  [
    'INSERT OR REPLACE INTO [a b] VALUES (1)',
    'sqlite',
    { verb: 'insert', object: 'table', name: '[a b]', path: ['a b'] },
  ],
  ['DELETE FROM ONLY t', 'postgres', { verb: 'delete', object: 'table', name: 't', path: ['t'] }],
  ['CALL p()', 'postgres', { verb: 'call', opaque: true }],
  [
    'LOCK TABLE t',
    'postgres',
    { verb: 'lock', object: 'table', name: 't', path: ['t'], needsTransaction: true },
  ],
  ['BEGIN', 'postgres', { verb: 'begin', control: 'begin' }],
  ['START TRANSACTION READ ONLY', 'mysql', { verb: 'start', control: 'begin' }],
  ['ABORT', 'postgres', { verb: 'abort', control: 'rollback' }],
  ['ROLLBACK WORK TO SAVEPOINT a', 'postgres', { verb: 'rollback', control: 'rollback-to' }],
  ['RELEASE a', 'sqlite', { verb: 'release', control: 'release', name: 'a', path: ['a'] }],
  ["PREPARE TRANSACTION 'a'", 'postgres', { verb: 'prepare', control: 'prepare' }],
  ["XA START 'a'", 'mysql', { verb: 'xa', control: 'xa' }],
  [
    'SET @@session.autocommit = 0',
    'mysql',
    { verb: 'set', object: 'variable', name: 'autocommit', path: ['autocommit'], control: 'autocommit' },
  ],
  ['BEGIN NOT ATOMIC SELECT 1; END', 'mariadb', { verb: 'begin', opaque: true }],
  [
    '/*!50001 CREATE ALGORITHM=UNDEFINED */ /*!50013 DEFINER=`a`@`%` SQL SECURITY DEFINER */ /*!50001 VIEW `b`.`c` AS SELECT 1 */',
    'mysql',
    { verb: 'create', object: 'view', name: '`b`.`c`', path: ['b', 'c'] },
  ],
  ['RENAME TABLE a TO b', 'mysql', { verb: 'rename', object: 'table', name: 'a', path: ['a'] }],
  [
    'PRAGMA main.user_version = 3',
    'sqlite',
    {
      verb: 'pragma',
      object: 'pragma',
      name: 'main.user_version',
      path: ['main', 'user_version'],
      action: 'set',
    },
  ],
  [
    'CREATE VIRTUAL TABLE a USING fts5(b)',
    'sqlite',
    { verb: 'create', object: 'virtual table', name: 'a', path: ['a'] },
  ],
])('reads what %j is', (text, dialect, kind) => {
  expect(classifySql(text, dialect).kind).toEqual(kind)
})

test('knows which version lets an enum value be added in a transaction', () => {
  const sql = "ALTER TYPE mood ADD VALUE 'sad'"
  expect(classifySql(sql, 'postgres', 110022)).toEqual(
    expect.objectContaining({
      transaction: 'forbidden',
      reason: 'ALTER TYPE … ADD VALUE may not be in a transaction',
    }),
  )
  expect(classifySql(sql, 'postgres', 120000).transaction).toBe('allowed')
  expect(classifySql(sql, 'postgres').transaction).toBe('allowed')
})

test.each<[string, SqlDialect]>([
  ['ALTER SUBSCRIPTION s REFRESH PUBLICATION', 'postgres'],
  ['ALTER SUBSCRIPTION s SET PUBLICATION p', 'postgres'],
  ['ALTER SUBSCRIPTION s ADD PUBLICATION p WITH (copy_data = false)', 'postgres'],
  ['ALTER SUBSCRIPTION s SET (failover = true)', 'postgres'],
  ['DROP SUBSCRIPTION s', 'postgres'],
])('names what PostgreSQL refuses in a transaction once a subscription is live: %s', (sql, dialect) => {
  expect(classifySql(sql, dialect).transaction).toBe('forbidden')
})

test.each<[string, SqlDialect]>([
  ['BEGIN', 'postgres'],
  ['END', 'sqlite'],
  ['SAVEPOINT a', 'sqlite'],
  ['SET autocommit=0', 'mysql'],
  ['/*!40101 SET @OLD_AUTOCOMMIT=@@AUTOCOMMIT, AUTOCOMMIT=0 */', 'mysql'],
  ["SET sql_mode = CONCAT('a', ','), @@SESSION.autocommit := 0", 'mariadb'],
  ["XA COMMIT 'a'", 'mariadb'],
])('names what begins, ends or marks a transaction: %s', (sql, dialect) => {
  expect(classifySql(sql, dialect).transaction).toBe('control')
})

test.each<[string]>([
  ['SET @autocommit = 0'],
  ['SET GLOBAL autocommit = 0'],
  ['SET @x = @@autocommit, @autocommit = (SELECT 1)'],
])('leaves the transaction as it is: %s', (sql) => {
  expect(classifySql(sql, 'mysql').transaction).toBe('allowed')
})

test.each<[string, string]>([
  ['SET STATEMENT lock_wait_timeout = 1 FOR', "ALTER TABLE t COMMENT 'x'"],
  ["SET STATEMENT a = (SELECT 1 FOR UPDATE), b = 'FOR' FOR", 'DROP TABLE t'],
  ['SET STATEMENT a = 1 FOR SET STATEMENT b = 2 FOR', 'SET PASSWORD = PASSWORD(1)'],
  ['ANALYZE', 'UPDATE t SET a = a + 1'],
  ['ANALYZE FORMAT = JSON', 'DELETE FROM t'],
])('what stands before a statement of MariaDB leaves it what it is: %s', (prefix, sql) => {
  expect(classifySql(`${prefix} ${sql}`, 'mariadb')).toEqual(classifySql(sql, 'mariadb'))
})

test.each<[string, SqlDialect]>([
  ['UNLOCK TABLES', 'mysql'],
  ['EXECUTE s', 'mysql'],
  ['BEGIN NOT ATOMIC DROP TABLE t; END', 'mariadb'],
])('takes for a commit what may be one: %s', (sql, dialect) => {
  expect(classifySql(sql, dialect).transaction).toBe('commits')
})
