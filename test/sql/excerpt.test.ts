import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeBlocker } from '../../src/backends/sql/blockers.js'
import { sqlExcerpt } from '../../src/sql/excerpt.js'
import type { SqlDialect } from '../../src/sql/index.js'

const excerpt = (text: string, dialect: SqlDialect): string => sqlExcerpt(text, dialect, { length: 500 })

const CANARY = 'Kan4rie'

/** Where a `?` stands a password may. */
const STATEMENTS: Readonly<Record<SqlDialect, readonly string[]>> = {
  postgres: [
    'CREATE ROLE u LOGIN PASSWORD ?',
    'ALTER ROLE u WITH ENCRYPTED PASSWORD ? VALID UNTIL ?',
    "ALTER USER u PASSWORD /* it's new */ ?",
    'ALTER USER u PASSWORD -- a comment\n ?',
    'CREATE USER MAPPING FOR u SERVER s OPTIONS (user ?, password ?)',
    'ALTER USER MAPPING FOR u SERVER s OPTIONS (SET password ?)',
    "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h', sslpassword ?)",
    'CREATE SUBSCRIPTION s CONNECTION ? PUBLICATION p',
    'ALTER SUBSCRIPTION s CONNECTION ?',
    'SELECT * FROM dblink(?, ?) AS t (a int)',
    'SELECT dblink_connect(?)',
    'COPY t FROM PROGRAM ?',
    'COPY (SELECT ?) TO PROGRAM ? WITH (DELIMITER ?)',
    'ALTER SYSTEM SET primary_conninfo = ?',
    'SET my.password TO ?',
    'ALTER DATABASE d SET my.secret = ?',
    'SELECT pgp_sym_encrypt(data, ?) FROM t',
    'DO ?',
    'CREATE FUNCTION f() RETURNS text LANGUAGE sql AS ?',
    'INSERT INTO users (name, hash) VALUES (?, ?)',
  ],
  mysql: [
    'CREATE USER u IDENTIFIED BY ?',
    'CREATE USER IF NOT EXISTS u@h IDENTIFIED WITH caching_sha2_password BY ? REQUIRE NONE',
    'ALTER USER u IDENTIFIED WITH sha256_password AS ?',
    'ALTER USER USER() IDENTIFIED BY ? REPLACE ? RETAIN CURRENT PASSWORD',
    'SET PASSWORD FOR u = ?',
    'SET PASSWORD FOR u = PASSWORD(?)',
    'SET PASSWORD = ? REPLACE ?',
    "CHANGE MASTER TO MASTER_HOST = 'h', MASTER_PASSWORD=?",
    'CHANGE REPLICATION SOURCE TO SOURCE_USER = ?, SOURCE_PASSWORD = ?',
    'START REPLICA USER = ? PASSWORD = ?',
    'CREATE TABLE t (a int) ENGINE=FEDERATED CONNECTION=?',
    'CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER ?, PASSWORD ?)',
    'GRANT ALL ON *.* TO u IDENTIFIED BY PASSWORD ?',
    'CREATE USER u IDENTIFIED /*!50000 BY */ ?',
    'CREATE USER u IDENTIFIED BY # a comment\n ?',
    'INSERT INTO t VALUES (AES_ENCRYPT(?, ?))',
    'CREATE PROCEDURE p() BEGIN SET @a = ?; SET @b = ?; END',
  ],
  mariadb: [
    'CREATE USER u IDENTIFIED VIA ed25519 USING ?',
    'CREATE USER u IDENTIFIED VIA ed25519 USING PASSWORD(?)',
    'SET PASSWORD FOR u = OLD_PASSWORD(?)',
    "CHANGE MASTER 'c' TO MASTER_PASSWORD=?",
    'EXECUTE IMMEDIATE ?',
  ],
  sqlite: ['ATTACH ? AS other KEY ?', 'PRAGMA key = ?', 'PRAGMA main.rekey(?)', 'INSERT INTO t VALUES (?)'],
}

/** Every way to write a value down; the value may be anything that this way can hold. */
const FORMS: Readonly<Record<SqlDialect, readonly ((value: string) => string)[]>> = {
  postgres: [
    (value) => `'${value.replaceAll("'", "''").replaceAll('\\', '')}'`,
    (value) => `'C:\\${value.replaceAll("'", "''")}\\'`,
    (value) => `E'${escaped(value, "'")}'`,
    (value) => `E'\\'${escaped(value, "'")}'`,
    (value) => `U&'${value.replaceAll("'", "''").replaceAll('\\', '')}'`,
    (value) => `$$${value.replaceAll('$', '')}$$`,
    (value) => `$a$'${value.replaceAll('$', '')}$a$`,
    (value) => `'x'\n'${value.replaceAll("'", "''").replaceAll('\\', '')}'`,
  ],
  mysql: [
    (value) => `'${escaped(value, "'")}'`,
    (value) => `"${escaped(value, '"')}"`,
    (value) => `_utf8mb4'${escaped(value, "'")}'`,
    (value) => `'\\'${escaped(value, "'")}'`,
    (value) => `"it's" '${escaped(value, "'")}'`,
    (value) => `N'${escaped(value, "'")}'`,
  ],
  mariadb: [(value) => `'${escaped(value, "'")}'`, (value) => `"${escaped(value, '"')}"`],
  sqlite: [
    (value) => `'${value.replaceAll("'", "''")}'`,
    (value) => `'it''s ${value.replaceAll("'", "''")}'`,
  ],
}

const escaped = (value: string, quote: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)

const around = fc.string({
  unit: fc.constantFrom('a', "'", '"', '`', '\\', '\n', ';', '--', '/*', '*/', ' ', '#'),
})

describe.each(Object.keys(STATEMENTS) as SqlDialect[])('%s', (dialect) => {
  it('a value is in no excerpt, wherever it stands and however it is written', () => {
    const statement = fc.constantFrom(...STATEMENTS[dialect])
    const form = fc.constantFrom(...FORMS[dialect])
    fc.assert(
      fc.property(statement, form, around, around, (text, write, before, after) => {
        const shown = excerpt(
          text.replaceAll('?', () => write(before + CANARY + after)),
          dialect,
        )
        expect(shown).not.toContain(CANARY)
        expect(shown.slice(0, 2)).toBe(text.slice(0, 2))
      }),
      { numRuns: 1000 },
    )
  })

  it('nor in what is said of a blocker, cut off anywhere', () => {
    const statement = fc.constantFrom(...STATEMENTS[dialect])
    const form = fc.constantFrom(...FORMS[dialect])
    fc.assert(
      fc.property(statement, form, around, fc.nat(200), (text, write, before, cut) => {
        const whole = text.replaceAll('?', () => write(before + CANARY))
        const query = whole.slice(0, Math.max(1, whole.length - cut))
        const blocker = { id: 'pid 1', user: 'u', from: '', seconds: 1, query }
        expect(describeBlocker(blocker, dialect)).not.toContain(CANARY)
      }),
      { numRuns: 1000 },
    )
  })

  it('of any text it is a text of the length that was asked for, at most', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), around), fc.nat(40), (text, length) => {
        expect(sqlExcerpt(text, dialect, { length }).length).toBeLessThanOrEqual(length)
      }),
    )
  })
})

it.each<readonly [SqlDialect, string, string]>([
  ['postgres', "CREATE ROLE u PASSWORD 's3cret'", "CREATE ROLE u PASSWORD '***'"],
  ['postgres', "ALTER USER u PASSWORD U&'s3cret'", "ALTER USER u PASSWORD U&'***'"],
  [
    'postgres',
    'ALTER USER u PASSWORD $x$s3cret$x$ VALID UNTIL now',
    "ALTER USER u PASSWORD '***' VALID UNTIL now",
  ],
  ['postgres', 'SET my.password = hunter2', 'SET my.password = ***'],
  ['postgres', 'SET my.password TO "hunter2"', 'SET my.password TO ***'],
  ['postgres', 'CREATE TABLE t (a varchar(20) DEFAULT 1.5)', 'CREATE TABLE t (a varchar(20) DEFAULT 1.5)'],
  ['postgres', 'ALTER TABLE "T" -- why\n  ADD b int', 'ALTER TABLE "T" \n  ADD b int'],
  [
    'mysql',
    'ALTER USER u IDENTIFIED WITH p AS 0x2432, x AS 12',
    'ALTER USER u IDENTIFIED WITH p AS ***, x AS 12',
  ],
  ['mysql', "ALTER TABLE `t` COMMENT 'it''s', ADD b int", "ALTER TABLE `t` COMMENT '***', ADD b int"],
  // Where the server takes no backslashes, the string ends before the comma, and the rest is another value.
  ['mysql', "UPDATE t SET a = 'C:\\', b = 's3cret'", "UPDATE t SET a = '***'…"],
  ['mysql', 'SELECT "s3cret", `name`', 'SELECT "***", `name`'],
  ['sqlite', 'PRAGMA key = hunter2', 'PRAGMA key = ***'],
  ['sqlite', 'PRAGMA key("hunter2")', 'PRAGMA key(***)'],
  ['sqlite', 'ATTACH x AS y KEY hunter2', 'ATTACH x AS y KEY ***'],
  ['sqlite', 'PRAGMA table_info([a b])', 'PRAGMA table_info([a b])'],
])('%s: %s', (dialect, text, shown) => {
  expect(excerpt(text, dialect)).toBe(shown)
})

it.each<readonly [SqlDialect, string, string]>([
  ['postgres', "UPDATE t SET p = 'C:\\', q = 'geheim'", "UPDATE t SET p = '…'…"],
  ['postgres', 'UPDATE t SET p = $$geheim$$ WHERE ssn = 123.45e6', "UPDATE t SET p = '…' WHERE ssn = …"],
  ['postgres', 'SELECT a FROM t WHERE b = $1 /* user=geheim */', 'SELECT a FROM t WHERE b = $1'],
  ['postgres', "UPDATE t SET p = 'gehei", 'UPDATE t SET p = …'],
  ['mysql', 'UPDATE t SET p = "geheim", n = 42', 'UPDATE t SET p = "…", n = …'],
])('a blocker of %s that runs %s', (dialect, query, shown) => {
  expect(describeBlocker({ id: 'pid 7', user: 'u', from: '', seconds: null, query }, dialect)).toBe(
    `pid 7 as u: ${shown}`,
  )
})

it.each(["'", '"', '\\', "\\'", '/*', '--', '$a$', '$', 'a ', 'password = ', '(', '1.', 'key ', '\0'])(
  'a long text of %j is read once, and no further than is shown',
  (unit) => {
    for (const dialect of Object.keys(STATEMENTS) as SqlDialect[]) {
      const text = unit.repeat(2_000_000 / unit.length)
      // Read anew from each place, this would take days: the test would not end.
      expect(excerpt(text, dialect).length).toBeLessThanOrEqual(500)
      expect(excerpt(`SELECT '${text}`, dialect).length).toBeLessThanOrEqual(500)
    }
  },
)
