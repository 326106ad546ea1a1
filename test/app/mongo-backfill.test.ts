import { setTimeout as sleep } from 'node:timers/promises'
import { BSON, MongoClient, type Db, type Document, type Filter } from 'mongodb'
import { MongoClient as OtherClient } from 'mongodb-6'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { defineRevision } from '../../src/app/define.js'
import { createMigrator } from '../../src/app/migrator.js'
import type { MigratorEvent, MigratorOptions } from '../../src/app/types.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { AppProject, refusal } from './project.js'
import { Runner } from './runner.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const DOCUMENTS = 600

const { Binary, Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp } = BSON

interface User {
  readonly _id: unknown
  readonly n?: unknown
}

/** A value of every type that an `_id` may have, and the values at which comparisons behave in their own way. */
const IDS: readonly unknown[] = [
  ...[new MinKey(), new MaxKey(), new Double(Number.NaN), new Double(Infinity), new Double(-Infinity)],
  ...[new Int32(-5), Long.fromString('9007199254740993'), Decimal128.fromString('0.1'), new Double(1.5)],
  ...['', 'a', 'Z', 'ä', '\u0000', new BSON.BSONSymbol('m')],
  ...[{}, { a: 1 }, { a: { b: 2 } }, { b: null }],
  ...[new Binary(Buffer.from([])), new Binary(Buffer.from([1, 2]), 4), new Binary(Buffer.from([9]))],
  ...[new ObjectId('000000000000000000000000'), new ObjectId('ffffffffffffffffffffffff')],
  ...[false, true, new Date(-5), new Date(1e15), new Timestamp({ t: 1, i: 2 })],
  ...[new Code('x'), new Code('x', { a: 1 })],
]

describeServers(['documentdb', 'mongodb'], (server) => {
  let project: AppProject
  let client: MongoClient
  let db: Db
  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
    client = new MongoClient(project.database.url)
    db = client.db()
  })
  afterEach(async () => {
    await client.close()
    await project.remove()
  })

  const users = () => db.collection<User>('users')
  const at = (_id: number): Filter<User> => ({ _id }) as Document
  const fill = async (count = DOCUMENTS): Promise<void> => {
    await users().insertMany(Array.from({ length: count }, (_, at) => ({ _id: at * 3, n: 0 })))
  }
  const file = (line: string, command: Document): void =>
    project.file(
      'b.mongo',
      `// migrate:revision ${B}\n// migrate:message count\n\n// migrate:up\n// migrate:backfill ${line}\n${JSON.stringify(command)}\n`,
    )
  const count = (q: Document = {}): Document => ({
    update: 'users',
    updates: [{ q, u: { $inc: { n: 1 } }, multi: true }],
  })
  const numbers = (): Promise<unknown[]> => users().distinct('n')
  const migrator = (options: MigratorOptions = {}) => project.migrator(options)
  const inCode = (
    given: object,
    options: MigratorOptions = { url: project.database.url },
    collection = 'users',
  ) =>
    createMigrator({
      ...options,
      revisions: [defineRevision({ id: A, change: (op) => op.mongo.backfill(collection, given as never) })],
    })

  it.each([1, 2, 1000])('meets documents of every type of _id once, in batches of %i', async (batchSize) => {
    await users().insertMany(IDS.map((_id) => ({ _id, n: 0 })))
    const events: Extract<MigratorEvent, { type: 'backfill' }>[] = []
    const onEvent = (event: MigratorEvent): void => {
      if (event.type === 'backfill') events.push(event)
    }
    const { url } = project.database
    await inCode({ update: { $inc: { n: 1 } }, batchSize, batchTime: 0 }, { url, onEvent }).upgrade()
    expect(await numbers()).toEqual([1])
    expect(events.at(-1)).toMatchObject({
      ...{ table: 'users', key: ['_id'], state: 'done', doing: 'working' },
      ...{ scanned: IDS.length, changed: IDS.length },
    })
    const batches = events.map((event) => event.batches)
    expect(batches).toEqual(batches.map((_, at) => at + 1))
    expect(await migrator().backfills()).toEqual([])
  })

  it('takes a filter and a pipeline, shows in its plan what there is, and is undone as it says', async () => {
    await fill()
    const revision = inCode({
      filter: { n: 0, _id: { $lt: 300 } },
      update: [{ $set: { n: { $add: ['$n', 5] } } }],
      reverse: { filter: { n: 5 }, update: { $set: { n: 7 } } },
      batchSize: 40,
    })
    const plan = await revision.upgrade('head', { plan: true })
    expect(plan.steps[0]?.statements).toMatchObject([
      { transactional: false, note: `about ${DOCUMENTS} documents in batches` },
    ])
    expect(await numbers()).toEqual([0])
    await revision.upgrade()
    expect(await users().countDocuments({ n: 5 })).toBe(100)
    expect(await users().countDocuments({ n: 0 })).toBe(DOCUMENTS - 100)
    await revision.downgrade('base')
    expect(await users().countDocuments({ n: 7 })).toBe(100)
  })

  it('that is killed again and again goes on where it was, and no document is met twice', async () => {
    await fill()
    file('batch:7 time:0 pause:10ms', count())
    let last = 0
    for (let kill = 0; kill < 3; kill++) {
      const runner = new Runner(project)
      for (;;) {
        const [row] = await migrator().backfills()
        if (row !== undefined && row.scanned > last) break
        runner.requireRunning()
        await sleep(10)
      }
      await runner.kill()
      // What the server had in hand is done or given up by then; what is noted is what was done.
      const settled = async (): Promise<number> => {
        for (;;) {
          const [noted] = await migrator().backfills()
          const done = await users().countDocuments({ n: 1 })
          if (noted?.scanned === done) return done
          await sleep(20)
        }
      }
      const row = await settled()
      expect(await migrator().current()).toMatchObject({
        applied: [],
        unfinished: [{ revision: B, backfill: { table: 'users', scanned: row } }],
      })
      expect(row).toBeGreaterThan(last)
      last = row
      await db
        .collection('migrate_lock')
        .updateMany({ expires: { $exists: true } }, { $set: { expires: new Date(0) } })
    }
    await migrator().upgrade()
    expect(await numbers()).toEqual([1])
    expect(await migrator().current()).toMatchObject({ applied: [B], unfinished: [] })
    expect(await migrator().backfills()).toEqual([])
  })

  it('waits while it is paused, lets others write meanwhile, and goes on', async () => {
    await fill()
    file('batch:5 time:0 pause:10ms', count())
    const runner = new Runner(project)
    try {
      for (;;) {
        if ((await migrator().backfills()).some(({ scanned }) => scanned > 0)) break
        runner.requireRunning()
        await sleep(10)
      }
      const [paused] = await migrator().pauseBackfill()
      expect(paused).toMatchObject({ revision: B, state: 'paused', statement: 1 })
      const scanned = paused?.scanned ?? 0
      expect(scanned).toBeLessThan(DOCUMENTS)
      await users().updateOne(at(0), { $set: { half: 7 } })
      expect(await migrator().backfills()).toMatchObject([{ state: 'paused', scanned }])
      expect(await migrator().resumeBackfill('bbbb')).toMatchObject([{ state: 'running' }])
      expect(await runner.end).toEqual({ applied: [B] })
    } finally {
      await runner.kill()
    }
    expect(await numbers()).toEqual([1])
  })

  it('that is interrupted ends with what was done, and the next run goes on', async () => {
    await fill()
    const controller = new AbortController()
    const onEvent = (event: MigratorEvent): void => {
      if (event.type === 'backfill' && event.batches === 3) controller.abort()
    }
    const given = { update: { $inc: { n: 1 } }, batchSize: 10, batchTime: 0 }
    const { url } = project.database
    const { signal } = controller
    const error = await refusal(inCode(given, { url, onEvent, signal }).upgrade())
    expect(error.code).toBe('MIG-INTERRUPTED')
    expect(await users().countDocuments({ n: 1 })).toBe(30)
    expect(await inCode(given).backfills()).toMatchObject([{ scanned: 30, state: 'running', key: ['_id'] }])
    // How it runs is not what it does.
    await inCode({ ...given, batchSize: 500, pause: 1 }).upgrade()
    expect(await numbers()).toEqual([1])
  })

  it('that meets a document which the server refuses goes on from the last good batch once it is mended', async () => {
    await fill(40)
    await users().updateOne(at(60), { $set: { n: 'x' } })
    const given = { update: { $inc: { n: 1 } }, batchSize: 8, batchTime: 0 }
    const error = await refusal(inCode(given).upgrade())
    expect(error.code).toBe('MIG-STATEMENT-FAILED')
    expect(await users().countDocuments({ n: 1 })).toBe(16)
    expect(await inCode(given).backfills()).toMatchObject([{ scanned: 16, changed: 16, batches: 2 }])
    expect(await refusal(inCode({ ...given, update: { $inc: { n: 2 } } }).upgrade())).toMatchObject({
      code: 'MIG-UNFINISHED',
    })
    await users().updateOne(at(60), { $set: { n: 0 } })
    await inCode(given).upgrade()
    expect(await numbers()).toEqual([1])
  })

  it('has nothing to do in a collection without documents, or one that is not there', async () => {
    const given = { update: { $set: { n: 1 } } }
    expect(await inCode(given).upgrade()).toMatchObject({ ok: true, to: [A] })
    expect(await db.listCollections({ name: 'users' }).toArray()).toEqual([])
    await inCode(given).downgrade('base')
    await db.createCollection('users')
    expect(await inCode(given).upgrade()).toMatchObject({ ok: true, to: [A] })
  })

  it('of a view is refused before anything runs', async () => {
    await fill(1)
    await db.createCollection('seen', { viewOn: 'users', pipeline: [] })
    const revisions = [
      defineRevision({
        id: A,
        up(op) {
          op.mongo.createCollection('first')
          op.mongo.backfill('seen', { update: { $set: { n: 1 } } })
        },
      }),
    ]
    const error = await refusal(createMigrator({ url: project.database.url, revisions }).upgrade())
    expect(error).toMatchObject({ code: 'MIG-BACKFILL', exitCode: 2 })
    expect(error.message).toContain('seen is a view')
    expect(await db.listCollections({ name: 'first' }).toArray()).toEqual([])
  })

  it('of what is no update of many documents is refused at its place', async () => {
    const why = async (line: string, command: Document) => {
      file(line, command)
      const error = await refusal(migrator().upgrade())
      expect(error).toMatchObject({ code: 'MIG-BACKFILL', exitCode: 2 })
      return error.message
    }
    const one = (more: object): Document => ({
      update: 'users',
      updates: [{ q: {}, u: { $set: { a: 1 } }, multi: true, ...more }],
    })
    expect(await why('', { delete: 'users', deletes: [] })).toContain('is no update')
    expect(await why('', one({ multi: false }))).toContain('is not "multi": true')
    expect(await why('', one({ upsert: true }))).toContain('has "upsert"')
    expect(await why('', one({ collation: { locale: 'de' } }))).toContain('has a collation')
    expect(await why('', one({ u: { a: 1 } }))).toContain('would replace documents')
    expect(await why('', { update: 'users', updates: [] })).toContain('has no list "updates"')
    expect(await why('key:a', one({}))).toContain('has a "key:"')
    expect(await why('speed:9', one({}))).toContain('"speed" is not an option')
    file('', one({ upsert: false }))
    project.edit('b.mongo', (text) => text.replace('migrate:up', 'migrate:up transaction:true'))
    expect(await refusal(migrator().upgrade())).toMatchObject({ code: 'MIG-TRANSACTION-FORBIDDEN' })
    project.edit('b.mongo', (text) => `${text}// migrate:backfill\n`.replace(' transaction:true', ''))
    expect((await refusal(migrator().upgrade())).message).toContain('does not stand above a statement')
  })

  it('of SQL is no backfill here', async () => {
    const revisions = [
      defineRevision({ id: A, up: (op) => op.backfill({ table: 'users', set: { a: '1' } }) }),
    ]
    const error = await refusal(createMigrator({ url: project.database.url, revisions }).upgrade())
    expect(error.message).toContain('op.backfill() is for SQL databases')
  })

  it('runs through a client of another version of the driver', async () => {
    await users().insertMany(IDS.map((_id) => ({ _id, n: 0 })))
    const other = await new OtherClient(project.database.url).connect()
    try {
      await inCode({ update: { $inc: { n: 1 } }, batchSize: 2 }, { client: other }).upgrade()
      expect(await numbers()).toEqual([1])
    } finally {
      await other.close()
    }
  })

  it('whose ids cannot be written down without loss is refused', async () => {
    const moved = new Map([
      ['2', 1],
      ['1', 1],
    ])
    await users().insertOne({ _id: moved, n: 0 })
    // JavaScript has such fields in an order of its own.
    const error = await refusal(inCode({ update: { $inc: { n: 1 } } }).upgrade())
    expect(error).toMatchObject({ code: 'MIG-BACKFILL-KEY', exitCode: 2 })
    expect(await numbers()).toEqual([0])
  })
})
