import type { Db, Document } from 'mongodb'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { Migrator, MigratorEvent } from '../../src/app/types.js'
import type { AsMongod, AsMongodOptions } from '../servers/as-mongod.js'
import { describeServers } from '../servers/database.js'
import type { ServerInfo } from '../servers/types.js'
import { defineRevision } from '../../src/app/define.js'
import { refusal } from '../app/project.js'
import { behindMongod } from './mongo-support.js'

// At the wire, not MongoDB: what stands in for a mongod has its documented answers, and DocumentDB does the rest.

interface Stage {
  readonly wire: AsMongod
  readonly db: Db
  readonly events: Extract<MigratorEvent, { type: 'backfill' }>[]
  readonly migrator: (line?: string) => Migrator
}

const UPDATE = '{"update": "users", "updates": [{"q": {"n": 0}, "u": {"$inc": {"n": 1}}, "multi": true}]}'

async function stage(server: ServerInfo, options: Partial<AsMongodOptions> = {}): Promise<Stage> {
  const { wire, db } = await behindMongod(server, options)
  await db
    .collection<{ _id: number; n: number }>('users')
    .insertMany(Array.from({ length: 40 }, (_, _id) => ({ _id, n: 0 })))
  const events: Stage['events'] = []
  const migrator = (line = 'batch:10 time:0'): Migrator =>
    createMigrator({
      url: wire.url,
      revisions: [defineRevision({ id: 'a000', up: `// migrate:backfill ${line}\n${UPDATE}` })],
      onEvent: (event) => {
        if (event.type === 'backfill') events.push(event)
      },
    })
  return { wire, db, events, migrator }
}

const pages = (wire: AsMongod): readonly Document[] => wire.seen.filter(({ update }) => update === 'users')
const ofCollection = (more: Document): Document => ({
  cursor: { id: 0n, ns: 'x.$cmd.listCollections', firstBatch: [{ name: 'users', ...more }] },
  ok: 1,
})
const inPlan = async (migrator: Migrator): Promise<unknown> =>
  (await migrator.upgrade('head', { plan: true })).steps[0]?.statements[0]

describeServers(['documentdb'], (server) => {
  it('at the wire, not MongoDB: a batch and its note are one transaction of a replica set', async () => {
    const { wire, db, migrator } = await stage(server)
    expect(await inPlan(migrator())).toMatchObject({ note: 'about 40 documents in batches' })
    await migrator().upgrade()
    expect(pages(wire)).toHaveLength(4)
    for (const page of pages(wire)) {
      const number = String(page['txnNumber'])
      expect(page).toMatchObject({ autocommit: false })
      const together = wire.seen.filter((command) => String(command['txnNumber']) === number)
      expect(together.map((command) => Object.entries(command)[0]?.map(String))).toEqual([
        ['update', 'users'],
        // Whose filter has the fence of the lock.
        ['findAndModify', 'migrate_backfill'],
        ['commitTransaction', '1'],
      ])
    }
    expect(await db.collection('users').distinct('n')).toEqual([1])
  })

  it('at the wire, not MongoDB: on one server by itself a batch is run again that was not noted, and the plan says so', async () => {
    const { wire, db, migrator } = await stage(server, { kind: 'standalone' })
    expect(await inPlan(migrator())).toMatchObject({
      note: 'about 40 documents in batches; one that is interrupted is run again',
    })
    let notes = 0
    wire.answer('findAndModify', ({ findAndModify }) =>
      findAndModify === 'migrate_backfill' && ++notes === 3 ? 'cut' : 'pass',
    )
    expect(await refusal(migrator().upgrade())).toMatchObject({ code: 'MIG-CONNECT' })
    expect(await db.collection('users').countDocuments({ n: 1 })).toBe(30)
    expect(await migrator().backfills()).toMatchObject([{ scanned: 20, changed: 20 }])
    await db.collection('migrate_lock').updateMany({}, { $set: { expires: new Date(0) } })
    await migrator().upgrade()
    // The filter matches no document twice.
    expect(await db.collection('users').distinct('n')).toEqual([1])
    expect(pages(wire).map(({ txnNumber }) => txnNumber as unknown)).toEqual(pages(wire).map(() => undefined))
  })

  it('at the wire, not MongoDB: where the next batch ends is looked for while one runs, and a batch asks for nothing else', async () => {
    const { wire, db, migrator } = await stage(server)
    /** Behind which ids it was looked where a batch ends. */
    const behind = (): number[] =>
      wire.seen
        .filter(({ find, skip }) => find === 'users' && Number(skip) === 9)
        .map(({ filter }) => Number((filter as { _id?: { $gt?: unknown } })._id?.$gt))
        .filter((id) => id >= 0)
    const duringUpdates: number[] = []
    wire.answer('update', async ({ update }) => {
      if (update !== 'users') return 'pass'
      const end = 10 * (pages(wire).length - 1) + 9
      for (let tries = 0; end < 39 && tries < 50 && !behind().includes(end); tries += 1) await sleep(20)
      duringUpdates.push(...behind().filter((id) => id === end))
      return 'pass'
    })
    await migrator().upgrade()
    expect(duringUpdates).toEqual([9, 19, 29])
    expect(behind()).toEqual([9, 19, 29])
    expect(wire.seen.filter(({ find }) => find === 'migrate_backfill').length).toBeLessThan(4)
    expect(await db.collection('users').distinct('n')).toEqual([1])
  })

  it('at the wire, not MongoDB: a batch is not run again that ran on one server by itself while it was paused', async () => {
    const { wire, db, migrator } = await stage(server, { kind: 'standalone' })
    const rows = db.collection('migrate_backfill')
    let batches = 0
    wire.answer('update', async ({ update }) => {
      if (update === 'users' && ++batches === 2) {
        await rows.updateMany({}, { $set: { state: 'paused' } })
        setTimeout(() => void rows.updateMany({}, { $set: { state: 'running' } }), 500)
      }
      return 'pass'
    })
    await migrator().upgrade()
    expect(pages(wire)).toHaveLength(4)
    expect(await db.collection('users').distinct('n')).toEqual([1])
  })

  // https://www.mongodb.com/docs/manual/core/transactions/: no writes to capped collections
  it('at the wire, not MongoDB: a capped collection is changed without transactions', async () => {
    const { wire, db, migrator } = await stage(server)
    wire.answer('listCollections', ({ filter }) =>
      (filter as Document)['name'] === 'users'
        ? ofCollection({ type: 'collection', options: { capped: true, size: 4096 } })
        : 'pass',
    )
    expect(await inPlan(migrator())).toMatchObject({
      note: 'about 40 documents in batches; one that is interrupted is run again',
    })
    await migrator().upgrade()
    expect(pages(wire).filter(({ autocommit }) => autocommit === false)).toEqual([])
    expect(await db.collection('users').distinct('n')).toEqual([1])
  })

  it('at the wire, not MongoDB: a time series is refused before anything runs', async () => {
    const { wire, migrator } = await stage(server)
    wire.answer('listCollections', ({ filter }) =>
      (filter as Document)['name'] === 'users'
        ? ofCollection({ type: 'timeseries', options: { timeseries: { timeField: 'at' } } })
        : 'pass',
    )
    const error = await refusal(migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-BACKFILL', exitCode: 2, position: { line: 2 } })
    expect(error.message).toContain('users is a time series')
    expect(pages(wire)).toEqual([])
  })

  it.each([
    [112, 'WriteConflict', ['TransientTransactionError']],
    [50, 'MaxTimeMSExpired', []],
    [290, 'TransactionExceededLifetimeLimitSeconds', ['TransientTransactionError']],
  ])(
    'at the wire, not MongoDB: a batch that fails with %i is tried again with half as many documents',
    async (code, codeName, errorLabels) => {
      const { wire, db, events, migrator } = await stage(server)
      let tries = 0
      wire.answer('update', ({ update }) =>
        update === 'users' && ++tries === 2 ? { ok: 0, code, codeName, errmsg: 'no', errorLabels } : 'pass',
      )
      await migrator().upgrade()
      expect(events.map(({ doing, scanned }) => [doing, scanned]).slice(0, 3)).toEqual([
        ['working', 10],
        ['blocked', 10],
        ['working', 15],
      ])
      expect(await db.collection('users').distinct('n')).toEqual([1])
      expect(events.at(-1)).toMatchObject({ changed: 40, state: 'done' })
    },
  )

  // https://www.mongodb.com/docs/manual/reference/command/replSetGetStatus/
  it('at the wire, not MongoDB: it waits while a member is too far behind', async () => {
    const { wire, db, events, migrator } = await stage(server)
    let asked = 0
    const at = Date.now()
    wire.answer('replSetGetStatus', () => {
      asked += 1
      const optimeDate = new Date(asked === 1 ? at - 20_000 : at)
      return {
        members: [
          { stateStr: 'PRIMARY', optimeDate: new Date(at) },
          { stateStr: 'SECONDARY', optimeDate },
          { stateStr: 'ARBITER' },
        ],
        ok: 1,
      }
    })
    await migrator().upgrade()
    expect(asked).toBeGreaterThan(1)
    expect(events[0]).toMatchObject({ doing: 'behind', scanned: 0 })
    expect(await db.collection('users').distinct('n')).toEqual([1])
  })

  it('at the wire, not MongoDB: a user who may not ask how far members are behind does not ask again', async () => {
    const { wire, migrator } = await stage(server)
    let asked = 0
    wire.answer('replSetGetStatus', () => {
      asked += 1
      return { ok: 0, code: 13, codeName: 'Unauthorized', errmsg: 'not authorized on admin' }
    })
    await migrator().upgrade()
    expect(asked).toBe(1)
  })
})
