import { MongoClient, type Db, type Document } from 'mongodb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { defineRevision } from '../../src/app/define.js'
import { createMigrator } from '../../src/app/migrator.js'
import type { MigratorEvent } from '../../src/app/types.js'
import { asMongod } from '../servers/as-mongod.js'
import type { TestDatabase } from '../servers/create-database.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { refusal } from './project.js'

describeServers(['documentdb', 'mongodb'], (server) => {
  let database: TestDatabase
  let client: MongoClient
  let db: Db
  let notices: string[] = []
  beforeEach(async () => {
    database = await useDatabase(server)
    client = new MongoClient(database.url)
    db = client.db()
    notices = []
    await db.command({
      createIndexes: 'users',
      indexes: [{ key: { email: 1 }, name: 'email_1', sparse: true }],
    })
  })
  afterEach(async () => {
    await client.close()
    await database.drop()
  })

  const retiring =
    (hideFor: string, url = database.url) =>
    (count: 1 | 2) =>
      createMigrator({
        url,
        revisions: [
          defineRevision({
            id: 'a000',
            change: (op) => op.mongo.index('users').retire('email_1', { hideFor }),
          }),
          defineRevision({
            id: 'b000',
            parents: ['a000'],
            change: (op) => op.mongo.createCollection('later'),
          }),
        ].slice(0, count),
        onEvent: (event: MigratorEvent) => {
          if (event.type === 'notice') notices.push(event.message)
        },
      })
  const index = async (): Promise<Document | undefined> =>
    ((await db.collection('users').listIndexes().toArray()) as Document[]).find(
      ({ name }) => name === 'email_1',
    )
  /** As if so much time had gone by. */
  const due = async (): Promise<void> => {
    await db.collection('migrate_retired').updateMany({}, { $set: { dropAfter: '2020-01-01T00:00:00.000Z' } })
  }

  it('an index is hidden, waits while other revisions go on, and is dropped by an upgrade when its time has come', async () => {
    const migrator = retiring('7d')
    const plan = await migrator(1).upgrade('head', { plan: true })
    expect(plan.steps[0]?.statements).toMatchObject([
      { note: 'hidden now, dropped by the first upgrade after 7d', transactional: false },
    ])
    expect(await migrator(1).upgrade()).toMatchObject({ to: ['a000'] })
    expect(await index()).toMatchObject({ hidden: true })
    expect(await migrator(2).upgrade()).toMatchObject({ to: ['b000'] })
    expect(await migrator(2).upgrade()).toMatchObject({ steps: [] })
    expect(await index()).toMatchObject({ hidden: true })
    expect(notices).toEqual([])
    const { postponed } = await migrator(2).status()
    expect(postponed).toMatchObject([
      { id: '["users","email_1"]', what: 'drop index email_1 of users', ready: false },
    ])
    const [{ since, due: until } = { since: '', due: '' }] = postponed ?? []
    expect(Date.parse(until) - Date.parse(since)).toBe(7 * 86_400_000)

    await due()
    expect((await migrator(2).status()).postponed).toMatchObject([{ ready: true }])
    await migrator(2).upgrade('head', { plan: true })
    expect(notices.splice(0)).toEqual([
      `The upgrade will drop index email_1 of users, which waits since ${since}.`,
    ])
    expect(await index()).toMatchObject({ hidden: true })
    expect(await migrator(2).upgrade()).toMatchObject({ ok: true, steps: [], to: ['b000'] })
    expect(await index()).toBe(undefined)
    expect(notices).toEqual([`dropped index email_1 of users, hidden since ${since}.`])
    expect((await migrator(2).status()).postponed).toEqual([])
    expect((await migrator(2).log()).map(({ detail }) => detail)).toContain(
      `dropped index email_1 of users, hidden since ${since}`,
    )
    await migrator(2).upgrade()
    expect(notices).toHaveLength(1)
  })

  it('the down shows it again, and builds it as it was once it is dropped', async () => {
    const migrator = retiring('1h')
    const before = await index()
    await migrator(1).upgrade()
    await migrator(1).downgrade('base')
    expect((await index())?.['hidden'] ?? false).toBe(false)
    expect((await migrator(1).status()).postponed).toEqual([])
    await migrator(1).upgrade()
    await due()
    await migrator(1).upgrade()
    expect(await index()).toBe(undefined)
    await migrator(1).downgrade('base')
    expect(await index()).toEqual(before)
    expect(await db.collection('migrate_retired').countDocuments()).toBe(0)
  })

  it('what somebody has shown again is left alone', async () => {
    const migrator = retiring('1h')
    await migrator(1).upgrade()
    await due()
    await db.command({ collMod: 'users', index: { name: 'email_1', hidden: false } })
    await migrator(2).upgrade()
    expect(await index()).toBeDefined()
    expect(notices).toEqual(['index email_1 of users is not hidden any more: it stays, and is not dropped.'])
    expect((await migrator(2).status()).postponed).toEqual([])
  })

  it('what is due waits for the revisions of the run: one that shows it again comes first', async () => {
    const first = defineRevision({
      id: 'a000',
      change: (op) => op.mongo.index('users').retire('email_1', { hideFor: '1h' }),
    })
    const again = defineRevision({
      id: 'b000',
      parents: ['a000'],
      change: (op) => op.mongo.index('users').unhide('email_1'),
    })
    const wrong = defineRevision({ id: 'c000', parents: ['a000'], up: '{"drop": "nothing.like.it", "x": 1}' })
    const { url } = database
    const on = (...revisions: (typeof first)[]) => createMigrator({ url, revisions })
    await on(first).upgrade()
    await due()
    expect((await refusal(on(first, wrong).upgrade('c000'))).code).toBe('MIG-STATEMENT-FAILED')
    expect(await index()).toMatchObject({ hidden: true })
    expect(await on(first, again).upgrade()).toMatchObject({ ok: true, to: ['b000'] })
    expect((await index())?.['hidden'] ?? false).toBe(false)
    expect((await on(first, again).status()).postponed).toEqual([])
  })

  it('an index that is not there, and what is no time, are refused', async () => {
    await db.collection('users').dropIndex('email_1')
    const error = await refusal(retiring('7d')(1).upgrade())
    expect(error.code).toBe('MIG-STATEMENT-FAILED')
    expect(error.message).toContain('there is no index email_1 on users')
    expect(await db.collection('migrate_retired').countDocuments()).toBe(0)
    expect(await refusal(retiring('soon')(1).upgrade())).toMatchObject({ code: 'MIG-FILE-SHAPE' })
    const up = '{"retireIndex": "users", "index": "email_1", "hideFor": "7 days"}'
    const file = createMigrator({ url: database.url, revisions: [defineRevision({ id: 'a000', up })] })
    expect(await refusal(file.upgrade())).toMatchObject({
      code: 'MIG-COMMAND-SYNTAX',
      position: { line: 1, column: 46 },
    })
  })
})

describeServers(['documentdb'], (server) => {
  const stand = async (version: string, build: Document = {}) => {
    const database = await useDatabase(server)
    const wire = await asMongod({ version, kind: 'replica set', upstream: database.url, build })
    const up = '{"retireIndex": "users", "index": "email_1", "hideFor": "7d"}'
    const migrator = createMigrator({ url: wire.url, revisions: [defineRevision({ id: 'a000', up })] })
    return { database, wire, migrator }
  }

  it('at the wire, not MongoDB: a server without hidden indexes refuses it in the plan', async () => {
    const { database, wire, migrator } = await stand('4.2.24')
    try {
      const error = await refusal(migrator.upgrade('head', { plan: true }))
      expect(error).toMatchObject({ code: 'MIG-UNSUPPORTED', position: { line: 1 } })
      expect(error.message).toBe('MongoDB 4.2.24 has no hidden indexes.')
      expect(error.hint).toContain('MongoDB has it from 4.4 on.')
    } finally {
      await wire.close()
      await database.drop()
    }
  })

  it('at the wire, not MongoDB: a drop that the server refuses is told and tried again, and stops no revision', async () => {
    const { database, wire } = await stand('8.0.4')
    const client = new MongoClient(database.url)
    try {
      const db = client.db()
      await db.collection('users').createIndex({ email: 1 })
      const notices: string[] = []
      const migrator = (count: number) =>
        createMigrator({
          url: wire.url,
          revisions: [
            defineRevision({
              id: 'a000',
              up: '{"retireIndex": "users", "index": "email_1", "hideFor": "0s"}',
            }),
            defineRevision({ id: 'b000', parents: ['a000'], up: '{"create": "later"}' }),
          ].slice(0, count),
          onEvent: (event) => {
            if (event.type === 'notice') notices.push(event.message)
          },
        })
      await migrator(1).upgrade()
      wire.answer('dropIndexes', () => ({ ok: 0, code: 46, codeName: 'LockBusy', errmsg: 'busy' }))
      expect(await migrator(2).upgrade()).toMatchObject({ ok: true, to: ['b000'] })
      expect(notices).toEqual([
        'Dropping index email_1 of users failed: busy. It is tried again by the next upgrade.',
      ])
      expect((await migrator(2).status()).postponed).toMatchObject([{ ready: true }])
      wire.answer('dropIndexes', () => 'pass')
      await migrator(2).upgrade()
      expect((await migrator(2).status()).postponed).toEqual([])
    } finally {
      await client.close()
      await wire.close()
      await database.drop()
    }
  })

  it('at the wire, not MongoDB: a run that ends between its note and the hiding is gone on with, and nothing is dropped before', async () => {
    const { database, wire, migrator } = await stand('8.0.4')
    const client = new MongoClient(database.url)
    try {
      const db = client.db()
      const indexes = [{ key: { email: 1 }, name: 'email_1' }]
      await db.command({ createIndexes: 'users', indexes })
      const hidden = async (): Promise<unknown> =>
        ((await db.collection('users').listIndexes().toArray()) as Document[])[1]?.['hidden'] ?? false
      wire.answer('collMod', () => 'cut')
      expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-CONNECT' })
      expect(await hidden()).toBe(false)
      wire.answer('collMod', () => 'pass and cut')
      await db.collection('migrate_lock').updateMany({}, { $set: { expires: new Date(0) } })
      expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-CONNECT' })
      expect(await hidden()).toBe(true)
      wire.answer('collMod', () => 'pass')
      await db.collection('migrate_lock').updateMany({}, { $set: { expires: new Date(0) } })
      expect(await migrator.upgrade()).toMatchObject({ ok: true, to: ['a000'] })
      expect(wire.seen.filter(({ collMod }) => collMod === 'users')).toHaveLength(2)
      expect((await migrator.status()).postponed).toHaveLength(1)
    } finally {
      await client.close()
      await wire.close()
      await database.drop()
    }
  })
})
