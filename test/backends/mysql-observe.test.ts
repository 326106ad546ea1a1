import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Session } from '../../src/backend/index.js'
import { mariadb, mysql } from '../../src/backends/mysql/index.js'
import { journalEntry } from '../../src/testing/values.js'
import { createDatabase, type TestDatabase } from '../servers/create-database.js'
import { describeServers } from '../servers/database.js'

const TABLE =
  'CREATE TABLE t (a int PRIMARY KEY, b varchar(20) NOT NULL DEFAULT 5, c int, INDEX known (c), CONSTRAINT positive CHECK (c > 0))'

interface Case {
  readonly name: string
  readonly setup?: readonly string[]
  readonly text: string
  readonly only?: 'mysql' | 'mariadb'
}

/** Of each: not done before it ran, and done afterwards. */
const SEEN: readonly Case[] = [
  { name: 'a table made', text: 'CREATE TABLE `t``x` (a int)' },
  { name: 'a table made like another', setup: [TABLE], text: 'CREATE TABLE IF NOT EXISTS u LIKE t' },
  { name: 'a table made from rows', text: 'CREATE TABLE t AS SELECT 1 AS a', only: 'mysql' },
  { name: 'a table dropped', setup: [TABLE], text: 'DROP TABLE t' },
  { name: 'two tables dropped, one of them absent', setup: [TABLE], text: 'DROP TABLE IF EXISTS t, u' },
  { name: 'a table renamed', setup: [TABLE], text: 'RENAME TABLE t TO u' },
  {
    name: 'two tables exchanged',
    setup: [TABLE, 'CREATE TABLE t_new (a int)'],
    text: 'RENAME TABLE t TO t_old, t_new TO t',
  },
  { name: 'a table renamed by ALTER', setup: [TABLE], text: 'ALTER TABLE t RENAME TO `Größe`' },
  { name: 'an index made', setup: [TABLE], text: 'CREATE UNIQUE INDEX i ON t (b)' },
  { name: 'an index dropped', setup: [TABLE], text: 'DROP INDEX known ON t' },
  {
    name: 'an index added',
    setup: [TABLE],
    text: 'ALTER TABLE t ADD INDEX i (b), ALGORITHM=INPLACE, LOCK=NONE',
  },
  { name: 'an index renamed', setup: [TABLE], text: 'ALTER TABLE t RENAME INDEX known TO better' },
  {
    name: 'an index hidden',
    setup: [TABLE],
    text: 'ALTER TABLE t ALTER INDEX known INVISIBLE',
    only: 'mysql',
  },
  { name: 'a column added', setup: [TABLE], text: 'ALTER TABLE t ADD `odd ``name` int AFTER a' },
  {
    name: 'columns added',
    setup: [TABLE],
    text: 'ALTER TABLE t ADD COLUMN (d int, e decimal(5, 2)), ADD f int',
  },
  { name: 'a column dropped', setup: [TABLE], text: 'ALTER TABLE t DROP COLUMN b' },
  { name: 'a column renamed', setup: [TABLE], text: 'ALTER TABLE t RENAME COLUMN b TO d' },
  { name: 'a column changed in its name', setup: [TABLE], text: 'ALTER TABLE t CHANGE b d text' },
  {
    name: 'a column changed in its type',
    setup: [TABLE],
    text: 'ALTER TABLE t MODIFY b varchar(30) NOT NULL',
  },
  { name: 'a column that may be null', setup: [TABLE], text: 'ALTER TABLE t MODIFY b varchar(20) DEFAULT 5' },
  { name: 'a default set', setup: [TABLE], text: 'ALTER TABLE t ALTER COLUMN c SET DEFAULT 7' },
  { name: 'a default dropped', setup: [TABLE], text: 'ALTER TABLE t ALTER b DROP DEFAULT' },
  { name: 'a primary key dropped', setup: [TABLE], text: 'ALTER TABLE t DROP PRIMARY KEY' },
  { name: 'a check added', setup: [TABLE], text: 'ALTER TABLE t ADD CONSTRAINT big CHECK (a > 5)' },
  { name: 'a check dropped', setup: [TABLE], text: 'ALTER TABLE t DROP CONSTRAINT positive' },
  {
    name: 'a foreign key added',
    setup: [TABLE, 'CREATE TABLE u (a int)'],
    text: 'ALTER TABLE u ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES t (a)',
  },
  { name: "a table's comment", setup: [TABLE], text: "ALTER TABLE t COMMENT = 'it''s'" },
  { name: "a table's collation", setup: [TABLE], text: 'ALTER TABLE t CONVERT TO CHARACTER SET latin1' },
  { name: 'a view made', setup: [TABLE], text: 'CREATE VIEW v AS SELECT a FROM t' },
  {
    name: 'a view replaced',
    setup: [TABLE, 'CREATE VIEW v AS SELECT a FROM t'],
    text: 'CREATE OR REPLACE VIEW v AS SELECT b FROM t',
  },
  { name: 'a view dropped', setup: ['CREATE VIEW v AS SELECT 1 AS a'], text: 'DROP VIEW v' },
  { name: 'a function made', text: 'CREATE FUNCTION f(a int) RETURNS int DETERMINISTIC RETURN a + 1' },
  { name: 'a procedure made', text: 'CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END' },
  {
    name: 'a procedure dropped',
    setup: ['CREATE PROCEDURE p() SELECT 1'],
    text: 'DROP PROCEDURE IF EXISTS p',
  },
  {
    name: 'a trigger made',
    setup: [TABLE],
    text: 'CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.c = 1',
  },
  {
    name: 'a trigger dropped',
    setup: [TABLE, 'CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.c = 1'],
    text: 'DROP TRIGGER r',
  },
  { name: 'an event made', text: 'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1' },
  { name: 'a sequence made', text: 'CREATE SEQUENCE s', only: 'mariadb' },
  {
    name: 'a column added twice',
    setup: [TABLE],
    text: 'ALTER TABLE t ADD COLUMN IF NOT EXISTS d int',
    only: 'mariadb',
  },
]

/** Nothing of these can be told from the catalogue. */
const UNSEEN = [
  'CREATE TEMPORARY TABLE x (a int)',
  'ALTER TABLE t ADD INDEX (b)',
  'ALTER TABLE t ADD d int, FORCE',
  'TRUNCATE TABLE t',
  'CREATE OR REPLACE TABLE t (a int)',
  'CALL p()',
  'INSERT INTO t VALUES (1)',
  'RENAME TABLE t TO x, u TO t, x TO u, x TO x',
]

describeServers(['mysql', 'mariadb'], (server) => {
  const backend = server.name === 'mysql' ? mysql : mariadb
  let database: TestDatabase
  const sessions: Session[] = []

  beforeEach(async () => {
    database = await createDatabase(server)
  })

  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close()
    await database.drop()
  })

  async function connect(url = database.url): Promise<Session> {
    const session = await backend.connect({ url, metadata: { prefix: 'migrate_' }, applicationName: 'test' })
    sessions.push(session)
    return session
  }

  const statement = (text: string) => {
    const [first] = backend.parse(text)
    if (first === undefined) throw new Error('nothing parsed')
    return first
  }

  async function run(session: Session, texts: readonly string[]): Promise<void> {
    for (const text of texts) await session.execute(statement(text))
  }

  /** Writes the intent as the engine does. */
  async function intend(session: Session, text: string): Promise<void> {
    const subject = session.traces?.([statement(text)])[0] ?? null
    expect(subject).not.toBeNull()
    await session.metadata.write([{ kind: 'journal', entries: [journalEntry('a', 0, { subject })] }])
  }

  /** What a later runner sees. */
  async function seen(text: string): Promise<string | undefined> {
    const session = await connect()
    const [entry] = (await session.metadata.read()).journal
    if (entry === undefined) throw new Error('no entry')
    return session.observe?.(statement(text), entry)
  }

  test.each(SEEN.filter(({ only }) => only === undefined || only === server.name))(
    '$name is seen',
    async ({ setup = [], text }) => {
      const session = await connect()
      await session.metadata.ensure()
      await run(session, setup)
      await intend(session, text)
      expect(await seen(text)).toBe('not-applied')
      await run(session, [text])
      expect(await seen(text)).toBe('applied')
    },
  )

  test('what the server refuses, or what had nothing to do, is not taken for done', async () => {
    const session = await connect()
    await session.metadata.ensure()
    await run(session, [TABLE])
    await intend(session, 'CREATE TABLE t (a int)')
    expect(await seen('CREATE TABLE t (a int)')).toBe('not-applied')
    await intend(session, 'DROP TABLE IF EXISTS nothing')
    await run(session, ['DROP TABLE IF EXISTS nothing'])
    expect(await seen('DROP TABLE IF EXISTS nothing')).toBe('not-applied')
  })

  test('names mean what they meant when the statement ran, whichever database is in use', async () => {
    const session = await connect()
    await session.metadata.ensure()
    const other = `${database.name}_other`
    await run(session, [`CREATE DATABASE ${other}`, `USE ${other}`])
    try {
      await intend(session, 'CREATE TABLE t (a int)')
      await run(session, ['CREATE TABLE t (a int)'])
      expect(await seen('CREATE TABLE t (a int)')).toBe('applied')
    } finally {
      await run(session, [`DROP DATABASE ${other}`])
    }
  })

  test('a schema made and dropped is seen', async () => {
    const session = await connect()
    await session.metadata.ensure()
    const other = `${database.name}_other`
    for (const text of [
      `CREATE DATABASE ${other}`,
      `ALTER DATABASE ${other} COLLATE latin1_bin`,
      `DROP DATABASE ${other}`,
    ]) {
      await intend(session, text)
      expect(await seen(text)).toBe('not-applied')
      await run(session, [text])
      expect(await seen(text)).toBe('applied')
    }
  })

  test.each(UNSEEN)('nothing is said of: %s', async (text) => {
    const session = await connect()
    expect(session.traces?.([statement(text)])).toEqual([])
    expect(await session.observe?.(statement(text), journalEntry('a', 0))).toBe('unknown')
  })

  test('a table that hides behind a temporary one is not looked at', async () => {
    const session = await connect()
    await run(session, ['CREATE TEMPORARY TABLE t (a int)'])
    expect(session.traces?.([statement('DROP TABLE t')])).toEqual([])
  })

  test('statements share an intent as long as each can be told from the others', async () => {
    const session = await connect()
    const count = (...texts: string[]) => session.traces?.(texts.map(statement)).length
    expect(count('CREATE TABLE t (a int)', 'CREATE INDEX i ON t (a)', 'ALTER TABLE t ADD b int')).toBe(3)
    expect(count('CREATE TABLE t (a int, INDEX i (a))', 'CREATE INDEX i ON t (a)')).toBe(1)
    expect(count('CREATE TABLE t (a int)', 'DROP TABLE t')).toBe(1)
    expect(count('CREATE TABLE t (a int)', 'INSERT INTO t VALUES (1)')).toBe(1)
    expect(count('DROP TABLE t', 'CREATE TABLE u (a int)')).toBe(1)
    expect(count('ALTER TABLE t ADD a int', 'ALTER TABLE t RENAME TO u')).toBe(1)
    expect(count('CREATE DATABASE x', 'CREATE TABLE x.t (a int)')).toBe(1)
  })

  test('a batch tells how far it came, and which statement was refused', async () => {
    const session = await connect()
    await session.metadata.ensure()
    const told: (number | string)[] = []
    const texts = [
      'CREATE TABLE t (a int) -- one',
      'CREATE TABLE IF NOT EXISTS t (a int)',
      'CREATE TABLE t (b int)',
      'CREATE TABLE u (a int)',
    ]
    const change = { kind: 'journal' as const, entries: [journalEntry('a', 0), journalEntry('a', 1)] }
    const progress = { committed: () => told.push('committed'), done: (index: number) => told.push(index) }
    await expect(
      session.executeAfter?.([change, { kind: 'untag', name: 'x' }], texts.map(statement), progress),
    ).rejects.toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      message: /t.* already exists/,
    })
    expect(told).toEqual(['committed', 0, 1])
    expect((await session.metadata.read()).journal).toHaveLength(2)
    await run(session, ['CREATE TABLE u (a int)'])
  })
})
