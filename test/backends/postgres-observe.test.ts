import { expect, test } from 'vitest'
import type { Session } from '../../src/backend/index.js'
import type { JournalEntry } from '../../src/core/metadata.js'
import { journalEntry } from '../../src/testing/values.js'
import { describeServers } from '../servers/database.js'
import { statement, useBench } from './postgres-support.js'

const TABLE = 'CREATE TABLE t (a integer, b text)'
const TWICE = 'INSERT INTO t VALUES (1), (1)'

interface Case {
  readonly name: string
  readonly setup: readonly string[]
  readonly text: string
}

/** Of each: not done before it ran, and done afterwards. */
const SEEN: readonly Case[] = [
  { name: 'an index made', setup: [TABLE], text: 'CREATE INDEX CONCURRENTLY i ON t (a)' },
  {
    name: 'an index made if it is not there',
    setup: [TABLE],
    text: 'create unique index concurrently if not exists I on only T (a)',
  },
  {
    name: 'an index with odd names',
    setup: ['CREATE SCHEMA "S.1"', 'CREATE TABLE "S.1"."it\'s ""so""" (a integer)'],
    text: 'CREATE INDEX CONCURRENTLY /* ; */ "on ""t""" ON "S.1" . "it\'s ""so""" (a)',
  },
  {
    name: 'an index with a name that the server cuts',
    setup: [TABLE],
    text: `CREATE INDEX CONCURRENTLY ${'i'.repeat(70)} ON t (a)`,
  },
  {
    name: 'an index of a materialized view',
    setup: ['CREATE MATERIALIZED VIEW m AS SELECT 1 AS a'],
    text: 'CREATE INDEX CONCURRENTLY i ON m (a)',
  },
  {
    name: 'an index on a table that the search path leads to',
    setup: ['CREATE SCHEMA s', 'CREATE TABLE s.u (a integer)', 'SET search_path = s, public'],
    text: 'CREATE INDEX CONCURRENTLY i ON u (a)',
  },
  {
    name: 'an index without a name',
    setup: [TABLE],
    text: 'CREATE INDEX CONCURRENTLY ON T (a) WHERE b > $$ USING $$',
  },
  {
    name: 'an index and a table whose names only the server can fold',
    setup: ['CREATE TABLE ÄÖ_Über (a integer)'],
    text: 'CREATE INDEX CONCURRENTLY Öl ON ÄÖ_ÜBER (a)',
  },
  {
    name: 'an index with all that there is to define, on a table that has lost a column',
    setup: [
      'CREATE TABLE t (gone integer, a integer, b text COLLATE "C", c text)',
      'ALTER TABLE t DROP COLUMN gone',
    ],
    text: `CREATE UNIQUE INDEX CONCURRENTLY " USING " ON t USING btree (lower(b) COLLATE "C" text_pattern_ops DESC NULLS LAST, (a + 1)) -- !
      INCLUDE (c) WITH (fillfactor = 70) WHERE c IS NOT NULL -- the end`,
  },
  {
    name: 'an index dropped',
    setup: [TABLE, 'CREATE INDEX "I" ON t (a)'],
    text: 'DROP INDEX CONCURRENTLY "I"',
  },
  {
    name: 'an index dropped in its schema, if it exists',
    setup: ['CREATE SCHEMA s', 'CREATE TABLE s.t (a integer)', 'CREATE INDEX i ON s.t (a)'],
    text: 'DROP INDEX CONCURRENTLY IF EXISTS s.i RESTRICT',
  },
  {
    name: 'a partition detached',
    setup: [
      'CREATE TABLE parted (a integer) PARTITION BY LIST (a)',
      'CREATE SCHEMA "S"',
      'CREATE TABLE "S".part PARTITION OF parted FOR VALUES IN (1)',
    ],
    text: 'ALTER TABLE IF EXISTS Parted DETACH PARTITION "S".part CONCURRENTLY',
  },
]

const UNNAMED = 'CREATE UNIQUE INDEX CONCURRENTLY ON t (a)'

/** Nothing of these can be told from the catalogue for certain. */
const UNSEEN = [
  'CREATE INDEX CONCURRENTLY U&"d\\0061" ON t (a)',
  'CREATE INDEX CONCURRENTLY i ON db.s.t (a)',
  'DROP INDEX CONCURRENTLY i, j',
  'ALTER TABLE db.s.t DETACH PARTITION p CONCURRENTLY',
  "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
]

const HARMLESS = [
  'VACUUM t',
  'VACUUM (FULL, ANALYZE)',
  'REINDEX INDEX CONCURRENTLY i',
  'REINDEX (CONCURRENTLY) TABLE t',
  'CLUSTER',
  "ALTER SYSTEM SET work_mem = '8MB'",
  'DISCARD ALL',
]

describeServers(['postgres', 'postgres15'], (server) => {
  const bench = useBench(server)

  async function run(session: Session, texts: readonly string[]): Promise<void> {
    for (const text of texts) await session.execute(statement(text))
  }

  /** Writes the intent as the engine does. */
  async function intend(session: Session, text: string): Promise<void> {
    const subject = session.traces?.([statement(text)])[0] ?? null
    expect(subject).not.toBeNull()
    await session.metadata.write([{ kind: 'journal', entries: [journalEntry('a', 0, { subject })] }])
  }

  async function noted(): Promise<JournalEntry> {
    const [entry] = (await (await bench.connect()).metadata.read()).journal
    if (entry === undefined) throw new Error('no entry')
    return entry
  }

  /** What a later runner sees, whose search path is another one. */
  async function seen(text: string): Promise<string | undefined> {
    const entry = await noted()
    return (await bench.connect()).observe?.(statement(text), entry)
  }

  /** Fails, and leaves an index that is not valid. */
  async function fail(session: Session, text: string): Promise<void> {
    await expect(run(session, [text])).rejects.toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    expect(await invalid()).not.toEqual([])
  }

  const invalid = async (): Promise<string[]> =>
    (await bench.ask('SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid ORDER BY 1')).map(
      ([name]) => name ?? '',
    )

  test.each(SEEN)('$name is seen', async ({ setup, text }) => {
    const session = await bench.prepared()
    await run(session, setup)
    await intend(session, text)
    expect(await seen(text)).toBe('not-applied')
    await run(session, [text])
    expect(await seen(text)).toBe('applied')
  })

  test.each(UNSEEN)('nothing is said of: %s', async (text) => {
    const session = await bench.prepared()
    expect(session.traces?.([statement(text)])).toEqual([])
    expect(await session.observe?.(statement(text), journalEntry('a', 0))).toBe('unknown')
  })

  test.each(HARMLESS)('run again is: %s', async (text) => {
    const session = await bench.prepared()
    expect(await session.observe?.(statement(text), journalEntry('a', 0))).toBe('not-applied')
  })

  test('an index that was not built to its end is not taken for one, and is dropped before it is built again', async () => {
    const notices: string[] = []
    const session = await bench.prepared({ onNotice: (message) => notices.push(message) })
    const text = 'CREATE UNIQUE INDEX CONCURRENTLY "I" ON t (a)'
    await run(session, [TABLE, TWICE])
    await intend(session, text)
    await fail(session, text)
    expect(await seen(text)).toBe('not-applied')
    await session.clearAway?.(await noted())
    expect(await invalid()).toEqual([])
    expect(notices).toEqual(['The index public."I", which an earlier run had left INVALID, was dropped.'])
    await session.clearAway?.(await noted())
    expect(notices).toHaveLength(1)
    await run(session, ['DELETE FROM t', text])
    expect(await seen(text)).toBe('applied')
    await session.clearAway?.(await noted())
    expect(
      await bench.ask("SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 't'::regclass"),
    ).toEqual([['"I"']])
  })

  test('an INVALID index that was there before the statement, or hangs on another table, is somebody else’s', async () => {
    const session = await bench.prepared()
    const text = 'CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)'
    await run(session, [TABLE, TWICE])
    await fail(session, text)
    await intend(session, text)
    expect(await seen(text)).toBe('not-applied')
    await session.clearAway?.(await noted())
    expect(await invalid()).toEqual(['i'])

    await run(session, ['DROP INDEX i', 'CREATE TABLE u AS SELECT * FROM t'])
    await intend(session, text)
    await fail(session, 'CREATE UNIQUE INDEX CONCURRENTLY i ON u (a)')
    expect(await seen(text)).toBe('unknown')
    await session.clearAway?.(await noted())
    expect(await invalid()).toEqual(['i'])
  })

  test.each([
    ['CREATE INDEX i ON t (b)', 'CREATE INDEX CONCURRENTLY i ON t (a)'],
    ['CREATE INDEX i ON t (a)', 'CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)'],
    ['CREATE INDEX i ON t (a) WHERE a > 1', 'CREATE INDEX CONCURRENTLY i ON t (a) WHERE a > 2'],
    ['CREATE INDEX ON t (b)', 'CREATE INDEX CONCURRENTLY ON t (a)'],
    ['CREATE INDEX i ON t (a)', 'CREATE INDEX CONCURRENTLY i ON t (a) WHERE nothing(b)'],
  ])(
    'an index that is another one is not taken for that of the statement: %s for %s',
    async (other, text) => {
      const session = await bench.prepared()
      await run(session, [TABLE])
      await intend(session, text)
      await run(session, [other])
      expect(await seen(text)).toBe('unknown')
    },
  )

  test('of an index without a name what is left is dropped, one at a time, and no other', async () => {
    const notices: string[] = []
    const session = await bench.prepared({ onNotice: (message) => notices.push(message) })
    await run(session, [TABLE, TWICE])
    // Somebody else's, from before.
    await fail(session, UNNAMED)
    for (let round = 0; round < 2; round++) {
      await intend(session, UNNAMED)
      await fail(session, UNNAMED)
      expect(await invalid()).toHaveLength(2)
      expect(await seen(UNNAMED)).toBe('not-applied')
      await session.clearAway?.(await noted())
      expect(await invalid()).toEqual(['t_a_idx'])
    }
    expect(notices).toEqual(
      Array(2).fill('The index public.t_a_idx1, which an earlier run had left INVALID, was dropped.'),
    )
    // Two that are new: which is ours nobody knows.
    await intend(session, UNNAMED)
    await fail(session, UNNAMED)
    await fail(session, UNNAMED)
    expect(await seen(UNNAMED)).toBe('unknown')
    await session.clearAway?.(await noted())
    expect(await invalid()).toHaveLength(3)
  })

  test('an index that somebody else builds at this moment is left alone', async () => {
    const session = await bench.prepared()
    await run(session, [TABLE, TWICE])
    await intend(session, UNNAMED)
    await fail(session, UNNAMED)
    const builder = await bench.connect()
    await run(builder, ['BEGIN', 'LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE'])
    await session.clearAway?.(await noted())
    expect(await invalid()).toEqual(['t_a_idx'])
    await run(builder, ['ROLLBACK'])
    await session.clearAway?.(await noted())
    expect(await invalid()).toEqual([])
  })

  const REINDEXED = [
    ['INDEX CONCURRENTLY i', 'i_ccnew'],
    ['(CONCURRENTLY) TABLE T', 'i_ccnew'],
    ['TABLE CONCURRENTLY parted', 'part_a_idx_ccnew'],
    ['SCHEMA CONCURRENTLY "S"', '"S".j_ccnew'],
  ] as const
  test.each(REINDEXED)('what REINDEX %s leaves is dropped, and nothing else', async (what, left) => {
    const text = `REINDEX ${what}`
    const notices: string[] = []
    const session = await bench.prepared({
      lockTimeoutMs: 300,
      onNotice: (message) => notices.push(message),
    })
    await run(session, [
      TABLE,
      'CREATE INDEX i ON t (a)',
      'CREATE TABLE parted (a integer) PARTITION BY LIST (a)',
      'CREATE TABLE part PARTITION OF parted FOR VALUES IN (1)',
      'CREATE INDEX ON parted (a)',
      'CREATE SCHEMA "S"',
      'CREATE TABLE "S".u (a integer)',
      'CREATE INDEX j ON "S".u (a)',
    ])
    // A build that fails for another's transaction, and is stopped in its midst as by a kill.
    const fails = async (): Promise<void> => {
      const other = await bench.connect()
      await run(other, ['BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1 FROM pg_class LIMIT 1'])
      await expect(run(session, [text])).rejects.toThrow('lock timeout')
      await run(other, ['ROLLBACK'])
    }
    await fails()
    const before = await invalid()
    expect(before).toContain(left)
    await intend(session, text)
    await fails()
    expect((await invalid()).length).toBeGreaterThan(before.length)
    expect(await seen(text)).toBe('not-applied')
    await session.clearAway?.(await noted())
    expect(await invalid()).toEqual(before)
    expect(notices.filter((message) => message.endsWith('was dropped.'))).not.toEqual([])
  })

  test('an index with the dropped one’s name is not it', async () => {
    const session = await bench.prepared()
    await run(session, [TABLE, 'CREATE INDEX i ON t (a)'])
    await intend(session, 'DROP INDEX CONCURRENTLY i')
    await run(session, ['DROP INDEX CONCURRENTLY i', 'CREATE INDEX i ON t (b)'])
    expect(await seen('DROP INDEX CONCURRENTLY i')).toBe('unknown')
  })

  test('what had nothing to do is run again', async () => {
    const session = await bench.prepared()
    await run(session, [TABLE, 'CREATE INDEX i ON t (a)'])
    for (const text of [
      'DROP INDEX CONCURRENTLY IF EXISTS nothing',
      'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (b)',
    ]) {
      await intend(session, text)
      await run(session, [text])
      expect(await seen(text)).toBe('not-applied')
    }
  })

  test('of an index whose table is gone nothing is said', async () => {
    const session = await bench.prepared()
    await run(session, [TABLE])
    const text = 'CREATE INDEX CONCURRENTLY i ON t (a)'
    await intend(session, text)
    await run(session, ['DROP TABLE t'])
    expect(await seen(text)).toBe('unknown')
  })

  test('IF NOT EXISTS does not pass over an index that is INVALID', async () => {
    const session = await bench.prepared()
    await run(session, [TABLE, TWICE])
    await fail(session, 'CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)')
    const again = 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)'
    await expect(run(session, [again])).rejects.toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      message: 'The index public.i exists, but is INVALID: it was not built.',
    })
    await run(session, ['DROP INDEX CONCURRENTLY i', 'DELETE FROM t', again, again])
    expect(await invalid()).toEqual([])
  })
})
