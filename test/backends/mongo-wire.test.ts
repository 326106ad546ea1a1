import type { Db, Document } from 'mongodb'
import { expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { Migrator } from '../../src/app/types.js'
import { defineRevision } from '../../src/app/define.js'
import { MigrateError } from '../../src/core/errors.js'
import type { Answer, AsMongod, AsMongodOptions } from '../servers/as-mongod.js'
import { describeServers } from '../servers/database.js'
import type { ServerInfo } from '../servers/types.js'
import { behindMongod } from './mongo-support.js'

// At the wire, not MongoDB: what stands in for a mongod has its documented answers, and DocumentDB does the rest.

interface Stage {
  readonly wire: AsMongod
  readonly db: Db
  readonly migrator: (...ups: readonly string[]) => Migrator
}

async function stage(server: ServerInfo, options: Partial<AsMongodOptions> = {}): Promise<Stage> {
  const { wire, db } = await behindMongod(server, options)
  return {
    wire,
    db,
    migrator: (...ups) =>
      createMigrator({
        url: wire.url,
        revisions: ups.map((up, at) =>
          defineRevision({ id: `a00${at}`, up, parents: at === 0 ? [] : [`a00${at - 1}`] }),
        ),
      }),
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: ((value: T) => void) | undefined
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve: (value) => resolve?.(value) }
}

const collections = async (db: Db): Promise<string[]> =>
  (await db.listCollections().toArray()).map(({ name }) => name).sort()

async function failure(work: Promise<unknown>): Promise<MigrateError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof MigrateError) return error
  throw new Error(`expected a refusal, got ${String(error)}`)
}

describeServers(['documentdb'], (server) => {
  // https://www.mongodb.com/docs/manual/reference/method/db.runCommand/ and the codes of the server's error_codes.yml
  it.each([
    [64, 'WriteConcernTimeout', 'waiting for replication timed out'],
    [79, 'UnknownReplWriteConcern', 'No write concern mode named "two" found in replica set configuration'],
    [100, 'UnsatisfiableWriteConcern', 'Not enough data-bearing nodes'],
  ])(
    'at the wire, not MongoDB: a write concern that fails with %i leaves a command in doubt',
    async (code, codeName, errmsg) => {
      const { wire, migrator, db } = await stage(server)
      const text = '{"create": "one"}\n{"create": "two"}'
      wire.answer('create', ({ create }) =>
        create === 'two' ? { ok: 1, writeConcernError: { code, codeName, errmsg } } : 'pass',
      )
      const error = await failure(migrator(text).upgrade())
      expect(error).toMatchObject({ code: 'MIG-DATABASE', position: { line: 2, column: 1 } })
      expect(error.message).toContain(errmsg)
      expect(await db.collection('migrate_journal').distinct('state')).toEqual(['done', 'intent'])
      // The write had been lost with the primary: the next run looks, and does it.
      wire.answer('create', () => 'pass')
      expect(await migrator(text).upgrade()).toMatchObject({ ok: true })
      expect(await db.listCollections({ name: 'two' }).toArray()).toHaveLength(1)
    },
  )

  it('at the wire, not MongoDB: the answer to COMMIT is lost, and the second one is answered NoSuchTransaction', async () => {
    const { wire, migrator, db } = await stage(server)
    let commits = 0
    wire.answer('commitTransaction', () => {
      if (!wire.seen.some((command) => command['insert'] === 'one')) return 'pass'
      commits += 1
      if (commits > 2) return 'pass'
      const errmsg = 'Transaction 1 has been aborted.'
      const refusal = { ok: 0, code: 251, codeName: 'NoSuchTransaction', errmsg }
      return commits === 1 ? 'pass and cut' : { ...refusal, errorLabels: ['TransientTransactionError'] }
    })
    const text = '{"insert": "one", "documents": [{"_id": 1}]}'
    const error = await failure(migrator(text).upgrade())
    expect(error.code).toBe('MIG-CONNECT')
    expect(error.state).toContain('Whether a000 was committed was not heard any more')
    expect(commits).toBeGreaterThanOrEqual(2)
    // It was committed: nothing is left to be done, and nothing is done twice.
    wire.answer('commitTransaction', () => 'pass')
    expect((await migrator(text).upgrade()).steps).toEqual([])
    expect(await db.collection('one').countDocuments()).toBe(1)
  })

  it('at the wire, not MongoDB: a write conflict of a transaction is tried again', async () => {
    const { wire, migrator, db } = await stage(server)
    let inserts = 0
    wire.answer('insert', ({ insert }) => {
      if (insert !== 'one') return 'pass'
      inserts += 1
      if (inserts > 1) return 'pass'
      const errmsg = 'WriteConflict error: this operation conflicted with another operation. Please retry'
      return {
        ok: 0,
        code: 112,
        codeName: 'WriteConflict',
        errmsg,
        errorLabels: ['TransientTransactionError'],
      }
    })
    expect(await migrator('{"insert": "one", "documents": [{"_id": 1}]}').upgrade()).toMatchObject({
      ok: true,
    })
    expect(inserts).toBe(2)
    expect(await db.collection('one').countDocuments()).toBe(1)
  })

  // https://www.mongodb.com/docs/manual/reference/command/bulkWrite/
  it('at the wire, not MongoDB: the command bulkWrite goes to admin with full names, and what it refuses is found in its cursor', async () => {
    const { wire, migrator, db } = await stage(server)
    const name = db.databaseName
    const text =
      '{"insert": "two", "documents": [{"_id": 1}]}\n' +
      '{"bulkWrite": 1, "ops": [{"insert": 0, "document": {"_id": 1}}, {"delete": 0, "filter": {}, "multi": true}], "nsInfo": [{"ns": "one"}]}'
    const counts = { nInserted: 1, nMatched: 0, nModified: 0, nUpserted: 0, nDeleted: 1 }
    const cursor = (firstBatch: object[]) => ({ id: 0n, firstBatch, ns: 'admin.$cmd.bulkWrite' })
    wire.answer('bulkWrite', () => ({
      ok: 1,
      cursor: cursor([{ ok: 0, idx: 0, code: 11_000, errmsg: 'E11000 duplicate key error', n: 0 }]),
      ...{ ...counts, nErrors: 1 },
    }))
    const error = await failure(migrator(text).upgrade())
    expect(error.message).toContain('E11000 duplicate key error')
    expect(error.code).toBe('MIG-STATEMENT-FAILED')
    expect(await db.collection('migrate_history').countDocuments()).toBe(0)

    wire.answer('bulkWrite', () => ({ ok: 1, cursor: cursor([]), ...counts, nErrors: 0 }))
    expect(await migrator(text).upgrade()).toMatchObject({ ok: true })
    const sent = wire.seen.findLast((command) => 'bulkWrite' in command)
    expect(sent).toMatchObject({ $db: 'admin', errorsOnly: true, nsInfo: [{ ns: `${name}.one` }] })
    expect(sent).toMatchObject({ autocommit: false })
  })

  it('at the wire, not MongoDB: what a version lacks is refused in the plan and before anything runs', async () => {
    const { wire, migrator, db } = await stage(server, { version: '5.0.30' })
    const migrate = migrator(
      '{"create": "one"}',
      '{"createIndexes": "one", "indexes": [{"key": {"a": 1}, "name": "a"}]}\n{"collMod": "one", "index": {"name": "a", "prepareUnique": true}}',
    )
    for (const run of [migrate.upgrade('head', { plan: true }), migrate.upgrade()]) {
      const error = await failure(run)
      expect(error).toMatchObject({ code: 'MIG-UNSUPPORTED', position: { line: 2, column: 43 } })
      expect(error.message).toBe(
        'MongoDB 5.0.30 has no indexes that are made unique in place (prepareUnique, unique).',
      )
      expect(error.hint).toContain('MongoDB has it from 6.0 on.')
    }
    expect(wire.seen.filter((command) => 'create' in command && command['create'] === 'one')).toEqual([])
    expect(await db.listCollections({ name: 'one' }).toArray()).toEqual([])
  })

  it('at the wire, not MongoDB: a transaction that is asked for is refused by a standalone before it starts', async () => {
    const { wire, db } = await stage(server, { kind: 'standalone' })
    const revisions = [
      defineRevision({ id: 'a000', up: '{"insert": "one", "documents": [{"_id": 1}]}' }),
      defineRevision({
        id: 'b000',
        parents: ['a000'],
        transaction: true,
        up: (op) => op.mongo.insertMany('two', [{ _id: 1 }]),
      }),
    ]
    const migrate = createMigrator({ url: wire.url, revisions })
    for (const run of [migrate.upgrade('head', { plan: true }), migrate.upgrade()]) {
      const error = await failure(run)
      expect(error.code).toBe('MIG-TRANSACTION-FORBIDDEN')
      expect(error.message).toContain('one MongoDB server by itself has none')
    }
    expect(wire.seen.filter((command) => 'insert' in command)).toEqual([])
    // The lock's own, and no other.
    expect(await collections(db)).toEqual(['migrate_lock'])
    // Without the wish it runs, journalled.
    expect(await migrate.upgrade('a000')).toMatchObject({ ok: true })
  })

  // https://www.mongodb.com/docs/manual/core/transactions-operations/ and .../reference/command/createIndexes/
  it('at the wire, not MongoDB: a collection, its indexes and its documents are one transaction with the row of the history', async () => {
    const { wire, db } = await stage(server, { version: '7.0.14' })
    const revisions = [
      defineRevision({
        id: 'a000',
        transaction: true,
        change(op) {
          op.mongo.createCollection('one')
          op.mongo.index('one').create({ a: 1 }, { unique: true })
          op.mongo.insertMany('one', [{ _id: 1, a: 1 }])
        },
      }),
    ]
    wire.answer('createIndexes', (command) => {
      const counts = { numIndexesBefore: 1, numIndexesAfter: 2, createdCollectionAutomatically: false }
      return command['autocommit'] === false ? { ok: 1, ...counts } : 'pass'
    })
    let refused = true
    wire.answer('insert', (command) => {
      if (command['insert'] !== 'one' || !refused) return 'pass'
      return { ok: 0, code: 121, codeName: 'DocumentValidationFailure', errmsg: 'Document failed validation' }
    })
    const migrate = createMigrator({ url: wire.url, revisions })
    const error = await failure(migrate.upgrade())
    expect(error.code).toBe('MIG-STATEMENT-FAILED')
    expect(await db.listCollections({ name: 'one' }).toArray()).toEqual([])
    expect((await migrate.status()).unfinished).toEqual([])

    refused = false
    const before = wire.seen.length
    expect(await migrate.upgrade()).toMatchObject({ ok: true, to: ['a000'] })
    const sent = wire.seen.slice(before)
    const create = sent.find((command) => command['create'] === 'one')
    expect(create).toMatchObject({
      startTransaction: true,
      autocommit: false,
      readConcern: { level: 'local' },
    })
    const same = sent.filter((command) => String(command['txnNumber']) === String(create?.['txnNumber']))
    const names = same.map((command) => Object.keys(command)[0])
    expect(names.slice(0, 3)).toEqual(['create', 'createIndexes', 'insert'])
    // What is to be in the history stands beside the fence until it is put there.
    expect(same.map((command): unknown => command['update'])).toContain('migrate_lock')
    expect(names.at(-1)).toBe('commitTransaction')
    expect(await db.collection('one').countDocuments()).toBe(1)
    expect(await db.collection('migrate_history').countDocuments()).toBe(1)
    wire.answer('dropIndexes', () => ({ ok: 1, nIndexesWas: 2 }))
    // What undoes it is no transaction: it is journalled.
    expect(await migrate.downgrade('base')).toMatchObject({ ok: true })
    expect(await db.listCollections({ name: 'one' }).toArray()).toEqual([])
  })

  it.each([
    ['{"createIndexes": "old", "indexes": [{"key": {"a": 1}, "name": "a"}]}', 'is not created before it'],
    ['{"drop": "old"}', 'only create and createIndexes can'],
    ['{"create": "v", "viewOn": "old", "pipeline": []}', 'created by itself'],
  ])(
    'at the wire, not MongoDB: what no transaction holds is refused where one is asked for: %s',
    async (text, why) => {
      const { wire } = await stage(server, { version: '7.0.14' })
      const file = `{"create": "one"}\n${text}`
      const revisions = [defineRevision({ id: 'a000', transaction: true, up: file })]
      const error = await failure(
        createMigrator({ url: wire.url, revisions }).upgrade('head', { plan: true }),
      )
      expect(error).toMatchObject({ code: 'MIG-TRANSACTION-FORBIDDEN', position: { line: 2, column: 1 } })
      expect(error.message).toContain(why)
    },
  )

  // https://www.mongodb.com/docs/manual/reference/command/currentOp/#active-indexing-operations
  it('at the wire, not MongoDB: a build tells how far it is, and is given up by dropping its indexes when it is interrupted', async () => {
    const { wire, db } = await stage(server)
    const name = db.databaseName
    const up =
      '{"create": "one"}\n{"createIndexes": "one", "indexes": [{"key": {"a": 1}, "name": "a"}, {"key": {"b": 1}, "name": "b"}]}'
    const indexes = [
      { key: { a: 1 }, name: 'a' },
      { key: { b: 1 }, name: 'b' },
    ]
    const { promise: answered, resolve: build } = withResolvers<Answer>()
    let begun = false
    wire.answer('createIndexes', () => {
      begun = true
      return answered
    })
    wire.answer('dropIndexes', () => {
      const errmsg = 'Index build aborted: collection dropIndexes command'
      build({ ok: 0, code: 276, codeName: 'IndexBuildAborted', errmsg })
      return { ok: 1, nIndexesWas: 1 }
    })
    const operation = {
      ...{ type: 'op', op: 'command', ns: `${name}.$cmd`, active: true },
      command: { createIndexes: 'one', indexes, $db: name },
      msg: 'Index Build: scanning collection Index Build: scanning collection: 512/1024 50%',
      progress: { done: 512, total: 1024 },
    }
    const others = { ...operation, command: { ...operation.command, createIndexes: 'two' } }
    wire.answer('aggregate', ({ pipeline }) => {
      const [first] = pipeline as Document[]
      if (first?.['$currentOp'] === undefined) return 'pass'
      return {
        ok: 1,
        cursor: { id: 0n, ns: 'admin.$cmd.aggregate', firstBatch: begun ? [operation, others] : [] },
      }
    })
    const interrupt = new AbortController()
    const told: string[] = []
    const migrate = createMigrator({
      url: wire.url,
      revisions: [defineRevision({ id: 'a000', up })],
      signal: interrupt.signal,
      onEvent: (event) => {
        if (event.type !== 'notice') return
        told.push(event.message)
        if (event.message.startsWith('Building')) interrupt.abort()
      },
    })
    expect(await failure(migrate.upgrade())).toMatchObject({ code: 'MIG-INTERRUPTED' })
    expect(told).toContain('Building a, b on one: scanning collection, 50%.')
    const dropped = wire.seen.filter((command) => 'dropIndexes' in command)
    expect(dropped).toMatchObject([{ dropIndexes: 'one', index: ['a', 'b'], $db: name }])
    // The build left nothing: the next run begins it anew.
    wire.answer('createIndexes', () => 'pass')
    const again = createMigrator({ url: wire.url, revisions: [defineRevision({ id: 'a000', up })] })
    expect(await again.upgrade()).toMatchObject({ ok: true })
    expect(await db.collection('one').listIndexes().toArray()).toHaveLength(3)
  })

  // https://www.mongodb.com/docs/manual/core/index-unique/convert-to-unique/
  it('at the wire, not MongoDB: an index that cannot be made unique is told with the keys that are there twice', async () => {
    const { migrator, wire, db } = await stage(server)
    await db.collection('one').insertMany([1, 1, 2, 3, 3, 3].map((a) => ({ a })))
    await db.command({ createIndexes: 'one', indexes: [{ key: { a: 1 }, name: 'mine' }] })
    wire.answer('collMod', () => ({
      ...{ ok: 0, code: 359, codeName: 'CannotConvertIndexToUnique' },
      errmsg:
        'Cannot convert the index to unique. Please resolve conflicting documents before running collMod again.',
      violations: [{ ids: [1, 2] }],
    }))
    for (const index of ['{"name": "mine", "unique": true}', '{"keyPattern": {"a": 1}, "unique": true}']) {
      const error = await failure(migrator(`{"collMod": "one", "index": ${index}}`).upgrade())
      expect(error.message).toContain('Cannot convert the index to unique')
      expect(error.details).toContain('{"a":1} in 2 documents')
      expect(error.details).toContain('{"a":3} in 3 documents')
    }
  })

  it('at the wire, not MongoDB: an index too many is told with those that are there', async () => {
    const { migrator, wire, db } = await stage(server)
    await db.createCollection('one')
    const listed = Array.from({ length: 64 }, (_, at) => ({ v: 2, key: { [`f${at}`]: 1 }, name: `i${at}` }))
    wire.answer('listIndexes', () => ({ ok: 1, cursor: { id: 0n, ns: 'x.one', firstBatch: listed } }))
    const errmsg = 'add index fails, too many indexes for x.one key:{ z: 1 }'
    wire.answer('createIndexes', () => ({ ok: 0, code: 67, codeName: 'CannotCreateIndex', errmsg }))
    const text = '{"createIndexes": "one", "indexes": [{"key": {"z": 1}, "name": "z"}]}'
    const error = await failure(migrator(text).upgrade())
    expect(error.details.join('\n')).toMatch(
      /a collection has 64 indexes at most, and one has 64: i0, i1, .*i63/,
    )
  })

  // https://www.mongodb.com/docs/manual/reference/command/createSearchIndexes/ and .../operator/aggregation/listSearchIndexes/
  it('at the wire, not MongoDB: search indexes are made, looked at after a lost answer, and dropped', async () => {
    const { wire, db } = await stage(server)
    await db.createCollection('films')
    const definition = { mappings: { dynamic: true } }
    let listed: Document[] = []
    let lost = true
    wire.answer('createSearchIndexes', () => {
      listed = [{ id: '1', name: 'plots', status: 'PENDING', queryable: false, latestDefinition: definition }]
      return lost ? 'cut' : { ok: 1, indexesCreated: [{ id: '1', name: 'plots' }] }
    })
    wire.answer('dropSearchIndex', () => {
      listed = listed.map((index) => ({ ...index, status: 'DELETING' }))
      return { ok: 1 }
    })
    wire.answer('aggregate', ({ pipeline }) => {
      const [first] = pipeline as Document[]
      if (first?.['$listSearchIndexes'] === undefined) return 'pass'
      return { ok: 1, cursor: { id: 0n, ns: 'x.films', firstBatch: listed } }
    })
    const migrate = createMigrator({
      url: wire.url,
      revisions: [
        defineRevision({
          id: 'a000',
          change: (op) => op.mongo.searchIndex('films').create('plots', definition),
        }),
      ],
    })
    expect(await failure(migrate.upgrade())).toMatchObject({ code: 'MIG-CONNECT' })
    lost = false
    expect(await migrate.upgrade()).toMatchObject({ ok: true, to: ['a000'] })
    expect(wire.seen.filter((command) => 'createSearchIndexes' in command)).toHaveLength(1)
    expect(await migrate.downgrade('base')).toMatchObject({ ok: true })
    expect(wire.seen.findLast((command) => 'dropSearchIndex' in command)).toMatchObject({ name: 'plots' })
  })
})
