import type { Db } from 'mongodb'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import type { BackfillPages, Lock, Session } from '../../src/backend/index.js'
import { mongodb } from '../../src/backends/mongo/index.js'
import { MigrateError } from '../../src/core/errors.js'
import { historyRow, lockOptions } from '../../src/testing/values.js'
import { refusal } from '../app/project.js'
import { describeServers } from '../servers/database.js'
import { behindMongod } from './mongo-support.js'

// At the wire, not MongoDB: what stands before DocumentDB lets another runner in between two commands.

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const session of open.splice(0)) await session.close()
})

async function connect(url: string, leaseMs?: number): Promise<Session> {
  const lease = leaseMs === undefined ? {} : { leaseMs }
  const options = { url, metadata: { prefix: 'migrate_' }, applicationName: 'test', ...lease }
  const session = await mongodb.connect(options)
  open.push(session)
  return session
}

/** As if its holder had been stopped for longer than its lease. */
async function takeOver(db: Db, next: Session): Promise<Lock> {
  for (;;) {
    await db
      .collection<{ _id: string }>('migrate_lock')
      .updateOne({ _id: 'migrate' }, { $set: { expires: new Date(0) } })
    try {
      return await next.lock('migrate', lockOptions())
    } catch (error) {
      // A beat of the holder's was quicker.
      if (!(error instanceof MigrateError) || error.code !== 'MIG-LOCK-TIMEOUT') throw error
    }
  }
}

function parsed(text: string) {
  const [statement] = mongodb.parse(text)
  if (statement === undefined) throw new Error(`no statement: ${text}`)
  return statement
}

const BACKFILL = `// migrate:backfill batch:10
{"update": "users", "updates": [{"q": {"n": 0}, "u": {"$set": {"n": 1}}, "multi": true}]}`

describeServers(['documentdb'], (server) => {
  const stage = () => behindMongod(server)
  const begun = async (session: Session) => {
    const statement = parsed(BACKFILL)
    const { backfills } = session
    if (statement.backfill === undefined || backfills === undefined) throw new Error('no backfill')
    const place = { revision: 'a', direction: 'up' as const, position: 0 }
    return backfills.begin({ ...statement, backfill: statement.backfill }, place)
  }

  it('a lease lasts as long as it is told to', async () => {
    const { url, db } = await stage()
    const session = await connect(url, 600_000)
    const lock = await session.lock('migrate', lockOptions())
    const [held] = await db
      .collection('migrate_lock')
      .find({ owner: { $ne: null } })
      .toArray()
    const { since, expires } = held as unknown as { since: Date; expires: Date }
    expect(expires.getTime() - since.getTime()).toBeGreaterThanOrEqual(600_000)
    await lock.release()
  })

  it('whoever has lost the lock and was stopped meanwhile sends nothing of its revision', async () => {
    const { url, db } = await stage()
    const late = await connect(url, 200)
    const next = await connect(url)
    await late.lock('migrate', lockOptions())
    await takeOver(db, next)
    // For longer than its lease; how much longer does not matter.
    await sleep(400)
    expect((await refusal(late.execute(parsed('{"create": "never"}')))).code).toBe('MIG-LOCK-LOST')
    expect(await db.listCollections({ name: 'never' }).toArray()).toEqual([])
    expect(await late.confirmLock?.().catch((error: unknown) => error)).toMatchObject({
      code: 'MIG-LOCK-LOST',
    })
  })

  it('at the wire, not MongoDB: whoever is overtaken while it takes the lock waits for the one that has it', async () => {
    const { wire, url, db } = await stage()
    const [late, next] = [await connect(wire.url), await connect(url)]
    let overtaken = false
    wire.answer('update', async ({ update }) => {
      if (update === 'migrate_lock' && !overtaken) {
        overtaken = true
        await takeOver(db, next)
      }
      return 'pass'
    })
    expect((await refusal(late.lock('migrate', lockOptions()))).code).toBe('MIG-LOCK-TIMEOUT')
    expect(overtaken).toBe(true)
    await next.metadata.ensure()
    await next.metadata.write([{ kind: 'apply', row: historyRow('a') }])
    expect((await next.metadata.read()).applied).toHaveLength(1)
  })

  it('at the wire, not MongoDB: whoever was stopped in a transaction that the server ended meanwhile says that the lock is lost', async () => {
    const { wire, url, db } = await stage()
    const [late, next] = [await connect(wire.url, 200), await connect(url)]
    await late.lock('migrate', lockOptions())
    await late.metadata.ensure()
    wire.answer('insert', async ({ autocommit }) => {
      if (autocommit !== false) return 'pass'
      await takeOver(db, next)
      // For longer than its lease; how much longer does not matter.
      await sleep(400)
      const errmsg = 'Given transaction number 1 does not match any in-progress transactions'
      return {
        ok: 0,
        code: 251,
        codeName: 'NoSuchTransaction',
        errmsg,
        errorLabels: ['TransientTransactionError'],
      }
    })
    const work = late.transaction((tx) => tx.execute(parsed('{"insert": "t", "documents": [{"_id": 1}]}')))
    const error = await refusal(work)
    expect(error).toMatchObject({ code: 'MIG-LOCK-LOST', state: 'Nothing more was written.' })
    expect(late.mayRetry?.(error)).toBe(false)
  })

  it('at the wire, not MongoDB: who reads the metadata while the first run begins it finds it whole', async () => {
    const { wire, url } = await stage()
    const [reader, first] = [await connect(wire.url), await connect(url)]
    let begun = false
    wire.answer('find', async ({ find }) => {
      if (find === 'migrate_history' && !begun) {
        begun = true
        const lock = await first.lock('migrate', lockOptions())
        await first.metadata.ensure()
        await first.metadata.write([{ kind: 'apply', row: historyRow('a') }])
        await lock.release()
      }
      return 'pass'
    })
    const { exists, applied } = await reader.metadata.read()
    expect([exists, applied.map(({ id }) => id)]).toEqual([true, ['a']])
    expect(begun).toBe(true)
  })

  it.each([
    ['before its row is written', 'count'],
    ['after its row was written', 'find'],
  ])(
    'at the wire, not MongoDB: a backfill whose lock is lost %s says so and leaves no row',
    async (_, name) => {
      const { wire, url, db } = await stage()
      await db.collection('users').insertOne({ n: 0 })
      const [late, next] = [await connect(wire.url), await connect(url)]
      await late.lock('migrate', lockOptions())
      await late.metadata.ensure()
      const rows = db.collection('migrate_backfill')
      let lost = false
      wire.answer(name, async ({ find }) => {
        const isThere =
          name === 'count' || (find === 'migrate_backfill' && (await rows.countDocuments()) === 1)
        if (isThere && !lost) {
          lost = true
          await takeOver(db, next)
          // As whoever brings the revision to its end.
          await rows.deleteMany({})
        }
        return 'pass'
      })
      expect((await refusal(begun(late))).code).toBe('MIG-LOCK-LOST')
      expect(lost).toBe(true)
      expect(await rows.countDocuments()).toBe(0)
    },
  )

  const finish = async (pages: BackfillPages): Promise<void> => {
    for (let tries = 0; tries < 10; tries += 1) {
      const result = await pages.next(10)
      if (result.kind === 'done' && result.row.state === 'done') return
    }
    throw new Error('it does not end')
  }
  const changed = async (db: Db): Promise<number> => db.collection('users').countDocuments({ n: 1 })

  it.each([
    ['before its batch', 'update'],
    ['before the note of its batch', 'findAndModify'],
  ])(
    'at the wire, not MongoDB: of a backfill whose lock is taken over %s the batch is rolled back',
    async (_, name) => {
      const { wire, url, db } = await stage()
      await db.collection('users').insertMany(Array.from({ length: 30 }, () => ({ n: 0 })))
      const [late, next] = [await connect(wire.url), await connect(url)]
      await late.lock('migrate', lockOptions())
      await late.metadata.ensure()
      const pages = await begun(late)
      expect(await pages.next(10)).toMatchObject({ kind: 'done' })
      let lost = false
      wire.answer(name, async (command) => {
        if (command['autocommit'] === false && !lost) {
          lost = true
          await takeOver(db, next)
        }
        return 'pass'
      })
      // Whether it met the write of the new holder, or found it, it goes on to ask.
      let result = await refusedOr(pages.next(10))
      for (let tries = 0; tries < 3 && result !== 'MIG-LOCK-LOST'; tries += 1) {
        expect(await changed(db)).toBe(10)
        result = await refusedOr(pages.next(10))
      }
      expect([result, lost, await changed(db)]).toEqual(['MIG-LOCK-LOST', true, 10])
      const resumed = await begun(next)
      await finish(resumed)
      expect(await changed(db)).toBe(30)
    },
  )

  it('a backfill goes on whose row a runner without the lock has claimed', async () => {
    const { url, db } = await stage()
    await db.collection('users').insertMany(Array.from({ length: 20 }, () => ({ n: 0 })))
    const session = await connect(url)
    await session.lock('migrate', lockOptions())
    await session.metadata.ensure()
    const pages = await begun(session)
    await pages.next(10)
    // As one that was stopped while it took the lock, and goes on too late.
    await db.collection('migrate_backfill').updateMany({}, { $set: { fence: '0 of migrate' } })
    expect(await pages.next(10)).toMatchObject({ kind: 'paused', row: { state: 'running', batches: 1 } })
    await finish(pages)
    expect(await changed(db)).toBe(20)
  })
})

/** The code of what was thrown, or what came. */
const refusedOr = async (work: Promise<{ readonly kind: string }>): Promise<string> =>
  work.then(
    ({ kind }) => kind,
    (error: unknown) => (error instanceof MigrateError ? error.code : String(error)),
  )
