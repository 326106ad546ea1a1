import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createMigrator, defineRevision } from '../../src/index.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'

const CODE = (name: string) =>
  `#!lua name=${name}\nredis.register_function('${name}', function() return 1 end)`

describeServers(['redis', 'valkey'], (server) => {
  let database: TestDatabase
  let client: Redis
  beforeEach(async () => {
    database = await useDatabase(server)
    client = new Redis(database.url)
  })
  afterEach(async () => {
    client.disconnect()
    await database.drop()
  })

  it('a change is undone by what is derived of it, from the history too, through an application’s client', async () => {
    const library = `rg${database.name}`
    const first = defineRevision({
      id: 'aaaa00000001',
      change(op) {
        op.redis.keys('user:*').rename('account:*')
        op.redis.function(CODE(library))
        op.redis.command(['SET', 'a;', 'b #c'], { reverse: ['DEL', 'a;'] })
        op.sql('SET c 1').reverse('DEL c')
      },
    })
    await client.mset('user:1', 'Ada', 'user:2', 'Alan')
    const migrator = createMigrator({ client, revisions: [first] })
    expect((await migrator.upgrade('head')).ok).toBe(true)
    expect(await client.mget('account:1', 'account:2', 'a;', 'c')).toEqual(['Ada', 'Alan', 'b #c', '1'])
    expect(await client.fcall(library, 0)).toBe(1)
    expect((await migrator.check()).ok).toBe(true)
    // Nothing is at hand but what the history holds.
    const bare = createMigrator({ client, revisions: [] })
    expect((await bare.downgrade('base')).ok).toBe(true)
    expect(await client.mget('user:1', 'user:2', 'a;', 'c')).toEqual(['Ada', 'Alan', null, null])
    await expect(client.fcall(library, 0)).rejects.toThrow('Function not found')
    expect(client.status).toBe('ready')
  })

  it('a script that fails is in doubt, for what it had written stands; one that never began is not', async () => {
    const script = "redis.call('SET', KEYS[1], '1') redis.call('LPUSH', KEYS[1], '2')"
    const migrator = createMigrator({
      url: database.url,
      revisions: [
        defineRevision({ id: 'aaaa00000001', up: (op) => op.redis.command(['EVAL', script, '1', 'a']) }),
      ],
    })
    await expect(migrator.upgrade('head')).rejects.toMatchObject({
      code: 'MIG-DATABASE',
      message: expect.stringContaining('may be half done') as string,
    })
    expect(await client.get('a')).toBe('1')
    expect((await migrator.current()).unfinished).toMatchObject([{ stoppedAt: { state: 'intent' } }])
    await expect(migrator.upgrade('head')).rejects.toMatchObject({ code: 'MIG-UNFINISHED' })
    await migrator.resolve('aaaa00000001', 'done')
    expect((await migrator.upgrade('head')).ok).toBe(true)

    const wrong = createMigrator({
      url: database.url,
      revisions: [
        defineRevision({ id: 'aaaa00000001', up: '' }),
        defineRevision({
          id: 'bbbb00000002',
          parents: ['aaaa00000001'],
          up: (op) => op.redis.command(['EVAL', 'this is no Lua', '0']),
        }),
      ],
    })
    await wrong.stamp(['aaaa00000001'])
    await expect(wrong.upgrade('bbbb00000002')).rejects.toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    expect((await wrong.current()).unfinished).toMatchObject([{ stoppedAt: { state: 'failed' } }])
  })

  it('a step of code is handed the driver’s client, and what it chose is put back', async () => {
    const revision = defineRevision({
      id: 'aaaa00000001',
      up(op) {
        op.run<Redis>('elsewhere', async ({ client: own }) => {
          await own.set('here', '1')
          await own.select(0)
        })
        op.redis.command(['SET', 'there', '1'])
      },
    })
    const migrator = createMigrator({ url: database.url, revisions: [revision] })
    expect((await migrator.upgrade('head')).ok).toBe(true)
    expect(await client.exists('here', '{migrate}:history')).toBe(2)
  })

  it('operations of Redis are refused on another database', async () => {
    const revision = defineRevision({
      id: 'aaaa00000001',
      change: (op) => op.redis.command(['SET', 'a', 1], { reverse: ['DEL', 'a'] }),
    })
    const migrator = createMigrator({ url: 'sqlite::memory:', revisions: [revision] })
    await expect(migrator.upgrade('head', { plan: true })).rejects.toThrow(/op\.redis/)
  })
})
