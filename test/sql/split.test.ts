import { expect, test } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { hasOnlyComments, splitSql, type SqlDialect, type SqlStatement } from '../../src/sql/index.js'
import { NASTY_MYSQL, NASTY_SQLITE } from './nasty-others.js'

const DIALECTS: readonly SqlDialect[] = ['postgres', 'mysql', 'mariadb', 'sqlite']

const texts = (sql: string, dialect: SqlDialect): string[] => splitSql(sql, dialect).map(({ text }) => text)

function refusal(sql: string, dialect: SqlDialect): [string, string, number, number] {
  try {
    splitSql(sql, dialect)
  } catch (error) {
    if (!(error instanceof MigrateError)) throw error
    expect(error.hint).toMatch(/\S.*\.$|DELIMITER/)
    return [error.code, error.message, error.position?.line ?? 0, error.position?.column ?? 0]
  }
  throw new Error('it was not refused')
}

test.each(NASTY_MYSQL)('cuts on MySQL and MariaDB: %j', (sql, expected) => {
  expect(texts(sql, 'mysql')).toEqual(expected)
  expect(texts(sql, 'mariadb')).toEqual(expected)
})

test.each(NASTY_SQLITE)('cuts on SQLite: %j', (sql, expected) => {
  expect(texts(sql, 'sqlite')).toEqual(expected)
})

test.each([
  [
    'BEGIN NOT ATOMIC SELECT 1; SELECT 2; END; SELECT 3',
    ['BEGIN NOT ATOMIC SELECT 1; SELECT 2; END', 'SELECT 3'],
  ],
  ['IF @a THEN SELECT 1; END IF; SELECT 2', ['IF @a THEN SELECT 1; END IF', 'SELECT 2']],
  ['l: LOOP LEAVE l; END LOOP l; SELECT 2', ['l: LOOP LEAVE l; END LOOP l', 'SELECT 2']],
  ['FOR i IN 1..3 DO SELECT i; END FOR; SELECT 2', ['FOR i IN 1..3 DO SELECT i; END FOR', 'SELECT 2']],
  ['BEGIN; SELECT 1; COMMIT', ['BEGIN', 'SELECT 1', 'COMMIT']],
  ['BEGIN WORK; SELECT 1', ['BEGIN WORK', 'SELECT 1']],
  ['/*M! SELECT 1; */; SELECT 2', ['/*M! SELECT 1; */', 'SELECT 2']],
  ["/*M!999999\\- enable the sandbox's mode */ \nSELECT 1", ['SELECT 1']],
  [
    'CREATE PROCEDURE p AS a INT; b INT := 1; BEGIN SELECT a; EXCEPTION WHEN OTHERS THEN NULL; END; SELECT 2',
    [
      'CREATE PROCEDURE p AS a INT; b INT := 1; BEGIN SELECT a; EXCEPTION WHEN OTHERS THEN NULL; END',
      'SELECT 2',
    ],
  ],
  [
    'CREATE PROCEDURE p AS BEGIN <<l>> FOR i IN 1 .. 3 LOOP EXIT l WHEN i; END LOOP l; END; SELECT 2',
    ['CREATE PROCEDURE p AS BEGIN <<l>> FOR i IN 1 .. 3 LOOP EXIT l WHEN i; END LOOP l; END', 'SELECT 2'],
  ],
  [
    'CREATE FUNCTION f(a INT) RETURN INT IS BEGIN IF a THEN RETURN 1; ELSIF b THEN RETURN 2; END IF; END; SELECT 2',
    [
      'CREATE FUNCTION f(a INT) RETURN INT IS BEGIN IF a THEN RETURN 1; ELSIF b THEN RETURN 2; END IF; END',
      'SELECT 2',
    ],
  ],
])("cuts MariaDB's own: %j", (sql, expected) => {
  expect(texts(sql, 'mariadb')).toEqual(expected)
})

test('takes the body of a MySQL routine in another language as a string', () => {
  const sql =
    "CREATE FUNCTION f(a INT) RETURNS INT LANGUAGE JAVASCRIPT AS $js$ let b = 'x;'; return a; $js$; SELECT 1"
  expect(texts(sql, 'mysql')).toHaveLength(2)
})

test.each(DIALECTS)('finds nothing in what holds nothing: %s', (dialect) => {
  for (const sql of [
    '',
    ' \r\n\t',
    '\uFEFF',
    '\uFEFF-- a',
    ';',
    ' ; ;;\n',
    '-- only; this',
    '/* a; */ ; -- b\n',
  ]) {
    expect(splitSql(sql, dialect)).toEqual([])
    expect(hasOnlyComments(sql, dialect)).toBe(true)
  }
  expect(hasOnlyComments('-- a\nSELECT 1', dialect)).toBe(false)
})

test.each(DIALECTS)('says where a statement is, whatever ends the lines: %s', (dialect) => {
  for (const end of ['\n', '\r\n', '\r']) {
    const sql = ['\uFEFF-- a;', '', '  SELECT 1; SELECT 2', ';', "SELECT 'é", "'; SELECT 3"].join(end)
    const found = splitSql(sql, dialect).map(({ position }) => [position.line, position.column])
    expect(found).toEqual([
      [3, 3],
      [3, 13],
      [5, 1],
      [6, 4],
    ])
  }
})

test('counts from where the text begins in its file', () => {
  const origin = { file: 'a.sql', line: 10, column: 5, offset: 200 }
  expect(splitSql(' SELECT 1;\nSELECT 2', 'sqlite', { origin }).map(({ position }) => position)).toEqual([
    { file: 'a.sql', line: 10, column: 6, offset: 201 },
    { file: 'a.sql', line: 11, column: 1, offset: 211 },
  ])
  expect(() => splitSql("SELECT 1;\n  'a", 'sqlite', { origin })).toThrow(
    expect.objectContaining({ position: { file: 'a.sql', line: 11, column: 3, offset: 212 } }),
  )
})

test('leaves a byte order mark between joined files out', () => {
  expect(texts('\uFEFFSELECT 1;\n\uFEFFSELECT 2;', 'postgres')).toEqual(['SELECT 1', 'SELECT 2'])
})

test('gives each part the blanks and comments before it and the terminator', () => {
  const sql = '-- a\nSELECT 1; /* b */ SELECT 2 -- c\n;; -- d'
  const parts = splitSql(sql, 'postgres').map(({ start, end }) => sql.slice(start, end))
  expect(parts).toEqual(['-- a\nSELECT 1;', ' /* b */ SELECT 2 -- c\n;'])
})

test('keeps a hint in front of a statement with it', () => {
  expect(texts('-- a\n/*+ SeqScan(t) */ SELECT 1 /* b */; /*+ nothing */;', 'postgres')).toEqual([
    '/*+ SeqScan(t) */ SELECT 1',
  ])
})

test('sends the lines of a classic Mac with line ends that the server knows', () => {
  expect(texts('SELECT 1 -- a\r, 2;\rSELECT 3', 'mysql')).toEqual(['SELECT 1 -- a\n, 2', 'SELECT 3'])
  expect(texts('SELECT 1 -- a\r, 2;\rSELECT 3', 'sqlite')).toEqual(['SELECT 1 -- a\n, 2', 'SELECT 3'])
})

test('continues an escape string behind a comment', () => {
  expect(texts("SELECT E'a' -- b;\n  'c\\';d'; SELECT 2", 'postgres')).toEqual([
    "SELECT E'a' -- b;\n  'c\\';d'",
    'SELECT 2',
  ])
})

test("reads an old dump's strings by its own setting", () => {
  const sql =
    "SET standard_conforming_strings = off; SELECT 'a\\';b'; SET standard_conforming_strings TO on; SELECT '\\'"
  expect(texts(sql, 'postgres')).toHaveLength(4)
  expect(texts("SET x = 'standard_conforming_strings'; SELECT '\\'; SELECT 2", 'postgres')).toHaveLength(3)
})

test('gives COPY its rows', () => {
  const sql = [
    'COPY public.t (a, "from") FROM stdin; -- rows:',
    "1\tit's; $$ -- /*",
    '\\.x',
    'x\\.',
    '\\.',
    'copy t from STDIN with (format csv, header);',
    '\\.',
    'SELECT 1;',
    'COPY t FROM STDOUT;',
    'a',
    '\\.',
  ]
  for (const end of ['\n', '\r\n']) {
    const found = splitSql(sql.join(end), 'postgres')
    expect(found.map(({ text, copyData }) => [text, copyData])).toEqual([
      ['COPY public.t (a, "from") FROM stdin', ["1\tit's; $$ -- /*", '\\.x', 'x\\.', ''].join(end)],
      ['copy t from STDIN with (format csv, header)', ''],
      ['SELECT 1', undefined],
      ['COPY t FROM STDOUT', `a${end}`],
    ])
    expect(found.map((statement) => statement.position.line)).toEqual([1, 6, 8, 9])
    expect(joined(found, sql.join(end))).toBe(sql.join(end))
  }
})

/** The parts of statements joined: no gaps where nothing stands behind the last one. */
const joined = (found: readonly SqlStatement[], sql: string): string =>
  found.map(({ start, end }) => sql.slice(start, end)).join('')

test.each([
  ["COPY t FROM '/x'; SELECT 1", 2],
  ['COPY t TO STDIN; SELECT 1', 2],
  ['COPY (SELECT a FROM stdin) TO STDOUT; SELECT 1', 2],
  ['COPY t FROM PROGRAM $$cat$$; SELECT 1', 2],
  ['COPY t FROM "stdin"; SELECT 1', 2],
  ['COPY stdin FROM $$x$$ (FORMAT csv); SELECT 1', 2],
])('takes no rows for %s', (sql, count) => {
  expect(splitSql(sql, 'postgres')).toHaveLength(count)
})

test.each([
  ['COPY t FROM stdin;\n1\n2\n', 'The data of this COPY … FROM stdin has no end.', 1, 1],
  ['SELECT 1;\n COPY t FROM stdin', 'The data of this COPY … FROM stdin has no end.', 2, 2],
  [
    'COPY t FROM stdin; SELECT 1;\n1\n\\.',
    'The data of a COPY begins on the line after it, but something else follows on its own line.',
    1,
    19,
  ],
])('refuses a COPY without its rows: %j', (sql, message, line, column) => {
  expect(refusal(sql, 'postgres')).toEqual(['MIG-SQL-COPY', message, line, column])
})

test('leaves out what only psql is told', () => {
  const sql = [
    '\\restrict aBc123',
    '\\set ON_ERROR_STOP on',
    "\\echo 'it is; said'",
    '\\encoding UTF8',
    'SELECT 1; \\qecho x;',
    '\\pset null x',
    '\\timing',
    'SELECT 2;',
    '\\unrestrict aBc123',
  ].join('\r\n')
  expect(texts(sql, 'postgres')).toEqual(['SELECT 1', 'SELECT 2'])
})

test.each([
  ['\\connect other', '\\connect', 1],
  [' \\c other', '\\c', 2],
  ['\\set name value', '\\set', 1],
  ['\\encoding LATIN1', '\\encoding', 1],
  ["\\copy t FROM 'x.csv'", '\\copy', 1],
  ['\\i other.sql', '\\i', 1],
  ['SELECT 1 \\gset', '\\gset', 10],
  ['SELECT 1\\; SELECT 2', '\\;', 9],
  ['\\.', '\\.', 1],
  ['\\echo a \\connect b', '\\echo', 1],
  ['SELECT 1\n\\echo a\n+ 1', '\\echo', 1],
])("refuses psql's command in %j", (sql, command, column) => {
  expect(refusal(sql, 'postgres')).toEqual([
    'MIG-SQL-META-COMMAND',
    `${command} is a command of psql, not SQL.`,
    sql.includes('\n') ? 2 : 1,
    column,
  ])
})

test("refuses sqlite3's dot commands and a DELIMITER without characters", () => {
  expect(refusal('SELECT 1;\n.mode csv\n', 'sqlite')).toEqual([
    'MIG-SQL-META-COMMAND',
    '.mode is a command of sqlite3, not SQL.',
    2,
    1,
  ])
  expect(refusal('DELIMITER  \nSELECT 1', 'mysql')[0]).toBe('MIG-SQL-META-COMMAND')
})

test.each<[string, SqlDialect, string, number, number]>([
  ["SELECT 1;\n SELECT 'a; b", 'postgres', 'quote', 2, 9],
  ["SELECT E'a\\'", 'postgres', 'quote', 1, 9],
  ['SELECT "a', 'postgres', 'quote', 1, 8],
  ['SELECT $a$ $$ $A$', 'postgres', 'dollar quote', 1, 8],
  ['/* /* */ SELECT 1', 'postgres', 'comment', 1, 1],
  ["SELECT 'a\\'; b", 'mysql', 'quote', 1, 8],
  ['SELECT "a', 'mysql', 'quote', 1, 8],
  ['SELECT `a', 'mariadb', 'quote', 1, 8],
  ['SELECT 1; /*!50003 SELECT 2;', 'mysql', 'comment', 1, 11],
  ['SELECT 1 /* a', 'sqlite', 'comment', 1, 10],
  ['SELECT [a', 'sqlite', 'bracket', 1, 8],
])('says where the unclosed thing opens: %j', (sql, dialect, what, line, column) => {
  expect(refusal(sql, dialect)).toEqual([
    'MIG-SQL-UNTERMINATED',
    `This ${what} is never closed.`,
    line,
    column,
  ])
})

test.each(DIALECTS)('refuses a NUL: %s', (dialect) => {
  expect(refusal('SELECT 1;\n \0', dialect)).toEqual([
    'MIG-SQL-NUL',
    'There is a NUL character in the SQL text.',
    2,
    2,
  ])
})
