import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createMigrator, defineRevision } from '../../src/index.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'

const RUNNERS = 50
const PATIENCE_MS = 280_000
const REVISIONS = Array.from({ length: 6 }, (_, n) =>
  defineRevision({
    id: `a${n}`.padEnd(12, '0'),
    parents: n === 0 ? [] : [`a${n - 1}`.padEnd(12, '0')],
    // Each counts how often it was run.
    up: `INCR count:${n}\nREVGRAPH.KEYS user:${n}:* TRANSFORM "redis.call('INCR', KEYS[1])"`,
    down: '',
  }),
)

describeServers(['redis', 'valkey'], (server) => {
  let database: TestDatabase
  let client: Redis
  beforeEach(async () => {
    database = await useDatabase(server)
    client = new Redis(database.url)
    await client.mset(REVISIONS.flatMap((_, n) => [`user:${n}:a`, '0', `user:${n}:b`, '0']))
  })
  afterEach(async () => {
    client.disconnect()
    await database.drop()
  })
  const upgrade = (lockWaitMs: number) =>
    createMigrator({ url: database.url, revisions: REVISIONS, lockWaitMs }).upgrade()
  const once = async () => {
    for (const n of REVISIONS.keys())
      expect(await client.mget(`count:${n}`, `user:${n}:a`, `user:${n}:b`)).toEqual(['1', '1', '1'])
    expect(await client.hlen('{migrate}:history')).toBe(REVISIONS.length)
    expect(await client.hlen('{migrate}:journal')).toBe(0)
  }

  it(
    'fifty runners at once all end well, and each statement happens once',
    async () => {
      const reports = await Promise.all(Array.from({ length: RUNNERS }, () => upgrade(270_000)))
      expect(reports.flatMap(({ steps }) => steps)).toHaveLength(REVISIONS.length)
      await once()
    },
    PATIENCE_MS,
  )

  it(
    'fifty runners that are told not to wait run each statement once, or end with 4',
    async () => {
      const ends = await Promise.allSettled(Array.from({ length: RUNNERS }, () => upgrade(0)))
      const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
      for (const error of refused) expect(error).toMatchObject({ code: 'MIG-LOCK-TIMEOUT', exitCode: 4 })
      expect(ends.flatMap((end) => (end.status === 'fulfilled' ? end.value.steps : []))).toHaveLength(
        REVISIONS.length,
      )
      await once()
    },
    PATIENCE_MS,
  )
})
