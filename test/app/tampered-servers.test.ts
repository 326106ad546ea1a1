import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { Migrator } from '../../src/app/types.js'
import { defineRevision } from '../../src/app/define.js'
import { MigrateError } from '../../src/core/errors.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'
import { AppProject } from './project.js'

/** They change nothing, whatever the tables say. */
const LOOKING: Readonly<Record<string, (migrator: Migrator) => Promise<unknown>>> = {
  status: (migrator) => migrator.status(),
  current: (migrator) => migrator.current(),
  history: (migrator) => migrator.history(),
  show: (migrator) => migrator.show('b2b2'),
  check: (migrator) => migrator.check(),
  tags: (migrator) => migrator.tags(),
  plan: (migrator) => migrator.upgrade('c3c3', { plan: true }),
  back: (migrator) => migrator.downgrade('-1', { plan: true }),
}
/** They must not come so far as to change anything. */
const DOING: typeof LOOKING = {
  upgrade: (migrator) => migrator.upgrade('c3c3'),
  downgrade: (migrator) => migrator.downgrade('-1'),
  stamp: (migrator) => migrator.stamp(['a1a1']),
  resolve: (migrator) => migrator.resolve('b2b2', 'retry'),
}

async function tell(migrator: Migrator, what: string, refused: boolean): Promise<void> {
  for (const [name, command] of Object.entries(refused ? { ...LOOKING, ...DOING } : LOOKING)) {
    const outcome: unknown = await command(migrator).then(
      () => null,
      (error: unknown) => error,
    )
    const told = `${name} where ${what}`
    if (refused)
      expect((outcome as MigrateError | null)?.code, told).toMatch(/^MIG-METADATA-(CORRUPT|NEWER)$/)
    if (outcome === null) continue
    expect(outcome, told).toBeInstanceOf(MigrateError)
    expect((outcome as MigrateError).code, told).not.toBe('MIG-INTERNAL')
    expect((outcome as MigrateError).hint ?? '', `${told}: ${(outcome as MigrateError).message}`).not.toBe('')
  }
}

const history = (column: string, value: string): string =>
  `UPDATE migrate_history SET ${column} = ${value} WHERE id = 'b2b2';`
const journal = (step: string, state: string): string =>
  `INSERT INTO migrate_journal (revision, direction, step, hash, excerpt, state, run_id, noted_at) VALUES ('c3c3', 'up', ${step}, 'x', 'x', '${state}', 'x', 'x');`

const IN_SQL: readonly (readonly [sql: string, refused: boolean])[] = [
  ...['parents', 'depends_on', 'labels'].flatMap((column) =>
    ["'['", "''", "'null'", "'{}'", "'[1]'", "'[[]]'", '\'"a"\''].map(
      (value) => [history(column, value), true] as const,
    ),
  ),
  [history('parents', '\'["b2b2"]\''), false],
  [history('parents', '\'["nobody"]\''), false],
  [history('depends_on', '\'["c3c3"]\''), false],
  [history('labels', '\'["a1a1"]\''), false],
  [history('labels', '\'["head","@",""]\''), false],
  [history('checksum', "'md5:abc'"), false],
  [history('checksum', 'NULL'), false],
  [history('applied_at', "'yesterday'"), false],
  [history('duration_ms', '-1'), false],
  [history('down_code_steps', "'{'"), false],
  [history('stamped', '-5'), true],
  [history('id', "'a@b:c'"), true],
  [journal('-1', 'intent'), true],
  [journal('0', 'perhaps'), true],
  [journal('1000000000', 'intent'), false],
  ["UPDATE migrate_tags SET heads = '[';", true],
  ['UPDATE migrate_tags SET heads = \'["nobody"]\';', false],
  ...["'x'", "''", "'-1'", "'1.5'", "'999'"].map(
    (value) => [`UPDATE migrate_meta SET value = ${value} WHERE name = 'format';`, true] as const,
  ),
  ['DELETE FROM migrate_meta;', true],
]

describeServers(['postgres', 'mysql', 'mariadb'], (server) => {
  let project: AppProject
  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
  })
  afterEach(() => project.remove())

  it('tables that were tampered with are told of, and nothing is done', { timeout: 300_000 }, async () => {
    for (const [index, id] of ['a1a1', 'b2b2', 'c3c3'].entries())
      project.revision(id, `CREATE TABLE ${id} (id int)`, {
        down: `DROP TABLE ${id}`,
        ...(index === 0 ? {} : { parents: ['a1a1', 'b2b2'][index - 1] ?? '' }),
      })
    const migrator = project.migrator()
    await migrator.upgrade('b2b2')
    await migrator.tag('v1')
    const tables = ['history', 'journal', 'tags', 'meta']
    const each = (sql: (table: string) => string): string => tables.map(sql).join('\n')
    await project.plain(each((table) => `CREATE TABLE sound_${table} AS SELECT * FROM migrate_${table};`))
    for (const [sql, refused] of IN_SQL) {
      await project.plain(sql)
      await tell(migrator, sql, refused)
      await project.plain(
        each(
          (table) =>
            `DELETE FROM migrate_${table};\nINSERT INTO migrate_${table} SELECT * FROM sound_${table};`,
        ),
      )
    }
    process.stderr.write(`tampered: ${IN_SQL.length} ways on ${server.name}\n`)
    expect((await migrator.current()).heads.map(({ revision }) => revision)).toEqual(['b2b2'])
    // Taken for a database that nobody has migrated yet, it would be migrated a second time.
    for (const lost of ['migrate_meta', 'migrate_journal', 'migrate_tags']) {
      await project.plain(`DROP TABLE ${lost};`)
      await tell(migrator, `there is no ${lost}`, true)
    }
  })
})

const REVISIONS = (up: (id: string) => string) =>
  ['a1a1', 'b2b2', 'c3c3'].map((id, index, ids) =>
    defineRevision({ id, parents: ids.slice(Math.max(0, index - 1), index), up: up(id), down: up(`${id}0`) }),
  )

/** What a row of the history may say instead, with whether it must be refused. */
const CHANGES: readonly (readonly [change: Readonly<Record<string, unknown>>, refused: boolean])[] = [
  ...['parents', 'dependsOn', 'labels'].flatMap((name) =>
    [null, 'a', 7, {}, [1], [[]]].map((value) => [{ [name]: value }, true] as const),
  ),
  [{ message: 5 }, true],
  [{ appliedAt: null }, true],
  [{ checksum: 5 }, true],
  [{ durationMs: 'long' }, true],
  [{ checksum: 'md5:abc' }, false],
  [{ parents: ['b2b2'] }, false],
  [{ parents: ['nobody'] }, false],
  [{ dependsOn: ['c3c3'] }, false],
  [{ labels: ['head', '@', ''] }, false],
]
const LOCK_WORDS: readonly Readonly<Record<string, unknown>>[] = [
  { since: 'x', owner: { host: 'h' } },
  { since: null, owner: { host: 5, pid: 'x' } },
  { owner: 'somebody' },
]

describeServers(['redis', 'valkey', 'documentdb', 'mongodb'], (server) => {
  const isRedis = server.name === 'redis' || server.name === 'valkey'
  let database: TestDatabase
  beforeEach(async () => {
    database = await useDatabase(server)
  })
  afterEach(() => database.drop())

  it('what was tampered with is told of, and nothing is done', { timeout: 300_000 }, async () => {
    const options = {
      url: database.url,
      revisions: REVISIONS((id) =>
        isRedis ? `SET ${id} 1` : `{"insert": "t", "documents": [{"_id": "${id}"}]}`,
      ),
    }
    const migrator = createMigrator(options)
    await migrator.upgrade('b2b2')
    await migrator.tag('v1')
    const ways = isRedis
      ? await tamperRedis(migrator)
      : await tamperMongo(migrator, createMigrator({ ...options, lockWaitMs: 0 }))
    process.stderr.write(`tampered: ${ways} ways on ${server.name}\n`)
    expect((await migrator.current()).heads.map(({ revision }) => revision)).toEqual(['b2b2'])
  })

  async function tamperRedis(migrator: Migrator): Promise<number> {
    const client = new Redis(database.url)
    const keys = await client.keys('*')
    const key = (end: string): string => keys.find((one) => one.endsWith(end)) ?? end
    const sound = (await client.hget(key('history'), 'b2b2')) ?? ''
    const texts: (readonly [string, boolean])[] = [
      ...['{', '', 'null', '[]', '7', '"a"', '{}', '{"id": 7}'].map((text) => [text, true] as const),
      ...CHANGES.map(
        ([change, refused]) =>
          [JSON.stringify({ ...(JSON.parse(sound) as object), ...change }), refused] as const,
      ),
    ]
    for (const [text, refused] of texts) {
      await client.hset(key('history'), 'b2b2', text)
      await tell(migrator, text, refused)
    }
    await client.hset(key('history'), 'b2b2', sound)
    const journalKey = key('history').replace(/history$/, 'journal')
    const misplaced = { revision: 'd4d4', direction: 'up', position: 0, state: 'done', hash: '' }
    const entry = JSON.stringify({ ...misplaced, excerpt: '', runId: '', at: '' })
    for (const text of ['{', '{}', '{"state": "perhaps"}', entry, entry.replace(':0', ':-1')]) {
      await client.hset(journalKey, 'up 0 c3c3', text)
      await tell(migrator, `the journal is ${text}`, true)
    }
    await client.del(journalKey)
    // Nobody could take it away again.
    await client.hset(key('history'), 'other', sound)
    await tell(migrator, 'a revision lies under another name', true)
    await client.hdel(key('history'), 'other')
    const soundTags = await client.hgetall(key('tags'))
    await client.del(key('tags'))
    await client.set(key('tags'), 'x')
    await tell(migrator, 'the tags are no hash', true)
    await client.del(key('tags'))
    await client.hset(key('tags'), soundTags)
    client.disconnect()
    return texts.length + 7
  }

  /** @param hurried the same, which waits for no lock */
  async function tamperMongo(migrator: Migrator, hurried: Migrator): Promise<number> {
    const client = await MongoClient.connect(database.url)
    const rows = client.db().collection<{ _id: string }>('migrate_history')
    const sound = await rows.findOne({ _id: 'b2b2' })
    for (const [change, refused] of CHANGES) {
      await rows.updateOne({ _id: 'b2b2' }, { $set: change })
      await tell(migrator, JSON.stringify(change), refused)
      await rows.replaceOne({ _id: 'b2b2' }, { ...sound })
    }
    const meta = client.db().collection<{ _id: string }>('migrate_meta')
    const format = await meta.findOne({ _id: 'format' })
    for (const value of ['x', -1, 1.5, null, 999, {}]) {
      await meta.updateOne({ _id: 'format' }, { $set: { value } })
      await tell(migrator, `the format is ${JSON.stringify(value)}`, true)
    }
    await meta.replaceOne({ _id: 'format' }, { ...format })
    const locks = client.db().collection<{ _id: string }>('migrate_lock')
    const lock = await locks.findOne({ _id: 'migrate_' })
    for (const words of LOCK_WORDS) {
      await locks.updateOne(
        { _id: 'migrate_' },
        { $set: { expires: new Date(Date.now() + 60_000), ...words } },
      )
      const error: unknown = await hurried.upgrade('c3c3').catch((thrown: unknown) => thrown)
      expect((error as MigrateError).code, JSON.stringify(words)).toBe('MIG-LOCK-TIMEOUT')
      expect((await migrator.status()).running?.description).toMatch(/^another run/)
    }
    await locks.replaceOne({ _id: 'migrate_' }, { ...lock })
    const all = await rows.find().toArray()
    await rows.drop()
    await tell(migrator, 'there is no history', true)
    await rows.insertMany(all)
    await client.close()
    return CHANGES.length + 7 + LOCK_WORDS.length
  }
})
