import { MongoClient, type Db, type Document } from 'mongodb'
import { afterEach, expect, it } from 'vitest'
import { mongodb } from '../../src/backends/mongo/index.js'
import type { MongoAccess } from '../../src/backends/mongo/driver.js'
import { defineRevision, type RevisionDefinition } from '../../src/app/define.js'
import { createMigrator } from '../../src/app/migrator.js'
import { MigrateError } from '../../src/core/errors.js'
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

  it('a journalled script goes on where an earlier run was cut off', async () => {
    const { url, db } = await fresh(server)
    const revisions = [
      defineRevision({
        id: 'a000',
        up(op) {
          op.mongo.createCollection('one')
          op.mongo.index('one').create({ a: 1 })
          op.mongo.index('one').create({ b: 'hashed' })
        },
      }),
    ]
    const session = await mongodb.connect({ url, metadata: { prefix: 'migrate_' }, applicationName: 'test' })
    const statements = mongodb.parse(
      '{"create":"one"}{"createIndexes":"one","indexes":[{"key":{"a":1},"name":"a_1"}]}',
    )
    const [create, index] = statements
    if (create === undefined || index === undefined) throw new Error('not two')
    expect(await session.observe?.(create, {} as never)).toBe('not-applied')
    await session.execute(create)
    expect(await session.observe?.(create, {} as never)).toBe('applied')
    expect(await session.observe?.(index, {} as never)).toBe('not-applied')
    await session.execute(index)
    expect(await session.observe?.(index, {} as never)).toBe('applied')
    await session.close()
    // As a run would have left it that was killed behind the second command.
    await db.dropCollection('one')
    await createMigrator({ url, revisions }).upgrade()
    expect(await names(db, 'one')).toEqual(['_id_', 'a_1', 'b_hashed'])
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
    await lock.release()
    await late.close()
    await next.close()
  })
})
