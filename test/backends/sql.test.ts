import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { METADATA_FORMAT, type MetadataChange } from '../../src/core/metadata.js'
import { sqlite } from '../../src/backends/sqlite/index.js'
import { postgres } from '../../src/backends/postgres/index.js'
import { mysql } from '../../src/backends/mysql/index.js'
import {
  createTables,
  decodeFormat,
  maskSecrets,
  maskUrl,
  mysqlFlavour,
  parseServerUrl,
  postgresFlavour,
  renderChange,
  renderChanges,
  sqliteFlavour,
  SnapshotReader,
  sqlNames,
  upgradeTables,
} from '../../src/backends/sql/index.js'
import { historyRow, journalEntry, logEntry } from '../../src/testing/values.js'

const names = sqlNames({ prefix: 'migrate_' }, sqliteFlavour)

function snapshotOf(rows: readonly (readonly unknown[])[]) {
  const reader = new SnapshotReader()
  rows.forEach((row) => reader.add(row))
  return reader.end()
}

describe('text literals', () => {
  const text = fc.string({ unit: 'binary' })

  test('a SQLite literal has the value that it was made of', () => {
    const database = new Database(':memory:')
    fc.assert(
      fc.property(text, (value) => {
        const read = database
          .prepare(`SELECT ${sqliteFlavour.text(value)}`)
          .pluck()
          .get()
        expect(read).toBe(value)
      }),
    )
    database.close()
  })

  test('a MySQL literal is ASCII without a backslash, with its quotes in pairs', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(mysqlFlavour.text(value)).toMatch(/^('([\t\n -&(-[\]-~]|'')*'|_utf8mb4 X'([0-9A-F]{2})*')$/)
      }),
    )
  })

  test('a PostgreSQL literal with a backslash says that it escapes, and has them in pairs', () => {
    fc.assert(
      fc.property(text, (value) => {
        const literal = postgresFlavour.text(value)
        const body = literal
          .replace(/^E?'|'$/g, '')
          .replaceAll("''", '')
          .replaceAll('\\\\', '')
        expect(body).not.toMatch(/['\\\0]/)
        expect(literal.startsWith('E')).toBe(value.includes('\\'))
      }),
    )
  })

  test.each([
    [postgresFlavour.identifier('a"b'), '"a""b"'],
    [sqliteFlavour.identifier('a"b'), '"a""b"'],
    [mysqlFlavour.identifier('a`b'), '`a``b`'],
  ])('names are quoted: %s', (rendered, wanted) => expect(rendered).toBe(wanted))
})

describe('the names of the metadata', () => {
  test('a schema and every name are quoted', () => {
    expect(sqlNames({ prefix: 'm_', schema: 'my"schema' }, postgresFlavour).history).toBe(
      '"my""schema"."m_history"',
    )
  })

  test('a name that the server would cut short is refused', () => {
    expect(() => sqlNames({ prefix: 'é'.repeat(29) }, postgresFlavour)).toThrow(
      /63 bytes that PostgreSQL keeps/,
    )
    expect(() => sqlNames({ prefix: 'x'.repeat(58) }, mysqlFlavour)).toThrow(/64 characters that MySQL keeps/)
    expect(() => sqlNames({ prefix: 'x'.repeat(500) }, sqliteFlavour)).not.toThrow()
  })
})

describe('changes', () => {
  test('an id of more than 255 characters is refused before anything is sent', () => {
    const change = { kind: 'apply', row: historyRow('x'.repeat(256)) } as const
    expect(() => renderChange(change, names, sqliteFlavour)).toThrow(/at most 255/)
  })

  test('of two journal entries for one step the last one counts, in one statement', () => {
    const entries = [journalEntry('a', 0), journalEntry('a', 0, { state: 'done' })]
    const [sql, ...others] = renderChange({ kind: 'journal', entries }, names, sqliteFlavour)
    expect(others).toEqual([])
    const [rows] = sql?.split(' ON CONFLICT ') ?? []
    expect(rows).toContain("'done'")
    expect(rows).not.toContain("'intent'")
  })

  test('written together they leave what they leave one by one', () => {
    const at = '2026-01-01T00:00:00.000Z'
    const id = fc.constantFrom('a', 'b', 'c')
    const change = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(id, fc.string()).map(([key, message]) => applied(key, message)) },
      id.map((revision): MetadataChange => ({ kind: 'revert', revision })),
      fc.option(id).map((revision): MetadataChange => ({ kind: 'log', entry: logEntry({ revision, at }) })),
    )
    function applied(key: string, message: string): MetadataChange {
      return { kind: 'apply', row: historyRow(key, { message, appliedAt: at }) }
    }
    function left(statements: readonly string[]): unknown {
      const database = new Database(':memory:')
      for (const sql of [...createTables(names, sqliteFlavour), ...statements]) database.exec(sql)
      const rows = [names.history, names.log].map((table) =>
        database.prepare(`SELECT * FROM ${table} ORDER BY seq`).all(),
      )
      database.close()
      // How many numbers a replaced row has used up is nobody's.
      return rows.map((list) => list.map((row) => ({ ...(row as object), seq: null })))
    }
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const oneByOne = changes.flatMap((one) => renderChange(one, names, sqliteFlavour))
        const together = renderChanges(changes, names, sqliteFlavour)
        expect(together.length).toBeLessThanOrEqual(oneByOne.length)
        expect(left(together)).toEqual(left(oneByOne))
      }),
    )
  })

  test('a duration that the server can tell is left to it, but not for what was only stamped', () => {
    const sql = (stamped: boolean) =>
      renderChange(
        { kind: 'apply', row: historyRow('a', { durationMs: null, stamped }) },
        names,
        postgresFlavour,
      )[0]
    expect(sql(false)).toContain('transaction_timestamp()')
    expect(sql(true)).not.toContain('transaction_timestamp()')
  })
})

describe('the format of the metadata', () => {
  test('an older format is brought up step by step, each recorded behind its work', () => {
    const steps = [() => ['ALTER one'], () => ['ALTER two', 'ALTER three']]
    const sql = upgradeTables(1, names, sqliteFlavour, steps)
    expect(sql.filter((line) => line.startsWith('ALTER'))).toEqual(['ALTER one', 'ALTER two', 'ALTER three'])
    expect(sql[1]).toContain("'2'")
    expect(sql[4]).toContain("'3'")
    expect(upgradeTables(2, names, sqliteFlavour, steps)).toEqual(sql.slice(2))
    expect(upgradeTables(3, names, sqliteFlavour, steps)).toEqual([])
  })

  test('tables of an older format are brought up in a database', () => {
    const database = new Database(':memory:')
    for (const sql of createTables(names, sqliteFlavour)) database.exec(sql)
    const step = () => [`ALTER TABLE ${names.history} ADD COLUMN approved_by text`]
    for (const sql of upgradeTables(METADATA_FORMAT, names, sqliteFlavour, [
      ...Array.from({ length: METADATA_FORMAT - 1 }, () => () => []),
      step,
    ])) {
      database.exec(sql)
    }
    expect(database.prepare(`SELECT value FROM ${names.meta}`).pluck().all()).toEqual([
      String(METADATA_FORMAT + 1),
    ])
    expect(database.prepare(`SELECT approved_by FROM ${names.history}`).all()).toEqual([])
    database.close()
  })

  test('tables of the first format get a place for backfills', () => {
    const database = new Database(':memory:')
    const made = createTables(names, sqliteFlavour).filter((sql) => !sql.includes(names.backfill))
    const journal = (sql: string) => sql.replace(/\n {2}(subject|before_state) TEXT,/g, '')
    for (const sql of [...made.map(journal), ...upgradeTables(1, names, sqliteFlavour)]) database.exec(sql)
    expect(database.prepare(`SELECT * FROM ${names.backfill}`).all()).toEqual([])
    database.close()
  })

  test('a newer format, and what is no format, are refused', () => {
    expect(() => decodeFormat(String(METADATA_FORMAT + 1))).toThrow(
      expect.objectContaining({ code: 'MIG-METADATA-NEWER' }) as Error,
    )
    for (const value of ['0', '-1', '1.5', 'x', '', null, 7n]) {
      expect(() => decodeFormat(value)).toThrow(
        expect.objectContaining({ code: 'MIG-METADATA-CORRUPT' }) as Error,
      )
    }
  })

  test('rows without a format are refused: the tables were tampered with', () => {
    const row = [0, 1, null, 0, 'a', '[]', '[]', '[]', 'm', null, null, 't', 'b', 'h', 'v', 'r']
    expect(() => snapshotOf([row])).toThrow(
      expect.objectContaining({ code: 'MIG-METADATA-CORRUPT' }) as Error,
    )
  })

  test.each([
    ['parents', 5],
    ['depends_on', 6],
    ['labels', 7],
  ])('%s that are no list of texts are refused, with the revision', (field, column) => {
    for (const value of ['', 'x', '{}', '[1]', '"a"', '[null]']) {
      const row: unknown[] = [
        0,
        1,
        null,
        0,
        'rev1',
        '[]',
        '[]',
        '[]',
        'm',
        null,
        null,
        't',
        'b',
        'h',
        'v',
        'r',
      ]
      row[column] = value
      const format = [3, null, null, null, '1', ...Array.from({ length: 11 }, () => null)]
      expect(() => snapshotOf([row, format])).toThrow(`the ${field} of revision rev1`)
    }
  })
})

describe('URLs', () => {
  test('a NUL is in none of them: on the wire it would begin the next parameter', () => {
    for (const url of [
      'postgres://u%00x@h/d',
      'mysql://u:p%00@h',
      'postgres://h/d%00user%00root',
      'postgres://h/d?a=%00',
    ])
      expect(() => parseServerUrl(url)).toThrow(/there is a NUL character in it/)
  })

  test('one that is none is shown without what may be its password', () => {
    expect(maskUrl('postgres:me:s3cret@h/d')).toBe('postgres:***@h/d')
    expect(maskUrl('postgres//me:s3@cret@h/d')).toBe('postgres//me:***@h/d')
    expect(maskUrl('me/s3cret@h/d')).toBe('***@h/d')
    expect(maskUrl('host=h password=s3cret dbname=d')).toBe('host=h password=*** dbname=d')
    expect(maskUrl('Server=h;Uid=me;Pwd=s3cret;')).toBe('Server=h;Uid=me;Pwd=***;')
    expect(maskUrl('jdbc:mysql://h/d;user=me;password=s3cret')).toBe('jdbc:mysql://h/d;user=me;password=***')
  })

  test('one that has lost its host is not told with the password for a port', () => {
    for (const url of [
      'postgres://me:s3cret',
      'mysql://me:s3cret/d',
      'redis://me:12s3cret?ssl-mode=REQUIRED',
    ]) {
      expect(maskUrl(url)).not.toContain('s3cret')
      expect(() => parseServerUrl(url)).toThrow(/"me:\*\*\*" is no host with a port/)
    }
  })

  test.each([
    ['postgres://me:secret@h/d', 'postgres://me:***@h/d'],
    ['postgres://me@h:5432/d', 'postgres://me@h:5432/d'],
    ['mysql://me:p@ss@h/d', 'mysql://me:***@h/d'],
    ['mysql://me:p/a?s#s@h/d', 'mysql://me:***@h/d'],
    ['mysql://me:@h/d', 'mysql://me:***@h/d'],
    ['mysql://h/d?user=me&password=secret&x=1', 'mysql://h/d?user=me&password=***&x=1'],
    ['mysql://h:3306/d?mail=a@b', 'mysql://h:3306/d?mail=a@b'],
    ['mongodb://h:27017,[::1]:27018,i/d', 'mongodb://h:27017,[::1]:27018,i/d'],
    ['postgres://::1/d', 'postgres://::1/d'],
    ['sqlite:a.db', 'sqlite:a.db'],
    ['sqlite:a.db?key=secret', 'sqlite:a.db?key=***'],
    ['postgres://me@db/app?%70assword=s3cret&a=b', 'postgres://me@db/app?%70assword=***&a=b'],
    ['mysql://me@db/app?ssl={"passphrase":"s3cret"}', 'mysql://me@db/app?ssl=***'],
    ['postgres://me@db/app?a=b?password=s3cret', 'postgres://me@db/app?a=***'],
  ])('%s is shown as %s', (url, shown) => expect(maskUrl(url)).toBe(shown))

  test('no password is ever in a masked URL', () => {
    const password = fc.string({ minLength: 8 }).filter((value) => !/[\s@]/.test(value))
    fc.assert(
      fc.property(password, fc.boolean(), (value, encode) => {
        const url = `mysql://me:${encode ? encodeURIComponent(value) : value}@host:3306/db`
        expect(maskUrl(url)).toBe('mysql://me:***@host:3306/db')
        expect(maskSecrets(`driver says: ${value}!`, url)).toBe('driver says: ***!')
      }),
    )
  })

  test('a URL is taken apart, whether or not its password is encoded', () => {
    for (const password of ['p@ss/w:o?r#d%', encodeURIComponent('p@ss/w:o?r#d%')]) {
      expect(parseServerUrl(`mysql://me:${password}@[::1]:3307/my%20db?ssl-mode=REQUIRED`)).toMatchObject({
        scheme: 'mysql',
        user: 'me',
        password: 'p@ss/w:o?r#d%',
        host: '::1',
        port: 3307,
        database: 'my db',
      })
    }
    expect(parseServerUrl('mysql://h')).toMatchObject({ host: 'h', port: undefined, database: undefined })
  })

  test.each(['mysql:h/d', 'mysql://me:secret@h:99999/d', 'mysql://me:secret@h:x/d'])(
    '%s is refused',
    (url) => {
      const refused: unknown = expect.objectContaining({
        code: 'MIG-URL-INVALID',
        message: expect.not.stringContaining('secret') as unknown,
      })
      expect(() => parseServerUrl(url)).toThrow(refused)
    },
  )
})

describe('what a statement is', () => {
  const facts = (text: string, backend = postgres as Pick<typeof mysql, 'parse'>) => {
    const [statement] = backend.parse(text)
    return { loses: statement?.losesData, touches: statement?.touchesSession, summary: statement?.summary }
  }

  test.each([
    ['DROP TABLE a', 'drop table'],
    ['ALTER TABLE a DROP COLUMN b', 'alter table drop column'],
    ['ALTER TABLE a DROP b', undefined],
    ['DELETE FROM a', 'delete'],
    ['TRUNCATE a', undefined],
    ['DROP SCHEMA s CASCADE', 'drop schema'],
    ['WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone', undefined],
  ])('%s loses data', (text, summary) => {
    expect(facts(text).loses).toBe(true)
    if (summary !== undefined) expect(facts(text).summary).toBe(summary)
  })

  test('a pragma is called by its name', () => {
    expect(facts('pragma main.FOREIGN_KEYS = off', sqlite).summary).toBe('pragma foreign_keys')
    expect(facts('PRAGMA', sqlite).summary).toBe('pragma')
  })

  test.each([
    'CREATE TABLE a (b int)',
    'ALTER TABLE a DROP CONSTRAINT b',
    'ALTER TABLE a ALTER COLUMN b DROP NOT NULL',
    'DROP INDEX a',
    'DROP VIEW a',
    'UPDATE a SET b = 1',
  ])('%s loses none', (text) => expect(facts(text).loses).toBe(false))

  test.each([
    "SET search_path = ''",
    "SELECT pg_catalog.set_config('search_path', '', false)",
    'DO $$ BEGIN END $$',
  ])('%s may change the session', (text) => expect(facts(text).touches).toBe(true))

  test.each(['CREATE TABLE a (b int)', 'INSERT INTO a VALUES (1)', 'SELECT 1'])(
    '%s leaves the session',
    (text) => expect(facts(text).touches).toBe(false),
  )

  test('LOCK TABLES begins a span that UNLOCK TABLES ends', () => {
    const spans = mysql
      .parse('LOCK TABLES a WRITE; INSERT INTO a VALUES (1); UNLOCK TABLES')
      .map(({ span }) => span)
    expect(spans).toEqual(['begin', undefined, 'end'])
    expect(mysql.parse('FLUSH TABLES WITH READ LOCK')[0]?.span).toBe('begin')
  })

  test('LOAD DATA LOCAL is refused at its place', () => {
    const parse = () => mysql.parse("SELECT 1;\n  LOAD DATA LOCAL INFILE 'x' INTO TABLE a")
    const refused: unknown = expect.objectContaining({
      code: 'MIG-UNSUPPORTED',
      position: { line: 2, column: 3, offset: 12 },
    })
    expect(parse).toThrow(refused)
  })

  test('what only sets the session up is known as such', () => {
    expect(
      mysql.parse("SET sql_mode = ''; USE a; CREATE TABLE b (c int)").map(({ sessionOnly }) => sessionOnly),
    ).toEqual([true, true, undefined])
    expect(sqlite.parse('PRAGMA foreign_keys = OFF')[0]?.sessionOnly).toBe(true)
  })
})
