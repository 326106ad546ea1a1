import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createMigrator } from '../../src/index.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'

const REVISIONS = 4
const root = fileURLToPath(new URL('../..', import.meta.url))

describeServers(['redis', 'valkey'], (server) => {
  let database: TestDatabase
  let client: Redis
  beforeEach(async () => {
    database = await useDatabase(server)
    client = new Redis(database.url)
  })
  afterEach(async () => {
    await client.call('FUNCTION', 'DELETE', 'shop_carts').catch(() => undefined)
    client.disconnect()
    await database.drop()
  })

  const migrator = () => createMigrator({ url: database.url, cwd: root, dir: 'migrations-example/redis' })

  /** Every key but the metadata's: its kind, what it holds, and whether it ends. */
  const everything = async (): Promise<unknown[]> => {
    const keys = (await client.keys('*')).filter((key) => !key.startsWith('{migrate}:')).sort()
    return Promise.all(
      keys.map(async (key) => {
        const type = await client.type(key)
        const value =
          type === 'hash'
            ? await client.hgetall(key)
            : type === 'list'
              ? await client.lrange(key, 0, -1)
              : await client.get(key)
        return [key, type, value, (await client.ttl(key)) > 0]
      }),
    )
  }

  it('the sessions and carts of migrations-example go up, down to nothing, and up again to the same keys', async () => {
    const up = await migrator().upgrade('head')
    expect(up.steps.map((step) => step.outcome)).toEqual(Array(REVISIONS).fill('applied'))
    const first = await everything()
    expect(first).toHaveLength(81)
    expect(first).toContainEqual(['shop:cart:5', 'list', ['tray', 'basket'], false])
    expect(first).toContainEqual(['session:5', 'hash', { user: '5', seen: '1768781100', version: '2' }, true])
    expect(await client.fcall('shop_count', 1, 'shop:cart:5', 'tray')).toBe(1)
    expect((await migrator().check()).checks.filter((check) => !check.ok)).toEqual([])

    const down = await migrator().downgrade('base')
    expect(down.steps.map((step) => step.outcome)).toEqual(Array(REVISIONS).fill('reverted'))
    expect(await everything()).toEqual([])
    await expect(client.fcall('shop_count', 1, 'shop:cart:5', 'tray')).rejects.toThrow('Function not found')

    await migrator().upgrade('head')
    expect(await everything()).toEqual(first)
  })

  it('each of its revisions takes back what it did', async () => {
    const { pending } = await migrator().current()
    expect(pending).toHaveLength(REVISIONS)
    for (const revision of pending) {
      const before = await everything()
      await migrator().upgrade(revision)
      const after = await everything()
      await migrator().downgrade('-1')
      expect([revision, await everything()]).toEqual([revision, before])
      await migrator().upgrade(revision)
      expect([revision, await everything()]).toEqual([revision, after])
    }
  })
})
