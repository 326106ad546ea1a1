import { MongoClient } from 'mongodb'
import { afterEach, expect, it } from 'vitest'
import { defineRevision } from '../../src/app/define.js'
import { createMigrator } from '../../src/app/migrator.js'
import type { MongoAccess } from '../../src/backends/mongo/driver.js'
import { asMongod } from '../servers/as-mongod.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { refusal } from './project.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describeServers(['documentdb', 'mongodb'], (server) => {
  it.each([true, false])(
    'a step of code that never resolves is left when it is interrupted (transaction: %s), and the lock with it',
    async (transaction) => {
      const database = await useDatabase(server)
      const client = new MongoClient(database.url)
      closing.push(
        () => database.drop(),
        () => client.close(),
      )
      const things = client.db().collection('things')
      const interrupt = new AbortController()
      const revision = (waits: boolean) =>
        defineRevision({
          id: 'a000',
          transaction,
          up(op) {
            op.run<MongoAccess>('wait', async ({ client: { db, session } }) => {
              const own = session.inTransaction() ? { session } : {}
              await db.collection('things').insertOne({ x: 1 }, own)
              if (!waits) return
              interrupt.abort()
              await new Promise(() => undefined)
            })
          },
        })
      const { url } = database
      const migrator = createMigrator({ url, revisions: [revision(true)], signal: interrupt.signal })
      expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-INTERRUPTED', exitCode: 130 })
      // In a transaction nothing of it stands; by itself it is in doubt what does.
      expect(await things.countDocuments()).toBe(transaction ? 0 : 1)
      const next = createMigrator({ url, revisions: [revision(false)], lockWaitMs: 0 })
      if (!transaction) {
        expect(await refusal(next.upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
        await next.resolve('a000', 'retry')
      }
      expect(await next.upgrade()).toMatchObject({ ok: true, to: ['a000'] })
    },
  )
})

describeServers(['documentdb'], (server) => {
  // https://www.mongodb.com/docs/manual/reference/command/createIndexes/: a build that runs out of its time is given up
  it('at the wire, not MongoDB: a build of indexes has the time that statements may take, and is begun anew when it was not enough', async () => {
    const database = await useDatabase(server)
    const wire = await asMongod({ version: '8.0.4', kind: 'replica set', upstream: database.url })
    closing.push(
      () => database.drop(),
      () => wire.close(),
    )
    const up = '{"createIndexes": "one", "indexes": [{"key": {"a": 1}, "name": "a"}]}'
    const migrator = createMigrator({
      url: wire.url,
      statementTimeoutMs: 90_000,
      revisions: [defineRevision({ id: 'a000', up })],
    })
    const expired = { ok: 0, code: 50, codeName: 'MaxTimeMSExpired', errmsg: 'operation exceeded time limit' }
    wire.answer('createIndexes', () => expired)
    const error = await refusal(migrator.upgrade())
    expect(error.message).toContain('operation exceeded time limit')
    wire.answer('createIndexes', () => 'pass')
    expect(await migrator.upgrade()).toMatchObject({ ok: true, to: ['a000'] })
    const sent = wire.seen.filter(({ createIndexes }) => createIndexes === 'one')
    expect(sent.map(({ maxTimeMS }) => Number(maxTimeMS))).toEqual([90_000, 90_000])
  })
})
