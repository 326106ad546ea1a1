import { MongoClient, type Db, type Document } from 'mongodb'
import { MongoClient as OtherClient } from 'mongodb-6'
import { afterEach, expect, it } from 'vitest'
import { mongodb } from '../../src/backends/mongo/index.js'
import type { MongoAccess } from '../../src/backends/mongo/driver.js'
import { defineRevision, type Operations, type RevisionDefinition } from '../../src/app/define.js'
import { createMigrator } from '../../src/app/migrator.js'
import type { Statement } from '../../src/backend/index.js'
import { MigrateError } from '../../src/core/errors.js'
import { historyRow, logEntry } from '../../src/testing/values.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { ServerInfo } from '../servers/types.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function fresh(server: ServerInfo): Promise<{ url: string; db: Db }> {
  const database = await useDatabase(server)
  const client = new MongoClient(database.url)
  closing.push(
    () => database.drop(),
    () => client.close(),
  )
  return { url: database.url, db: client.db() }
}

const indexes = async (db: Db, collection: string): Promise<Document[]> =>
  (await db.collection(collection).listIndexes().toArray()) as Document[]

const names = async (db: Db, collection: string): Promise<unknown[]> =>
  (await indexes(db, collection)).map((index): unknown => index['name'])

async function failure(work: Promise<unknown>): Promise<MigrateError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof MigrateError) return error
  throw new Error(`expected a refusal, got ${String(error)}`)
}

describeServers(['documentdb', 'mongodb'], (server) => {
  it('operations are applied, shown in the plan, and taken back', async () => {
    const { url, db } = await fresh(server)
    const revisions: RevisionDefinition[] = [
      defineRevision({
        id: 'a000',
        change(op) {
          op.mongo.createCollection('users')
          op.mongo.index('users').create({ email: 1 }, { unique: true })
          op.mongo.index('users').create({ seen: 1 }, { expireAfterSeconds: 60 })
          op.mongo.index('users').setTtl({ seen: 1 }, 120, { was: 60 })
          op.mongo.index('users').hide({ seen: 1 })
          op.mongo.insertMany('users', [{ _id: 1, email: 'a@example.com' }])
          op.mongo.validator('users', { email: { $type: 'string' } }, { was: null })
        },
      }),
      defineRevision({
        id: 'b000',
        parents: ['a000'],
        change: (op) => op.mongo.renameCollection('users', 'people'),
      }),
    ]
    const migrator = createMigrator({ url, revisions })
    const plan = await migrator.upgrade('head', { plan: true })
    expect(plan.steps[0]?.statements.map(({ sql }) => sql)).toContain('{"create":"users"}')
    expect(await db.listCollections().toArray()).toEqual([])

    const report = await migrator.upgrade()
    expect(report.to).toEqual(['b000'])
    expect(await names(db, 'people')).toEqual(['_id_', 'email_1', 'seen_1'])
    const [, , seen] = await indexes(db, 'people')
    expect(seen).toMatchObject({ hidden: true, expireAfterSeconds: 120 })
    await expect(db.collection('people').insertOne({ email: 5 })).rejects.toMatchObject({ code: 121 })
    expect((await migrator.current()).applied).toHaveLength(2)

    await migrator.downgrade('base')
    expect(
      (await db.listCollections().toArray())
        .map(({ name }) => name)
        .filter((name) => !name.startsWith('migrate_')),
    ).toEqual([])
  })

  it('a code step is handed the database and a session whose transaction holds its row of the history', async () => {
    const { url, db } = await fresh(server)
    const revision = (throws: boolean) =>
      defineRevision({
        id: 'a000',
        up: (op) =>
          op.run<MongoAccess>('fill', async ({ client }) => {
            await client.db.collection('things').insertOne({ x: 1 }, { session: client.session })
            if (throws) throw new Error('no')
          }),
      })
    const error = await failure(createMigrator({ url, revisions: [revision(true)] }).upgrade())
    expect(error.code).toBe('MIG-CODE-STEP-FAILED')
    expect(await db.collection('things').countDocuments()).toBe(0)
    await createMigrator({ url, revisions: [revision(false)] }).upgrade()
    expect(await db.collection('things').countDocuments()).toBe(1)
  })

  it('an index that is refused is shown with what is in its way', async () => {
    const { url, db } = await fresh(server)
    await db.collection('users').insertMany([{ email: 'a' }, { email: 'a' }, { email: 'b' }])
    await db.command({ createIndexes: 'users', indexes: [{ key: { email: 1 }, name: 'mine' }] })
    const migrate = (options: object) =>
      failure(
        createMigrator({
          url,
          revisions: [
            defineRevision({ id: 'a000', up: (op) => op.mongo.index('users').create({ email: 1 }, options) }),
          ],
        }).upgrade(),
      )
    const other = await migrate({ name: 'theirs' })
    expect(other.details.join('\n')).toContain('code: 85')
    expect(other.details.filter((line) => /^(?:wanted|present):/.test(line))).toHaveLength(2)
    const duplicates = await migrate({ name: 'theirs', unique: true })
    expect(duplicates.details).toContain('{"email":"a"} in 2 documents')
  })

  it('a journalled script goes on where an earlier run was cut off, and runs nothing twice', async () => {
    const { url, db } = await fresh(server)
    await db.collection<{ _id: number; x: number }>('two').insertMany([
      { _id: 1, x: 1 },
      { _id: 2, x: 1 },
    ])
    const migrator = createMigrator({
      url,
      revisions: [
        defineRevision({
          id: 'a000',
          up(op) {
            op.mongo.createCollection('one')
            op.mongo.index('one').create({ a: 1 })
            op.mongo.index('two').create({ x: 1 }, { unique: true })
            op.mongo.index('one').create({ b: 'hashed' })
          },
        }),
      ],
    })
    expect(await failure(migrator.upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    await db.collection('two').deleteOne({ _id: 2 as never })
    // As a run leaves it that is killed before the answer to its third command.
    const journal = db.collection('migrate_journal')
    expect(await journal.distinct('state')).toEqual(['done', 'failed'])
    await journal.updateOne({ state: 'failed' }, { $set: { state: 'intent' } })
    await db.command({ dropIndexes: 'one', index: 'a_1' })
    expect(await migrator.upgrade()).toMatchObject({ ok: true, to: ['a000'] })
    expect(await names(db, 'one')).toEqual(['_id_', 'b_hashed'])
    expect(await names(db, 'two')).toEqual(['_id_', 'x_1'])
    expect(await journal.countDocuments()).toBe(0)
  })

  it('what became of a command is seen in the lists of the server', async () => {
    const { url } = await fresh(server)
    const session = await mongodb.connect({ url, metadata: { prefix: 'migrate_' }, applicationName: 'test' })
    const [create, index, insert] = mongodb.parse(
      '{"create":"one"}{"createIndexes":"one","indexes":[{"key":{"a":1},"name":"a_1"}]}' +
        '{"insert":"one","documents":[{"_id":{"$numberLong":"9007199254740993"}}]}',
    )
    if (create === undefined || index === undefined || insert === undefined) throw new Error('not three')
    for (const statement of [create, insert]) {
      expect(await session.observe?.(statement, {} as never)).toBe('not-applied')
      await session.execute(statement)
      expect(await session.observe?.(statement, {} as never)).toBe('applied')
    }
    expect(await session.observe?.(index, {} as never)).toBe('not-applied')
    await session.execute(index)
    // It may still be in its building: the command, given again, ends when that does.
    expect(await session.observe?.(index, {} as never)).toBe('not-applied')
    await session.execute(index)
    await session.close()
  })

  it('a write of which some documents may stand is in doubt, and one that is refused whole is not', async () => {
    const { url, db } = await fresh(server)
    await db.collection('one').insertOne({ _id: 2 as never })
    const session = await mongodb.connect({ url, metadata: { prefix: 'migrate_' }, applicationName: 'test' })
    const run = (text: string) => failure(session.execute(mongodb.parse(text)[0] as Statement))
    expect(await run('{"insert":"one","documents":[{"_id":2}]}')).toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
    })
    const half = await run('{"insert":"one","documents":[{"_id":1},{"_id":2},{"_id":3}]}')
    expect(half).toMatchObject({ code: 'MIG-DATABASE', position: { line: 1, column: 1 } })
    expect(half.message).toContain('insert may be half done')
    expect(await db.collection('one').countDocuments()).toBe(2)
    await session.close()
  })

  it('each number of a file reaches the server in its own type', async () => {
    const { url, db } = await fresh(server)
    const session = await mongodb.connect({ url, metadata: { prefix: 'migrate_' }, applicationName: 'test' })
    const values: readonly (readonly [unknown, string])[] = [
      [1, 'int'],
      [{ $numberLong: '1' }, 'long'],
      [{ $numberLong: '9007199254740993' }, 'long'],
      [{ $numberDouble: '1.0' }, 'double'],
      [1.5, 'double'],
      [{ $numberDecimal: '0.10' }, 'decimal'],
      [{ $date: '2026-01-02T03:04:05.678Z' }, 'date'],
      [{ $oid: '0123456789abcdef01234567' }, 'objectId'],
      [{ $binary: { base64: 'AAE=', subType: '00' } }, 'binData'],
      [{ $timestamp: { t: 1, i: 2 } }, 'timestamp'],
      [{ $regularExpression: { pattern: 'a', options: 'i' } }, 'regex'],
      [true, 'bool'],
      [null, 'null'],
    ]
    const documents = values.map(([value], _id) => ({ _id, value }))
    await session.execute(mongodb.parse(JSON.stringify({ insert: 'one', documents }))[0] as Statement)
    await session.close()
    for (const [_id, [, type]] of values.entries()) {
      const found = await db.collection('one').countDocuments({ _id: _id as never, value: { $type: type } })
      expect(found, type).toBe(1)
    }
    expect(await db.collection('one').countDocuments({ value: 9007199254740993n })).toBe(1)
  })

  it('fields whose names are whole numbers stay where they are', async () => {
    const { url, db } = await fresh(server)
    const text =
      '{"createIndexes": "one", "indexes": [{"key": {"b": 1, "1": -1}, "name": "file"}]}\n' +
      '{"insert": "one", "documents": [{"_id": 1, "z": 0, "2": 1.0, "1": 9007199254740993}]}'
    const up = (op: Operations): void => {
      const keys = new Map([
        ['d', 1 as const],
        ['2', -1 as const],
      ])
      op.mongo.index('one').create(keys, { name: 'code' })
    }
    const revisions = [
      defineRevision({ id: 'a000', up: text }),
      defineRevision({ id: 'b000', parents: ['a000'], up }),
    ]
    await createMigrator({ url, revisions }).upgrade()
    // The server compares: the same order is the index that is there, another one is refused.
    const again = (name: string, ...keys: [string, number][]): Promise<Document> =>
      db.command({ createIndexes: 'one', indexes: [{ key: new Map(keys), name }] })
    expect(await again('file', ['b', 1], ['1', -1])).toMatchObject({ ok: 1 })
    expect(await again('code', ['d', 1], ['2', -1])).toMatchObject({ ok: 1 })
    await expect(again('file', ['1', -1], ['b', 1])).rejects.toMatchObject({ code: 86 })
    const fields = { $map: { input: { $objectToArray: '$$ROOT' }, in: '$$this.k' } }
    const [found] = await db
      .collection('one')
      .aggregate([{ $project: { fields } }])
      .toArray()
    expect(found?.['fields']).toEqual(['_id', 'z', '2', '1'])
    const exact = { '1': 9007199254740993n, '2': { $type: 'double' } }
    expect(await db.collection('one').countDocuments(exact)).toBe(1)

    const session = await mongodb.connect({ url, metadata: { prefix: 'migrate_' }, applicationName: 'test' })
    const [index] = mongodb.parse(text)
    expect(await session.observe?.(index as Statement, {} as never)).toBe('not-applied')
    await session.close()
  })

  it('what met the write of another is rolled back and tried again', async () => {
    const { url, db } = await fresh(server)
    const things = db.collection('things')
    await things.insertOne({ _id: 1 as never, x: 0 })
    let tries = 0
    const revision = defineRevision({
      id: 'a000',
      up(op) {
        op.run<MongoAccess>('meet', async ({ client }) => {
          tries += 1
          const mine = client.db.collection('things')
          await mine.insertOne({ tries }, { session: client.session })
          await mine.findOne({ _id: 1 as never }, { session: client.session })
          if (tries === 1) await things.updateOne({ _id: 1 as never }, { $inc: { x: 10 } })
          await mine.updateOne({ _id: 1 as never }, { $inc: { x: 1 } }, { session: client.session })
        })
      },
    })
    const report = await createMigrator({ url, revisions: [revision] }).upgrade()
    expect(report).toMatchObject({ ok: true, to: ['a000'] })
    expect(tries).toBe(2)
    expect(await things.distinct('x')).toEqual([11])
    expect(await things.distinct('tries')).toEqual([2])
  })

  it('a client of another version of the driver is used as it is, with values of every type', async () => {
    const { url, db } = await fresh(server)
    const client = await new OtherClient(url).connect()
    closing.push(() => client.close())
    const values =
      '[1, 1.5, 9007199254740993, {"$numberDecimal": "0.10"}, {"$oid": "0123456789abcdef01234567"}, ' +
      '{"$date": "2026-01-02T03:04:05Z"}, {"$binary": {"base64": "AAE=", "subType": "00"}}, {"$minKey": 1}, ' +
      '{"$timestamp": {"t": 1, "i": 2}}, {"$regex": "a", "$options": "i"}, {"b": 1, "1": {"$maxKey": 1}}]'
    const types = 'int double long decimal objectId date binData minKey timestamp regex object'.split(' ')
    const revisions = [
      defineRevision({ id: 'a000', up: `{"insert": "one", "documents": [{"_id": 1, "values": ${values}}]}` }),
      defineRevision({
        id: 'b000',
        parents: ['a000'],
        change: (op) => op.mongo.index('one').create({ a: 1 }),
      }),
    ]
    const migrator = createMigrator({ client, revisions })
    expect(await migrator.upgrade()).toMatchObject({ ok: true, to: ['b000'] })
    const shown = { $map: { input: '$values', in: { $type: '$$this' } } }
    const [found] = await db
      .collection('one')
      .aggregate([{ $project: { types: shown } }])
      .toArray()
    expect(found?.['types']).toEqual(types)
    expect(await migrator.downgrade('a000')).toMatchObject({ ok: true })
    expect(await names(db, 'one')).toEqual(['_id_'])
  })

  it('what the server lacks, and a name that is too long, is refused before anything runs', async () => {
    const { url, db } = await fresh(server)
    const migrate = (up: string) => createMigrator({ url, revisions: [defineRevision({ id: 'a000', up })] })
    const long = await failure(migrate(`{"create": "one"}\n{"create": "${'ä'.repeat(120)}"}`).upgrade())
    expect(long).toMatchObject({ code: 'MIG-UNSUPPORTED', position: { line: 2, column: 12 } })
    const capped = migrate('{"create": "one"}\n{"create": "two", "capped": true, "size": 4096}')
    if (server.name === 'documentdb') {
      expect(await failure(capped.upgrade('head', { plan: true }))).toMatchObject({
        code: 'MIG-UNSUPPORTED',
        position: { line: 2, column: 19 },
      })
    }
    expect(await db.listCollections({ name: 'one' }).toArray()).toEqual([])
  })

  it('a transaction that is asked for holds documents and the row of the history', async () => {
    const { url, db } = await fresh(server)
    const up = (second: number): string =>
      `{"insert": "one", "documents": [{"_id": 1}]}\n{"insert": "one", "documents": [{"_id": ${second}}]}`
    const migrate = (second: number) =>
      createMigrator({ url, revisions: [defineRevision({ id: 'a000', transaction: true, up: up(second) })] })
    expect(await failure(migrate(1).upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    expect(await db.collection('one').countDocuments()).toBe(0)
    expect(await migrate(2).upgrade()).toMatchObject({ ok: true })
    expect(await db.collection('one').countDocuments()).toBe(2)
  })

  it('a runner whose lease was taken over writes nothing more', async () => {
    const { url, db } = await fresh(server)
    const open = () => mongodb.connect({ url, metadata: { prefix: 'migrate_' }, applicationName: 'test' })
    const [late, next] = [await open(), await open()]
    const owner = { host: 'h', pid: 1, user: 'u', command: 'migrate upgrade', runId: 'r' }
    await late.lock('migrate', { timeoutMs: 0, owner })
    await late.metadata.ensure()
    await late.metadata.write([{ kind: 'tag', tag: { name: 'a', heads: [], createdBy: 'me' } }])
    // As if it had been stopped for longer than its lease.
    await db
      .collection('migrate_lock')
      .updateOne({ _id: 'migrate' as never }, { $set: { expires: new Date(0) } })
    const lock = await next.lock('migrate', { timeoutMs: 0, owner })
    const write = late.metadata.write([{ kind: 'tag', tag: { name: 'b', heads: [], createdBy: 'me' } }])
    expect((await failure(write)).message).toContain('another run has had the lock since')
    await next.metadata.write([{ kind: 'tag', tag: { name: 'c', heads: [], createdBy: 'me' } }])
    expect((await next.metadata.read()).tags.map(({ name }) => name)).toEqual(['a', 'c'])
    const [statement] = mongodb.parse('{"create": "never"}')
    const entries = [{ kind: 'untag', name: 'a' } as const]
    const after = late.executeAfter?.(entries, statement === undefined ? [] : [statement])
    expect((await failure(after ?? Promise.resolve())).code).toBe('MIG-LOCK-LOST')
    expect(await db.listCollections({ name: 'never' }).toArray()).toEqual([])
    await lock.release()
    await late.close()
    await next.close()
  })

  it('what a killed runner wrote beside its fence is read by all, and put into its collections by whoever has the lock next', async () => {
    const { url, db } = await fresh(server)
    const open = () => mongodb.connect({ url, metadata: { prefix: 'migrate_' }, applicationName: 'test' })
    const [killed, next] = [await open(), await open()]
    const owner = { host: 'h', pid: 1, user: 'u', command: 'migrate upgrade', runId: 'r' }
    await killed.lock('migrate', { timeoutMs: 0, owner })
    await killed.metadata.ensure()
    const entry = {
      direction: 'up' as const,
      hash: 'h',
      excerpt: 'e',
      state: 'intent' as const,
      runId: 'r',
      at: null,
    }
    await killed.metadata.write([
      { kind: 'apply', row: historyRow('a000') },
      { kind: 'apply', row: historyRow('b000') },
      { kind: 'journal', entries: [{ ...entry, revision: 'b000', position: 0 }] },
      { kind: 'log', entry: logEntry({ detail: 'first' }) },
    ])
    await killed.metadata.write([
      { kind: 'revert', revision: 'a000' },
      { kind: 'journal-clear', revision: 'b000' },
      { kind: 'journal', entries: [{ ...entry, revision: 'c000', position: 1 }] },
      { kind: 'log', entry: logEntry({ detail: 'second' }) },
    ])
    const seen = async () => {
      const { applied, journal } = await next.metadata.read()
      return {
        applied: applied.map(({ id }) => id),
        journal: journal.map(({ revision, position }) => [revision, position]),
        log: (await next.metadata.log({ limit: 5 })).map(({ detail }) => detail),
        scripts: [
          (await next.metadata.scripts('a000')) === null,
          (await next.metadata.scripts('b000')) === null,
        ],
      }
    }
    const wanted = {
      applied: ['b000'],
      journal: [['c000', 1]],
      log: ['second', 'first'],
      scripts: [true, false],
    }
    expect(await db.collection('migrate_history').countDocuments()).toBe(0)
    expect(await seen()).toEqual(wanted)
    await db
      .collection('migrate_lock')
      .updateOne({ _id: 'migrate' as never }, { $set: { expires: new Date(0) } })
    const lock = await next.lock('migrate', { timeoutMs: 0, owner })
    expect(await db.collection('migrate_history').countDocuments()).toBe(1)
    expect(await db.collection('migrate_lock').countDocuments({ pending: { $exists: true } })).toBe(0)
    expect(await seen()).toEqual(wanted)
    await lock.release()
    await killed.close()
    await next.close()
  })

  it('a revision that is journalled costs one write of the metadata beside its command', async () => {
    const { url } = await fresh(server)
    const client = new MongoClient(url, { monitorCommands: true })
    closing.push(() => client.close())
    const sent: string[] = []
    client.on('commandStarted', ({ commandName }) => void sent.push(commandName))
    const revisions = Array.from({ length: 40 }, (_, at) =>
      defineRevision({
        id: `a${100 + at}`,
        ...(at === 0 ? {} : { parents: [`a${99 + at}`] }),
        change: (op) => op.mongo.index(`c${at % 4}`).create({ [`f${at}`]: 1 }),
      }),
    )
    const migrator = createMigrator({ client, revisions })
    expect((await migrator.upgrade()).steps).toHaveLength(40)
    expect(sent.filter((name) => name === 'createIndexes')).toHaveLength(40)
    // The others: the lock, the first reading, and what is put into its collections once.
    expect(sent.length).toBeLessThan(2 * 40 + 50)
    expect((await migrator.current()).applied).toHaveLength(40)
  })
})
