import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createMigrator } from '../../src/index.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'
import { eachTakesBackWhatItDid, upDownUp } from './up-down-up.js'

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

  const example = { migrator, everything, revisions: 4 }

  it('the sessions and carts of migrations-example go up, down to nothing, and up again to the same keys', () =>
    upDownUp(example, {
      async head(all) {
        expect(all).toHaveLength(81)
        expect(all).toContainEqual(['shop:cart:5', 'list', ['tray', 'basket'], false])
        expect(all).toContainEqual([
          'session:5',
          'hash',
          { user: '5', seen: '1768781100', version: '2' },
          true,
        ])
        expect(await client.fcall('shop_count', 1, 'shop:cart:5', 'tray')).toBe(1)
      },
      async base(all) {
        expect(all).toEqual([])
        await expect(client.fcall('shop_count', 1, 'shop:cart:5', 'tray')).rejects.toThrow(
          'Function not found',
        )
      },
    }))

  it('each of its revisions takes back what it did', () => eachTakesBackWhatItDid(example))
})
